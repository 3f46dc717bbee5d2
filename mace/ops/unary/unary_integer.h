// Quantized values (i8, u8, i16, u16 with one scale) in the elementwise operators of one input.
#ifndef MACE_OPS_UNARY_UNARY_INTEGER_H_
#define MACE_OPS_UNARY_UNARY_INTEGER_H_

#include <algorithm>

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {

// What TensorFlow Lite has of an operator on quantized values.
struct TfliteUnary {
  uint32_t dtypes = 0;  // bits 1 << DType
  // More than what InferQuantizedUnary asks for; null: nothing more.
  Status (*check)(const InferContext& context) = nullptr;
  Status (*reference)(const ReferenceContext& context) = nullptr;
};

// The shape rule. With the tflite roundings the output has the input's dtype; with kHalfEvenFloat that which
// the graph gives it, or the input's.
Status InferQuantizedUnary(InferContext& context, Rounding rounding, const TfliteUnary& tflite);

// Calls function(stored) for each element; it gives the element to store.
template <typename Function>
void MapStored(const ReferenceContext& context, const Function& function) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  const int64_t count = x.elements();
  for (int64_t i = 0; i < count; ++i) {
    StoreInteger(y.data, y.dtype, i, function(LoadInteger(x.data, x.dtype, i)));
  }
}

// kHalfEvenFloat: `function` of the real, in float32.
template <typename Function>
Status ReferenceHalfEvenUnary(const ReferenceContext& context, const Function& function) {
  const Quantization& x_scale = *context.input_quantization(0);
  const Quantization& y_scale = *context.output_quantization(0);
  const IntegerRange range = RangeOf(context.outputs[0].dtype);
  MapStored(context, [&](int32_t x) {
    const float real = function(static_cast<float>(x - x_scale.zero_points[0]) * x_scale.scales[0]);
    return AddZeroPointAndClamp(RoundToInt32(real / y_scale.scales[0], true), y_scale.zero_points[0], range);
  });
  return Status::Ok();
}

// A clamp between two reals of a value that is brought to the output's scale first.
Status ReferenceTfliteClamp(const ReferenceContext& context, float low, float high);

extern const TfliteUnary kTfliteRelu, kTfliteClip, kTfliteLeakyRelu, kTfliteSigmoid, kTfliteTanh,
    kTfliteHardSwish, kTfliteElu, kTfliteGelu, kTfliteAbs, kTfliteNeg, kTfliteExp, kTfliteLog, kTfliteSqrt,
    kTfliteRsqrt;

}  // namespace mace::ops

#endif  // MACE_OPS_UNARY_UNARY_INTEGER_H_
