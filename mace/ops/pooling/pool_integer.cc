#include "mace/ops/pooling/pool_integer.h"

#include <algorithm>

#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/pooling/pool_window.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {
namespace {

// The mean of stored values (not of their distance to the zero point), rounded to nearest, halves away from
// zero: TensorFlow Lite's, for which both sides have the same scale.
int32_t RoundedMean(int64_t sum, int64_t count) {
  return static_cast<int32_t>(sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count);
}

// What one window holds, and how many of its taps lie in the padding (of averages that count it).
struct Window {
  int64_t sum = 0;
  int32_t largest = 0;
  int64_t count = 0;
  int64_t padding = 0;
};

// Stores finish(window) for each output element.
template <typename Finish>
void Pool(const ReferenceContext& context, const PoolAxis& rows, const PoolAxis& columns,
          const Finish& finish) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  const int64_t channels = y.shape[3];
  int64_t result = 0;
  for (int64_t n = 0; n < y.shape[0]; ++n) {
    const int64_t image = n * rows.input * columns.input * channels;
    for (int64_t out_row = 0; out_row < y.shape[1]; ++out_row) {
      const PoolSpan row = rows.SpanOf(out_row);
      for (int64_t out_column = 0; out_column < y.shape[2]; ++out_column) {
        const PoolSpan column = columns.SpanOf(out_column);
        for (int64_t channel = 0; channel < channels; ++channel) {
          Window window;
          window.largest = RangeOf(x.dtype).low;
          for (int64_t i = row.begin; i < row.end; ++i) {
            const int64_t line = image + (row.start + i * rows.window.dilation) * columns.input * channels;
            for (int64_t j = column.begin; j < column.end; ++j) {
              const int64_t pixel = line + (column.start + j * columns.window.dilation) * channels;
              const int32_t value = LoadInteger(x.data, x.dtype, pixel + channel);
              window.sum += value;
              window.largest = std::max(window.largest, value);
            }
          }
          window.count = (row.end - row.begin) * (column.end - column.begin);
          window.padding = row.padded_taps * column.padded_taps - window.count;
          StoreInteger(y.data, y.dtype, result++, finish(window));
        }
      }
    }
  }
}

Status AveragePool(const ReferenceContext& context) {
  const auto& attributes = context.attributes<AveragePool2dAttributes>();
  PoolAxis rows, columns;
  MACE_RETURN_IF_ERROR(MakePoolAxes<AveragePool2dAttributes>(context, &rows, &columns));
  constexpr int64_t kMaxWindow = int64_t{1} << 22;  // each way: keeps every sum inside 63 bits
  if (attributes.count_include_pad &&
      (rows.window.kernel > kMaxWindow || columns.window.kernel > kMaxWindow)) {
    return Unsupported("a padded window of %lld x %lld", static_cast<long long>(rows.window.kernel),
                       static_cast<long long>(columns.window.kernel));
  }
  const Quantization& from = *context.input_quantization(0);
  const Quantization& to = *context.output_quantization(0);
  const IntegerRange range = RangeOf(context.outputs[0].dtype);
  const bool half_even = attributes.rounding == Rounding::kHalfEvenFloat;
  Pool(context, rows, columns, [&](const Window& window) {
    const int64_t count = window.count + (attributes.count_include_pad ? window.padding : 0);
    if (count == 0) return to.zero_points[0];
    if (half_even) {  // the exact sum of distances to the zero point is brought to the output's scale
      const auto distance = static_cast<float>(window.sum - window.count * from.zero_points[0]);
      const float multiplier = from.scales[0] / (to.scales[0] * static_cast<float>(count));
      return AddZeroPointAndClamp(RoundToInt32(distance * multiplier, true), to.zero_points[0], range);
    }
    const int64_t sum = window.sum + (count - window.count) * from.zero_points[0];
    return std::clamp(RoundedMean(sum, count), range.low, range.high);
  });
  return Status::Ok();
}

Status MaxPool(const ReferenceContext& context) {
  PoolAxis rows, columns;
  MACE_RETURN_IF_ERROR(MakePoolAxes<MaxPool2dAttributes>(context, &rows, &columns));
  Pool(context, rows, columns, [](const Window& window) { return window.largest; });
  return Status::Ok();
}

}  // namespace

Status CheckAveragePoolInteger(const InferContext& context) {
  const DType dtype = context.input(0).dtype;
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), dtype, 1, "input"));
  return CheckQuantization(context.output_quantization(0), dtype, 1, "output");
}

Status ReferencePoolInteger(const ReferenceContext& context, bool average) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  return average ? AveragePool(context) : MaxPool(context);
}

}  // namespace mace::ops
