// Which kernels a CPU runs: one pointer per family of kernels.def, to the constant table of its best
// instruction set.
#ifndef MACE_KERNELS_KERNEL_TABLE_H_
#define MACE_KERNELS_KERNEL_TABLE_H_

#include "mace/core/cpu_features.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

#define MACE_KERNEL_FAMILY(folder, Name, scalable) struct Name##Kernels;
#include "mace/kernels/kernels.def"
#undef MACE_KERNEL_FAMILY

struct KernelTable {
#define MACE_KERNEL_FAMILY(folder, Name, scalable) \
  const Name##Kernels* folder = nullptr;           \
  Isa folder##_isa = Isa::kScalar;
#include "mace/kernels/kernels.def"
#undef MACE_KERNEL_FAMILY
};

// For each family the most preferred instruction set that it was compiled for and that the CPU has. No
// pointer is null: every family has scalar kernels.
KernelTable SelectKernels(const CpuFeatures& features);

// The instruction sets that this library holds kernels for, a bit each as in CpuFeatures::isas.
uint32_t CompiledIsas();

}  // namespace mace::kernels

#endif  // MACE_KERNELS_KERNEL_TABLE_H_
