// Requantize: integers -> integers of another scale, zero point or width.
#include "mace/ops/quantize/output_scale.h"
#include "mace/ops/quantize/quantize_ops.h"

namespace mace::ops {
namespace {

bool IsSupported(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16 || dtype == DType::kU16 ||
         dtype == DType::kI32;
}

Status Check(const Quantization* from_scale, DType from, const Quantization* to_scale, DType to) {
  if (!IsSupported(from) || !IsSupported(to)) {
    return Unsupported("requantization of %s to %s", NameOf(from), NameOf(to));
  }
  MACE_RETURN_IF_ERROR(CheckQuantization(from_scale, from, 1, "input"));
  return CheckQuantization(to_scale, to, 1, "output");
}

Status Infer(InferContext& context) {
  const DType to = context.attributes<RequantizeAttributes>().to;
  MACE_RETURN_IF_ERROR(
      Check(context.input_quantization(0), context.input(0).dtype, context.output_quantization(0), to));
  context.SetOutput(0, to, context.input(0).shape);
  return Status::Ok();
}

Status Reference(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  TensorView& y = context.outputs[0];
  MACE_RETURN_IF_ERROR(
      Check(context.input_quantization(0), x.dtype, context.output_quantization(0), y.dtype));
  const Quantization& from = *context.input_quantization(0);
  const Quantization& to = *context.output_quantization(0);
  const Rounding rounding = context.attributes<RequantizeAttributes>().rounding;
  const FixedPointMultiplier multiplier =
      QuantizeMultiplier(static_cast<double>(from.scales[0]) / static_cast<double>(to.scales[0]));
  const IntegerRange range = RangeOf(y.dtype);
  const int64_t count = x.elements();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t distance = static_cast<int64_t>(LoadInteger(x.data, x.dtype, i)) - from.zero_points[0];
    // In the ONNX form: what a DequantizeLinear followed by a QuantizeLinear gives.
    const int32_t value =
        rounding == Rounding::kHalfEvenFloat
            ? RoundToInt32(static_cast<float>(distance) * from.scales[0] / to.scales[0], true)
        : rounding == Rounding::kTfliteSingle
            ? MultiplyWithOneRounding(distance, multiplier)
            : MultiplyWithTwoRoundings(static_cast<int32_t>(distance), multiplier);
    StoreInteger(y.data, y.dtype, i, AddZeroPointAndClamp(value, to.zero_points[0], range));
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kRequantizeDefinition = {
    .name = "Requantize",
    .flags = kOpElementwise,
    .attributes = AttributeInfoOf<RequantizeAttributes>(),
    .infer = &Infer,
    .reference = &Reference,
};

}  // namespace mace::ops
