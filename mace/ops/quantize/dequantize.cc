// Dequantize: integers -> f32.
#include "mace/ops/quantize/output_scale.h"
#include "mace/ops/quantize/packed_integers.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/quantize/scale_index.h"

namespace mace::ops {
namespace {

bool IsSupported(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16 || dtype == DType::kU16 ||
         dtype == DType::kI32 || IsSubByte(dtype);
}

Status Infer(InferContext& context) {
  const TensorType& x = context.input(0);
  if (!IsSupported(x.dtype))
    return InvalidArgument("input is %s, expected a quantized integer", NameOf(x.dtype));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), x.dtype, 0, "input"));
  context.SetOutput(0, DType::kF32, x.shape);
  return Status::Ok();
}

Status Reference(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), x.dtype, 0, "input"));
  const Quantization& quantization = *context.input_quantization(0);
  ScaleIndex index;
  MACE_RETURN_IF_ERROR(ScaleIndex::Make(quantization, x.shape, &index));
  const bool packed = IsSubByte(x.dtype);
  float* output = context.outputs[0].as<float>();
  const int64_t count = x.elements();
  for (int64_t i = 0; i < count; ++i) {
    const size_t scale = index(i);
    const int32_t stored = packed ? LoadPacked(x.data, x.dtype, i) : LoadInteger(x.data, x.dtype, i);
    const double distance = static_cast<double>(stored) - quantization.zero_points[scale];
    output[i] = static_cast<float>(static_cast<double>(quantization.scales[scale]) * distance);
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kDequantizeDefinition = {
    .name = "Dequantize",
    .flags = kOpElementwise,
    .infer = &Infer,
    .reference = &Reference,
};

}  // namespace mace::ops
