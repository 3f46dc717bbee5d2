// The vocabulary of simd.h on AArch64 Advanced SIMD (Armv8.0): 4 lanes, no masks.
#ifndef MACE_SIMD_NEON_H_
#define MACE_SIMD_NEON_H_

#include <arm_neon.h>

namespace mace {
namespace MACE_ISA_NAMESPACE {

using VecF32 = float32x4_t;
using VecI32 = int32x4_t;
using Mask32 = uint32x4_t;  // all bits of a lane, or none

inline constexpr int kF32Lanes = 4;
MACE_INLINE int Lanes(F32Tag) { return kF32Lanes; }
MACE_INLINE int Lanes(I32Tag) { return kF32Lanes; }

MACE_INLINE VecF32 BitCastToF32(VecI32 v) { return vreinterpretq_f32_s32(v); }
MACE_INLINE VecI32 BitCastToI32(VecF32 v) { return vreinterpretq_s32_f32(v); }

MACE_INLINE VecF32 Set(F32Tag, float x) { return vdupq_n_f32(x); }
MACE_INLINE VecI32 Set(I32Tag, int32_t x) { return vdupq_n_s32(x); }
MACE_INLINE VecF32 Broadcast(F32Tag, const float* p) { return vld1q_dup_f32(p); }
MACE_INLINE VecF32 Load(F32Tag, const float* p) { return vld1q_f32(p); }
MACE_INLINE VecI32 Load(I32Tag, const int32_t* p) { return vld1q_s32(p); }
MACE_INLINE VecF32 LoadPartial(F32Tag, const float* p, int64_t n) {
  const float32x4_t zero = vdupq_n_f32(0.0f);
  switch (n) {
    case 0:
      return zero;
    case 1:
      return vld1q_lane_f32(p, zero, 0);
    case 2:
      return vcombine_f32(vld1_f32(p), vget_low_f32(zero));
    case 3:
      return vld1q_lane_f32(p + 2, vcombine_f32(vld1_f32(p), vget_low_f32(zero)), 2);
    default:
      return vld1q_f32(p);
  }
}
MACE_INLINE VecI32 LoadPartial(I32Tag, const int32_t* p, int64_t n) {
  const int32x4_t zero = vdupq_n_s32(0);
  switch (n) {
    case 0:
      return zero;
    case 1:
      return vld1q_lane_s32(p, zero, 0);
    case 2:
      return vcombine_s32(vld1_s32(p), vget_low_s32(zero));
    case 3:
      return vld1q_lane_s32(p + 2, vcombine_s32(vld1_s32(p), vget_low_s32(zero)), 2);
    default:
      return vld1q_s32(p);
  }
}
MACE_INLINE void Store(float* p, VecF32 v) { vst1q_f32(p, v); }
MACE_INLINE void Store(int32_t* p, VecI32 v) { vst1q_s32(p, v); }
MACE_INLINE void StorePartial(float* p, VecF32 v, int64_t n) {
  switch (n) {
    case 0:
      return;
    case 1:
      return vst1q_lane_f32(p, v, 0);
    case 2:
      return vst1_f32(p, vget_low_f32(v));
    case 3:
      vst1_f32(p, vget_low_f32(v));
      return vst1q_lane_f32(p + 2, v, 2);
    default:
      return vst1q_f32(p, v);
  }
}
MACE_INLINE void StorePartial(int32_t* p, VecI32 v, int64_t n) {
  switch (n) {
    case 0:
      return;
    case 1:
      return vst1q_lane_s32(p, v, 0);
    case 2:
      return vst1_s32(p, vget_low_s32(v));
    case 3:
      vst1_s32(p, vget_low_s32(v));
      return vst1q_lane_s32(p + 2, v, 2);
    default:
      return vst1q_s32(p, v);
  }
}

MACE_INLINE VecF32 Add(VecF32 a, VecF32 b) { return vaddq_f32(a, b); }
MACE_INLINE VecF32 Sub(VecF32 a, VecF32 b) { return vsubq_f32(a, b); }
MACE_INLINE VecF32 Mul(VecF32 a, VecF32 b) { return vmulq_f32(a, b); }
MACE_INLINE VecF32 Div(VecF32 a, VecF32 b) { return vdivq_f32(a, b); }
MACE_INLINE VecF32 MulAdd(VecF32 a, VecF32 b, VecF32 c) { return vfmaq_f32(c, a, b); }
MACE_INLINE VecF32 NegMulAdd(VecF32 a, VecF32 b, VecF32 c) { return vfmsq_f32(c, a, b); }
MACE_INLINE VecF32 Min(VecF32 a, VecF32 b) { return vminq_f32(a, b); }
MACE_INLINE VecF32 Max(VecF32 a, VecF32 b) { return vmaxq_f32(a, b); }
MACE_INLINE VecF32 Sqrt(VecF32 a) { return vsqrtq_f32(a); }
MACE_INLINE VecF32 Abs(VecF32 a) { return vabsq_f32(a); }
MACE_INLINE VecF32 Neg(VecF32 a) { return vnegq_f32(a); }
MACE_INLINE VecF32 Round(VecF32 a) { return vrndnq_f32(a); }
MACE_INLINE VecF32 Floor(VecF32 a) { return vrndmq_f32(a); }
MACE_INLINE VecF32 Ceil(VecF32 a) { return vrndpq_f32(a); }
MACE_INLINE VecF32 Truncate(VecF32 a) { return vrndq_f32(a); }
MACE_INLINE VecI32 ConvertToI32(VecF32 a) { return vcvtnq_s32_f32(a); }
MACE_INLINE VecI32 ConvertTruncateToI32(VecF32 a) { return vcvtq_s32_f32(a); }
MACE_INLINE VecF32 ConvertFromI32(VecI32 a) { return vcvtq_f32_s32(a); }

MACE_INLINE Mask32 Less(VecF32 a, VecF32 b) { return vcltq_f32(a, b); }
MACE_INLINE Mask32 LessEqual(VecF32 a, VecF32 b) { return vcleq_f32(a, b); }
MACE_INLINE Mask32 Greater(VecF32 a, VecF32 b) { return vcgtq_f32(a, b); }
MACE_INLINE Mask32 GreaterEqual(VecF32 a, VecF32 b) { return vcgeq_f32(a, b); }
MACE_INLINE Mask32 Equal(VecF32 a, VecF32 b) { return vceqq_f32(a, b); }
MACE_INLINE Mask32 NotEqual(VecF32 a, VecF32 b) { return vmvnq_u32(vceqq_f32(a, b)); }
MACE_INLINE Mask32 Greater(VecI32 a, VecI32 b) { return vcgtq_s32(a, b); }
MACE_INLINE Mask32 Less(VecI32 a, VecI32 b) { return vcltq_s32(a, b); }
MACE_INLINE Mask32 Equal(VecI32 a, VecI32 b) { return vceqq_s32(a, b); }
MACE_INLINE Mask32 MaskFirst(int64_t n) {
  const int32x4_t lanes = {0, 1, 2, 3};
  return vcltq_s32(lanes, vdupq_n_s32(static_cast<int32_t>(n)));
}
MACE_INLINE Mask32 MaskAnd(Mask32 a, Mask32 b) { return vandq_u32(a, b); }
MACE_INLINE Mask32 MaskOr(Mask32 a, Mask32 b) { return vorrq_u32(a, b); }
MACE_INLINE Mask32 MaskNot(Mask32 a) { return vmvnq_u32(a); }
MACE_INLINE bool AnyLane(Mask32 a) { return vmaxvq_u32(a) != 0; }
MACE_INLINE VecF32 Select(Mask32 mask, VecF32 if_true, VecF32 if_false) {
  return vbslq_f32(mask, if_true, if_false);
}
MACE_INLINE VecI32 Select(Mask32 mask, VecI32 if_true, VecI32 if_false) {
  return vbslq_s32(mask, if_true, if_false);
}

MACE_INLINE VecI32 Add(VecI32 a, VecI32 b) { return vaddq_s32(a, b); }
MACE_INLINE VecI32 Sub(VecI32 a, VecI32 b) { return vsubq_s32(a, b); }
MACE_INLINE VecI32 Mul(VecI32 a, VecI32 b) { return vmulq_s32(a, b); }
MACE_INLINE VecI32 Min(VecI32 a, VecI32 b) { return vminq_s32(a, b); }
MACE_INLINE VecI32 Max(VecI32 a, VecI32 b) { return vmaxq_s32(a, b); }
MACE_INLINE VecI32 And(VecI32 a, VecI32 b) { return vandq_s32(a, b); }
MACE_INLINE VecI32 AndNot(VecI32 not_a, VecI32 b) { return vbicq_s32(b, not_a); }
MACE_INLINE VecI32 Or(VecI32 a, VecI32 b) { return vorrq_s32(a, b); }
MACE_INLINE VecI32 Xor(VecI32 a, VecI32 b) { return veorq_s32(a, b); }
MACE_INLINE VecI32 ShiftLeft(VecI32 a, int count) { return vshlq_s32(a, vdupq_n_s32(count)); }
MACE_INLINE VecI32 ShiftRight(VecI32 a, int count) { return vshlq_s32(a, vdupq_n_s32(-count)); }
MACE_INLINE VecI32 ShiftRightLogical(VecI32 a, int count) {
  return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a), vdupq_n_s32(-count)));
}
MACE_INLINE VecI32 ShiftLeft(VecI32 a, VecI32 counts) { return vshlq_s32(a, counts); }
// The instruction rounds halves upwards: on the magnitude that is away from zero.
MACE_INLINE VecI32 RoundingShiftRight(VecI32 a, VecI32 counts) {
  const uint32x4_t rounded = vrshlq_u32(vreinterpretq_u32_s32(vabsq_s32(a)), vnegq_s32(counts));
  const int32x4_t sign = vshrq_n_s32(a, 31);
  return vsubq_s32(veorq_s32(vreinterpretq_s32_u32(rounded), sign), sign);
}
MACE_INLINE VecI32 MulHighRounded(VecI32 a, VecI32 b) { return vqrdmulhq_s32(a, b); }

MACE_INLINE float ReduceAdd(VecF32 v) { return vaddvq_f32(v); }
MACE_INLINE int32_t ReduceAdd(VecI32 v) { return vaddvq_s32(v); }
MACE_INLINE float ReduceMax(VecF32 v) { return vmaxvq_f32(v); }
MACE_INLINE float ReduceMin(VecF32 v) { return vminvq_f32(v); }

MACE_INLINE VecF32 LoadF16(F32Tag, const uint16_t* p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
MACE_INLINE VecF32 LoadF16Partial(F32Tag, const uint16_t* p, int64_t n) {
  uint16_t copy[4] = {};
  CopyBytes(copy, p, static_cast<size_t>(n) * 2);
  return LoadF16(kF32, copy);
}
MACE_INLINE void StoreF16(uint16_t* p, VecF32 v) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v))); }
MACE_INLINE void StoreF16Partial(uint16_t* p, VecF32 v, int64_t n) {
  uint16_t copy[4];
  StoreF16(copy, v);
  CopyBytes(p, copy, static_cast<size_t>(n) * 2);
}

MACE_INLINE uint32_t LoadFourBytes(const void* p) {
  uint32_t four;
  __builtin_memcpy(&four, p, 4);
  return four;
}
MACE_INLINE VecI32 LoadU8(I32Tag, const uint8_t* p) {
  const uint16x8_t wide = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(LoadFourBytes(p))));
  return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(wide)));
}
MACE_INLINE VecI32 LoadI8(I32Tag, const int8_t* p) {
  const int16x8_t wide = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(LoadFourBytes(p))));
  return vmovl_s16(vget_low_s16(wide));
}
MACE_INLINE VecI32 LoadU8Partial(I32Tag, const uint8_t* p, int64_t n) {
  uint8_t copy[4] = {};
  CopyBytes(copy, p, static_cast<size_t>(n));
  return LoadU8(kI32, copy);
}
MACE_INLINE VecI32 LoadI8Partial(I32Tag, const int8_t* p, int64_t n) {
  int8_t copy[4] = {};
  CopyBytes(copy, p, static_cast<size_t>(n));
  return LoadI8(kI32, copy);
}
MACE_INLINE void StoreU8Partial(uint8_t* p, VecI32 v, int64_t n) {
  const uint16x4_t half = vqmovun_s32(v);
  const uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vqmovn_u16(vcombine_u16(half, half))), 0);
  CopyBytes(p, &four, static_cast<size_t>(n));
}
MACE_INLINE void StoreI8Partial(int8_t* p, VecI32 v, int64_t n) {
  const int16x4_t half = vqmovn_s32(v);
  const uint32_t four = vget_lane_u32(vreinterpret_u32_s8(vqmovn_s16(vcombine_s16(half, half))), 0);
  CopyBytes(p, &four, static_cast<size_t>(n));
}
MACE_INLINE VecI32 LoadI16(I32Tag, const int16_t* p) { return vmovl_s16(vld1_s16(p)); }
MACE_INLINE VecI32 LoadI16Partial(I32Tag, const int16_t* p, int64_t n) {
  int16_t copy[4] = {};
  CopyBytes(copy, p, static_cast<size_t>(n) * 2);
  return LoadI16(kI32, copy);
}
MACE_INLINE void StoreI16(int16_t* p, VecI32 v) { vst1_s16(p, vqmovn_s32(v)); }
MACE_INLINE void StoreI16Partial(int16_t* p, VecI32 v, int64_t n) {
  int16_t copy[4];
  StoreI16(copy, v);
  CopyBytes(p, copy, static_cast<size_t>(n) * 2);
}
MACE_INLINE void StoreU8(uint8_t* p, VecI32 v) { StoreU8Partial(p, v, 4); }
MACE_INLINE void StoreI8(int8_t* p, VecI32 v) { StoreI8Partial(p, v, 4); }

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_NEON_H_
