// Counts the live bytes of the process's heap, libmace.so included.
#ifndef MACE_TESTS_MUTATION_ALLOCATION_COUNTER_H_
#define MACE_TESTS_MUTATION_ALLOCATION_COUNTER_H_

#include <cstdint>

namespace mace::mutation {

// Starts a measurement: the peak is counted from here on, above what is live now.
void BeginPeak();
// The highest number of live bytes since BeginPeak, above what was live then.
int64_t Peak();
// Live bytes above what was live at BeginPeak: what a finished piece of work has leaked.
int64_t LiveSinceBegin();

}  // namespace mace::mutation

#endif  // MACE_TESTS_MUTATION_ALLOCATION_COUNTER_H_
