// Linear Resize of quantized values (u8, i8, i16), with the rounding kHalfEvenFloat.
#ifndef MACE_OPS_MOVEMENT_RESIZE_INTEGER_H_
#define MACE_OPS_MOVEMENT_RESIZE_INTEGER_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

Status CheckQuantizedResize(const InferContext& context);

// Stored values are mixed as ResizeLinear says, in double precision; their mean's distance to the zero point
// times x_scale / y_scale, rounded once. `scales` as in the operator, or null.
Status ReferenceResizeLinearInteger(const ReferenceContext& context, const float* scales);

}  // namespace mace::ops

#endif  // MACE_OPS_MOVEMENT_RESIZE_INTEGER_H_
