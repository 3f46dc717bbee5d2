#include "mace/ops/norm/softmax_integer.h"

#include <algorithm>
#include <cmath>

#include "mace/ops/norm/norm.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {
namespace {

// ---- 8-bit input: a table of exponentials. TensorFlow Lite's kernel for these types keeps the 256 possible
// values of exp(beta * scale * (x - max)) in single precision, adds them in order and rounds each quotient;
// bit-equal results need the same precision and order.
template <typename Input>
void SoftmaxOfBytes(const ReferenceContext& context, int64_t rows, int64_t columns) {
  const Quantization& y_scales = *context.output_quantization(0);
  const float input_scale = context.input_quantization(0)->scales[0];
  const float exponent_scale = -input_scale * context.attributes<SoftmaxAttributes>().beta;
  float exponentials[256];  // of the distance below the largest element
  for (int distance = 0; distance < 256; ++distance) {
    exponentials[distance] = std::exp(exponent_scale * static_cast<float>(distance));
  }
  const Input* x = context.inputs[0].as<Input>();
  TensorView& y = context.outputs[0];
  const IntegerRange range = RangeOf(y.dtype);
  for (int64_t row = 0; row < rows; ++row, x += columns) {
    const int32_t largest = *std::max_element(x, x + columns);
    float sum = 0;
    for (int64_t i = 0; i < columns; ++i) sum += exponentials[largest - x[i]];
    const float inverse = 1.0f / (sum * y_scales.scales[0]);
    for (int64_t i = 0; i < columns; ++i) {
      const int32_t rounded = RoundToInt32(exponentials[largest - x[i]] * inverse, false);
      StoreInteger(y.data, y.dtype, row * columns + i,
                   AddZeroPointAndClamp(rounded, y_scales.zero_points[0], range));
    }
  }
}

// ---- 16-bit input: two functions interpolated between 513 points.
int16_t ClampToInt16(double value) { return static_cast<int16_t>(std::clamp(value, -32768.0, 32767.0)); }

class InterpolationTable {
 public:
  // `function` over [low, high], its results in units of 2 / 65535. Between two points the error at the
  // middle is halved by moving the point: TensorFlow Lite's table does, and its results are what is to be
  // matched.
  template <typename Function>
  InterpolationTable(double low, double high, Function function) {
    const double step = (high - low) / kSteps;
    const double unit = 65536.0 / (2.0 / 65535.0 * 65535.0);
    for (int i = 0; i < kSteps; ++i) {
      const double here = std::round(function(low + i * step) * unit);
      const double interpolated = std::round((function(low + (i + 1) * step) * unit + here) / 2);
      const double middle = std::round(function(low + i * step + step / 2) * unit);
      points_[i] = ClampToInt16(here - std::round((interpolated - middle) / 2));
    }
    points_[kSteps] = ClampToInt16(std::round(function(high) * unit));
  }

  // `x` from -32768 (low) to 32767 (high).
  int16_t operator()(int32_t x) const {
    const int index = kSteps / 2 + (x >> 7);
    const int32_t slope = points_[index + 1] - points_[index];
    return static_cast<int16_t>(points_[index] + ((slope * (x & 127) + 64) >> 7));
  }

 private:
  static constexpr int kSteps = 512;
  int16_t points_[kSteps + 1];
};

void SoftmaxOfWords(const ReferenceContext& context, int64_t rows, int64_t columns) {
  const InterpolationTable exponential(-10.0, 0.0, [](double v) { return std::exp(v); });
  const InterpolationTable reciprocal(0.0, 1.0, [](double v) { return 1.0 / (1.0 + v); });
  const float scaled =
      context.input_quantization(0)->scales[0] * context.attributes<SoftmaxAttributes>().beta;
  const FixedPointMultiplier multiplier = QuantizeMultiplier(static_cast<double>(scaled) / (10.0 / 65535.0));
  const int16_t* x = context.inputs[0].as<int16_t>();
  int16_t* y = context.outputs[0].as<int16_t>();
  for (int64_t row = 0; row < rows; ++row, x += columns, y += columns) {
    const int32_t largest = *std::max_element(x, x + columns);
    uint64_t wide_sum = 0;  // in units of 2^-15
    for (int64_t i = 0; i < columns; ++i) {
      const int64_t difference = MultiplyWithTwoRoundings(x[i] - largest, multiplier);
      y[i] = exponential(static_cast<int32_t>(std::clamp<int64_t>(difference + 32767, -32768, 32767)));
      wide_sum += static_cast<uint64_t>(std::max<int32_t>(y[i], 0));
    }
    const auto sum = static_cast<uint32_t>(std::clamp<uint64_t>(wide_sum, 1, kInt32Max));
    const int leading_zeros = __builtin_clz(sum);
    // The sum as 1 + f, 0 <= f < 1, and f in 65536 steps around 0: the argument of the table.
    const int64_t normalized = ((static_cast<int64_t>(sum) << (leading_zeros - 1)) + (1 << 13)) >> 14;
    const int64_t centered = normalized - ((1 << 15) + (1 << 16));
    const int64_t inverse = reciprocal(static_cast<int32_t>(std::clamp<int64_t>(centered, -32768, 32767)));
    const int shift = 31 - leading_zeros;
    const int64_t rounding = shift > 0 ? int64_t{1} << (shift - 1) : 0;
    for (int64_t i = 0; i < columns; ++i) {
      y[i] = static_cast<int16_t>(std::clamp<int64_t>((y[i] * inverse + rounding) >> shift, 0, 32767));
    }
  }
}

}  // namespace

Status ReferenceSoftmaxInteger(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  const DType to = context.outputs[0].dtype;
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), x.dtype, 1, "input"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), to, 1, "output"));
  int axis = 0;
  if (!NormalizeAxis(context.attributes<SoftmaxAttributes>().axis, x.shape.rank, &axis) ||
      axis != x.shape.rank - 1) {
    return Unsupported("integer Softmax over axis %lld of rank %d, expected the last one",
                       static_cast<long long>(context.attributes<SoftmaxAttributes>().axis), x.shape.rank);
  }
  const bool bytes = x.dtype == DType::kU8 || x.dtype == DType::kI8;
  if (to != x.dtype && !(x.dtype == DType::kI8 && to == DType::kI16)) {
    return Unsupported("Softmax of %s to %s", NameOf(x.dtype), NameOf(to));
  }
  const int64_t columns = x.shape[axis];
  const int64_t rows = x.shape.Product(0, axis);
  if (rows == 0 || columns == 0) return Status::Ok();
  if (!bytes) {
    if (x.dtype != DType::kI16) return Unsupported("Softmax of %s", NameOf(x.dtype));
    SoftmaxOfWords(context, rows, columns);
  } else if (x.dtype == DType::kU8) {
    SoftmaxOfBytes<uint8_t>(context, rows, columns);
  } else {
    SoftmaxOfBytes<int8_t>(context, rows, columns);
  }
  return Status::Ok();
}

}  // namespace mace::ops
