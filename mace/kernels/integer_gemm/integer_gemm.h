// kernels.def family `integer_gemm`.
#ifndef MACE_KERNELS_INTEGER_GEMM_INTEGER_GEMM_H_
#define MACE_KERNELS_INTEGER_GEMM_INTEGER_GEMM_H_

#include "mace/kernels/integer_gemm/integer_conv2d.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

struct IntegerGemmKernels {
  KernelFunction conv2d_integer;
};

}  // namespace mace::kernels

#endif  // MACE_KERNELS_INTEGER_GEMM_INTEGER_GEMM_H_
