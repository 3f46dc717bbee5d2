// The program that links this has its own malloc family, which the whole process uses (libmace.so and
// operator new of the C++ library too): it counts, and fails on demand. glibc only; not under sanitizers.
#ifndef TESTS_OOM_MALLOC_INTERPOSER_H_
#define TESTS_OOM_MALLOC_INTERPOSER_H_

#include <cstdint>

namespace mace_test {

int64_t AllocationCount();  // calls of malloc, calloc, realloc, ... since the program began
int64_t LiveAllocations();  // those not freed
// The n-th allocation from now on fails, once; n = 0: none.
void FailAllocation(int64_t n);
bool HasFailed();  // the one that FailAllocation asked for

}  // namespace mace_test

#endif  // TESTS_OOM_MALLOC_INTERPOSER_H_
