// kernels.def family `elementwise`: kernels that compute each output element from few input elements, or only
// move it. Their parameter structs say what their operands are. None needs a workspace. Zero-size tensors
// have no tiles.
#ifndef MACE_KERNELS_ELEMENTWISE_ELEMENTWISE_H_
#define MACE_KERNELS_ELEMENTWISE_ELEMENTWISE_H_

#include "mace/kernels/elementwise/binary.h"
#include "mace/kernels/elementwise/movement.h"
#include "mace/kernels/elementwise/unary.h"

namespace mace::kernels {

struct ElementwiseKernels {
  KernelFunction unary_f32;   // UnaryParams
  KernelFunction chain_f32;   // ChainParams
  KernelFunction binary_f32;  // BinaryParams
  KernelFunction binary_i32;
  KernelFunction binary_i64;
  KernelFunction where;      // WhereParams
  KernelFunction cast;       // CastParams
  KernelFunction gather;     // GatherParams
  KernelFunction copy;       // CopyParams
  KernelFunction pad;        // PadParams
  KernelFunction transpose;  // TransposeParams
};

}  // namespace mace::kernels

#endif  // MACE_KERNELS_ELEMENTWISE_ELEMENTWISE_H_
