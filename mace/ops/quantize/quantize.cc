// Quantize: f32 -> integers.
#include "mace/ops/quantize/output_scale.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/quantize/scale_index.h"

namespace mace::ops {
namespace {

bool IsQuantizedType(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16 || dtype == DType::kU16 ||
         dtype == DType::kI32;
}

Status Infer(InferContext& context) {
  const TensorType& x = context.input(0);
  const DType to = context.attributes<QuantizeAttributes>().to;
  if (x.dtype != DType::kF32) return InvalidArgument("input is %s, expected float32", NameOf(x.dtype));
  if (!IsQuantizedType(to)) return Unsupported("quantization to %s", NameOf(to));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), to, 0, "output"));
  context.SetOutput(0, to, x.shape);
  return Status::Ok();
}

Status Reference(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  TensorView& y = context.outputs[0];
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), y.dtype, 0, "output"));
  const Quantization& quantization = *context.output_quantization(0);
  ScaleIndex index;
  MACE_RETURN_IF_ERROR(ScaleIndex::Make(quantization, y.shape, &index));
  const bool half_to_even = context.attributes<QuantizeAttributes>().rounding == Rounding::kHalfEvenFloat;
  const IntegerRange range = RangeOf(y.dtype);
  const float* values = x.as<float>();
  const int64_t count = x.elements();
  for (int64_t i = 0; i < count; ++i) {
    const size_t scale = index(i);
    const int32_t rounded = RoundToInt32(values[i] / quantization.scales[scale], half_to_even);
    StoreInteger(y.data, y.dtype, i, AddZeroPointAndClamp(rounded, quantization.zero_points[scale], range));
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kQuantizeDefinition = {
    .name = "Quantize",
    .flags = kOpElementwise,
    .attributes = AttributeInfoOf<QuantizeAttributes>(),
    .infer = &Infer,
    .reference = &Reference,
};

}  // namespace mace::ops
