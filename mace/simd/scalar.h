// The vocabulary of simd.h in plain C++: 1 lane. It runs on any CPU and says what the other headers must
// compute.
#ifndef MACE_SIMD_SCALAR_H_
#define MACE_SIMD_SCALAR_H_

namespace mace {
namespace MACE_ISA_NAMESPACE {

using VecF32 = float;
using VecI32 = int32_t;
using Mask32 = bool;

inline constexpr int kF32Lanes = 1;
MACE_INLINE int Lanes(F32Tag) { return kF32Lanes; }
MACE_INLINE int Lanes(I32Tag) { return kF32Lanes; }

MACE_INLINE VecF32 BitCastToF32(VecI32 v) { return BitCast<float>(v); }
MACE_INLINE VecI32 BitCastToI32(VecF32 v) { return BitCast<int32_t>(v); }

MACE_INLINE VecF32 Set(F32Tag, float x) { return x; }
MACE_INLINE VecI32 Set(I32Tag, int32_t x) { return x; }
MACE_INLINE VecF32 Broadcast(F32Tag, const float* p) { return *p; }
MACE_INLINE VecF32 Load(F32Tag, const float* p) { return *p; }
// Of bytes too, at any address (dot.h); clang takes the alignment from the pointer's type unless it is cast.
MACE_INLINE VecI32 Load(I32Tag, const int32_t* p) {
  VecI32 v;
  __builtin_memcpy(&v, reinterpret_cast<const char*>(p), sizeof(v));
  return v;
}
MACE_INLINE VecF32 LoadPartial(F32Tag, const float* p, int64_t n) { return n > 0 ? *p : 0.0f; }
MACE_INLINE VecI32 LoadPartial(I32Tag, const int32_t* p, int64_t n) { return n > 0 ? *p : 0; }
MACE_INLINE void Store(float* p, VecF32 v) { *p = v; }
MACE_INLINE void Store(int32_t* p, VecI32 v) { __builtin_memcpy(reinterpret_cast<char*>(p), &v, sizeof(v)); }
MACE_INLINE void StorePartial(float* p, VecF32 v, int64_t n) {
  if (n > 0) *p = v;
}
MACE_INLINE void StorePartial(int32_t* p, VecI32 v, int64_t n) {
  if (n > 0) *p = v;
}

MACE_INLINE VecF32 Add(VecF32 a, VecF32 b) { return a + b; }
MACE_INLINE VecF32 Sub(VecF32 a, VecF32 b) { return a - b; }
MACE_INLINE VecF32 Mul(VecF32 a, VecF32 b) { return a * b; }
MACE_INLINE VecF32 Div(VecF32 a, VecF32 b) { return a / b; }
MACE_INLINE VecF32 MulAdd(VecF32 a, VecF32 b, VecF32 c) { return a * b + c; }
MACE_INLINE VecF32 NegMulAdd(VecF32 a, VecF32 b, VecF32 c) { return c - a * b; }
MACE_INLINE VecF32 Min(VecF32 a, VecF32 b) { return a < b ? a : b; }
MACE_INLINE VecF32 Max(VecF32 a, VecF32 b) { return a > b ? a : b; }
MACE_INLINE VecF32 Sqrt(VecF32 a) { return __builtin_sqrtf(a); }
MACE_INLINE VecF32 Abs(VecF32 a) { return __builtin_fabsf(a); }
MACE_INLINE VecF32 Neg(VecF32 a) { return -a; }
MACE_INLINE VecF32 Round(VecF32 a) { return __builtin_nearbyintf(a); }
MACE_INLINE VecF32 Floor(VecF32 a) { return __builtin_floorf(a); }
MACE_INLINE VecF32 Ceil(VecF32 a) { return __builtin_ceilf(a); }
MACE_INLINE VecF32 Truncate(VecF32 a) { return __builtin_truncf(a); }
MACE_INLINE VecI32 ConvertTruncateToI32(VecF32 a) {
  return a >= -2147483648.0f && a < 2147483648.0f ? static_cast<int32_t>(a) : INT32_MIN;
}
MACE_INLINE VecI32 ConvertToI32(VecF32 a) { return ConvertTruncateToI32(Round(a)); }
MACE_INLINE VecF32 ConvertFromI32(VecI32 a) { return static_cast<float>(a); }

MACE_INLINE Mask32 Less(VecF32 a, VecF32 b) { return a < b; }
MACE_INLINE Mask32 LessEqual(VecF32 a, VecF32 b) { return a <= b; }
MACE_INLINE Mask32 Greater(VecF32 a, VecF32 b) { return a > b; }
MACE_INLINE Mask32 GreaterEqual(VecF32 a, VecF32 b) { return a >= b; }
MACE_INLINE Mask32 Equal(VecF32 a, VecF32 b) { return a == b; }
MACE_INLINE Mask32 NotEqual(VecF32 a, VecF32 b) { return a != b; }
MACE_INLINE Mask32 Greater(VecI32 a, VecI32 b) { return a > b; }
MACE_INLINE Mask32 Less(VecI32 a, VecI32 b) { return a < b; }
MACE_INLINE Mask32 Equal(VecI32 a, VecI32 b) { return a == b; }
MACE_INLINE Mask32 MaskFirst(int64_t n) { return n > 0; }
MACE_INLINE Mask32 MaskAnd(Mask32 a, Mask32 b) { return a && b; }
MACE_INLINE Mask32 MaskOr(Mask32 a, Mask32 b) { return a || b; }
MACE_INLINE Mask32 MaskNot(Mask32 a) { return !a; }
MACE_INLINE bool AnyLane(Mask32 a) { return a; }
MACE_INLINE VecF32 Select(Mask32 mask, VecF32 if_true, VecF32 if_false) { return mask ? if_true : if_false; }
MACE_INLINE VecI32 Select(Mask32 mask, VecI32 if_true, VecI32 if_false) { return mask ? if_true : if_false; }

// Integers wrap around, as vector instructions do.
MACE_INLINE uint32_t Bits(int32_t a) { return static_cast<uint32_t>(a); }
MACE_INLINE VecI32 Add(VecI32 a, VecI32 b) { return static_cast<int32_t>(Bits(a) + Bits(b)); }
MACE_INLINE VecI32 Sub(VecI32 a, VecI32 b) { return static_cast<int32_t>(Bits(a) - Bits(b)); }
MACE_INLINE VecI32 Mul(VecI32 a, VecI32 b) { return static_cast<int32_t>(Bits(a) * Bits(b)); }
MACE_INLINE VecI32 Min(VecI32 a, VecI32 b) { return a < b ? a : b; }
MACE_INLINE VecI32 Max(VecI32 a, VecI32 b) { return a > b ? a : b; }
MACE_INLINE VecI32 And(VecI32 a, VecI32 b) { return a & b; }
MACE_INLINE VecI32 AndNot(VecI32 not_a, VecI32 b) { return ~not_a & b; }
MACE_INLINE VecI32 Or(VecI32 a, VecI32 b) { return a | b; }
MACE_INLINE VecI32 Xor(VecI32 a, VecI32 b) { return a ^ b; }
MACE_INLINE VecI32 ShiftLeft(VecI32 a, int count) { return static_cast<int32_t>(Bits(a) << count); }
MACE_INLINE VecI32 ShiftRight(VecI32 a, int count) { return a >> count; }
MACE_INLINE VecI32 ShiftRightLogical(VecI32 a, int count) { return static_cast<int32_t>(Bits(a) >> count); }
MACE_INLINE VecI32 RoundingShiftRight(VecI32 a, VecI32 counts) {
  const uint32_t magnitude = a < 0 ? 0 - Bits(a) : Bits(a);
  const uint32_t rounded = (magnitude + (uint32_t{1} << counts >> 1)) >> counts;
  return static_cast<int32_t>(a < 0 ? 0 - rounded : rounded);
}
MACE_INLINE VecI32 MulHighRounded(VecI32 a, VecI32 b) {
  return static_cast<int32_t>((int64_t{a} * b + (int64_t{1} << 30)) >> 31);
}

MACE_INLINE float ReduceAdd(VecF32 v) { return v; }
MACE_INLINE int32_t ReduceAdd(VecI32 v) { return v; }
MACE_INLINE float ReduceMax(VecF32 v) { return v; }
MACE_INLINE float ReduceMin(VecF32 v) { return v; }

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#include "mace/simd/soft_f16-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

MACE_INLINE VecF32 LoadF16(F32Tag, const uint16_t* p) { return WidenF16Bits(*p); }
MACE_INLINE VecF32 LoadF16Partial(F32Tag, const uint16_t* p, int64_t n) {
  return n > 0 ? LoadF16(kF32, p) : 0.0f;
}
MACE_INLINE void StoreF16(uint16_t* p, VecF32 v) { *p = static_cast<uint16_t>(NarrowToF16Bits(v)); }
MACE_INLINE void StoreF16Partial(uint16_t* p, VecF32 v, int64_t n) {
  if (n > 0) StoreF16(p, v);
}
MACE_INLINE VecI32 LoadU8(I32Tag, const uint8_t* p) { return *p; }
MACE_INLINE VecI32 LoadI8(I32Tag, const int8_t* p) { return *p; }
MACE_INLINE VecI32 LoadU8Partial(I32Tag, const uint8_t* p, int64_t n) { return n > 0 ? *p : 0; }
MACE_INLINE VecI32 LoadI8Partial(I32Tag, const int8_t* p, int64_t n) { return n > 0 ? *p : 0; }
MACE_INLINE VecI32 LoadI16(I32Tag, const int16_t* p) { return *p; }
MACE_INLINE VecI32 LoadI16Partial(I32Tag, const int16_t* p, int64_t n) { return n > 0 ? *p : 0; }
MACE_INLINE void StoreU8(uint8_t* p, VecI32 v) { *p = static_cast<uint8_t>(Min(Max(v, 0), 255)); }
MACE_INLINE void StoreI8(int8_t* p, VecI32 v) { *p = static_cast<int8_t>(Min(Max(v, -128), 127)); }
MACE_INLINE void StoreI16(int16_t* p, VecI32 v) { *p = static_cast<int16_t>(Min(Max(v, -32768), 32767)); }
MACE_INLINE void StoreI16Partial(int16_t* p, VecI32 v, int64_t n) {
  if (n > 0) StoreI16(p, v);
}
MACE_INLINE void StoreU8Partial(uint8_t* p, VecI32 v, int64_t n) {
  if (n > 0) StoreU8(p, v);
}
MACE_INLINE void StoreI8Partial(int8_t* p, VecI32 v, int64_t n) {
  if (n > 0) StoreI8(p, v);
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_SCALAR_H_
