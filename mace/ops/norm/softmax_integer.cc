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

// exp(-distance * scale * beta) without integer bits, for the distance of an element to the largest one.
class DistanceExponential {
 public:
  DistanceExponential(float scale, float beta)
      : multiplier_(QuantizeMultiplier(
            std::min(std::ldexp(static_cast<double>(beta) * static_cast<double>(scale), 31 - kDifferenceBits),
                     2147483647.0))),
        left_shift_(std::max(multiplier_.exponent, 0)),
        largest_(static_cast<int32_t>(std::min(
            std::floor(std::ldexp((1 << kDifferenceBits) - 1, 31 - kDifferenceBits - left_shift_)), 1e9))) {}

  // 0 where the argument of the exponential does not fit.
  int32_t operator()(int32_t distance) const {
    if (distance > largest_) return 0;
    return exponential_(
        RoundingDoublingHighMultiply(WrappingLeftShift(-distance, left_shift_), multiplier_.multiplier));
  }

 private:
  FixedPointMultiplier multiplier_;
  int left_shift_;
  int32_t largest_;
  NegativeExponential exponential_;
};

template <typename Input>
void SoftmaxOfBytes(const ReferenceContext& context, int64_t rows, int64_t columns) {
  const DistanceExponential exponential(context.input_quantization(0)->scales[0],
                                        context.attributes<SoftmaxAttributes>().beta);
  const Input* x = context.inputs[0].as<Input>();
  TensorView& y = context.outputs[0];
  const IntegerRange range = RangeOf(y.dtype);
  for (int64_t row = 0; row < rows; ++row, x += columns) {
    const int32_t largest = *std::max_element(x, x + columns);
    int64_t wide_sum = 0;
    for (int64_t i = 0; i < columns; ++i) {
      wide_sum += RoundingRightShift(exponential(largest - x[i]), kSumBits);
    }
    // At least 1, that of the largest element; more than 4095 elements of equal size would not fit.
    const auto sum = static_cast<uint32_t>(std::min<int64_t>(wide_sum, kInt32Max));
    const int leading_zeros = __builtin_clz(sum);
    const auto fraction =
        static_cast<int32_t>((sum << leading_zeros) - (uint32_t{1} << 31));  // of sum = 2^n (1 + f)
    const int32_t inverse = ReciprocalOfOnePlus(fraction);
    const int right_shift = kSumBits - leading_zeros + 31 - BitsOf(y.dtype);
    for (int64_t i = 0; i < columns; ++i) {
      int32_t result = 0;
      if (right_shift <= 31) {  // beyond, every result is below one half
        result = RoundingRightShift(RoundingDoublingHighMultiply(inverse, exponential(largest - x[i])),
                                    right_shift);
      }
      StoreInteger(y.data, y.dtype, row * columns + i, AddZeroPointAndClamp(result, range.low, range));
    }
  }
}

// ---- 16-bit input: two functions interpolated between 513 points.
// The whole type stands for -10 to 0, and for 0 to 1; the results for -1 to 1.
class WordFunctions {
 public:
  WordFunctions(float scale, float beta)
      : multiplier_(QuantizeMultiplier(static_cast<double>(scale * beta) / (10.0 / 65535.0))),
        exponential_(10.0 / 65535, 32767, 2.0 / 65535, 0, [](double v) { return std::exp(v); }),
        reciprocal_(1.0 / 65535, -32768, 2.0 / 65535, 0, [](double v) { return 1.0 / (1.0 + v); }) {}

  // exp(-distance * scale * beta), for the distance of an element to the largest one.
  int16_t Exponential(int32_t distance) const {
    const int64_t scaled = MultiplyWithTwoRoundings(-distance, multiplier_);
    return exponential_(static_cast<int32_t>(std::clamp<int64_t>(scaled + 32767, -32768, 32767)));
  }
  // 1 / (1 + f), f in 65536 steps around 0.
  int16_t Reciprocal(int32_t f) const { return reciprocal_(f); }

 private:
  FixedPointMultiplier multiplier_;
  InterpolationTable<double> exponential_, reciprocal_;
};

void SoftmaxOfWords(const ReferenceContext& context, int64_t rows, int64_t columns) {
  const WordFunctions functions(context.input_quantization(0)->scales[0],
                                context.attributes<SoftmaxAttributes>().beta);
  const int16_t* x = context.inputs[0].as<int16_t>();
  int16_t* y = context.outputs[0].as<int16_t>();
  for (int64_t row = 0; row < rows; ++row, x += columns, y += columns) {
    const int32_t largest = *std::max_element(x, x + columns);
    uint64_t wide_sum = 0;  // in units of 2^-15
    for (int64_t i = 0; i < columns; ++i) {
      y[i] = functions.Exponential(largest - x[i]);
      wide_sum += static_cast<uint64_t>(std::max<int32_t>(y[i], 0));
    }
    const auto sum = static_cast<uint32_t>(std::clamp<uint64_t>(wide_sum, 1, kInt32Max));
    const int leading_zeros = __builtin_clz(sum);
    // The sum as 1 + f, 0 <= f < 1.
    const int64_t normalized = ((static_cast<int64_t>(sum) << (leading_zeros - 1)) + (1 << 13)) >> 14;
    const int64_t centered = normalized - ((1 << 15) + (1 << 16));
    const int64_t inverse =
        functions.Reciprocal(static_cast<int32_t>(std::clamp<int64_t>(centered, -32768, 32767)));
    const int shift = 31 - leading_zeros;
    const int64_t rounding = shift > 0 ? int64_t{1} << (shift - 1) : 0;
    for (int64_t i = 0; i < columns; ++i) {
      y[i] = static_cast<int16_t>(std::clamp<int64_t>((y[i] * inverse + rounding) >> shift, 0, 32767));
    }
  }
}

}  // namespace

void MakeByteExponentials(float scale, float beta, int32_t* exponentials) {
  const DistanceExponential exponential(scale, beta);
  for (int32_t distance = 0; distance < 256; ++distance) exponentials[distance] = exponential(distance);
}

void MakeWordTables(float scale, float beta, int16_t* exponentials, int16_t* reciprocals) {
  const WordFunctions functions(scale, beta);
  for (int32_t i = 0; i < 65536; ++i) {
    exponentials[i] = functions.Exponential(i);
    reciprocals[i] = functions.Reciprocal(i - 32768);
  }
}

Status CheckIntegerSoftmax(DType from, DType to, const Quantization& y) {
  const bool is_known = from == DType::kU8 || from == DType::kI8 || from == DType::kI16;
  if (!is_known || (to != from && !(from == DType::kI8 && to == DType::kI16))) {
    return Unsupported("Softmax of %s to %s", NameOf(from), NameOf(to));
  }
  // The arithmetic has its output scale built in: the whole range of the output type is 0 to 1 (16 bits from
  // 16: the positive half).
  const double unit = from == DType::kI16 ? 1.0 / 32768 : std::ldexp(1.0, -BitsOf(to));
  const int32_t zero_point = from == DType::kI16 ? 0 : RangeOf(to).low;
  if (std::abs(static_cast<double>(y.scales[0]) - unit) > 1e-3 * unit || y.zero_points[0] != zero_point) {
    return Unsupported("integer Softmax with the output scale %g, zero point %d; expected %g, %d",
                       static_cast<double>(y.scales[0]), y.zero_points[0], unit, zero_point);
  }
  return Status::Ok();
}

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
  MACE_RETURN_IF_ERROR(CheckIntegerSoftmax(x.dtype, to, *context.output_quantization(0)));
  const int64_t columns = x.shape[axis];
  const int64_t rows = x.shape.Product(0, axis);
  if (rows == 0 || columns == 0) return Status::Ok();
  if (x.dtype == DType::kI16) {
    SoftmaxOfWords(context, rows, columns);
  } else if (x.dtype == DType::kU8) {
    SoftmaxOfBytes<uint8_t>(context, rows, columns);
  } else {
    SoftmaxOfBytes<int8_t>(context, rows, columns);
  }
  return Status::Ok();
}

}  // namespace mace::ops
