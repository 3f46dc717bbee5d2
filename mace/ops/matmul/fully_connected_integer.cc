#include "mace/ops/matmul/fully_connected_integer.h"

#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {
namespace {

template <typename Input, typename Weight>
void Multiply(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  const int64_t depth = x.shape[x.shape.rank - 1];
  const int64_t columns = context.inputs[1].shape[0];
  TensorView& output = context.outputs[0];
  const int64_t rows = columns == 0 ? 0 : output.elements() / columns;
  const Quantization& x_scales = *context.input_quantization(0);
  const Quantization& weight_scales = *context.input_quantization(1);
  const Quantization& y_scales = *context.output_quantization(0);
  const bool per_channel = weight_scales.scales.size() > 1;
  const bool has_bias = context.has_input(2);
  const bool wide_bias = has_bias && context.inputs[2].dtype == DType::kI64;
  const bool wide = x.dtype == DType::kI16 && (!has_bias || wide_bias);
  const Rounding rounding = context.attributes<FullyConnectedAttributes>().rounding;
  const IntegerRange range = RangeOf(output.dtype);
  for (int64_t column = 0; column < columns; ++column) {
    const size_t channel = per_channel ? static_cast<size_t>(column) : 0;
    const float weight_scale = weight_scales.scales[channel];
    const OutputScale scale(rounding,
                            TfliteMultiplier(x_scales.scales[0], weight_scale, y_scales.scales[0], false),
                            x_scales.scales[0] * weight_scale / y_scales.scales[0], wide);
    int64_t bias = 0;
    if (has_bias) {
      bias = wide_bias ? context.inputs[2].as<int64_t>()[column] : context.inputs[2].as<int32_t>()[column];
    }
    const Weight* weights = context.inputs[1].as<Weight>() + column * depth;
    for (int64_t row = 0; row < rows; ++row) {
      const Input* values = x.as<Input>() + row * depth;
      int64_t sum = bias;
      for (int64_t k = 0; k < depth; ++k) {
        sum +=
            int64_t{values[k] - x_scales.zero_points[0]} * (weights[k] - weight_scales.zero_points[channel]);
      }
      StoreInteger(output.data, output.dtype, row * columns + column,
                   AddZeroPointAndClamp(scale.Apply(sum), y_scales.zero_points[0], range));
    }
  }
}

}  // namespace

Status ReferenceFullyConnectedInteger(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& weights = context.inputs[1];
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), x.dtype, 1, "input"));
  MACE_RETURN_IF_ERROR(
      CheckQuantization(context.output_quantization(0), context.outputs[0].dtype, 1, "output"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(1), weights.dtype, 0, "weights"));
  const Quantization& weight_scales = *context.input_quantization(1);
  if (weight_scales.scales.size() > 1 &&
      (weight_scales.axis != 0 || static_cast<int64_t>(weight_scales.scales.size()) != weights.shape[0])) {
    return InvalidArgument("weights have %zu scales on axis %d, expected one or one for each of %lld outputs",
                           weight_scales.scales.size(), weight_scales.axis,
                           static_cast<long long>(weights.shape[0]));
  }
  const bool signed_weights = weights.dtype == DType::kI8;
  if (!signed_weights && weights.dtype != DType::kU8) {
    return Unsupported("FullyConnected with %s weights", NameOf(weights.dtype));
  }
  switch (x.dtype) {
    case DType::kU8:
      signed_weights ? Multiply<uint8_t, int8_t>(context) : Multiply<uint8_t, uint8_t>(context);
      return Status::Ok();
    case DType::kI8:
      signed_weights ? Multiply<int8_t, int8_t>(context) : Multiply<int8_t, uint8_t>(context);
      return Status::Ok();
    case DType::kI16:
      signed_weights ? Multiply<int16_t, int8_t>(context) : Multiply<int16_t, uint8_t>(context);
      return Status::Ok();
    default:
      return Unsupported("FullyConnected with %s input", NameOf(x.dtype));
  }
}

}  // namespace mace::ops
