#include "mace/ops/convolution/conv2d_integer.h"

#include <algorithm>

#include "mace/ops/common.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {
namespace {

// The dimensions of one convolution, read once.
struct Geometry {
  int64_t batch, height, width, channels;
  int64_t out_height, out_width, out_channels;
  int64_t kernel_width, group_channels, group_outputs;
  WindowAxis rows, columns;
  int64_t pad_top, pad_left;
};

Status MakeGeometry(const ReferenceContext& context, Geometry* g) {
  const auto& attributes = context.attributes<Conv2dAttributes>();
  const Shape& x = context.inputs[0].shape;
  const Shape& weights = context.inputs[1].shape;
  const Shape& y = context.outputs[0].shape;
  g->batch = x[0], g->height = x[1], g->width = x[2], g->channels = x[3];
  g->out_height = y[1], g->out_width = y[2], g->out_channels = y[3];
  g->kernel_width = weights[2], g->group_channels = weights[3];
  g->group_outputs = g->out_channels / attributes.groups;
  int64_t pad_end = 0;
  MACE_RETURN_IF_ERROR(MakeWindowAxis(0, weights[1], attributes.strides, attributes.dilations,
                                      attributes.pads, attributes.padding, false, &g->rows));
  MACE_RETURN_IF_ERROR(MakeWindowAxis(1, weights[2], attributes.strides, attributes.dilations,
                                      attributes.pads, attributes.padding, false, &g->columns));
  MACE_RETURN_IF_ERROR(ResolvePadding(g->rows, g->height, &g->pad_top, &pad_end));
  return ResolvePadding(g->columns, g->width, &g->pad_left, &pad_end);
}

// Output channels are computed in groups of so many: what they share over all pixels then fits on the stack,
// and a run allocates nothing.
constexpr int64_t kChannelsAtOnce = 64;

// One output channel's part of the quantization.
struct Channel {
  OutputScale scale;
  int32_t weight_zero_point = 0;
  int64_t bias = 0;
};

// Output channels `begin` to `end`, at most kChannelsAtOnce.
void PrepareChannels(const ReferenceContext& context, int64_t begin, int64_t end, Channel* channels) {
  const auto& attributes = context.attributes<Conv2dAttributes>();
  const Quantization& x = *context.input_quantization(0);
  const Quantization& weights = *context.input_quantization(1);
  const Quantization& y = *context.output_quantization(0);
  const bool has_bias = context.has_input(2);
  const bool wide_bias = has_bias && context.inputs[2].dtype == DType::kI64;
  // 16-bit activations are summed in 64 bits unless the file gives a 32-bit bias.
  const bool wide = context.inputs[0].dtype == DType::kI16 && (!has_bias || wide_bias);
  const bool single_precision = context.inputs[0].dtype == DType::kU8;
  for (int64_t channel = begin; channel < end; ++channel) {
    const size_t index = weights.scales.size() == 1 ? 0 : static_cast<size_t>(channel);
    const float weight_scale = weights.scales[index];
    Channel& entry = channels[channel - begin];
    entry.scale = OutputScale(attributes.rounding,
                              TfliteMultiplier(x.scales[0], weight_scale, y.scales[0], single_precision),
                              x.scales[0] * weight_scale / y.scales[0], wide);
    entry.weight_zero_point = weights.zero_points[index];
    if (has_bias) {
      entry.bias =
          wide_bias ? context.inputs[2].as<int64_t>()[channel] : context.inputs[2].as<int32_t>()[channel];
    }
  }
}

// The sum over one window and one group. Padding adds nothing: a padded element is the input's zero point.
template <typename Input, typename Weight>
int64_t SumOfWindow(const Geometry& g, const Input* image, int32_t input_zero_point, const Weight* weights,
                    int32_t weight_zero_point, int64_t top, int64_t left, int64_t first_channel) {
  int64_t row_begin = 0, row_end = 0, column_begin = 0, column_end = 0;
  ClipTaps(top, g.rows.kernel, g.rows.dilation, g.height, &row_begin, &row_end);
  ClipTaps(left, g.columns.kernel, g.columns.dilation, g.width, &column_begin, &column_end);
  int64_t sum = 0;
  for (int64_t kernel_y = row_begin; kernel_y < row_end; ++kernel_y) {
    const int64_t y = top + kernel_y * g.rows.dilation;
    for (int64_t kernel_x = column_begin; kernel_x < column_end; ++kernel_x) {
      const int64_t x = left + kernel_x * g.columns.dilation;
      const Input* pixel = image + (y * g.width + x) * g.channels + first_channel;
      const Weight* tap = weights + (kernel_y * g.kernel_width + kernel_x) * g.group_channels;
      for (int64_t i = 0; i < g.group_channels; ++i) {
        sum += int64_t{pixel[i] - input_zero_point} * (tap[i] - weight_zero_point);
      }
    }
  }
  return sum;
}

// Output channels `begin` to `end` of every pixel.
template <typename Input, typename Weight>
void ConvolveChannels(const ReferenceContext& context, const Geometry& g, const Channel* channels,
                      int64_t begin, int64_t end) {
  const auto* weights = context.inputs[1].as<Weight>();
  const int32_t input_zero_point = context.input_quantization(0)->zero_points[0];
  const int32_t output_zero_point = context.output_quantization(0)->zero_points[0];
  TensorView& output = context.outputs[0];
  const IntegerRange range = RangeOf(output.dtype);
  const int64_t filter_size = g.rows.kernel * g.kernel_width * g.group_channels;
  int64_t pixel = 0;
  for (int64_t n = 0; n < g.batch; ++n) {
    const Input* image = context.inputs[0].as<Input>() + n * g.height * g.width * g.channels;
    for (int64_t y = 0; y < g.out_height; ++y) {
      for (int64_t x = 0; x < g.out_width; ++x, ++pixel) {
        for (int64_t o = begin; o < end; ++o) {
          const Channel& channel = channels[o - begin];
          const int64_t sum =
              channel.bias + SumOfWindow(g, image, input_zero_point, weights + o * filter_size,
                                         channel.weight_zero_point, y * g.rows.stride - g.pad_top,
                                         x * g.columns.stride - g.pad_left,
                                         o / g.group_outputs * g.group_channels);
          StoreInteger(output.data, output.dtype, pixel * g.out_channels + o,
                       AddZeroPointAndClamp(channel.scale.Apply(sum), output_zero_point, range));
        }
      }
    }
  }
}

template <typename Input, typename Weight>
void Convolve(const ReferenceContext& context, const Geometry& g) {
  Channel channels[kChannelsAtOnce];
  for (int64_t begin = 0; begin < g.out_channels; begin += kChannelsAtOnce) {
    const int64_t end = std::min(begin + kChannelsAtOnce, g.out_channels);
    PrepareChannels(context, begin, end, channels);
    ConvolveChannels<Input, Weight>(context, g, channels, begin, end);
  }
}

}  // namespace

Status ReferenceConv2dInteger(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& weights = context.inputs[1];
  const TensorView& y = context.outputs[0];
  if (y.elements() == 0) return Status::Ok();
  Geometry g = {};
  MACE_RETURN_IF_ERROR(MakeGeometry(context, &g));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), x.dtype, 1, "input"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), y.dtype, 1, "output"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(1), weights.dtype, 0, "weights"));
  const Quantization& weight_scales = *context.input_quantization(1);
  if (weight_scales.scales.size() > 1 &&
      (weight_scales.axis != 0 || static_cast<int64_t>(weight_scales.scales.size()) != g.out_channels)) {
    return InvalidArgument(
        "weights have %zu scales on axis %d, expected one or one for each of %lld output channels",
        weight_scales.scales.size(), weight_scales.axis, static_cast<long long>(g.out_channels));
  }
  const bool signed_weights = weights.dtype == DType::kI8;
  if (!signed_weights && weights.dtype != DType::kU8) {
    return Unsupported("Conv2d with %s weights", NameOf(weights.dtype));
  }
  switch (x.dtype) {
    case DType::kU8:
      signed_weights ? Convolve<uint8_t, int8_t>(context, g) : Convolve<uint8_t, uint8_t>(context, g);
      return Status::Ok();
    case DType::kI8:
      signed_weights ? Convolve<int8_t, int8_t>(context, g) : Convolve<int8_t, uint8_t>(context, g);
      return Status::Ok();
    case DType::kI16:
      signed_weights ? Convolve<int16_t, int8_t>(context, g) : Convolve<int16_t, uint8_t>(context, g);
      return Status::Ok();
    default:
      return Unsupported("Conv2d with %s input", NameOf(x.dtype));
  }
}

}  // namespace mace::ops
