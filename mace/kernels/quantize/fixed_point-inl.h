// The fixed-point arithmetic of mace/ops/quantize/fixed_point.h on vectors, equal to it bit for bit: for
// *.simd.cc files. Multipliers and shifts are the parts of an ops::FixedPointMultiplier, one for each lane.
#ifndef MACE_KERNELS_QUANTIZE_FIXED_POINT_INL_H_
#define MACE_KERNELS_QUANTIZE_FIXED_POINT_INL_H_

#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

// left = max(exponent, 0), right = max(-exponent, 0).
MACE_INLINE VecI32 MultiplyWithTwoRoundings(VecI32 x, VecI32 multiplier, VecI32 left, VecI32 right) {
  return RoundingShiftRight(MulHighRounded(ShiftLeft(x, left), multiplier), right);
}

MACE_INLINE int32_t MultiplyWithOneRounding(int32_t x, int32_t multiplier, int shift) {
  const int64_t rounded = (int64_t{x} * multiplier + (int64_t{1} << (shift - 1))) >> shift;
  return static_cast<int32_t>(ScalarClamp<int64_t>(rounded, INT32_MIN, INT32_MAX));
}

#ifndef MACE_SIMD_SCALAR  // where it would be the function above once more
// shift = 31 - exponent, in [1, 62]. Its products and shifts have 64 bits, for which few instruction sets
// have all that it takes: lane by lane.
MACE_INLINE VecI32 MultiplyWithOneRounding(VecI32 x, VecI32 multiplier, VecI32 shift) {
  int32_t values[kF32Lanes], multipliers[kF32Lanes], shifts[kF32Lanes];
  Store(values, x);
  Store(multipliers, multiplier);
  Store(shifts, shift);
  for (int i = 0; i < kF32Lanes; ++i) {
    values[i] = MultiplyWithOneRounding(values[i], multipliers[i], shifts[i]);
  }
  return Load(kI32, values);
}
#endif

// To nearest, halves to even, of what is no NaN. low and high are integers of at most 24 bits.
MACE_INLINE VecI32 RoundToI32Clamped(VecF32 v, VecF32 low, VecF32 high) {
  return ConvertToI32(Clamp(v, low, high));
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_QUANTIZE_FIXED_POINT_INL_H_
