#include "mace/ops/pooling/pool_integer.h"

#include <algorithm>

#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/pooling/pool_window.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {
namespace {

// The mean rounded to nearest, halves away from zero. The stored values are averaged, not their distance to
// the zero point: that is how TensorFlow Lite rounds.
int32_t RoundedMean(int64_t sum, int64_t count) {
  return static_cast<int32_t>(sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count);
}

// How the sum over a window becomes a mean.
struct Averaging {
  bool count_padding = false;
  int32_t zero_point = 0;  // of the input
  // kHalfEvenFloat: the exact sum of distances to the zero point is brought to the output's scale.
  bool half_even = false;
  float x_scale = 1, y_scale = 1;
  int32_t y_zero_point = 0;

  int32_t Mean(int64_t sum, int64_t count) const {
    if (!half_even) return count == 0 ? zero_point : RoundedMean(sum, count);
    if (count == 0) return y_zero_point;
    const float multiplier = x_scale / (y_scale * static_cast<float>(count));
    const int32_t rounded = RoundToInt32(static_cast<float>(sum - count * zero_point) * multiplier, true);
    return AddZeroPointAndClamp(rounded, y_zero_point, RangeOf(DType::kI32));
  }
};

// `averaging` is null for the maximum.
template <typename T>
void Pool(const ReferenceContext& context, const PoolAxis& rows, const PoolAxis& columns,
          const Averaging* averaging) {
  const Shape& out = context.outputs[0].shape;
  const int64_t channels = out[3];
  const IntegerRange range = RangeOf(DTypeOf<T>());
  T* output = context.outputs[0].as<T>();
  for (int64_t n = 0; n < out[0]; ++n) {
    const T* image = context.inputs[0].as<T>() + n * rows.input * columns.input * channels;
    for (int64_t y = 0; y < out[1]; ++y) {
      const PoolSpan row = rows.SpanOf(y);
      for (int64_t x = 0; x < out[2]; ++x) {
        const PoolSpan column = columns.SpanOf(x);
        for (int64_t channel = 0; channel < channels; ++channel) {
          int64_t sum = 0;
          int32_t largest = range.low;
          for (int64_t i = row.begin; i < row.end; ++i) {
            const T* line =
                image + (row.start + i * rows.window.dilation) * columns.input * channels + channel;
            for (int64_t j = column.begin; j < column.end; ++j) {
              const int32_t value = line[(column.start + j * columns.window.dilation) * channels];
              sum += value;
              largest = std::max(largest, value);
            }
          }
          int64_t count = (row.end - row.begin) * (column.end - column.begin);
          if (averaging != nullptr && averaging->count_padding) {
            sum += (row.padded_taps * column.padded_taps - count) * averaging->zero_point;
            count = row.padded_taps * column.padded_taps;
          }
          const int32_t result = averaging != nullptr ? averaging->Mean(sum, count) : largest;
          *output++ = static_cast<T>(std::clamp(result, range.low, range.high));
        }
      }
    }
  }
}

}  // namespace

Status ReferencePoolInteger(const ReferenceContext& context, bool average) {
  const DType dtype = context.inputs[0].dtype;
  if (context.outputs[0].elements() == 0) return Status::Ok();
  PoolAxis rows, columns;
  Averaging averaging;
  if (average) {
    const auto& attributes = context.attributes<AveragePool2dAttributes>();
    MACE_RETURN_IF_ERROR(MakePoolAxes<AveragePool2dAttributes>(context, &rows, &columns));
    MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), dtype, 1, "input"));
    averaging.count_padding = attributes.count_include_pad;
    averaging.zero_point = context.input_quantization(0)->zero_points[0];
    if (attributes.rounding == Rounding::kHalfEvenFloat) {
      MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), dtype, 1, "output"));
      averaging.half_even = true;
      averaging.x_scale = context.input_quantization(0)->scales[0];
      averaging.y_scale = context.output_quantization(0)->scales[0];
      averaging.y_zero_point = context.output_quantization(0)->zero_points[0];
    }
    constexpr int64_t kMaxWindow = int64_t{1} << 22;  // each way: keeps every sum inside 63 bits
    if (averaging.count_padding && (rows.window.kernel > kMaxWindow || columns.window.kernel > kMaxWindow)) {
      return Unsupported("a padded window of %lld x %lld", static_cast<long long>(rows.window.kernel),
                         static_cast<long long>(columns.window.kernel));
    }
  } else {
    MACE_RETURN_IF_ERROR(MakePoolAxes<MaxPool2dAttributes>(context, &rows, &columns));
  }
  const Averaging* mean = average ? &averaging : nullptr;
  switch (dtype) {
    case DType::kU8:
      Pool<uint8_t>(context, rows, columns, mean);
      return Status::Ok();
    case DType::kI8:
      Pool<int8_t>(context, rows, columns, mean);
      return Status::Ok();
    case DType::kI16:
      Pool<int16_t>(context, rows, columns, mean);
      return Status::Ok();
    default:
      return Unsupported("pooling of %s", NameOf(dtype));
  }
}

}  // namespace mace::ops
