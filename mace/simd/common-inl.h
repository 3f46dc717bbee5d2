// What follows from the other functions in the same way on every instruction set. Included by simd.h alone.
#ifndef MACE_SIMD_COMMON_INL_H_
#define MACE_SIMD_COMMON_INL_H_

namespace mace {
namespace MACE_ISA_NAMESPACE {

MACE_INLINE VecF32 Zero(F32Tag) { return Set(kF32, 0.0f); }
MACE_INLINE VecI32 Zero(I32Tag) { return Set(kI32, 0); }
MACE_INLINE Mask32 IsNaN(VecF32 v) { return NotEqual(v, v); }
MACE_INLINE VecF32 MinNaN(VecF32 a, VecF32 b) { return Select(IsNaN(a), a, Min(a, b)); }
MACE_INLINE VecF32 MaxNaN(VecF32 a, VecF32 b) { return Select(IsNaN(a), a, Max(a, b)); }
// low and high are not NaN; a NaN in x stays.
MACE_INLINE VecF32 Clamp(VecF32 x, VecF32 low, VecF32 high) { return Min(high, Max(low, x)); }
MACE_INLINE VecF32 CopySign(VecF32 magnitude, VecF32 sign) {
  const VecI32 sign_bit = Set(kI32, INT32_MIN);
  return BitCastToF32(Or(AndNot(sign_bit, BitCastToI32(magnitude)), And(sign_bit, BitCastToI32(sign))));
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_COMMON_INL_H_
