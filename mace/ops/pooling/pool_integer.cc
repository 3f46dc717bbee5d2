#include "mace/ops/pooling/pool_integer.h"

#include <algorithm>

#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {
namespace {

// The attributes that both operators have.
struct Window {
  IntList kernel, strides, pads, dilations;
  Padding padding;
  bool count_include_pad = false;
};

// One axis of the window at one output position: first input index, which may lie in the padding.
struct Axis {
  int64_t in, kernel, stride, dilation, pad;
  int64_t First(int64_t out) const { return out * stride - pad; }
};

Axis AxisOf(const Window& window, int i, int64_t in, int64_t out) {
  Axis axis = {in, window.kernel[i], window.strides[i], window.dilations[i], window.pads[i]};
  if (window.padding != Padding::kExplicit) {
    const int64_t total =
        std::max<int64_t>((out - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1 - in, 0);
    axis.pad = window.padding == Padding::kSameUpper ? total / 2 : total - total / 2;
  }
  return axis;
}

// The mean rounded to nearest, halves away from zero. The stored values are averaged, not their distance to
// the zero point: that is how TensorFlow Lite rounds.
int32_t RoundedMean(int64_t sum, int64_t count) {
  return static_cast<int32_t>(sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count);
}

template <typename T>
void Pool(const ReferenceContext& context, const Window& window, int32_t zero_point, bool average) {
  const Shape& in = context.inputs[0].shape;
  const Shape& out = context.outputs[0].shape;
  const Axis rows = AxisOf(window, 0, in[1], out[1]);
  const Axis columns = AxisOf(window, 1, in[2], out[2]);
  const int64_t channels = in[3];
  T* output = context.outputs[0].as<T>();
  const IntegerRange range = RangeOf(DTypeOf<T>());
  for (int64_t n = 0; n < out[0]; ++n) {
    const T* image = context.inputs[0].as<T>() + n * in[1] * in[2] * channels;
    for (int64_t y = 0; y < out[1]; ++y) {
      for (int64_t x = 0; x < out[2]; ++x) {
        for (int64_t channel = 0; channel < channels; ++channel) {
          int64_t sum = 0;
          int64_t count = 0;
          int32_t largest = range.low;
          for (int64_t i = 0; i < rows.kernel; ++i) {
            const int64_t row = rows.First(y) + i * rows.dilation;
            if (row < 0 || row >= rows.in) continue;
            for (int64_t j = 0; j < columns.kernel; ++j) {
              const int64_t column = columns.First(x) + j * columns.dilation;
              if (column < 0 || column >= columns.in) continue;
              const int32_t value = image[(row * columns.in + column) * channels + channel];
              sum += value;
              ++count;
              largest = std::max(largest, value);
            }
          }
          if (window.count_include_pad) {
            const int64_t padded = rows.kernel * columns.kernel - count;
            sum += padded * zero_point;
            count += padded;
          }
          const int32_t mean = count == 0 ? zero_point : RoundedMean(sum, count);
          *output++ = static_cast<T>(std::clamp(average ? mean : largest, range.low, range.high));
        }
      }
    }
  }
}

}  // namespace

Status ReferencePoolInteger(const ReferenceContext& context, bool average) {
  Window window;
  if (average) {
    const auto& a = context.attributes<AveragePool2dAttributes>();
    window = {a.kernel, a.strides, a.pads, a.dilations, a.padding, a.count_include_pad};
  } else {
    const auto& a = context.attributes<MaxPool2dAttributes>();
    window = {a.kernel, a.strides, a.pads, a.dilations, a.padding};
  }
  const DType dtype = context.inputs[0].dtype;
  int32_t zero_point = 0;  // a maximum needs no quantization
  if (average) {
    MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), dtype, 1, "input"));
    zero_point = context.input_quantization(0)->zero_points[0];
  }
  switch (dtype) {
    case DType::kU8:
      Pool<uint8_t>(context, window, zero_point, average);
      return Status::Ok();
    case DType::kI8:
      Pool<int8_t>(context, window, zero_point, average);
      return Status::Ok();
    case DType::kI16:
      Pool<int16_t>(context, window, zero_point, average);
      return Status::Ok();
    default:
      return Unsupported("pooling of %s", NameOf(dtype));
  }
}

}  // namespace mace::ops
