// What the sources of this family share, for each instruction set.
#ifndef MACE_KERNELS_RECURRENT_RECURRENT_INL_H_
#define MACE_KERNELS_RECURRENT_RECURRENT_INL_H_

#include "mace/kernels/kernel.h"
#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

void SequenceLstmF32(const kernels::KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void SequenceLstmI8(const kernels::KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void SvdfF32(const kernels::KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void SvdfI8(const kernels::KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);

// Calls body(i, n) for each vector of `count` values, n of them valid.
template <typename Body>
MACE_INLINE void ForEachVector(int64_t count, Body&& body) {
  for (int64_t i = 0; i < count; i += Lanes(kF32)) body(i, ScalarMin<int64_t>(Lanes(kF32), count - i));
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_RECURRENT_RECURRENT_INL_H_
