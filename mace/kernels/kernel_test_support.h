// For the tests of kernel families: buffers between unreadable pages, random values, every instruction set
// that this CPU has, and tiles run in a random order. Test code: the standard library is allowed.
#ifndef MACE_KERNELS_KERNEL_TEST_SUPPORT_H_
#define MACE_KERNELS_KERNEL_TEST_SUPPORT_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "mace/core/guarded_memory_testing.h"
#include "mace/kernels/kernel.h"
#include "mace/kernels/kernel_table.h"
#include "mace/simd/running_isa.h"

namespace mace::kernels {

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

// What no finite number of sums may lose or spread.
inline constexpr float kNonFinite[] = {std::numeric_limits<float>::quiet_NaN(),
                                       std::numeric_limits<float>::infinity(),
                                       -std::numeric_limits<float>::infinity()};

// Puts `value` at two random places.
inline void Sprinkle(Random& random, float value, Guarded<float>* values) {
  for (int i = 0; i < 2 && values->size() > 0; ++i) (*values)[Pick(random, 0, values->size() - 1)] = value;
}

// Expects |actual - expected| <= bound, NaN and infinities only where expected.
inline ::testing::AssertionResult IsNear(double actual, double expected, double bound) {
  const bool near = std::isnan(expected) ? std::isnan(actual)
                                         : actual == expected || (std::isfinite(expected) &&
                                                                  std::abs(actual - expected) <= bound);
  if (near) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << actual << " instead of " << expected << ", bound " << bound;
}

}  // namespace mace::kernels

#endif  // MACE_KERNELS_KERNEL_TEST_SUPPORT_H_
