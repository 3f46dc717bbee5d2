// For the tests of kernel families: buffers between unreadable pages, random values, every instruction set
// that this CPU has, and tiles run in a random order. Test code: the standard library is allowed.
#ifndef MACE_KERNELS_KERNEL_TEST_SUPPORT_H_
#define MACE_KERNELS_KERNEL_TEST_SUPPORT_H_

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "mace/kernels/kernel.h"
#include "mace/kernels/kernel_table.h"
#include "mace/simd/running_isa.h"

namespace mace::kernels {

// Bytes that end at an unreadable page (or, with at_start, begin right behind one): touching a neighbour
// crashes.
class GuardedBytes {
 public:
  explicit GuardedBytes(size_t bytes, bool at_start = false) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t inner = (bytes + page - 1) / page * page;
    mapped_ = inner + 2 * page;
    map_ = static_cast<uint8_t*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (map_ == MAP_FAILED) abort();
    if (mprotect(map_, page, PROT_NONE) != 0 || mprotect(map_ + page + inner, page, PROT_NONE) != 0) abort();
    data_ = at_start ? map_ + page : map_ + page + inner - bytes;
  }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  ~GuardedBytes() { munmap(map_, mapped_); }
  uint8_t* data() { return data_; }

 private:
  uint8_t* map_;
  uint8_t* data_;
  size_t mapped_;
};

// `count` values of T in guarded memory.
template <typename T>
class Guarded {
 public:
  explicit Guarded(int64_t count, bool at_start = false)
      : count_(count), bytes_(static_cast<size_t>(count) * sizeof(T), at_start) {}
  explicit Guarded(const std::vector<T>& values, bool at_start = false)
      : Guarded(static_cast<int64_t>(values.size()), at_start) {
    std::copy(values.begin(), values.end(), data());
  }
  T* data() { return reinterpret_cast<T*>(bytes_.data()); }
  int64_t size() const { return count_; }
  T& operator[](int64_t i) { return data()[i]; }

 private:
  int64_t count_;
  GuardedBytes bytes_;
};

using Random = std::mt19937;
inline int64_t Pick(Random& random, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random);
}

// Values in [-1, 1].
inline std::vector<float> RandomFloats(Random& random, int64_t count) {
  std::uniform_real_distribution<float> values(-1.0f, 1.0f);
  std::vector<float> result(static_cast<size_t>(count));
  for (float& value : result) value = values(random);
  return result;
}

// The instruction sets that this build holds kernels for and that this CPU has.
inline std::vector<Isa> TestIsas() {
  const CpuFeatures features = FeaturesForTests();
  std::vector<Isa> isas;
  for (int i = 0; i < kIsaCount; ++i) {
    if ((CompiledIsas() >> i & 1) != 0 && (i == 0 || features.Has(static_cast<Isa>(i))))
      isas.push_back(static_cast<Isa>(i));
  }
  return isas;
}

// The kernels of a CPU whose best instruction set is `isa`.
inline KernelTable KernelsOf(Isa isa) { return SelectKernels(FeaturesForTests().LimitTo(isa)); }

// Runs all tiles in calls of random length and order, with a guarded workspace full of junk for each call.
inline void RunTiles(KernelFunction kernel, const void* params, const std::vector<void*>& operands,
                     int64_t tile_count, int64_t workspace_bytes, Random& random) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  const int64_t most = Pick(random, 1, 5);
  for (int64_t t = 0; t < tile_count;) {
    const int64_t end = std::min(tile_count, t + Pick(random, 1, most));
    ranges.push_back({t, end});
    t = end;
  }
  std::shuffle(ranges.begin(), ranges.end(), random);
  GuardedBytes workspace(static_cast<size_t>((workspace_bytes + 7) / 8 * 8));
  for (const auto& [begin, end] : ranges) {
    std::memset(workspace.data(), 0xee, static_cast<size_t>(workspace_bytes));
    const KernelArguments arguments = {params, operands.data(), workspace.data()};
    kernel(arguments, begin, end);
  }
}

// Expects |actual - expected| <= bound, NaN only where expected.
inline ::testing::AssertionResult IsNear(double actual, double expected, double bound) {
  const bool near =
      std::isnan(expected) ? std::isnan(actual) : actual == expected || std::abs(actual - expected) <= bound;
  if (near) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << actual << " instead of " << expected << ", bound " << bound;
}

}  // namespace mace::kernels

#endif  // MACE_KERNELS_KERNEL_TEST_SUPPORT_H_
