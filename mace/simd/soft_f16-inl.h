// Half precision from integer operations, for instruction sets whose baseline cannot convert. Included by
// their headers. The methods are Fabian Giesen's ("Float->half variants", 2012): the exponent is moved by a
// multiplication or an addition in float, which also rounds and handles denormals.
#ifndef MACE_SIMD_SOFT_F16_INL_H_
#define MACE_SIMD_SOFT_F16_INL_H_

namespace mace {
namespace MACE_ISA_NAMESPACE {

// Each lane holds the 16 bits of a half.
MACE_INLINE VecF32 WidenF16Bits(VecI32 bits) {
  const VecI32 magnitude = ShiftLeft(And(bits, Set(kI32, 0x7fff)), 13);
  const VecI32 sign = ShiftLeft(And(bits, Set(kI32, 0x8000)), 16);
  // 2^112 moves the exponent's bias from 15 to 127.
  const VecF32 finite = Mul(BitCastToF32(magnitude), BitCastToF32(Set(kI32, 0x77800000)));
  const Mask32 not_finite = Greater(magnitude, Set(kI32, (0x7c00 << 13) - 1));
  const VecI32 special = Or(magnitude, Set(kI32, 0x7f800000));
  return BitCastToF32(Or(Select(not_finite, special, BitCastToI32(finite)), sign));
}

// The 16 bits of the nearest half in each lane; NaN becomes the quiet NaN 0x7e00.
MACE_INLINE VecI32 NarrowToF16Bits(VecF32 v) {
  const VecI32 bits = BitCastToI32(v);
  const VecI32 sign = And(ShiftRightLogical(bits, 16), Set(kI32, 0x8000));
  const VecI32 magnitude = And(bits, Set(kI32, 0x7fffffff));
  // Below 2^-14: adding 1/2 leaves the half's denormal in the low bits, rounded by the addition.
  const VecF32 half = Set(kF32, 0.5f);
  const VecI32 denormal = Sub(BitCastToI32(Add(BitCastToF32(magnitude), half)), BitCastToI32(half));
  const VecI32 odd = And(ShiftRightLogical(magnitude, 13), Set(kI32, 1));
  const VecI32 rounded = Add(Add(magnitude, Set(kI32, static_cast<int32_t>(0xc8000fffu))), odd);
  VecI32 result = Select(Less(magnitude, Set(kI32, 0x38800000)), denormal, ShiftRightLogical(rounded, 13));
  const VecI32 special =
      Select(Greater(magnitude, Set(kI32, 0x7f800000)), Set(kI32, 0x7e00), Set(kI32, 0x7c00));
  result = Select(Less(magnitude, Set(kI32, 0x47800000)), result, special);
  return Or(result, sign);
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_SOFT_F16_INL_H_
