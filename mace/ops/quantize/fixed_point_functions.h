// Functions in fixed-point arithmetic, in the formats and with the roundings of gemmlowp (fixedpoint.h),
// which TensorFlow Lite's integer kernels are made of: a number with n integer bits is a raw value in units
// of 2^(n - 31), a product is a RoundingDoublingHighMultiply and has the sum of both integer bits.
#ifndef MACE_OPS_QUANTIZE_FIXED_POINT_FUNCTIONS_H_
#define MACE_OPS_QUANTIZE_FIXED_POINT_FUNCTIONS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "mace/ops/quantize/fixed_point.h"

namespace mace::ops {

// `real` with `integer_bits` integer bits, where it is inside the range.
inline int32_t FixedConstant(double real, int integer_bits) {
  return static_cast<int32_t>(std::llround(std::ldexp(real, 31 - integer_bits)));
}

inline int32_t SaturatingLeftShift(int32_t x, int exponent) {
  return static_cast<int32_t>(
      std::clamp<int64_t>(static_cast<int64_t>(x) * (int64_t{1} << exponent), kInt32Min, kInt32Max));
}

// exp(x) without integer bits, for x <= 0 with kIntegerBits of them.
class NegativeExponential {
 public:
  static constexpr int kIntegerBits = 5;

  NegativeExponential() : at_center_(FixedConstant(std::exp(-0.125), 0)), third_(FixedConstant(1.0 / 3, 0)) {
    for (int i = 0; i < kFactors; ++i) factors_[i] = FixedConstant(std::exp(-std::ldexp(1.0, i - 2)), 0);
  }

  int32_t operator()(int32_t x) const {
    if (x == 0) return kInt32Max;  // 1
    constexpr int kFractionBits = 31 - kIntegerBits;
    constexpr int32_t kQuarter = 1 << (kFractionBits - 2);
    // x = rest - quarters / 4 with -1/4 <= rest < 0. exp(rest) by a series, then a factor for each bit of
    // `quarters`.
    const int32_t rest = (x & (kQuarter - 1)) - kQuarter;
    const int32_t remainder = rest - x;
    int32_t result = OfSmall(SaturatingLeftShift(rest, kIntegerBits));
    for (int i = 0; i < kFactors; ++i) {
      if ((remainder & (kQuarter << i)) != 0) result = RoundingDoublingHighMultiply(result, factors_[i]);
    }
    return result;
  }

 private:
  static constexpr int kFactors = kIntegerBits + 2;  // 1/4, 1/2, 1, .. 16

  // exp(x) for -1/4 <= x < 0, no integer bits: four terms of the series around -1/8.
  int32_t OfSmall(int32_t x) const {
    const int32_t y = x + (1 << 28);  // x + 1/8
    const int32_t y2 = RoundingDoublingHighMultiply(y, y);
    const int32_t y3 = RoundingDoublingHighMultiply(y2, y);
    const int32_t y4_over_4 = RoundingRightShift(RoundingDoublingHighMultiply(y2, y2), 2);
    const int32_t higher = RoundingRightShift(RoundingDoublingHighMultiply(y4_over_4 + y3, third_) + y2,
                                              1);  // y^2/2 + y^3/6 + y^4/24
    return at_center_ + RoundingDoublingHighMultiply(at_center_, y + higher);
  }

  int32_t at_center_;
  int32_t third_;
  int32_t factors_[kFactors];
};

// 1 / (1 + x) for 0 <= x < 1, both without integer bits: Newton's method for half the denominator, from the
// best linear guess 48/17 - 32/17 d.
inline int32_t ReciprocalOfOnePlus(int32_t x) {
  const auto half_denominator = static_cast<int32_t>((static_cast<int64_t>(x) + kInt32Max + 1) / 2);
  int32_t guess = FixedConstant(48.0 / 17, 2) +
                  RoundingDoublingHighMultiply(half_denominator, FixedConstant(-32.0 / 17, 2));
  for (int i = 0; i < 3; ++i) {
    const int32_t error =
        (1 << 29) - RoundingDoublingHighMultiply(half_denominator, guess);  // of 1, 2 integer bits
    guess += SaturatingLeftShift(RoundingDoublingHighMultiply(guess, error), 2);
  }
  return SaturatingLeftShift(guess, 1);  // half of it, without integer bits
}

// log(x), 5 integer bits, for x >= 1 with 12 of them. Around 2^n and around 2^n / sqrt(2) by a quotient of
// polynomials (both are tried, one is in its range), plus n log(2).
inline int32_t LogarithmOf(int32_t x) {
  constexpr int kInputBits = 12, kSumBits = 6;
  const double root = std::sqrt(std::sqrt(2.0));
  const int32_t root_of_half = FixedConstant(std::sqrt(0.5), 0), fourth_root = FixedConstant(1 / root, 0);
  constexpr int32_t kQuarter = 1 << (31 - kSumBits - 2);
  const auto saturated = [](int64_t value) {
    return static_cast<int32_t>(std::clamp<int64_t>(value, kInt32Min, kInt32Max));
  };
  // The mantissas r, and the exponents less 1/4 and more 1/4, of the two attempts.
  const int a_zeros = __builtin_clz(static_cast<uint32_t>(x));
  const int32_t a_mantissa = SaturatingLeftShift(x, a_zeros - 1);
  const int32_t a_root = SaturatingLeftShift(RoundingDoublingHighMultiply(a_mantissa, root_of_half), 1);
  const int32_t a_power =
      saturated(int64_t{SaturatingLeftShift(kInputBits - a_zeros, 31 - kSumBits)} + kQuarter);
  const int b_zeros = __builtin_clz(static_cast<uint32_t>(RoundingDoublingHighMultiply(x, root_of_half))) - 1;
  const int32_t b_root = SaturatingLeftShift(x, b_zeros);
  const int32_t b_power =
      saturated(int64_t{SaturatingLeftShift(kInputBits - b_zeros, 31 - kSumBits)} - kQuarter);
  const int32_t r = std::min(a_root, b_root);
  const int32_t power = std::max(a_power, b_power);

  const int64_t sum = int64_t{r} + fourth_root;
  const auto p = static_cast<int32_t>((sum + (sum >= 0 ? 1 : -1)) / 2);
  const int32_t q = 2 * (r - fourth_root);
  const auto times = [](int32_t a, int32_t b) { return RoundingDoublingHighMultiply(a, b); };
  const int32_t square = times(q, q);
  const int32_t numerator = times(q, r) + times(times(q, square), FixedConstant(11.0 / 240 * root, 0));
  const int32_t denominator =
      times(p, FixedConstant(2 / root - root, 0) + q + times(FixedConstant(root / 20, 0), square)) +
      times(FixedConstant(root / 4, 0), q);  // less 1
  const int32_t fraction = times(RoundingRightShift(numerator, kSumBits), ReciprocalOfOnePlus(denominator));
  return SaturatingLeftShift(times(power, FixedConstant(std::log(2.0), 0)) + fraction, 1);
}

// 1 / x for x >= 1, an integer: a multiplier whose exponent includes the -31 of x's own unit.
inline FixedPointMultiplier ReciprocalOf(int32_t x) {
  const int leading_zeros = __builtin_clz(static_cast<uint32_t>(x));
  const auto fraction =
      static_cast<int32_t>((static_cast<uint32_t>(x) << leading_zeros) - (uint32_t{1} << 31));
  return {ReciprocalOfOnePlus(fraction), leading_zeros - 31};
}

// 1 / sqrt(x) for x >= 1, an integer: Newton's method from 1, five steps.
inline FixedPointMultiplier InverseSquareRootOf(int32_t x) {
  if (x <= 1) return {kInt32Max, 0};
  int right_shift = 11;
  while (x >= (1 << 29)) {
    x /= 4;
    ++right_shift;
  }
  const int pairs = (__builtin_clz(static_cast<uint32_t>(x)) - 1) / 2 - 1;
  right_shift -= pairs;
  const int32_t input = (x << (2 * pairs)) >> 1;  // 3 integer bits, as all below
  const int32_t half_input = RoundingRightShift(input, 1);
  const int32_t half_three = FixedConstant(1.5, 3);
  int32_t root = 1 << 28;
  for (int i = 0; i < 5; ++i) {
    const int32_t square = RoundingDoublingHighMultiply(root, root);
    const int32_t cube = SaturatingLeftShift(RoundingDoublingHighMultiply(square, root), 6);
    root = SaturatingLeftShift(
        RoundingDoublingHighMultiply(half_three, root) - RoundingDoublingHighMultiply(half_input, cube), 3);
  }
  root = RoundingDoublingHighMultiply(root, FixedConstant(std::sqrt(2.0) / 2, 0));
  if (right_shift < 0) return {WrappingLeftShift(root, -right_shift), 0};
  return {root, -right_shift};
}

}  // namespace mace::ops

#endif  // MACE_OPS_QUANTIZE_FIXED_POINT_FUNCTIONS_H_
