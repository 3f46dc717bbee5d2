// The fixed-point arithmetic against exact rational arithmetic in 128 bits.
#include "mace/ops/quantize/fixed_point.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace mace::ops {
namespace {

__extension__ typedef __int128 Wide;

enum class Halves { kUp, kAwayFromZero };

// numerator / 2^shift rounded to nearest.
Wide Rounded(Wide numerator, int shift, Halves halves) {
  if (shift == 0) return numerator;
  const Wide half = Wide{1} << (shift - 1);
  if (halves == Halves::kAwayFromZero && numerator < 0) return -((-numerator + half) >> shift);
  return (numerator + half) >> shift;
}

int32_t Saturated(Wide value) {
  if (value > INT32_MAX) return INT32_MAX;
  return value < INT32_MIN ? INT32_MIN : static_cast<int32_t>(value);
}

std::vector<int32_t> InterestingNumbers() {
  std::vector<int32_t> numbers = {INT32_MIN, INT32_MIN + 1, INT32_MAX, INT32_MAX - 1, 0, 1, -1, 2, -2, 3, -3};
  for (int bit = 2; bit < 31; ++bit) {
    for (int offset = -1; offset <= 1; ++offset) {
      numbers.push_back((1 << bit) + offset);
      numbers.push_back(-(1 << bit) + offset);
    }
  }
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) numbers.push_back(static_cast<int32_t>(random()));
  return numbers;
}

TEST(FixedPoint, QuantizeMultiplierIsTheNearest) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> exponents(-30, 29);
  for (int i = 0; i < 2000; ++i) {
    const double real = std::exp2(exponents(random));
    const FixedPointMultiplier multiplier = QuantizeMultiplier(real);
    EXPECT_GE(multiplier.multiplier, 1 << 30);
    EXPECT_NEAR(std::ldexp(multiplier.multiplier, multiplier.exponent - 31) / real, 1.0,
                std::ldexp(1.0, -31));
  }
}

TEST(FixedPoint, QuantizeMultiplierAtTheEdges) {
  EXPECT_EQ(QuantizeMultiplier(0).multiplier, 0);
  EXPECT_EQ(QuantizeMultiplier(-1).multiplier, 0);
  EXPECT_EQ(QuantizeMultiplier(std::nan("")).multiplier, 0);
  EXPECT_EQ(QuantizeMultiplier(1e-30).multiplier, 0);
  EXPECT_EQ(QuantizeMultiplier(1e300).multiplier, INT32_MAX);
  EXPECT_EQ(QuantizeMultiplier(1).multiplier, 1 << 30);
  EXPECT_EQ(QuantizeMultiplier(1).exponent, 1);
  EXPECT_EQ(QuantizeMultiplier(std::nextafter(1.0, 0.0)).multiplier, 1 << 30);  // the mantissa rounds up to 1
  EXPECT_EQ(QuantizeMultiplier(std::nextafter(1.0, 0.0)).exponent, 1);
}

// 2^n * 1.5 for all n: the multiplier is that of 1.5, the exponent's low five bits are left above 31.
TEST(FixedPoint, ExponentsOfWrappingShifts) {
  for (int exponent = -40; exponent < 300; ++exponent) {
    const FixedPointMultiplier multiplier = QuantizeMultiplierForWrappingShift(std::ldexp(0.75, exponent));
    EXPECT_EQ(multiplier.multiplier, exponent < -31 ? 0 : 3 << 29);
    EXPECT_EQ(multiplier.exponent, exponent < -31 ? 0 : exponent < 0 ? exponent : exponent % 32);
  }
  const double below = std::nextafter(std::ldexp(1.0, 64), 0.0);  // the mantissa rounds up to 1
  EXPECT_EQ(QuantizeMultiplierForWrappingShift(below).multiplier, 1 << 30);
  EXPECT_EQ(QuantizeMultiplierForWrappingShift(below).exponent, 1);
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_EQ(QuantizeMultiplierForWrappingShift(infinite).multiplier, INT32_MAX);
}

TEST(FixedPoint, HighMultiply) {
  for (int32_t a : InterestingNumbers()) {
    for (int32_t b : InterestingNumbers()) {
      ASSERT_EQ(RoundingDoublingHighMultiply(a, b), Saturated(Rounded(Wide{a} * b, 31, Halves::kUp)))
          << a << " " << b;
    }
  }
}

TEST(FixedPoint, RightShift) {
  for (int32_t x : InterestingNumbers()) {
    for (int exponent = 0; exponent <= 31; ++exponent) {
      ASSERT_EQ(RoundingRightShift(x, exponent), Saturated(Rounded(x, exponent, Halves::kAwayFromZero)))
          << x << " " << exponent;
    }
  }
}

TEST(FixedPoint, OneRounding) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 20000; ++i) {
    const int64_t x = static_cast<int64_t>(random()) >> (17 + static_cast<int>(random() % 40));
    const FixedPointMultiplier multiplier = {static_cast<int32_t>((1u << 30) + random() % (1u << 30)),
                                             static_cast<int32_t>(random() % 62) - 31};
    const Wide exact = Rounded(Wide{x} * multiplier.multiplier, 31 - multiplier.exponent, Halves::kUp);
    ASSERT_EQ(MultiplyWithOneRounding(x, multiplier), Saturated(exact)) << x << " " << multiplier.exponent;
  }
}

TEST(FixedPoint, TwoRoundingsRoundTwice) {
  // 2^31 * 0.5 * 2^-30 ... a value just below a half becomes one half in the first rounding and 1 in the
  // second.
  const FixedPointMultiplier below_half = {INT32_MAX, -1};  // just below 1/2
  EXPECT_EQ(MultiplyWithTwoRoundings(1, below_half), 1);
  EXPECT_EQ(MultiplyWithOneRounding(1, below_half), 0);
  std::mt19937 random(5);
  for (int i = 0; i < 20000; ++i) {
    const int32_t x = static_cast<int32_t>(random()) >> 8;
    const FixedPointMultiplier multiplier = {static_cast<int32_t>((1u << 30) + random() % (1u << 30)),
                                             -static_cast<int32_t>(random() % 20)};
    const int32_t first = Saturated(Rounded(Wide{x} * multiplier.multiplier, 31, Halves::kUp));
    const int32_t second = Saturated(Rounded(first, -multiplier.exponent, Halves::kAwayFromZero));
    ASSERT_EQ(MultiplyWithTwoRoundings(x, multiplier), second);
  }
}

TEST(FixedPoint, WideSumsUseSixteenBitMultipliers) {
  std::mt19937_64 random(13);
  for (int i = 0; i < 20000; ++i) {
    const int64_t x = static_cast<int64_t>(random()) >> (17 + static_cast<int>(random() % 40));
    const FixedPointMultiplier multiplier = {static_cast<int32_t>((1u << 30) + random() % (1u << 30)),
                                             static_cast<int32_t>(random() % 40) - 31};
    Wide reduced = Rounded(multiplier.multiplier, 16, Halves::kUp);
    if (reduced > 0x7FFF) reduced = 0x7FFF;
    const int shift = 15 - multiplier.exponent;
    const Wide exact = shift > 0 ? Rounded(x * reduced, shift, Halves::kUp) : x * reduced;
    ASSERT_EQ(MultiplyWideSum(x, multiplier), Saturated(exact)) << x << " " << multiplier.exponent;
  }
}

TEST(FixedPoint, RoundToInt32) {
  EXPECT_EQ(RoundToInt32(2.5, true), 2);
  EXPECT_EQ(RoundToInt32(3.5, true), 4);
  EXPECT_EQ(RoundToInt32(2.5, false), 3);
  EXPECT_EQ(RoundToInt32(-2.5, true), -2);
  EXPECT_EQ(RoundToInt32(-2.5, false), -3);
  EXPECT_EQ(RoundToInt32(1e20, true), INT32_MAX);
  EXPECT_EQ(RoundToInt32(-1e20, false), INT32_MIN);
  EXPECT_EQ(RoundToInt32(std::nan(""), true), 0);
}

}  // namespace
}  // namespace mace::ops
