// This instruction set's column of the kernel table.
#include "mace/kernels/kernel_table.h"
#include "mace/simd/simd.h"

#if defined(MACE_SIMD_SVE) || defined(MACE_SIMD_RVV)
#define MACE_HAS_FAMILY_0(statement)  // a family of fixed-width kernels only
#define MACE_HAS_FAMILY_1(statement) statement
#define MACE_HAS_FAMILY_2(statement)
#elif defined(MACE_SIMD_DOT_ONLY)
#define MACE_HAS_FAMILY_0(statement)
#define MACE_HAS_FAMILY_1(statement)
#define MACE_HAS_FAMILY_2(statement) statement
#else
#define MACE_HAS_FAMILY_0(statement) statement
#define MACE_HAS_FAMILY_1(statement) statement
#define MACE_HAS_FAMILY_2(statement) statement
#endif

namespace mace {
namespace MACE_ISA_NAMESPACE {

#define MACE_KERNEL_FAMILY(folder, Name, scalable) extern const kernels::Name##Kernels k##Name##Kernels;
#include "mace/kernels/kernels.def"
#undef MACE_KERNEL_FAMILY

void AddKernels(Isa isa, kernels::KernelTable* table) {
#define MACE_KERNEL_FAMILY(folder, Name, scalable) \
  MACE_HAS_FAMILY_##scalable(table->folder = &k##Name##Kernels; table->folder##_isa = isa;)
#include "mace/kernels/kernels.def"
#undef MACE_KERNEL_FAMILY
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
