// Softmax of quantized values (u8, i8, i16) over any axis, with the rounding kHalfEvenFloat.
#ifndef MACE_OPS_NORM_SOFTMAX_HALF_EVEN_H_
#define MACE_OPS_NORM_SOFTMAX_HALF_EVEN_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

// The softmax of the real numbers, as Quantize stores it. Any output quantization.
// The zero point cancels: the exponentials are of this times the difference of two stored values.
inline double HalfEvenSoftmaxUnit(float scale, float beta) { return static_cast<double>(beta) * scale; }

Status ReferenceSoftmaxHalfEven(const ReferenceContext& context);

}  // namespace mace::ops

#endif  // MACE_OPS_NORM_SOFTMAX_HALF_EVEN_H_
