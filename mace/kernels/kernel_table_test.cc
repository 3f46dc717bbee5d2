// Which instruction sets a CPU's kernels come from.
#include "mace/kernels/kernel_table.h"

#include <string>

#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

std::vector<Isa> IsasOf(const KernelTable& table) {
  return {
#define MACE_KERNEL_FAMILY(folder, Name, scalable) table.folder##_isa,
#include "mace/kernels/kernels.def"
#undef MACE_KERNEL_FAMILY
  };
}

// Of every CPU that lacks some instruction sets, those of this one and those that it could be emulated as: no
// kernel of what it lacks.
TEST(KernelTable, RefusesWhatTheCpuLacks) {
  for (uint32_t isas = 1; isas < uint32_t{1} << kIsaCount; isas += 2) {
    CpuFeatures features;
    features.isas = isas & (CompiledIsas() | 1);
    for (Isa isa : IsasOf(SelectKernels(features))) {
      ASSERT_TRUE(features.Has(isa)) << NameOf(isa) << " on a CPU with the sets " << features.isas;
    }
  }
}

TEST(KernelTable, TakesTheLastOneThatTheCpuHas) {
  const KernelTable table = SelectKernels(FeaturesForTests());
  int best = 0, best_with_all_families = 0;
  for (Isa isa : TestIsas()) {
    const bool has_all_families = isa != Isa::kAvxVnni && isa != Isa::kAvx512Vnni && isa != Isa::kDotProd &&
                                  isa != Isa::kI8mm && isa != Isa::kSve && isa != Isa::kRvv;
    if (has_all_families) best_with_all_families = static_cast<int>(isa);
    if (isa != Isa::kSve && isa != Isa::kRvv) best = static_cast<int>(isa);
  }
  EXPECT_EQ(static_cast<int>(table.gemm_isa), best_with_all_families);
  EXPECT_EQ(static_cast<int>(table.integer_gemm_isa), best);
}

}  // namespace
}  // namespace mace::kernels
