#include "mace/ops/norm/softmax_integer.h"

#include <algorithm>
#include <cmath>

#include "mace/ops/norm/norm.h"
#include "mace/ops/quantize/fixed_point_functions.h"
#include "mace/ops/quantize/interpolation_table.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {
namespace {

// ---- 8-bit input: fixed-point arithmetic throughout.
constexpr int kDifferenceBits = NegativeExponential::kIntegerBits;  // of the exponential's argument
constexpr int kSumBits = 12;                                        // integer bits of the sum of exponentials

template <typename Input>
void SoftmaxOfBytes(const ReferenceContext& context, int64_t rows, int64_t columns) {
  const double beta = static_cast<double>(context.attributes<SoftmaxAttributes>().beta);
  const double scale = static_cast<double>(context.input_quantization(0)->scales[0]);
  const FixedPointMultiplier multiplier =
      QuantizeMultiplier(std::min(std::ldexp(beta * scale, 31 - kDifferenceBits), 2147483647.0));
  const int left_shift = std::max(multiplier.exponent, 0);
  // Below this the argument does not fit, and the exponential is 0.
  const auto smallest = -static_cast<int32_t>(
      std::min(std::floor(std::ldexp((1 << kDifferenceBits) - 1, 31 - kDifferenceBits - left_shift)), 1e9));
  const NegativeExponential exponential;
  const auto exponential_of = [&](int32_t difference) {
    return exponential(
        RoundingDoublingHighMultiply(WrappingLeftShift(difference, left_shift), multiplier.multiplier));
  };
  const Input* x = context.inputs[0].as<Input>();
  TensorView& y = context.outputs[0];
  const IntegerRange range = RangeOf(y.dtype);
  for (int64_t row = 0; row < rows; ++row, x += columns) {
    const int32_t largest = *std::max_element(x, x + columns);
    int64_t wide_sum = 0;
    for (int64_t i = 0; i < columns; ++i) {
      const int32_t difference = x[i] - largest;
      if (difference >= smallest) wide_sum += RoundingRightShift(exponential_of(difference), kSumBits);
    }
    // At least 1, that of the largest element; more than 4095 elements of equal size would not fit.
    const auto sum = static_cast<uint32_t>(std::min<int64_t>(wide_sum, kInt32Max));
    const int leading_zeros = __builtin_clz(sum);
    const auto fraction =
        static_cast<int32_t>((sum << leading_zeros) - (uint32_t{1} << 31));  // of sum = 2^n (1 + f)
    const int32_t inverse = ReciprocalOfOnePlus(fraction);
    const int right_shift = kSumBits - leading_zeros + 31 - BitsOf(y.dtype);
    for (int64_t i = 0; i < columns; ++i) {
      const int32_t difference = x[i] - largest;
      int32_t result = 0;
      if (difference >= smallest && right_shift <= 31) {  // beyond, every result is below one half
        result = RoundingRightShift(RoundingDoublingHighMultiply(inverse, exponential_of(difference)),
                                    right_shift);
      }
      StoreInteger(y.data, y.dtype, row * columns + i, AddZeroPointAndClamp(result, range.low, range));
    }
  }
}

// ---- 16-bit input: two functions interpolated between 513 points.
void SoftmaxOfWords(const ReferenceContext& context, int64_t rows, int64_t columns) {
  // The whole type stands for -10 to 0, and for 0 to 1; the results for -1 to 1.
  const InterpolationTable<double> exponential(10.0 / 65535, 32767, 2.0 / 65535, 0,
                                               [](double v) { return std::exp(v); });
  const InterpolationTable<double> reciprocal(1.0 / 65535, -32768, 2.0 / 65535, 0,
                                              [](double v) { return 1.0 / (1.0 + v); });
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
  // The arithmetic below has its output scale built in: the whole range of the output type is 0 to 1 (16 bits
  // from 16: the positive half).
  const double unit = x.dtype == DType::kI16 ? 1.0 / 32768 : std::ldexp(1.0, -BitsOf(to));
  const int32_t zero_point = x.dtype == DType::kI16 ? 0 : RangeOf(to).low;
  const Quantization& y_scales = *context.output_quantization(0);
  if (std::abs(static_cast<double>(y_scales.scales[0]) - unit) > 1e-3 * unit ||
      y_scales.zero_points[0] != zero_point) {
    return Unsupported("integer Softmax with the output scale %g, zero point %d; expected %g, %d",
                       static_cast<double>(y_scales.scales[0]), y_scales.zero_points[0], unit, zero_point);
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
