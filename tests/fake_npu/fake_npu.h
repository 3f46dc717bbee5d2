// A small fake NPU that keeps the backend interface honest: it takes chains of convolutions (with Relu and
// Clip between them) of static shapes as a whole, floats and int8 or int8 only, predicts their cost, compiles
// slowly, fails on demand, keeps a blob, and runs when it is waited for, not when it is enqueued.
#ifndef TESTS_FAKE_NPU_FAKE_NPU_H_
#define TESTS_FAKE_NPU_FAKE_NPU_H_

#include <atomic>
#include <cstdint>

#include "mace/backends/backend.h"

namespace mace_test {

// What a test asks of the device and learns about it. Outlives the runtime.
struct FakeNpuDevice {
  int32_t compile_milliseconds = 5;
  int32_t max_convolutions = 100;         // a longer chain does not compile
  std::atomic<int32_t> failures_left{0};  // so many compilations fail
  bool int8_only = false;                 // as most NPUs: floats stay on the CPU
  bool offers_foreign_nodes = false;      // a broken backend: offers nodes it was not asked about
  std::atomic<int32_t> compiled{0};
  std::atomic<int32_t> compiled_from_blob{0};
  std::atomic<int32_t> enqueued{0};
  std::atomic<int32_t> waited{0};
};

mace::Result<std::unique_ptr<mace::Backend>> MakeFakeNpu(FakeNpuDevice* device);

}  // namespace mace_test

#endif  // TESTS_FAKE_NPU_FAKE_NPU_H_
