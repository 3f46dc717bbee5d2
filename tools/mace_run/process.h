// What mace_run does to its own process, and asks of it.
#ifndef TOOLS_MACE_RUN_PROCESS_H_
#define TOOLS_MACE_RUN_PROCESS_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "mace/mace_c.h"

namespace mace_run {

// Binds the process to the cores of a CPUAffinityPolicy (mace/public/mace_cores.h), as far as it may use
// them. libmace never touches its caller's affinity; here the tool is the caller. Where all cores are equally
// fast nothing changes. Returns "" or why it was not done.
std::string BindToCores(int policy, int num_threads);

// Memory of the process in bytes: now, and the most so far. 0 where the system does not say.
uint64_t ResidentBytes();
uint64_t PeakResidentBytes();

// The system's memory, but a share of the allocations fails: which ones depends on the seed and their order.
// Thread-safe.
class FailingAllocator {
 public:
  FailingAllocator(double ratio, uint64_t seed);
  FailingAllocator(const FailingAllocator&) = delete;
  FailingAllocator& operator=(const FailingAllocator&) = delete;
  const mace_allocator* get() const { return &allocator_; }
  uint64_t failures() const { return failures_; }

 private:
  static void* Allocate(void* context, size_t bytes, size_t alignment);

  double ratio_;
  uint64_t seed_;
  std::atomic<uint64_t> calls_{0};
  std::atomic<uint64_t> failures_{0};
  mace_allocator allocator_ = {};
};

// Evenly spread 64 bits for each `index` of a sequence.
uint64_t RandomBits(uint64_t seed, uint64_t index);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_PROCESS_H_
