// The vocabulary of simd.h on AVX2 with FMA and F16C: 8 lanes.
#ifndef MACE_SIMD_AVX2_H_
#define MACE_SIMD_AVX2_H_

#include <immintrin.h>

namespace mace {
namespace MACE_ISA_NAMESPACE {

using VecF32 = __m256;
using VecI32 = __m256i;
using Mask32 = __m256;  // all bits of a lane, or none

inline constexpr int kF32Lanes = 8;
MACE_INLINE int Lanes(F32Tag) { return kF32Lanes; }
MACE_INLINE int Lanes(I32Tag) { return kF32Lanes; }

// The first n lanes all ones.
MACE_INLINE __m256i FirstLanes(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

MACE_INLINE VecF32 Set(F32Tag, float x) { return _mm256_set1_ps(x); }
MACE_INLINE VecI32 Set(I32Tag, int32_t x) { return _mm256_set1_epi32(x); }
MACE_INLINE VecF32 Broadcast(F32Tag, const float* p) { return _mm256_broadcast_ss(p); }
MACE_INLINE VecF32 Load(F32Tag, const float* p) { return _mm256_loadu_ps(p); }
MACE_INLINE VecI32 Load(I32Tag, const int32_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
MACE_INLINE VecF32 LoadPartial(F32Tag, const float* p, int64_t n) {
  return _mm256_maskload_ps(p, FirstLanes(n));
}
MACE_INLINE VecI32 LoadPartial(I32Tag, const int32_t* p, int64_t n) {
  return _mm256_maskload_epi32(p, FirstLanes(n));
}
MACE_INLINE void Store(float* p, VecF32 v) { _mm256_storeu_ps(p, v); }
MACE_INLINE void Store(int32_t* p, VecI32 v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
MACE_INLINE void StorePartial(float* p, VecF32 v, int64_t n) { _mm256_maskstore_ps(p, FirstLanes(n), v); }
MACE_INLINE void StorePartial(int32_t* p, VecI32 v, int64_t n) {
  _mm256_maskstore_epi32(p, FirstLanes(n), v);
}

MACE_INLINE VecF32 BitCastToF32(VecI32 v) { return _mm256_castsi256_ps(v); }
MACE_INLINE VecI32 BitCastToI32(VecF32 v) { return _mm256_castps_si256(v); }

MACE_INLINE VecF32 Add(VecF32 a, VecF32 b) { return _mm256_add_ps(a, b); }
MACE_INLINE VecF32 Sub(VecF32 a, VecF32 b) { return _mm256_sub_ps(a, b); }
MACE_INLINE VecF32 Mul(VecF32 a, VecF32 b) { return _mm256_mul_ps(a, b); }
MACE_INLINE VecF32 Div(VecF32 a, VecF32 b) { return _mm256_div_ps(a, b); }
MACE_INLINE VecF32 MulAdd(VecF32 a, VecF32 b, VecF32 c) { return _mm256_fmadd_ps(a, b, c); }
MACE_INLINE VecF32 NegMulAdd(VecF32 a, VecF32 b, VecF32 c) { return _mm256_fnmadd_ps(a, b, c); }
MACE_INLINE VecF32 Min(VecF32 a, VecF32 b) { return _mm256_min_ps(a, b); }
MACE_INLINE VecF32 Max(VecF32 a, VecF32 b) { return _mm256_max_ps(a, b); }
MACE_INLINE VecF32 Sqrt(VecF32 a) { return _mm256_sqrt_ps(a); }
MACE_INLINE VecF32 Abs(VecF32 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
MACE_INLINE VecF32 Neg(VecF32 a) { return _mm256_xor_ps(_mm256_set1_ps(-0.0f), a); }
MACE_INLINE VecF32 Round(VecF32 a) {
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
MACE_INLINE VecF32 Floor(VecF32 a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
MACE_INLINE VecF32 Ceil(VecF32 a) { return _mm256_round_ps(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }
MACE_INLINE VecF32 Truncate(VecF32 a) { return _mm256_round_ps(a, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }
MACE_INLINE VecI32 ConvertToI32(VecF32 a) { return _mm256_cvtps_epi32(a); }
MACE_INLINE VecI32 ConvertTruncateToI32(VecF32 a) { return _mm256_cvttps_epi32(a); }
MACE_INLINE VecF32 ConvertFromI32(VecI32 a) { return _mm256_cvtepi32_ps(a); }

MACE_INLINE Mask32 Less(VecF32 a, VecF32 b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
MACE_INLINE Mask32 LessEqual(VecF32 a, VecF32 b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
MACE_INLINE Mask32 Greater(VecF32 a, VecF32 b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
MACE_INLINE Mask32 GreaterEqual(VecF32 a, VecF32 b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
MACE_INLINE Mask32 Equal(VecF32 a, VecF32 b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
MACE_INLINE Mask32 NotEqual(VecF32 a, VecF32 b) { return _mm256_cmp_ps(a, b, _CMP_NEQ_UQ); }
MACE_INLINE Mask32 Greater(VecI32 a, VecI32 b) { return BitCastToF32(_mm256_cmpgt_epi32(a, b)); }
MACE_INLINE Mask32 Less(VecI32 a, VecI32 b) { return Greater(b, a); }
MACE_INLINE Mask32 Equal(VecI32 a, VecI32 b) { return BitCastToF32(_mm256_cmpeq_epi32(a, b)); }
MACE_INLINE Mask32 MaskFirst(int64_t n) { return BitCastToF32(FirstLanes(n)); }
MACE_INLINE Mask32 MaskAnd(Mask32 a, Mask32 b) { return _mm256_and_ps(a, b); }
MACE_INLINE Mask32 MaskOr(Mask32 a, Mask32 b) { return _mm256_or_ps(a, b); }
MACE_INLINE Mask32 MaskNot(Mask32 a) { return _mm256_xor_ps(a, BitCastToF32(_mm256_set1_epi32(-1))); }
MACE_INLINE bool AnyLane(Mask32 a) { return _mm256_movemask_ps(a) != 0; }
MACE_INLINE VecF32 Select(Mask32 mask, VecF32 if_true, VecF32 if_false) {
  return _mm256_blendv_ps(if_false, if_true, mask);
}
MACE_INLINE VecI32 Select(Mask32 mask, VecI32 if_true, VecI32 if_false) {
  return BitCastToI32(_mm256_blendv_ps(BitCastToF32(if_false), BitCastToF32(if_true), mask));
}

MACE_INLINE VecI32 Add(VecI32 a, VecI32 b) { return _mm256_add_epi32(a, b); }
MACE_INLINE VecI32 Sub(VecI32 a, VecI32 b) { return _mm256_sub_epi32(a, b); }
MACE_INLINE VecI32 Mul(VecI32 a, VecI32 b) { return _mm256_mullo_epi32(a, b); }
MACE_INLINE VecI32 Min(VecI32 a, VecI32 b) { return _mm256_min_epi32(a, b); }
MACE_INLINE VecI32 Max(VecI32 a, VecI32 b) { return _mm256_max_epi32(a, b); }
MACE_INLINE VecI32 And(VecI32 a, VecI32 b) { return _mm256_and_si256(a, b); }
MACE_INLINE VecI32 AndNot(VecI32 not_a, VecI32 b) { return _mm256_andnot_si256(not_a, b); }
MACE_INLINE VecI32 Or(VecI32 a, VecI32 b) { return _mm256_or_si256(a, b); }
MACE_INLINE VecI32 Xor(VecI32 a, VecI32 b) { return _mm256_xor_si256(a, b); }
MACE_INLINE VecI32 ShiftLeft(VecI32 a, int count) { return _mm256_slli_epi32(a, count); }
MACE_INLINE VecI32 ShiftRight(VecI32 a, int count) { return _mm256_srai_epi32(a, count); }
MACE_INLINE VecI32 ShiftRightLogical(VecI32 a, int count) { return _mm256_srli_epi32(a, count); }
MACE_INLINE VecI32 ShiftLeft(VecI32 a, VecI32 counts) { return _mm256_sllv_epi32(a, counts); }
// On the magnitude, whose sum with a half fits 32 bits without a sign.
MACE_INLINE VecI32 RoundingShiftRight(VecI32 a, VecI32 counts) {
  const __m256i halves = _mm256_srli_epi32(_mm256_sllv_epi32(_mm256_set1_epi32(1), counts), 1);
  const __m256i rounded = _mm256_srlv_epi32(_mm256_add_epi32(_mm256_abs_epi32(a), halves), counts);
  return _mm256_sign_epi32(rounded, a);
}
// The even lanes' products hold the result in bits 31 to 62, the odd lanes' are moved up to where it belongs.
MACE_INLINE VecI32 MulHighRounded(VecI32 a, VecI32 b) {
  const __m256i half = _mm256_set1_epi64x(int64_t{1} << 30);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(a, b), half);
  const __m256i odd =
      _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)), half);
  return _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
}

MACE_INLINE float ReduceAdd(VecF32 v) {
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}
MACE_INLINE int32_t ReduceAdd(VecI32 v) {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
}
MACE_INLINE float ReduceMax(VecF32 v) {
  __m128 most = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  most = _mm_max_ps(most, _mm_movehl_ps(most, most));
  return _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
}
MACE_INLINE float ReduceMin(VecF32 v) {
  __m128 least = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  least = _mm_min_ps(least, _mm_movehl_ps(least, least));
  return _mm_cvtss_f32(_mm_min_ss(least, _mm_movehdup_ps(least)));
}

MACE_INLINE VecF32 LoadF16(F32Tag, const uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
MACE_INLINE VecF32 LoadF16Partial(F32Tag, const uint16_t* p, int64_t n) {
  alignas(16) uint16_t copy[8] = {};
  CopyBytes(copy, p, static_cast<size_t>(n) * 2);
  return LoadF16(kF32, copy);
}
MACE_INLINE void StoreF16(uint16_t* p, VecF32 v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
MACE_INLINE void StoreF16Partial(uint16_t* p, VecF32 v, int64_t n) {
  alignas(16) uint16_t copy[8];
  StoreF16(copy, v);
  CopyBytes(p, copy, static_cast<size_t>(n) * 2);
}

MACE_INLINE VecI32 LoadU8(I32Tag, const uint8_t* p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
MACE_INLINE VecI32 LoadI8(I32Tag, const int8_t* p) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
MACE_INLINE VecI32 LoadU8Partial(I32Tag, const uint8_t* p, int64_t n) {
  alignas(8) uint8_t copy[8] = {};
  CopyBytes(copy, p, static_cast<size_t>(n));
  return LoadU8(kI32, copy);
}
MACE_INLINE VecI32 LoadI8Partial(I32Tag, const int8_t* p, int64_t n) {
  alignas(8) int8_t copy[8] = {};
  CopyBytes(copy, p, static_cast<size_t>(n));
  return LoadI8(kI32, copy);
}
MACE_INLINE VecI32 LoadI16(I32Tag, const int16_t* p) {
  return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
MACE_INLINE VecI32 LoadI16Partial(I32Tag, const int16_t* p, int64_t n) {
  alignas(16) int16_t copy[8] = {};
  CopyBytes(copy, p, static_cast<size_t>(n) * 2);
  return LoadI16(kI32, copy);
}
MACE_INLINE __m128i NarrowToI16(VecI32 v) {
  return _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}
MACE_INLINE void StoreI16(int16_t* p, VecI32 v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), NarrowToI16(v));
}
MACE_INLINE void StoreI16Partial(int16_t* p, VecI32 v, int64_t n) {
  alignas(16) int16_t copy[8];
  StoreI16(copy, v);
  CopyBytes(p, copy, static_cast<size_t>(n) * 2);
}
MACE_INLINE void StoreU8(uint8_t* p, VecI32 v) {
  const __m128i half = NarrowToI16(v);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(half, half));
}
MACE_INLINE void StoreI8(int8_t* p, VecI32 v) {
  const __m128i half = NarrowToI16(v);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(half, half));
}
MACE_INLINE void StoreU8Partial(uint8_t* p, VecI32 v, int64_t n) {
  alignas(8) uint8_t copy[8];
  StoreU8(copy, v);
  CopyBytes(p, copy, static_cast<size_t>(n));
}
MACE_INLINE void StoreI8Partial(int8_t* p, VecI32 v, int64_t n) {
  alignas(8) int8_t copy[8];
  StoreI8(copy, v);
  CopyBytes(p, copy, static_cast<size_t>(n));
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_AVX2_H_
