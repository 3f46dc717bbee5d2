#include "mace/ops/quantize/narrow_float.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mace::ops {

double WidenFloat(uint16_t bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int highest = (1 << exponent_bits) - 1;
  const int exponent = (bits >> mantissa_bits) & highest;
  const int mantissa = bits & ((1 << mantissa_bits) - 1);
  double magnitude;
  if (exponent == highest) {
    magnitude = mantissa != 0 ? std::numeric_limits<double>::quiet_NaN() : HUGE_VAL;
  } else if (exponent == 0) {
    magnitude = std::ldexp(mantissa, 1 - bias - mantissa_bits);
  } else {
    magnitude = std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

uint16_t RoundToNarrowFloat(double value, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int infinity = ((1 << exponent_bits) - 1) << mantissa_bits;
  const int sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | infinity | (1 << (mantissa_bits - 1)));
  if (std::isinf(value)) return static_cast<uint16_t>(sign | infinity);
  if (magnitude == 0) return static_cast<uint16_t>(sign);
  int exponent = 0;
  std::frexp(magnitude, &exponent);  // magnitude = f * 2^exponent, f in [0.5, 1)
  // In units of the last place; of subnormals the exponent does not fall below 1 - bias.
  const int unit = std::max(exponent - 1, 1 - bias) - mantissa_bits;
  const double units = std::nearbyint(std::ldexp(magnitude, -unit));
  if (std::ldexp(units, unit) >= std::ldexp(1.0, bias + 1)) return static_cast<uint16_t>(sign | infinity);
  // A normal number's hidden bit adds one to the stored exponent, and so does a mantissa that rounded up.
  const int stored = (unit + mantissa_bits + bias - 1) * (1 << mantissa_bits) + static_cast<int>(units);
  return static_cast<uint16_t>(sign | stored);
}

}  // namespace mace::ops
