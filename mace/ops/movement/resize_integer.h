// Linear Resize of quantized values (u8, i8, i16), with the rounding kHalfEvenFloat.
#ifndef MACE_OPS_MOVEMENT_RESIZE_INTEGER_H_
#define MACE_OPS_MOVEMENT_RESIZE_INTEGER_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

Status CheckQuantizedResize(const InferContext& context);

// In float32: the four pixels' real numbers times their weights, added in the order top left, top right,
// bottom left, bottom right; over the output's scale, rounded. `scales` as in the operator, or null.
Status ReferenceResizeLinearInteger(const ReferenceContext& context, const float* scales);

}  // namespace mace::ops

#endif  // MACE_OPS_MOVEMENT_RESIZE_INTEGER_H_
