// What norm.simd.cc lists and its neighbour defines, for each instruction set.
#ifndef MACE_KERNELS_NORM_NORM_INL_H_
#define MACE_KERNELS_NORM_NORM_INL_H_

#include "mace/kernels/norm/norm.h"
#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::KernelArguments;

void GroupNormF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void ReduceF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void ArgReduce(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);

// The first n lanes of v, others `filler`.
MACE_INLINE VecF32 KeepFirst(VecF32 v, int64_t n, float filler) {
  return Select(MaskFirst(n), v, Set(kF32, filler));
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_NORM_NORM_INL_H_
