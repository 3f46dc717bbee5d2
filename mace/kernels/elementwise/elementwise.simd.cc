#include "mace/kernels/elementwise/elementwise-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

extern const kernels::ElementwiseKernels kElementwiseKernels;
const kernels::ElementwiseKernels kElementwiseKernels = {
    .unary_f32 = UnaryF32,
    .chain_f32 = ChainF32,
    .binary_f32 = BinaryF32,
    .binary_i32 = BinaryI32,
    .binary_i64 = BinaryI64,
    .where = Where,
    .cast = Cast,
    .gather = Gather,
    .copy = Copy,
    .pad = Pad,
    .transpose = Transpose,
};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
