// The fixed-point arithmetic of quantized networks: how a 32-bit sum in units of (input scale * weight scale)
// becomes an integer in units of the output scale. The operations are those that the TensorFlow Lite
// quantization specification builds on (Jacob et al., "Quantization and Training of Neural Networks for
// Efficient Integer-Arithmetic-Only Inference", 2017, section 2.2) and that gemmlowp documents in
// doc/quantization.md: bit-equal results need each rounding in the same place.
#ifndef MACE_OPS_QUANTIZE_FIXED_POINT_H_
#define MACE_OPS_QUANTIZE_FIXED_POINT_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "mace/ops/common.h"

namespace mace::ops {

// The real number multiplier * 2^(exponent - 31), multiplier in [2^30, 2^31), or 0.
struct FixedPointMultiplier {
  int32_t multiplier = 0;
  int32_t exponent = 0;
};

inline constexpr int32_t kInt32Max = std::numeric_limits<int32_t>::max();
inline constexpr int32_t kInt32Min = std::numeric_limits<int32_t>::min();

// The nearest FixedPointMultiplier of a real >= 0. What is too small becomes 0, what is too large the
// largest.
inline FixedPointMultiplier QuantizeMultiplier(double real) {
  if (!(real > 0)) return {};
  if (std::isinf(real)) return {kInt32Max, 30};
  int exponent = 0;
  const double mantissa = std::frexp(real, &exponent);  // in [0.5, 1)
  int64_t multiplier = std::llround(mantissa * static_cast<double>(int64_t{1} << 31));
  if (multiplier == (int64_t{1} << 31)) {
    multiplier /= 2;
    ++exponent;
  }
  if (exponent < -31) return {};
  if (exponent > 30) return {kInt32Max, 30};
  return {static_cast<int32_t>(multiplier), exponent};
}

// The same for the left shift of MultiplyWithTwoRoundings, as TensorFlow Lite shifts by exponents above 31
// too: C++ leaves that open, the machine takes the low five bits (LiteRT 2.3 on x86-64).
inline FixedPointMultiplier QuantizeMultiplierForWrappingShift(double real) {
  if (!(real >= static_cast<double>(1 << 30)) || !std::isfinite(real)) return QuantizeMultiplier(real);
  int exponent = 0;
  FixedPointMultiplier result = QuantizeMultiplier(std::frexp(real, &exponent));
  result.exponent = (result.exponent + exponent) % 32;
  return result;
}

// The high 32 bits of 2 * a * b, rounded to nearest, halves upwards; the one product that does not fit
// saturates.
inline int32_t RoundingDoublingHighMultiply(int32_t a, int32_t b) {
  if (a == kInt32Min && b == kInt32Min) return kInt32Max;
  return static_cast<int32_t>((static_cast<int64_t>(a) * b + (int64_t{1} << 30)) >> 31);
}

// x / 2^exponent (0 <= exponent <= 31), rounded to nearest, halves away from zero.
inline int32_t RoundingRightShift(int32_t x, int exponent) {
  const int32_t mask = static_cast<int32_t>((int64_t{1} << exponent) - 1);
  const int32_t remainder = x & mask;
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

// x * 2^exponent in 32 bits; what does not fit wraps, as it does in TensorFlow Lite.
inline int32_t WrappingLeftShift(int32_t x, int exponent) {
  return static_cast<int32_t>(static_cast<uint32_t>(x) << exponent);
}

// x * multiplier with two roundings (Rounding::kTfliteDouble): TensorFlow Lite's default.
inline int32_t MultiplyWithTwoRoundings(int32_t x, FixedPointMultiplier multiplier) {
  const int left = std::max(multiplier.exponent, 0);
  const int right = std::max(-multiplier.exponent, 0);
  return RoundingRightShift(RoundingDoublingHighMultiply(WrappingLeftShift(x, left), multiplier.multiplier),
                            right);
}

// x * multiplier with one rounding, halves upwards (Rounding::kTfliteSingle), |x| < 2^47, saturating. In two
// halves, because the whole product has up to 78 bits.
inline int32_t MultiplyWithOneRounding(int64_t x, FixedPointMultiplier multiplier) {
  constexpr int64_t kLimit = int64_t{1} << 47;
  const int64_t clamped = std::clamp(x, -kLimit, kLimit - 1);
  const int shift = 31 - multiplier.exponent;  // 1 .. 62
  const int64_t low = (clamped & 0xFFFFFFFF) * multiplier.multiplier;
  const int64_t high =
      (clamped >> 32) * multiplier.multiplier + (low >> 32);  // product = high * 2^32 + low % 2^32
  int64_t result = 0;
  if (shift > 32) {
    result = (high + (int64_t{1} << (shift - 33))) >> (shift - 32);
  } else {
    const int64_t half = int64_t{1} << (shift - 1);
    if (high >= half) return kInt32Max;  // high * 2^(32 - shift) does not fit
    if (high < -half) return kInt32Min;
    result = high * (int64_t{1} << (32 - shift)) + (((low & 0xFFFFFFFF) + half) >> shift);
  }
  return static_cast<int32_t>(std::clamp<int64_t>(result, kInt32Min, kInt32Max));
}

// What kTfliteDouble is for the 64-bit sums of 16-bit activations, |x| < 2^47: one rounding, by a multiplier
// that was itself rounded to 16 bits.
inline int32_t MultiplyWideSum(int64_t x, FixedPointMultiplier multiplier) {
  const int64_t limit = int64_t{1} << 47;
  const int64_t clamped = std::clamp(x, -limit, limit - 1);
  const int64_t reduced =
      multiplier.multiplier < 0x7FFF0000 ? (int64_t{multiplier.multiplier} + (1 << 15)) >> 16 : 0x7FFF;
  const int shift = 15 - multiplier.exponent;
  if (shift <= 0) {  // a scale of 2^15 and more: no sensible network has it
    return static_cast<int32_t>(std::clamp<int64_t>(clamped * reduced, kInt32Min, kInt32Max));
  }
  const int64_t result = (clamped * reduced + (int64_t{1} << (shift - 1))) >> shift;
  return static_cast<int32_t>(std::clamp<int64_t>(result, kInt32Min, kInt32Max));
}

// Rounds to the nearest integer, halves away from zero or to even, saturating; NaN gives 0.
inline int32_t RoundToInt32(double value, bool half_to_even) {
  if (std::isnan(value)) return 0;
  const double rounded = half_to_even ? std::nearbyint(value) : std::round(value);
  if (rounded >= static_cast<double>(kInt32Max)) return kInt32Max;
  if (rounded <= static_cast<double>(kInt32Min)) return kInt32Min;
  return static_cast<int32_t>(rounded);
}

}  // namespace mace::ops

#endif  // MACE_OPS_QUANTIZE_FIXED_POINT_H_
