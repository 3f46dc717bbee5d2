#include <algorithm>
#include <cmath>

#include "mace/ops/common.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/quantize/fixed_point_functions.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {

namespace {

// The fixed-point arithmetic has its output scale built in: 1/16 below the highest value.
Status CheckScales(const InferContext& context) {
  const DType dtype = context.input(0).dtype;
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), dtype, 1, "input"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), dtype, 1, "output"));
  if (context.attributes<RoundingAttributes>().rounding == Rounding::kHalfEvenFloat) return Status::Ok();
  const Quantization& y = *context.output_quantization(0);
  if (dtype == DType::kI16 || y.scales[0] != 1.0f / 16 || y.zero_points[0] != RangeOf(dtype).high) {
    return Unsupported("integer LogSoftmax to %s with the scale %g, zero point %d", NameOf(dtype),
                       static_cast<double>(y.scales[0]), y.zero_points[0]);
  }
  return Status::Ok();
}

Status InferLogSoftmax(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kU8, DType::kI8, DType::kI16}));
  if (context.input(0).shape.rank < 1) return InvalidArgument("x is a scalar");
  if (context.input(0).dtype != DType::kF32) MACE_RETURN_IF_ERROR(CheckScales(context));
  context.SetOutput(0, context.input(0).dtype, context.input(0).shape);
  return Status::Ok();
}

// Calls row(index of its first element) for each row, columns being the last axis.
template <typename Row>
void ForEachRow(const Shape& shape, const Row& row) {
  const int64_t columns = shape[shape.rank - 1];
  const int64_t count = shape.ElementCount();
  for (int64_t first = 0; first < count; first += columns) row(first);
}

// `load` gives the reals, `store` takes the results.
template <typename Load, typename Store>
void LogSoftmaxOfReals(const Shape& shape, const Load& load, const Store& store) {
  const int64_t columns = shape[shape.rank - 1];
  ForEachRow(shape, [&](int64_t first) {
    double highest = -HUGE_VAL;  // subtracted first, so that exp cannot overflow
    for (int64_t i = 0; i < columns; ++i) highest = std::max(highest, load(first + i));
    double sum = 0;
    for (int64_t i = 0; i < columns; ++i) sum += std::exp(load(first + i) - highest);
    const double shift = highest + std::log(sum);
    for (int64_t i = 0; i < columns; ++i) store(first + i, static_cast<float>(load(first + i) - shift));
  });
}

// In the steps of TensorFlow Lite's reference kernel.
void LogSoftmaxOfBytes(const ReferenceContext& context) {
  constexpr int kBits =
      NegativeExponential::kIntegerBits;  // integer bits of differences and their logarithms
  constexpr int kSumBits = 12, kOutputBits = 4;
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  const IntegerRange range = RangeOf(y.dtype);
  const int64_t columns = x.shape[x.shape.rank - 1];
  const double scale = static_cast<double>(context.input_quantization(0)->scales[0]);
  const FixedPointMultiplier multiplier =
      QuantizeMultiplier(std::min(std::ldexp(scale, 31 - kBits), 2147483647.0));
  const FixedPointMultiplier inverse = QuantizeMultiplier(std::ldexp(1.0, 31 - multiplier.exponent) /
                                                          static_cast<double>(multiplier.multiplier));
  const int left_shift = std::max(multiplier.exponent, 0);
  // Below this the argument does not fit, and the exponential is 0.
  const auto smallest =
      -static_cast<int32_t>(std::min(std::floor(std::ldexp((1 << kBits) - 1, 31 - kBits - left_shift)), 1e9));
  const NegativeExponential exponential;
  ForEachRow(x.shape, [&](int64_t first) {
    const auto stored = [&](int64_t i) { return LoadInteger(x.data, x.dtype, first + i); };
    int32_t largest = range.low;
    for (int64_t i = 0; i < columns; ++i) largest = std::max(largest, stored(i));
    int64_t sum = 0;
    for (int64_t i = 0; i < columns; ++i) {
      const int32_t difference = stored(i) - largest;
      if (difference < smallest) continue;
      sum += RoundingRightShift(exponential(MultiplyWithTwoRoundings(difference, multiplier)), kSumBits);
    }
    const int32_t logarithm = LogarithmOf(static_cast<int32_t>(std::min<int64_t>(sum, kInt32Max)));
    const int32_t lowest = std::max(smallest - 1, MultiplyWithTwoRoundings(logarithm + kInt32Min, inverse));
    for (int64_t i = 0; i < columns; ++i) {
      const int32_t difference = stored(i) - largest;
      int32_t result = range.low;
      if (difference > lowest) {
        const int32_t value = MultiplyWithTwoRoundings(difference, multiplier) - logarithm;
        result = AddZeroPointAndClamp(RoundingRightShift(value, 31 - kBits - kOutputBits), range.high, range);
      }
      StoreInteger(y.data, y.dtype, first + i, result);
    }
  });
}

Status ReferenceLogSoftmax(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  if (x.elements() == 0) return Status::Ok();
  if (x.dtype == DType::kF32) {
    const float* values = x.as<float>();
    auto* results = static_cast<float*>(y.data);
    LogSoftmaxOfReals(
        x.shape, [&](int64_t i) { return static_cast<double>(values[i]); },
        [&](int64_t i, float result) { results[i] = result; });
    return Status::Ok();
  }
  if (context.attributes<RoundingAttributes>().rounding != Rounding::kHalfEvenFloat) {
    LogSoftmaxOfBytes(context);
    return Status::Ok();
  }
  const Quantization& from = *context.input_quantization(0);
  const Quantization& to = *context.output_quantization(0);
  LogSoftmaxOfReals(
      x.shape,
      [&](int64_t i) {
        return static_cast<double>(static_cast<float>(LoadInteger(x.data, x.dtype, i) - from.zero_points[0]) *
                                   from.scales[0]);
      },
      [&](int64_t i, float result) {
        StoreInteger(y.data, y.dtype, i,
                     AddZeroPointAndClamp(RoundToInt32(result / to.scales[0], true), to.zero_points[0],
                                          RangeOf(y.dtype)));
      });
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kLogSoftmaxDefinition = {
    .name = "LogSoftmax",
    .attributes = AttributeInfoOf<RoundingAttributes>(),
    .infer = InferLogSoftmax,
    .reference = ReferenceLogSoftmax,
};

}  // namespace mace::ops
