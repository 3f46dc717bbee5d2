#include "mace/core/cpu_features.h"

#include <gtest/gtest.h>

namespace mace {
namespace {

TEST(CpuFeatures, ScalarAlwaysRuns) {
  const CpuFeatures features = CpuFeatures::Detect();
  EXPECT_TRUE(features.Has(Isa::kScalar));
  EXPECT_GE(features.cores, 1);
#if defined(__aarch64__)
  EXPECT_TRUE(features.Has(Isa::kNeon));
#endif
}

#if defined(__x86_64__)
TEST(CpuFeatures, AgreesWithTheCompilersRuntime) {
  const CpuFeatures features = CpuFeatures::Detect();
  __builtin_cpu_init();
  EXPECT_EQ(features.Has(Isa::kSse4), __builtin_cpu_supports("sse4.1") != 0);
  EXPECT_EQ(features.Has(Isa::kAvx2), __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
  EXPECT_EQ(features.Has(Isa::kAvx512),
            __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"));
  EXPECT_EQ(features.Has(Isa::kAvx512Vnni),
            features.Has(Isa::kAvx512) && __builtin_cpu_supports("avx512vnni") != 0);
  EXPECT_EQ(features.Has(Isa::kAvxVnni), features.Has(Isa::kAvx2) && __builtin_cpu_supports("avxvnni") != 0);
}
#endif

TEST(CpuFeatures, LimitToKeepsNothingBetter) {
  CpuFeatures all;
  all.isas = (1u << kIsaCount) - 1;
  EXPECT_EQ(all.LimitTo(Isa::kAvx2).Best(), Isa::kAvx2);
  EXPECT_TRUE(all.LimitTo(Isa::kAvx2).Has(Isa::kSse4));
  EXPECT_EQ(all.LimitTo(Isa::kScalar).isas, 1u);
  EXPECT_EQ(all.LimitTo(Isa::kRvv).isas, all.isas);
  EXPECT_STREQ(NameOf(Isa::kAvx512), "avx512");
}

}  // namespace
}  // namespace mace
