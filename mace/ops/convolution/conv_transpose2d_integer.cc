#include "mace/ops/convolution/conv_transpose2d_integer.h"

#include "mace/ops/convolution/conv_transpose2d.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {
namespace {

// What one output channel needs of the quantization.
struct Channel {
  OutputScale scale;
  int32_t weight_zero_point = 0;
  int64_t bias = 0;
};

Channel ChannelOf(const ReferenceContext& context, int64_t channel) {
  const Quantization& x = *context.input_quantization(0);
  const Quantization& weights = *context.input_quantization(1);
  const Quantization& y = *context.output_quantization(0);
  const size_t index = weights.scales.size() == 1 ? 0 : static_cast<size_t>(channel);
  const float weight_scale = weights.scales[index];
  const DType dtype = context.inputs[0].dtype;
  Channel result;
  // 16-bit activations are summed in 64 bits unless the file gives a 32-bit bias.
  const bool narrow_bias = context.has_input(2) && context.inputs[2].dtype == DType::kI32;
  result.scale = OutputScale(context.attributes<ConvTranspose2dAttributes>().rounding,
                             TfliteMultiplier(x.scales[0], weight_scale, y.scales[0], dtype == DType::kU8),
                             x.scales[0] * weight_scale / y.scales[0], dtype == DType::kI16 && !narrow_bias);
  result.weight_zero_point = weights.zero_points[index];
  if (context.has_input(2)) {
    const TensorView& bias = context.inputs[2];
    result.bias = bias.dtype == DType::kI64 ? bias.as<int64_t>()[channel] : bias.as<int32_t>()[channel];
  }
  return result;
}

// The rows (or columns) of the input that reach output row `position`, a tap of the kernel each.
struct Reach {
  int64_t pad, stride, dilation, input;

  // The input row that tap `tap` takes to the output row; kNone where there is none.
  int64_t Source(int64_t position, int64_t tap) const {
    const int64_t stamped = position + pad - tap * dilation;
    if (stamped < 0 || stamped % stride != 0 || stamped / stride >= input) return kNone;
    return stamped / stride;
  }
};

template <typename Input, typename Weight>
class Layer {
 public:
  explicit Layer(const ReferenceContext& context)
      : x_(context.inputs[0]),
        weights_(context.inputs[1]),
        input_zero_point_(context.input_quantization(0)->zero_points[0]),
        group_outputs_(weights_.shape[0] / context.attributes<ConvTranspose2dAttributes>().groups) {
    const auto& attributes = context.attributes<ConvTranspose2dAttributes>();
    rows_ = {attributes.pads[0], attributes.strides[0], attributes.dilations[0], x_.shape[1]};
    columns_ = {attributes.pads[1], attributes.strides[1], attributes.dilations[1], x_.shape[2]};
  }

  int64_t Sum(int64_t batch, int64_t row, int64_t column, int64_t channel, int32_t weight_zero_point) const {
    const int64_t group_channels = weights_.shape[3];
    int64_t sum = 0;
    for (int64_t kh = 0; kh < weights_.shape[1]; ++kh) {
      const int64_t y = rows_.Source(row, kh);
      if (y == kNone) continue;
      for (int64_t kw = 0; kw < weights_.shape[2]; ++kw) {
        const int64_t x = columns_.Source(column, kw);
        if (x == kNone) continue;
        const Input* pixel = x_.as<Input>() + ((batch * x_.shape[1] + y) * x_.shape[2] + x) * x_.shape[3] +
                             channel / group_outputs_ * group_channels;
        const Weight* tap = weights_.as<Weight>() +
                            ((channel * weights_.shape[1] + kh) * weights_.shape[2] + kw) * group_channels;
        for (int64_t c = 0; c < group_channels; ++c) {
          sum += int64_t{pixel[c] - input_zero_point_} * (tap[c] - weight_zero_point);
        }
      }
    }
    return sum;
  }

 private:
  const TensorView& x_;
  const TensorView& weights_;
  const int32_t input_zero_point_;
  const int64_t group_outputs_;
  Reach rows_, columns_;
};

template <typename Input, typename Weight>
void Run(const ReferenceContext& context) {
  const Layer<Input, Weight> layer(context);
  TensorView y = context.outputs[0];
  const int32_t zero_point = context.output_quantization(0)->zero_points[0];
  for (int64_t channel = 0; channel < y.shape[3]; ++channel) {
    const Channel parts = ChannelOf(context, channel);
    int64_t element = channel;
    for (int64_t batch = 0; batch < y.shape[0]; ++batch) {
      for (int64_t row = 0; row < y.shape[1]; ++row) {
        for (int64_t column = 0; column < y.shape[2]; ++column, element += y.shape[3]) {
          const int64_t sum = parts.bias + layer.Sum(batch, row, column, channel, parts.weight_zero_point);
          StoreInteger(y.data, y.dtype, element,
                       AddZeroPointAndClamp(parts.scale.Apply(sum), zero_point, RangeOf(y.dtype)));
        }
      }
    }
  }
}

}  // namespace

Status CheckConvTranspose2dQuantization(const InferContext& context) {
  const DType dtype = context.input(0).dtype;
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), dtype, 1, "x"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), dtype, 1, "y"));
  const Quantization* weights = context.input_quantization(1);
  MACE_RETURN_IF_ERROR(CheckQuantization(weights, context.input(1).dtype, 0, "the weights"));
  const int64_t channels = context.input(1).shape[0];
  if (weights->scales.size() == 1 ||
      (weights->axis == 0 && channels == static_cast<int64_t>(weights->scales.size()))) {
    return Status::Ok();
  }
  return InvalidArgument("weights with %zu scales on axis %d, expected one or one for each of %lld channels",
                         weights->scales.size(), weights->axis, static_cast<long long>(channels));
}

Status ReferenceConvTranspose2dInteger(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  const bool is_signed = context.inputs[1].dtype == DType::kI8;
  switch (context.inputs[0].dtype) {
    case DType::kU8:
      is_signed ? Run<uint8_t, int8_t>(context) : Run<uint8_t, uint8_t>(context);
      return Status::Ok();
    case DType::kI8:
      is_signed ? Run<int8_t, int8_t>(context) : Run<int8_t, uint8_t>(context);
      return Status::Ok();
    default:
      is_signed ? Run<int16_t, int8_t>(context) : Run<int16_t, uint8_t>(context);
      return Status::Ok();
  }
}

}  // namespace mace::ops
