// L2Normalization: x over its length along the last axis, which counts as at least 1e-6. f32, f64; or i8, u8
// quantized to units of 1 / 128 around the middle of the type, as TensorFlow Lite's integer reference has it:
// x's scale does not matter, its zero point does.
#ifndef MACE_OPS_NORM_L2_NORMALIZATION_H_
#define MACE_OPS_NORM_L2_NORMALIZATION_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

extern const OpDefinition kL2NormalizationDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_NORM_L2_NORMALIZATION_H_
