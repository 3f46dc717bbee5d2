#include "mace/kernels/kernel_table.h"

namespace mace {

#define MACE_ISA(name, Name, architecture, kind, proven)   \
  namespace isa_##name {                                   \
    void AddKernels(Isa isa, kernels::KernelTable* table); \
  }
#include "mace/simd/isa.def"
#undef MACE_ISA

namespace kernels {
namespace {

struct CompiledIsa {
  Isa isa;
  void (*add_kernels)(Isa isa, KernelTable* table);
};

// In the order of isa.def: later rows replace what earlier ones chose.
constexpr CompiledIsa kCompiledIsas[] = {
    {Isa::kScalar, isa_scalar::AddKernels},
#ifdef MACE_HAVE_ISA_SSE4
    {Isa::kSse4, isa_sse4::AddKernels},
#endif
#ifdef MACE_HAVE_ISA_AVX2
    {Isa::kAvx2, isa_avx2::AddKernels},
#endif
#ifdef MACE_HAVE_ISA_AVXVNNI
    {Isa::kAvxVnni, isa_avxvnni::AddKernels},
#endif
#ifdef MACE_HAVE_ISA_AVX512
    {Isa::kAvx512, isa_avx512::AddKernels},
#endif
#ifdef MACE_HAVE_ISA_AVX512VNNI
    {Isa::kAvx512Vnni, isa_avx512vnni::AddKernels},
#endif
#ifdef MACE_HAVE_ISA_NEON
    {Isa::kNeon, isa_neon::AddKernels},
#endif
#ifdef MACE_HAVE_ISA_DOTPROD
    {Isa::kDotProd, isa_dotprod::AddKernels},
#endif
#ifdef MACE_HAVE_ISA_I8MM
    {Isa::kI8mm, isa_i8mm::AddKernels},
#endif
#ifdef MACE_HAVE_ISA_SVE
    {Isa::kSve, isa_sve::AddKernels},
#endif
#ifdef MACE_HAVE_ISA_RVV
    {Isa::kRvv, isa_rvv::AddKernels},
#endif
};

}  // namespace

KernelTable SelectKernels(const CpuFeatures& features) {
  KernelTable table;
  for (const CompiledIsa& compiled : kCompiledIsas) {
    if (compiled.isa == Isa::kScalar || features.Has(compiled.isa))
      compiled.add_kernels(compiled.isa, &table);
  }
  return table;
}

uint32_t CompiledIsas() {
  uint32_t isas = 0;
  for (const CompiledIsa& compiled : kCompiledIsas) isas |= uint32_t{1} << static_cast<int>(compiled.isa);
  return isas;
}

}  // namespace kernels
}  // namespace mace
