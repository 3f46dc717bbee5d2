// For the tests of quantized kernels: any integers and scales, and the fixed-point arithmetic in plain loops.
// Test code: the standard library is allowed.
#ifndef MACE_KERNELS_QUANTIZE_QUANTIZE_TEST_SUPPORT_H_
#define MACE_KERNELS_QUANTIZE_QUANTIZE_TEST_SUPPORT_H_

#include <cmath>
#include <limits>

#include "mace/kernels/kernel_test_support.h"
#include "mace/kernels/quantize/quantize.h"

namespace mace::kernels {

// The extremes now and then.
template <typename T>
T AnyInteger(Random& random) {
  const int64_t kind = Pick(random, 0, 19);
  if (kind < 2) return kind == 0 ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
  const auto bits = static_cast<int32_t>(random());
  return static_cast<T>(sizeof(T) == 4 ? bits >> Pick(random, 0, 31) : bits);
}

template <typename T>
T Saturated(int64_t value) {
  return static_cast<T>(
      std::clamp<int64_t>(value, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

inline int32_t AnyMultiplier(Random& random) {
  switch (Pick(random, 0, 9)) {
    case 0:
      return 0;
    case 1:
      return 1 << 30;
    case 2:
      return std::numeric_limits<int32_t>::max();
    default:
      return static_cast<int32_t>(Pick(random, 1 << 30, std::numeric_limits<int32_t>::max()));
  }
}

// Most of those that networks have, some at the ends.
inline int32_t AnyExponent(Random& random) {
  return static_cast<int32_t>(Pick(random, 0, 4) == 0 ? Pick(random, -31, 30) : Pick(random, -12, 4));
}

// x * scale with the rounding's steps taken one by one, in 128 bits.
inline int64_t Scaled(int32_t x, FixedScale scale, IntegerRounding rounding) {
  const auto floor_shift = [](__int128 value, int shift) { return value >> shift; };
  if (rounding == IntegerRounding::kOneRounding) {
    const int shift = 31 - scale.exponent;
    const __int128 product = static_cast<__int128>(x) * scale.multiplier;
    const __int128 rounded = floor_shift(product + (static_cast<__int128>(1) << (shift - 1)), shift);
    return Saturated<int32_t>(static_cast<int64_t>(rounded));
  }
  const int left = std::max(scale.exponent, 0), right = std::max(-scale.exponent, 0);
  const auto shifted = static_cast<int32_t>(static_cast<uint32_t>(x) << left);
  const auto high =
      static_cast<int64_t>(floor_shift(static_cast<__int128>(shifted) * scale.multiplier + (1 << 30), 31));
  return std::llround(std::ldexp(static_cast<double>(high), -right));
}

}  // namespace mace::kernels

#endif  // MACE_KERNELS_QUANTIZE_QUANTIZE_TEST_SUPPORT_H_
