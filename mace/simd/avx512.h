// The vocabulary of simd.h on AVX-512 (F, BW, DQ, VL): 16 lanes, mask registers.
#ifndef MACE_SIMD_AVX512_H_
#define MACE_SIMD_AVX512_H_

#include <immintrin.h>

namespace mace {
namespace MACE_ISA_NAMESPACE {

using VecF32 = __m512;
using VecI32 = __m512i;
using Mask32 = __mmask16;

inline constexpr int kF32Lanes = 16;
MACE_INLINE int Lanes(F32Tag) { return kF32Lanes; }
MACE_INLINE int Lanes(I32Tag) { return kF32Lanes; }

MACE_INLINE __mmask16 FirstLanes(int64_t n) { return static_cast<__mmask16>((uint32_t{1} << n) - 1); }

MACE_INLINE VecF32 Set(F32Tag, float x) { return _mm512_set1_ps(x); }
MACE_INLINE VecI32 Set(I32Tag, int32_t x) { return _mm512_set1_epi32(x); }
MACE_INLINE VecF32 Broadcast(F32Tag, const float* p) { return _mm512_set1_ps(*p); }
MACE_INLINE VecF32 Load(F32Tag, const float* p) { return _mm512_loadu_ps(p); }
MACE_INLINE VecI32 Load(I32Tag, const int32_t* p) { return _mm512_loadu_si512(p); }
MACE_INLINE VecF32 LoadPartial(F32Tag, const float* p, int64_t n) {
  return _mm512_maskz_loadu_ps(FirstLanes(n), p);
}
MACE_INLINE VecI32 LoadPartial(I32Tag, const int32_t* p, int64_t n) {
  return _mm512_maskz_loadu_epi32(FirstLanes(n), p);
}
MACE_INLINE void Store(float* p, VecF32 v) { _mm512_storeu_ps(p, v); }
MACE_INLINE void Store(int32_t* p, VecI32 v) { _mm512_storeu_si512(p, v); }
MACE_INLINE void StorePartial(float* p, VecF32 v, int64_t n) { _mm512_mask_storeu_ps(p, FirstLanes(n), v); }
MACE_INLINE void StorePartial(int32_t* p, VecI32 v, int64_t n) {
  _mm512_mask_storeu_epi32(p, FirstLanes(n), v);
}

MACE_INLINE VecF32 BitCastToF32(VecI32 v) { return _mm512_castsi512_ps(v); }
MACE_INLINE VecI32 BitCastToI32(VecF32 v) { return _mm512_castps_si512(v); }

MACE_INLINE VecF32 Add(VecF32 a, VecF32 b) { return _mm512_add_ps(a, b); }
MACE_INLINE VecF32 Sub(VecF32 a, VecF32 b) { return _mm512_sub_ps(a, b); }
MACE_INLINE VecF32 Mul(VecF32 a, VecF32 b) { return _mm512_mul_ps(a, b); }
MACE_INLINE VecF32 Div(VecF32 a, VecF32 b) { return _mm512_div_ps(a, b); }
MACE_INLINE VecF32 MulAdd(VecF32 a, VecF32 b, VecF32 c) { return _mm512_fmadd_ps(a, b, c); }
MACE_INLINE VecF32 NegMulAdd(VecF32 a, VecF32 b, VecF32 c) { return _mm512_fnmadd_ps(a, b, c); }
// The zero-masked forms with a full mask compile to the plain instruction; g++ 12 warns of an uninitialized
// value inside its plain forms.
inline constexpr __mmask16 kAllLanes = 0xffff;
MACE_INLINE VecF32 Min(VecF32 a, VecF32 b) { return _mm512_maskz_min_ps(kAllLanes, a, b); }
MACE_INLINE VecF32 Max(VecF32 a, VecF32 b) { return _mm512_maskz_max_ps(kAllLanes, a, b); }
MACE_INLINE VecF32 Sqrt(VecF32 a) { return _mm512_maskz_sqrt_ps(kAllLanes, a); }
MACE_INLINE VecF32 Abs(VecF32 a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a); }
MACE_INLINE VecF32 Neg(VecF32 a) { return _mm512_xor_ps(_mm512_set1_ps(-0.0f), a); }
MACE_INLINE VecF32 Round(VecF32 a) {
  return _mm512_maskz_roundscale_ps(kAllLanes, a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
MACE_INLINE VecF32 Floor(VecF32 a) {
  return _mm512_maskz_roundscale_ps(kAllLanes, a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
MACE_INLINE VecF32 Ceil(VecF32 a) {
  return _mm512_maskz_roundscale_ps(kAllLanes, a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
}
MACE_INLINE VecF32 Truncate(VecF32 a) {
  return _mm512_maskz_roundscale_ps(kAllLanes, a, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}
MACE_INLINE VecI32 ConvertToI32(VecF32 a) { return _mm512_maskz_cvtps_epi32(kAllLanes, a); }
MACE_INLINE VecI32 ConvertTruncateToI32(VecF32 a) { return _mm512_maskz_cvttps_epi32(kAllLanes, a); }
MACE_INLINE VecF32 ConvertFromI32(VecI32 a) { return _mm512_maskz_cvtepi32_ps(kAllLanes, a); }

MACE_INLINE Mask32 Less(VecF32 a, VecF32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
MACE_INLINE Mask32 LessEqual(VecF32 a, VecF32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
MACE_INLINE Mask32 Greater(VecF32 a, VecF32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
MACE_INLINE Mask32 GreaterEqual(VecF32 a, VecF32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
MACE_INLINE Mask32 Equal(VecF32 a, VecF32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
MACE_INLINE Mask32 NotEqual(VecF32 a, VecF32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ); }
MACE_INLINE Mask32 Greater(VecI32 a, VecI32 b) { return _mm512_cmpgt_epi32_mask(a, b); }
MACE_INLINE Mask32 Less(VecI32 a, VecI32 b) { return _mm512_cmplt_epi32_mask(a, b); }
MACE_INLINE Mask32 Equal(VecI32 a, VecI32 b) { return _mm512_cmpeq_epi32_mask(a, b); }
MACE_INLINE Mask32 MaskFirst(int64_t n) { return FirstLanes(n); }
MACE_INLINE Mask32 MaskAnd(Mask32 a, Mask32 b) { return static_cast<Mask32>(a & b); }
MACE_INLINE Mask32 MaskOr(Mask32 a, Mask32 b) { return static_cast<Mask32>(a | b); }
MACE_INLINE Mask32 MaskNot(Mask32 a) { return static_cast<Mask32>(~a); }
MACE_INLINE bool AnyLane(Mask32 a) { return a != 0; }
MACE_INLINE VecF32 Select(Mask32 mask, VecF32 if_true, VecF32 if_false) {
  return _mm512_mask_blend_ps(mask, if_false, if_true);
}
MACE_INLINE VecI32 Select(Mask32 mask, VecI32 if_true, VecI32 if_false) {
  return _mm512_mask_blend_epi32(mask, if_false, if_true);
}

MACE_INLINE VecI32 Add(VecI32 a, VecI32 b) { return _mm512_add_epi32(a, b); }
MACE_INLINE VecI32 Sub(VecI32 a, VecI32 b) { return _mm512_sub_epi32(a, b); }
MACE_INLINE VecI32 Mul(VecI32 a, VecI32 b) { return _mm512_mullo_epi32(a, b); }
MACE_INLINE VecI32 Min(VecI32 a, VecI32 b) { return _mm512_maskz_min_epi32(kAllLanes, a, b); }
MACE_INLINE VecI32 Max(VecI32 a, VecI32 b) { return _mm512_maskz_max_epi32(kAllLanes, a, b); }
MACE_INLINE VecI32 And(VecI32 a, VecI32 b) { return _mm512_and_si512(a, b); }
MACE_INLINE VecI32 AndNot(VecI32 not_a, VecI32 b) { return _mm512_maskz_andnot_epi32(kAllLanes, not_a, b); }
MACE_INLINE VecI32 Or(VecI32 a, VecI32 b) { return _mm512_or_si512(a, b); }
MACE_INLINE VecI32 Xor(VecI32 a, VecI32 b) { return _mm512_xor_si512(a, b); }
MACE_INLINE VecI32 ShiftLeft(VecI32 a, int count) {
  return _mm512_maskz_slli_epi32(kAllLanes, a, static_cast<unsigned>(count));
}
MACE_INLINE VecI32 ShiftRight(VecI32 a, int count) {
  return _mm512_maskz_srai_epi32(kAllLanes, a, static_cast<unsigned>(count));
}
MACE_INLINE VecI32 ShiftRightLogical(VecI32 a, int count) {
  return _mm512_maskz_srli_epi32(kAllLanes, a, static_cast<unsigned>(count));
}
MACE_INLINE VecI32 ShiftLeft(VecI32 a, VecI32 counts) {
  return _mm512_maskz_sllv_epi32(kAllLanes, a, counts);
}
// On the magnitude, whose sum with a half fits 32 bits without a sign.
MACE_INLINE VecI32 RoundingShiftRight(VecI32 a, VecI32 counts) {
  const __m512i halves = ShiftRightLogical(ShiftLeft(_mm512_set1_epi32(1), counts), 1);
  const __m512i sums = _mm512_add_epi32(_mm512_maskz_abs_epi32(kAllLanes, a), halves);
  const __m512i rounded = _mm512_maskz_srlv_epi32(kAllLanes, sums, counts);
  return _mm512_mask_sub_epi32(rounded, _mm512_movepi32_mask(a), _mm512_setzero_si512(), rounded);
}
// The even lanes' products hold the result in bits 31 to 62, the odd lanes' are moved up to where it belongs.
MACE_INLINE VecI32 MulHighRounded(VecI32 a, VecI32 b) {
  const __mmask8 all = 0xff;
  const __m512i half = _mm512_set1_epi64(int64_t{1} << 30);
  const __m512i even = _mm512_add_epi64(_mm512_maskz_mul_epi32(all, a, b), half);
  const __m512i odd = _mm512_add_epi64(
      _mm512_maskz_mul_epi32(all, _mm512_maskz_srli_epi64(all, a, 32), _mm512_maskz_srli_epi64(all, b, 32)),
      half);
  return _mm512_mask_blend_epi32(0xaaaa, _mm512_maskz_srli_epi64(all, even, 31),
                                 _mm512_maskz_slli_epi64(all, odd, 1));
}

MACE_INLINE __m256 LowHalf(VecF32 v) { return _mm512_maskz_extractf32x8_ps(0xff, v, 0); }
MACE_INLINE __m256 HighHalf(VecF32 v) { return _mm512_maskz_extractf32x8_ps(0xff, v, 1); }
MACE_INLINE float ReduceAdd(VecF32 v) {
  const __m256 eight = _mm256_add_ps(LowHalf(v), HighHalf(v));
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}
MACE_INLINE int32_t ReduceAdd(VecI32 v) {
  const __m256i eight = _mm256_add_epi32(_mm512_maskz_extracti32x8_epi32(0xff, v, 0),
                                         _mm512_maskz_extracti32x8_epi32(0xff, v, 1));
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
}
MACE_INLINE float ReduceMax(VecF32 v) {
  const __m256 eight = _mm256_max_ps(LowHalf(v), HighHalf(v));
  __m128 most = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  most = _mm_max_ps(most, _mm_movehl_ps(most, most));
  return _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
}
MACE_INLINE float ReduceMin(VecF32 v) {
  const __m256 eight = _mm256_min_ps(LowHalf(v), HighHalf(v));
  __m128 least = _mm_min_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  least = _mm_min_ps(least, _mm_movehl_ps(least, least));
  return _mm_cvtss_f32(_mm_min_ss(least, _mm_movehdup_ps(least)));
}

MACE_INLINE VecF32 LoadF16(F32Tag, const uint16_t* p) {
  return _mm512_maskz_cvtph_ps(kAllLanes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
MACE_INLINE VecF32 LoadF16Partial(F32Tag, const uint16_t* p, int64_t n) {
  return _mm512_maskz_cvtph_ps(kAllLanes, _mm256_maskz_loadu_epi16(FirstLanes(n), p));
}
MACE_INLINE __m256i NarrowToF16(VecF32 v) {
  return _mm512_maskz_cvtps_ph(kAllLanes, v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
MACE_INLINE void StoreF16(uint16_t* p, VecF32 v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), NarrowToF16(v));
}
MACE_INLINE void StoreF16Partial(uint16_t* p, VecF32 v, int64_t n) {
  _mm256_mask_storeu_epi16(p, FirstLanes(n), NarrowToF16(v));
}

MACE_INLINE VecI32 LoadU8(I32Tag, const uint8_t* p) {
  return _mm512_maskz_cvtepu8_epi32(kAllLanes, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
MACE_INLINE VecI32 LoadI8(I32Tag, const int8_t* p) {
  return _mm512_maskz_cvtepi8_epi32(kAllLanes, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
MACE_INLINE VecI32 LoadU8Partial(I32Tag, const uint8_t* p, int64_t n) {
  return _mm512_maskz_cvtepu8_epi32(kAllLanes, _mm_maskz_loadu_epi8(FirstLanes(n), p));
}
MACE_INLINE VecI32 LoadI8Partial(I32Tag, const int8_t* p, int64_t n) {
  return _mm512_maskz_cvtepi8_epi32(kAllLanes, _mm_maskz_loadu_epi8(FirstLanes(n), p));
}
MACE_INLINE VecI32 LoadI16(I32Tag, const int16_t* p) {
  return _mm512_maskz_cvtepi16_epi32(kAllLanes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
MACE_INLINE VecI32 LoadI16Partial(I32Tag, const int16_t* p, int64_t n) {
  return _mm512_maskz_cvtepi16_epi32(kAllLanes, _mm256_maskz_loadu_epi16(FirstLanes(n), p));
}
MACE_INLINE __m256i NarrowToI16(VecI32 v) { return _mm512_maskz_cvtsepi32_epi16(kAllLanes, v); }
MACE_INLINE void StoreI16(int16_t* p, VecI32 v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), NarrowToI16(v));
}
MACE_INLINE void StoreI16Partial(int16_t* p, VecI32 v, int64_t n) {
  _mm256_mask_storeu_epi16(p, FirstLanes(n), NarrowToI16(v));
}
// vpmovusdb saturates from unsigned: negative lanes become zero first.
MACE_INLINE __m128i NarrowToU8(VecI32 v) {
  return _mm512_maskz_cvtusepi32_epi8(kAllLanes, Max(v, _mm512_setzero_si512()));
}
MACE_INLINE __m128i NarrowToI8(VecI32 v) { return _mm512_maskz_cvtsepi32_epi8(kAllLanes, v); }
MACE_INLINE void StoreU8(uint8_t* p, VecI32 v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), NarrowToU8(v));
}
MACE_INLINE void StoreI8(int8_t* p, VecI32 v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), NarrowToI8(v));
}
MACE_INLINE void StoreU8Partial(uint8_t* p, VecI32 v, int64_t n) {
  _mm_mask_storeu_epi8(p, FirstLanes(n), NarrowToU8(v));
}
MACE_INLINE void StoreI8Partial(int8_t* p, VecI32 v, int64_t n) {
  _mm_mask_storeu_epi8(p, FirstLanes(n), NarrowToI8(v));
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_AVX512_H_
