// Operands of ONNX's quantized operators: integers, scale and zero point as inputs of the node.
#ifndef MACE_IMPORTERS_ONNX_QUANTIZED_OPERAND_H_
#define MACE_IMPORTERS_ONNX_QUANTIZED_OPERAND_H_

#include "mace/importers/onnx/onnx_context.h"

namespace mace::importers::onnx {

// The quantization {scale, zero point} of these inputs (kNone: zero point 0) for a tensor of `shape`; several
// scales belong to the indices of `axis`.
int32_t MakeQuantization(OnnxContext& context, DType dtype, const Shape& shape, ValueId scale,
                         ValueId zero_point, int64_t axis);
// `value` as a value that has that quantization.
ValueId WithQuantization(OnnxContext& context, ValueId value, ValueId scale, ValueId zero_point,
                         int64_t axis);

// Whether scale and zero point can be part of a value's type: constants, one or several along one axis.
bool IsFixedQuantization(const OnnxContext& context, ValueId scale, ValueId zero_point);

// That of three operands, whose scales and zero points are inputs 1, 2, 4, 5, 6 and 7.
inline bool HasFixedQuantizations(OnnxContext& context, const OnnxNode& node) {
  for (int scale : {1, 4, 6}) {
    if (!IsFixedQuantization(context, context.Input(node, scale), context.OptionalInput(node, scale + 1)))
      return false;
  }
  return true;
}

// --- Others (convert_quantize_runtime.cc) -----------------------------------------------------------------

struct QuantizationLayout {
  int64_t axis = 0;
  int64_t block = 0;                  // elements that share a scale along the axis; 0: no blocks
  DType precision = DType::kInvalid;  // what the quotient is rounded to before it becomes an integer
};
// A scale or zero point in float32, in a shape that broadcasts to that of `value` (kNone: a scalar): one, one
// for each index of `axis`, one for each block along it, or already of that rank.
ValueId BroadcastParameter(OnnxContext& context, ValueId parameter, ValueId value, int64_t axis,
                           int64_t block = 0);
// In float32.
ValueId DequantizeAtRunTime(OnnxContext& context, ValueId stored, ValueId scale, ValueId zero_point,
                            int64_t axis, int64_t block = 0);
ValueId QuantizeAtRunTime(OnnxContext& context, ValueId real, ValueId scale, ValueId zero_point, DType to,
                          const QuantizationLayout& layout);
// `units` (real numbers over their scale) rounded, with the zero point (float, kNone: 0) added, saturated.
ValueId StoreRounded(OnnxContext& context, ValueId units, ValueId zero_point, DType to);

// ----------------------------------------------------------------------------------------------------------

// Converters of operators of the form "quantized in, quantized out" dequantize, emit the operator on floats
// and quantize: quantized_fusion makes an operator on integers of it where there is one, as of QDQ files. The
// real numbers of inputs `first` (integers), `first` + 1 (scale) and `first` + 2 (zero point).
ValueId Dequantized(OnnxContext& context, const OnnxNode& node, int first, int64_t axis = 0);
// `real` quantized as inputs `first` (scale) and `first` + 1 (zero point) say; without a zero point to
// `missing`.
ValueId Quantized(OnnxContext& context, const OnnxNode& node, ValueId real, int first, DType missing);

// QLinearMatMul and QLinearConv in exact integers, for scales and zero points that are computed at run time
// (convert_integer_products.cc).
ValueId MultiplyQuantized(OnnxContext& context, const OnnxNode& node);
ValueId ConvolveQuantized(OnnxContext& context, OnnxNode& node);

// Quantized to bytes with scale and zero point of its own range; all three as floats.
struct DynamicQuantization {
  ValueId stored = kNone;
  ValueId scale = kNone;  // rank 0
  ValueId zero_point = kNone;
};
DynamicQuantization QuantizeDynamically(OnnxContext& context, ValueId x);

// Bias of a layer: int32 without a scale of its own in the file, since it is x_scale * weight_scale. Several
// scales belong to the last axis.
ValueId WithBiasScale(OnnxContext& context, ValueId bias, const Quantization& x, const Quantization& weights,
                      float factor = 1);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_QUANTIZED_OPERAND_H_
