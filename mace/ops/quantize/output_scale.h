// What the integer reference kernels share: checks of quantized operands, and OutputScale, the step from a
// sum to an output element in each of the three roundings.
#ifndef MACE_OPS_QUANTIZE_OUTPUT_SCALE_H_
#define MACE_OPS_QUANTIZE_OUTPUT_SCALE_H_

#include <cstdint>

#include "mace/core/dtype.h"
#include "mace/core/status.h"
#include "mace/graph/graph.h"
#include "mace/ops/quantize/fixed_point.h"

namespace mace::ops {

// The smallest and largest value of an integer type of at most 32 bits.
struct IntegerRange {
  int32_t low = 0;
  int32_t high = 0;
};
inline IntegerRange RangeOf(DType dtype) {
  switch (dtype) {
    case DType::kI8:
      return {-128, 127};
    case DType::kU8:
      return {0, 255};
    case DType::kI16:
      return {-32768, 32767};
    case DType::kU16:
      return {0, 65535};
    default:
      return {kInt32Min, kInt32Max};
  }
}

// `quantization` is there, has `scales` scales (0: any number but none), and each zero point is a value of
// `dtype`. `what` names the operand in the message.
inline Status CheckQuantization(const Quantization* quantization, DType dtype, size_t scales,
                                const char* what) {
  if (quantization == nullptr || quantization->scales.empty()) {
    return InvalidArgument("%s is %s without a quantization", what, NameOf(dtype));
  }
  if ((scales != 0 && quantization->scales.size() != scales) ||
      quantization->zero_points.size() != quantization->scales.size()) {
    return InvalidArgument("%s has %zu scales and %zu zero points, expected %zu of each", what,
                           quantization->scales.size(), quantization->zero_points.size(),
                           scales == 0 ? quantization->scales.size() : scales);
  }
  const IntegerRange range = RangeOf(dtype);
  for (int32_t zero_point : quantization->zero_points) {
    if (zero_point < range.low || zero_point > range.high) {
      return InvalidArgument("%s has zero point %d, outside of %s", what, zero_point, NameOf(dtype));
    }
  }
  return Status::Ok();
}

// The real scale of sums (input scale * weight scale) over the output's scale. TensorFlow Lite multiplies the
// two scales in single precision for convolutions of unsigned inputs, else in double precision: the last bits
// of a multiplier decide some roundings.
inline double TfliteMultiplier(float input_scale, float weight_scale, float output_scale,
                               bool single_precision) {
  const double product = single_precision
                             ? static_cast<double>(input_scale * weight_scale)
                             : static_cast<double>(input_scale) * static_cast<double>(weight_scale);
  return product / static_cast<double>(output_scale);
}

class OutputScale {
 public:
  OutputScale() = default;
  // `multiplier` as TfliteMultiplier gives it, `float_multiplier` for kHalfEvenFloat. `wide`: the sums have
  // 64 bits.
  OutputScale(Rounding rounding, double multiplier, float float_multiplier, bool wide)
      : rounding_(rounding),
        wide_(wide),
        fixed_(QuantizeMultiplier(multiplier)),
        multiplier_(multiplier),
        float_multiplier_(float_multiplier) {}

  // The sum in units of the output scale, before the zero point is added and the result is clamped.
  int32_t Apply(int64_t sum) const {
    if (rounding_ == Rounding::kHalfEvenFloat) {
      return RoundToInt32(static_cast<float>(sum) * float_multiplier_, true);
    }
    // Sums of 32 bits wrap, as TensorFlow Lite's accumulators do.
    const int64_t accumulated = wide_ ? sum : static_cast<int32_t>(sum);
    if (rounding_ == Rounding::kTfliteSingle) {
      return RoundToInt32(static_cast<double>(accumulated) * multiplier_, false);
    }
    return wide_ ? MultiplyWideSum(accumulated, fixed_)
                 : MultiplyWithTwoRoundings(static_cast<int32_t>(accumulated), fixed_);
  }

 private:
  Rounding rounding_ = Rounding::kTfliteDouble;
  bool wide_ = false;
  FixedPointMultiplier fixed_;
  double multiplier_ = 0;
  float float_multiplier_ = 0;
};

// Adds the zero point and saturates.
inline int32_t AddZeroPointAndClamp(int32_t value, int32_t zero_point, IntegerRange range) {
  const int64_t shifted = static_cast<int64_t>(value) + zero_point;
  return static_cast<int32_t>(std::clamp<int64_t>(shifted, range.low, range.high));
}

// What Quantize stores of a real number with the rounding kHalfEvenFloat.
inline int32_t StoreHalfEven(float real, float scale, int32_t zero_point, IntegerRange range) {
  return AddZeroPointAndClamp(RoundToInt32(real / scale, /*half_to_even=*/true), zero_point, range);
}

// Reads and writes element `index` of integers of any of the types above.
inline int32_t LoadInteger(const void* data, DType dtype, int64_t index) {
  switch (dtype) {
    case DType::kI8:
      return static_cast<const int8_t*>(data)[index];
    case DType::kU8:
      return static_cast<const uint8_t*>(data)[index];
    case DType::kI16:
      return static_cast<const int16_t*>(data)[index];
    case DType::kU16:
      return static_cast<const uint16_t*>(data)[index];
    default:
      return static_cast<const int32_t*>(data)[index];
  }
}
inline void StoreInteger(void* data, DType dtype, int64_t index, int32_t value) {
  switch (dtype) {
    case DType::kI8:
      static_cast<int8_t*>(data)[index] = static_cast<int8_t>(value);
      break;
    case DType::kU8:
      static_cast<uint8_t*>(data)[index] = static_cast<uint8_t>(value);
      break;
    case DType::kI16:
      static_cast<int16_t*>(data)[index] = static_cast<int16_t>(value);
      break;
    case DType::kU16:
      static_cast<uint16_t*>(data)[index] = static_cast<uint16_t>(value);
      break;
    default:
      static_cast<int32_t*>(data)[index] = value;
  }
}

}  // namespace mace::ops

#endif  // MACE_OPS_QUANTIZE_OUTPUT_SCALE_H_
