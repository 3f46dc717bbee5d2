// Where in one arena each intermediate buffer lies (docs/design/19-memory.md). Buffers that are live at the
// same time get disjoint ranges; the arena is as small as the best of several greedy orders makes it.
#ifndef MACE_RUNTIME_MEMORY_PLANNER_H_
#define MACE_RUNTIME_MEMORY_PLANNER_H_

#include <cstdint>
#include <span>

#include "mace/core/status.h"

namespace mace {

struct MemoryRequest {
  int64_t bytes = 0;
  int32_t first = 0;  // live from the beginning of time step `first` to the end of `last`
  int32_t last = 0;
  int64_t offset = 0;  // the answer: a multiple of kBufferAlignment
};

// Fills in the offsets and `*total_bytes`. ResourceExhausted where the total does not fit in 63 bits.
Status PlanMemory(std::span<MemoryRequest> requests, int64_t* total_bytes);

}  // namespace mace

#endif  // MACE_RUNTIME_MEMORY_PLANNER_H_
