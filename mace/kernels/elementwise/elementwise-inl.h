// What elementwise.simd.cc lists and its neighbours define, for each instruction set.
#ifndef MACE_KERNELS_ELEMENTWISE_ELEMENTWISE_INL_H_
#define MACE_KERNELS_ELEMENTWISE_ELEMENTWISE_INL_H_

#include "mace/kernels/elementwise/elementwise.h"
#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::KernelArguments;

void UnaryF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void ChainF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void BinaryF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void BinaryI32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void BinaryI64(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void Where(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void Cast(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void Gather(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void Copy(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void Pad(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void Transpose(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);

// Copy with the parameters that a Transpose carries.
void CopyTiles(const kernels::CopyParams& params, void* const* operands, int64_t tile_begin,
               int64_t tile_end);

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_ELEMENTWISE_ELEMENTWISE_INL_H_
