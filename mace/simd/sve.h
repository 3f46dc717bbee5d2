// The vocabulary of simd.h on SVE: as many lanes as the CPU has (4 to 64), known at run time.
#ifndef MACE_SIMD_SVE_H_
#define MACE_SIMD_SVE_H_

#include <arm_sve.h>

namespace mace {
namespace MACE_ISA_NAMESPACE {

using VecF32 = svfloat32_t;
using VecI32 = svint32_t;
using Mask32 = svbool_t;

MACE_INLINE int Lanes(F32Tag) { return static_cast<int>(svcntw()); }
MACE_INLINE int Lanes(I32Tag) { return static_cast<int>(svcntw()); }

MACE_INLINE svbool_t AllLanes() { return svptrue_b32(); }
MACE_INLINE svbool_t FirstLanes(int64_t n) { return svwhilelt_b32_s64(0, n); }

MACE_INLINE VecF32 BitCastToF32(VecI32 v) { return svreinterpret_f32_s32(v); }
MACE_INLINE VecI32 BitCastToI32(VecF32 v) { return svreinterpret_s32_f32(v); }

MACE_INLINE VecF32 Set(F32Tag, float x) { return svdup_n_f32(x); }
MACE_INLINE VecI32 Set(I32Tag, int32_t x) { return svdup_n_s32(x); }
MACE_INLINE VecF32 Broadcast(F32Tag, const float* p) { return svdup_n_f32(*p); }
MACE_INLINE VecF32 Load(F32Tag, const float* p) { return svld1_f32(AllLanes(), p); }
MACE_INLINE VecI32 Load(I32Tag, const int32_t* p) { return svld1_s32(AllLanes(), p); }
MACE_INLINE VecF32 LoadPartial(F32Tag, const float* p, int64_t n) { return svld1_f32(FirstLanes(n), p); }
MACE_INLINE VecI32 LoadPartial(I32Tag, const int32_t* p, int64_t n) { return svld1_s32(FirstLanes(n), p); }
MACE_INLINE void Store(float* p, VecF32 v) { svst1_f32(AllLanes(), p, v); }
MACE_INLINE void Store(int32_t* p, VecI32 v) { svst1_s32(AllLanes(), p, v); }
MACE_INLINE void StorePartial(float* p, VecF32 v, int64_t n) { svst1_f32(FirstLanes(n), p, v); }
MACE_INLINE void StorePartial(int32_t* p, VecI32 v, int64_t n) { svst1_s32(FirstLanes(n), p, v); }

MACE_INLINE VecF32 Add(VecF32 a, VecF32 b) { return svadd_f32_x(AllLanes(), a, b); }
MACE_INLINE VecF32 Sub(VecF32 a, VecF32 b) { return svsub_f32_x(AllLanes(), a, b); }
MACE_INLINE VecF32 Mul(VecF32 a, VecF32 b) { return svmul_f32_x(AllLanes(), a, b); }
MACE_INLINE VecF32 Div(VecF32 a, VecF32 b) { return svdiv_f32_x(AllLanes(), a, b); }
MACE_INLINE VecF32 MulAdd(VecF32 a, VecF32 b, VecF32 c) { return svmla_f32_x(AllLanes(), c, a, b); }
MACE_INLINE VecF32 NegMulAdd(VecF32 a, VecF32 b, VecF32 c) { return svmls_f32_x(AllLanes(), c, a, b); }
MACE_INLINE VecF32 Min(VecF32 a, VecF32 b) { return svmin_f32_x(AllLanes(), a, b); }
MACE_INLINE VecF32 Max(VecF32 a, VecF32 b) { return svmax_f32_x(AllLanes(), a, b); }
MACE_INLINE VecF32 Sqrt(VecF32 a) { return svsqrt_f32_x(AllLanes(), a); }
MACE_INLINE VecF32 Abs(VecF32 a) { return svabs_f32_x(AllLanes(), a); }
MACE_INLINE VecF32 Neg(VecF32 a) { return svneg_f32_x(AllLanes(), a); }
MACE_INLINE VecF32 Round(VecF32 a) { return svrintn_f32_x(AllLanes(), a); }
MACE_INLINE VecF32 Floor(VecF32 a) { return svrintm_f32_x(AllLanes(), a); }
MACE_INLINE VecF32 Ceil(VecF32 a) { return svrintp_f32_x(AllLanes(), a); }
MACE_INLINE VecF32 Truncate(VecF32 a) { return svrintz_f32_x(AllLanes(), a); }
MACE_INLINE VecI32 ConvertTruncateToI32(VecF32 a) { return svcvt_s32_f32_x(AllLanes(), a); }
// SVE converts towards zero only.
MACE_INLINE VecI32 ConvertToI32(VecF32 a) { return ConvertTruncateToI32(Round(a)); }
MACE_INLINE VecF32 ConvertFromI32(VecI32 a) { return svcvt_f32_s32_x(AllLanes(), a); }

MACE_INLINE Mask32 Less(VecF32 a, VecF32 b) { return svcmplt_f32(AllLanes(), a, b); }
MACE_INLINE Mask32 LessEqual(VecF32 a, VecF32 b) { return svcmple_f32(AllLanes(), a, b); }
MACE_INLINE Mask32 Greater(VecF32 a, VecF32 b) { return svcmpgt_f32(AllLanes(), a, b); }
MACE_INLINE Mask32 GreaterEqual(VecF32 a, VecF32 b) { return svcmpge_f32(AllLanes(), a, b); }
MACE_INLINE Mask32 Equal(VecF32 a, VecF32 b) { return svcmpeq_f32(AllLanes(), a, b); }
MACE_INLINE Mask32 MaskNot(Mask32 a) { return svnot_b_z(AllLanes(), a); }
MACE_INLINE bool AnyLane(Mask32 a) { return svptest_any(AllLanes(), a); }
// Not svcmpne: whether a NaN is unequal there is asked of svcmpeq instead.
MACE_INLINE Mask32 NotEqual(VecF32 a, VecF32 b) { return MaskNot(svcmpeq_f32(AllLanes(), a, b)); }
MACE_INLINE Mask32 Greater(VecI32 a, VecI32 b) { return svcmpgt_s32(AllLanes(), a, b); }
MACE_INLINE Mask32 Less(VecI32 a, VecI32 b) { return svcmplt_s32(AllLanes(), a, b); }
MACE_INLINE Mask32 Equal(VecI32 a, VecI32 b) { return svcmpeq_s32(AllLanes(), a, b); }
MACE_INLINE Mask32 MaskFirst(int64_t n) { return FirstLanes(n); }
MACE_INLINE Mask32 MaskAnd(Mask32 a, Mask32 b) { return svand_b_z(AllLanes(), a, b); }
MACE_INLINE Mask32 MaskOr(Mask32 a, Mask32 b) { return svorr_b_z(AllLanes(), a, b); }
MACE_INLINE VecF32 Select(Mask32 mask, VecF32 if_true, VecF32 if_false) {
  return svsel_f32(mask, if_true, if_false);
}
MACE_INLINE VecI32 Select(Mask32 mask, VecI32 if_true, VecI32 if_false) {
  return svsel_s32(mask, if_true, if_false);
}

MACE_INLINE VecI32 Add(VecI32 a, VecI32 b) { return svadd_s32_x(AllLanes(), a, b); }
MACE_INLINE VecI32 Sub(VecI32 a, VecI32 b) { return svsub_s32_x(AllLanes(), a, b); }
MACE_INLINE VecI32 Mul(VecI32 a, VecI32 b) { return svmul_s32_x(AllLanes(), a, b); }
MACE_INLINE VecI32 Min(VecI32 a, VecI32 b) { return svmin_s32_x(AllLanes(), a, b); }
MACE_INLINE VecI32 Max(VecI32 a, VecI32 b) { return svmax_s32_x(AllLanes(), a, b); }
MACE_INLINE VecI32 And(VecI32 a, VecI32 b) { return svand_s32_x(AllLanes(), a, b); }
MACE_INLINE VecI32 AndNot(VecI32 not_a, VecI32 b) { return svbic_s32_x(AllLanes(), b, not_a); }
MACE_INLINE VecI32 Or(VecI32 a, VecI32 b) { return svorr_s32_x(AllLanes(), a, b); }
MACE_INLINE VecI32 Xor(VecI32 a, VecI32 b) { return sveor_s32_x(AllLanes(), a, b); }
MACE_INLINE VecI32 ShiftLeft(VecI32 a, int count) {
  return svlsl_n_s32_x(AllLanes(), a, static_cast<uint32_t>(count));
}
MACE_INLINE VecI32 ShiftRight(VecI32 a, int count) {
  return svasr_s32_x(AllLanes(), a, svdup_n_u32(static_cast<uint32_t>(count)));
}
MACE_INLINE VecI32 ShiftRightLogical(VecI32 a, int count) {
  const svuint32_t counts = svdup_n_u32(static_cast<uint32_t>(count));
  return svreinterpret_s32_u32(svlsr_u32_x(AllLanes(), svreinterpret_u32_s32(a), counts));
}
MACE_INLINE VecI32 ShiftLeft(VecI32 a, VecI32 counts) {
  return svlsl_s32_x(AllLanes(), a, svreinterpret_u32_s32(counts));
}
// On the magnitude, whose sum with a half fits 32 bits without a sign.
MACE_INLINE VecI32 RoundingShiftRight(VecI32 a, VecI32 counts) {
  const VecI32 halves = ShiftRightLogical(ShiftLeft(Set(kI32, 1), counts), 1);
  const VecI32 sums = Add(svabs_s32_x(AllLanes(), a), halves);
  const VecI32 rounded = svreinterpret_s32_u32(
      svlsr_u32_x(AllLanes(), svreinterpret_u32_s32(sums), svreinterpret_u32_s32(counts)));
  return svneg_s32_m(rounded, Less(a, Set(kI32, 0)), rounded);
}
MACE_INLINE VecI32 MulHigh(VecI32 a, VecI32 b) { return svmulh_s32_x(AllLanes(), a, b); }
// The high half has weight 2^32; of the low half the bits 30 and 31 count.
MACE_INLINE VecI32 MulHighRounded(VecI32 a, VecI32 b) {
  const VecI32 low = ShiftRightLogical(Mul(a, b), 30);
  return Add(ShiftLeft(MulHigh(a, b), 1), ShiftRightLogical(Add(low, Set(kI32, 1)), 1));
}

MACE_INLINE float ReduceAdd(VecF32 v) { return svaddv_f32(AllLanes(), v); }
MACE_INLINE int32_t ReduceAdd(VecI32 v) { return static_cast<int32_t>(svaddv_s32(AllLanes(), v)); }
MACE_INLINE float ReduceMax(VecF32 v) { return svmaxv_f32(AllLanes(), v); }
MACE_INLINE float ReduceMin(VecF32 v) { return svminv_f32(AllLanes(), v); }

// One half in the low bits of each 32-bit lane: what svcvt reads and writes.
MACE_INLINE VecF32 LoadF16Partial(F32Tag, const uint16_t* p, int64_t n) {
  return svcvt_f32_f16_x(AllLanes(), svreinterpret_f16_u32(svld1uh_u32(FirstLanes(n), p)));
}
MACE_INLINE VecF32 LoadF16(F32Tag, const uint16_t* p) {
  return svcvt_f32_f16_x(AllLanes(), svreinterpret_f16_u32(svld1uh_u32(AllLanes(), p)));
}
MACE_INLINE void StoreF16Partial(uint16_t* p, VecF32 v, int64_t n) {
  svst1h_u32(FirstLanes(n), p, svreinterpret_u32_f16(svcvt_f16_f32_x(AllLanes(), v)));
}
MACE_INLINE void StoreF16(uint16_t* p, VecF32 v) {
  svst1h_u32(AllLanes(), p, svreinterpret_u32_f16(svcvt_f16_f32_x(AllLanes(), v)));
}

MACE_INLINE VecI32 LoadU8(I32Tag, const uint8_t* p) { return svld1ub_s32(AllLanes(), p); }
MACE_INLINE VecI32 LoadI8(I32Tag, const int8_t* p) { return svld1sb_s32(AllLanes(), p); }
MACE_INLINE VecI32 LoadU8Partial(I32Tag, const uint8_t* p, int64_t n) {
  return svld1ub_s32(FirstLanes(n), p);
}
MACE_INLINE VecI32 LoadI8Partial(I32Tag, const int8_t* p, int64_t n) { return svld1sb_s32(FirstLanes(n), p); }
MACE_INLINE VecI32 LoadI16(I32Tag, const int16_t* p) { return svld1sh_s32(AllLanes(), p); }
MACE_INLINE VecI32 LoadI16Partial(I32Tag, const int16_t* p, int64_t n) {
  return svld1sh_s32(FirstLanes(n), p);
}
MACE_INLINE VecI32 ClampToI16(VecI32 v) { return Min(Max(v, Set(kI32, -32768)), Set(kI32, 32767)); }
MACE_INLINE void StoreI16(int16_t* p, VecI32 v) { svst1h_s32(AllLanes(), p, ClampToI16(v)); }
MACE_INLINE void StoreI16Partial(int16_t* p, VecI32 v, int64_t n) {
  svst1h_s32(FirstLanes(n), p, ClampToI16(v));
}
MACE_INLINE svuint32_t ClampToU8(VecI32 v) {
  return svreinterpret_u32_s32(Min(Max(v, Set(kI32, 0)), Set(kI32, 255)));
}
MACE_INLINE VecI32 ClampToI8(VecI32 v) { return Min(Max(v, Set(kI32, -128)), Set(kI32, 127)); }
MACE_INLINE void StoreU8(uint8_t* p, VecI32 v) { svst1b_u32(AllLanes(), p, ClampToU8(v)); }
MACE_INLINE void StoreI8(int8_t* p, VecI32 v) { svst1b_s32(AllLanes(), p, ClampToI8(v)); }
MACE_INLINE void StoreU8Partial(uint8_t* p, VecI32 v, int64_t n) {
  svst1b_u32(FirstLanes(n), p, ClampToU8(v));
}
MACE_INLINE void StoreI8Partial(int8_t* p, VecI32 v, int64_t n) {
  svst1b_s32(FirstLanes(n), p, ClampToI8(v));
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_SVE_H_
