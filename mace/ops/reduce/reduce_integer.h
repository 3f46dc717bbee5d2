// Reduce of quantized values: i8, u8 or i16 with one scale.
#ifndef MACE_OPS_REDUCE_REDUCE_INTEGER_H_
#define MACE_OPS_REDUCE_REDUCE_INTEGER_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/quantize/fixed_point.h"

namespace mace::ops {

// The part of the shape rule that looks at types, scales and the kind.
Status CheckReduceInteger(const InferContext& context);

// A mean of `count` (>= 1) elements with the tflite roundings is their sum, less `count` zero points, by
// this.
FixedPointMultiplier MultiplierOfMean(float x_scale, float y_scale, int64_t count);

Status ReferenceReduceInteger(const ReferenceContext& context);

}  // namespace mace::ops

#endif  // MACE_OPS_REDUCE_REDUCE_INTEGER_H_
