// The vocabulary of simd.h on SSE4.1: 4 lanes, no fused multiply-add, no masks.
#ifndef MACE_SIMD_SSE4_H_
#define MACE_SIMD_SSE4_H_

#include <smmintrin.h>

namespace mace {
namespace MACE_ISA_NAMESPACE {

using VecF32 = __m128;
using VecI32 = __m128i;
using Mask32 = __m128;  // all bits of a lane, or none

inline constexpr int kF32Lanes = 4;
MACE_INLINE int Lanes(F32Tag) { return kF32Lanes; }
MACE_INLINE int Lanes(I32Tag) { return kF32Lanes; }

MACE_INLINE VecF32 BitCastToF32(VecI32 v) { return _mm_castsi128_ps(v); }
MACE_INLINE VecI32 BitCastToI32(VecF32 v) { return _mm_castps_si128(v); }

MACE_INLINE VecF32 Set(F32Tag, float x) { return _mm_set1_ps(x); }
MACE_INLINE VecI32 Set(I32Tag, int32_t x) { return _mm_set1_epi32(x); }
MACE_INLINE VecF32 Broadcast(F32Tag, const float* p) { return _mm_set1_ps(*p); }
MACE_INLINE VecF32 Load(F32Tag, const float* p) { return _mm_loadu_ps(p); }
MACE_INLINE VecI32 Load(I32Tag, const int32_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
MACE_INLINE VecI32 LoadPartial(I32Tag, const int32_t* p, int64_t n) {
  switch (n) {
    case 0:
      return _mm_setzero_si128();
    case 1:
      return _mm_cvtsi32_si128(p[0]);
    case 2:
      return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    case 3:
      return _mm_insert_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)), p[2], 2);
    default:
      return Load(kI32, p);
  }
}
MACE_INLINE VecF32 LoadPartial(F32Tag, const float* p, int64_t n) {
  switch (n) {
    case 0:
      return _mm_setzero_ps();
    case 1:
      return _mm_load_ss(p);
    case 2:
      return BitCastToF32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
    case 3:
      return _mm_movelh_ps(BitCastToF32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))),
                           _mm_load_ss(p + 2));
    default:
      return Load(kF32, p);
  }
}
MACE_INLINE void Store(float* p, VecF32 v) { _mm_storeu_ps(p, v); }
MACE_INLINE void Store(int32_t* p, VecI32 v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }
MACE_INLINE void StorePartial(float* p, VecF32 v, int64_t n) {
  if (n == 4) return Store(p, v);
  if (n & 2) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), BitCastToI32(v));
    p += 2;
    v = _mm_movehl_ps(v, v);
  }
  if (n & 1) _mm_store_ss(p, v);
}
MACE_INLINE void StorePartial(int32_t* p, VecI32 v, int64_t n) {
  if (n == 4) return Store(p, v);
  if (n & 2) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), v);
    p += 2;
    v = _mm_unpackhi_epi64(v, v);
  }
  if (n & 1) *p = _mm_cvtsi128_si32(v);
}

MACE_INLINE VecF32 Add(VecF32 a, VecF32 b) { return _mm_add_ps(a, b); }
MACE_INLINE VecF32 Sub(VecF32 a, VecF32 b) { return _mm_sub_ps(a, b); }
MACE_INLINE VecF32 Mul(VecF32 a, VecF32 b) { return _mm_mul_ps(a, b); }
MACE_INLINE VecF32 Div(VecF32 a, VecF32 b) { return _mm_div_ps(a, b); }
MACE_INLINE VecF32 MulAdd(VecF32 a, VecF32 b, VecF32 c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
MACE_INLINE VecF32 NegMulAdd(VecF32 a, VecF32 b, VecF32 c) { return _mm_sub_ps(c, _mm_mul_ps(a, b)); }
MACE_INLINE VecF32 Min(VecF32 a, VecF32 b) { return _mm_min_ps(a, b); }
MACE_INLINE VecF32 Max(VecF32 a, VecF32 b) { return _mm_max_ps(a, b); }
MACE_INLINE VecF32 Sqrt(VecF32 a) { return _mm_sqrt_ps(a); }
MACE_INLINE VecF32 Abs(VecF32 a) { return _mm_andnot_ps(_mm_set1_ps(-0.0f), a); }
MACE_INLINE VecF32 Neg(VecF32 a) { return _mm_xor_ps(_mm_set1_ps(-0.0f), a); }
MACE_INLINE VecF32 Round(VecF32 a) { return _mm_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
MACE_INLINE VecF32 Floor(VecF32 a) { return _mm_round_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
MACE_INLINE VecF32 Ceil(VecF32 a) { return _mm_round_ps(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }
MACE_INLINE VecF32 Truncate(VecF32 a) { return _mm_round_ps(a, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }
MACE_INLINE VecI32 ConvertToI32(VecF32 a) { return _mm_cvtps_epi32(a); }
MACE_INLINE VecI32 ConvertTruncateToI32(VecF32 a) { return _mm_cvttps_epi32(a); }
MACE_INLINE VecF32 ConvertFromI32(VecI32 a) { return _mm_cvtepi32_ps(a); }

MACE_INLINE Mask32 Less(VecF32 a, VecF32 b) { return _mm_cmplt_ps(a, b); }
MACE_INLINE Mask32 LessEqual(VecF32 a, VecF32 b) { return _mm_cmple_ps(a, b); }
MACE_INLINE Mask32 Greater(VecF32 a, VecF32 b) { return _mm_cmpgt_ps(a, b); }
MACE_INLINE Mask32 GreaterEqual(VecF32 a, VecF32 b) { return _mm_cmpge_ps(a, b); }
MACE_INLINE Mask32 Equal(VecF32 a, VecF32 b) { return _mm_cmpeq_ps(a, b); }
MACE_INLINE Mask32 NotEqual(VecF32 a, VecF32 b) { return _mm_cmpneq_ps(a, b); }
MACE_INLINE Mask32 Greater(VecI32 a, VecI32 b) { return BitCastToF32(_mm_cmpgt_epi32(a, b)); }
MACE_INLINE Mask32 Less(VecI32 a, VecI32 b) { return Greater(b, a); }
MACE_INLINE Mask32 Equal(VecI32 a, VecI32 b) { return BitCastToF32(_mm_cmpeq_epi32(a, b)); }
MACE_INLINE Mask32 MaskFirst(int64_t n) {
  return BitCastToF32(_mm_cmpgt_epi32(_mm_set1_epi32(static_cast<int>(n)), _mm_setr_epi32(0, 1, 2, 3)));
}
MACE_INLINE Mask32 MaskAnd(Mask32 a, Mask32 b) { return _mm_and_ps(a, b); }
MACE_INLINE Mask32 MaskOr(Mask32 a, Mask32 b) { return _mm_or_ps(a, b); }
MACE_INLINE Mask32 MaskNot(Mask32 a) { return _mm_xor_ps(a, BitCastToF32(_mm_set1_epi32(-1))); }
MACE_INLINE bool AnyLane(Mask32 a) { return _mm_movemask_ps(a) != 0; }
MACE_INLINE VecF32 Select(Mask32 mask, VecF32 if_true, VecF32 if_false) {
  return _mm_blendv_ps(if_false, if_true, mask);
}
MACE_INLINE VecI32 Select(Mask32 mask, VecI32 if_true, VecI32 if_false) {
  return BitCastToI32(_mm_blendv_ps(BitCastToF32(if_false), BitCastToF32(if_true), mask));
}

MACE_INLINE VecI32 Add(VecI32 a, VecI32 b) { return _mm_add_epi32(a, b); }
MACE_INLINE VecI32 Sub(VecI32 a, VecI32 b) { return _mm_sub_epi32(a, b); }
MACE_INLINE VecI32 Mul(VecI32 a, VecI32 b) { return _mm_mullo_epi32(a, b); }
MACE_INLINE VecI32 Min(VecI32 a, VecI32 b) { return _mm_min_epi32(a, b); }
MACE_INLINE VecI32 Max(VecI32 a, VecI32 b) { return _mm_max_epi32(a, b); }
MACE_INLINE VecI32 And(VecI32 a, VecI32 b) { return _mm_and_si128(a, b); }
MACE_INLINE VecI32 AndNot(VecI32 not_a, VecI32 b) { return _mm_andnot_si128(not_a, b); }
MACE_INLINE VecI32 Or(VecI32 a, VecI32 b) { return _mm_or_si128(a, b); }
MACE_INLINE VecI32 Xor(VecI32 a, VecI32 b) { return _mm_xor_si128(a, b); }
MACE_INLINE VecI32 ShiftLeft(VecI32 a, int count) { return _mm_slli_epi32(a, count); }
MACE_INLINE VecI32 ShiftRight(VecI32 a, int count) { return _mm_srai_epi32(a, count); }
MACE_INLINE VecI32 ShiftRightLogical(VecI32 a, int count) { return _mm_srli_epi32(a, count); }
// SSE4 shifts all lanes by one count. A shift to the left is a product with a power of two, made as a float
// of that exponent; the conversion of 2^31, which int32 cannot hold, gives the bit that is wanted.
MACE_INLINE VecI32 ShiftLeft(VecI32 a, VecI32 counts) {
  const __m128i exponents = _mm_add_epi32(counts, _mm_set1_epi32(127));
  return _mm_mullo_epi32(a, _mm_cvttps_epi32(_mm_castsi128_ps(_mm_slli_epi32(exponents, 23))));
}
MACE_INLINE VecI32 RoundingShiftRight(VecI32 a, VecI32 counts) {
  const __m128i halves = _mm_srli_epi32(ShiftLeft(_mm_set1_epi32(1), counts), 1);
  const __m128i sums = _mm_add_epi32(_mm_abs_epi32(a), halves);  // unsigned
  const __m128i low = _mm_cvtepu32_epi64(counts);
  const __m128i high = _mm_unpackhi_epi32(counts, _mm_setzero_si128());
  const __m128i even = _mm_blend_epi16(_mm_srl_epi32(sums, low), _mm_srl_epi32(sums, high), 0xf0);
  const __m128i odd = _mm_blend_epi16(_mm_srl_epi32(sums, _mm_srli_si128(low, 8)),
                                      _mm_srl_epi32(sums, _mm_srli_si128(high, 8)), 0xf0);
  return _mm_sign_epi32(_mm_blend_epi16(even, odd, 0xcc), a);
}
MACE_INLINE VecI32 MulHighRounded(VecI32 a, VecI32 b) {
  const __m128i half = _mm_set1_epi64x(int64_t{1} << 30);
  const __m128i even = _mm_add_epi64(_mm_mul_epi32(a, b), half);
  const __m128i odd = _mm_add_epi64(_mm_mul_epi32(_mm_srli_epi64(a, 32), _mm_srli_epi64(b, 32)), half);
  return _mm_blend_epi16(_mm_srli_epi64(even, 31), _mm_slli_epi64(odd, 1), 0xcc);
}

MACE_INLINE float ReduceAdd(VecF32 v) {
  const __m128 sum = _mm_add_ps(v, _mm_movehl_ps(v, v));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}
MACE_INLINE int32_t ReduceAdd(VecI32 v) {
  const __m128i sum = _mm_add_epi32(v, _mm_shuffle_epi32(v, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
}
MACE_INLINE float ReduceMax(VecF32 v) {
  const __m128 most = _mm_max_ps(v, _mm_movehl_ps(v, v));
  return _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
}
MACE_INLINE float ReduceMin(VecF32 v) {
  const __m128 least = _mm_min_ps(v, _mm_movehl_ps(v, v));
  return _mm_cvtss_f32(_mm_min_ss(least, _mm_movehdup_ps(least)));
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#include "mace/simd/soft_f16-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

MACE_INLINE VecF32 LoadF16(F32Tag, const uint16_t* p) {
  return WidenF16Bits(_mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
MACE_INLINE VecF32 LoadF16Partial(F32Tag, const uint16_t* p, int64_t n) {
  alignas(8) uint16_t copy[4] = {};
  CopyBytes(copy, p, static_cast<size_t>(n) * 2);
  return LoadF16(kF32, copy);
}
MACE_INLINE void StoreF16(uint16_t* p, VecF32 v) {
  const __m128i bits = NarrowToF16Bits(v);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi32(bits, bits));
}
MACE_INLINE void StoreF16Partial(uint16_t* p, VecF32 v, int64_t n) {
  alignas(8) uint16_t copy[4];
  StoreF16(copy, v);
  CopyBytes(p, copy, static_cast<size_t>(n) * 2);
}

MACE_INLINE int32_t LoadFourBytes(const void* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return four;
}
MACE_INLINE VecI32 LoadU8(I32Tag, const uint8_t* p) {
  return _mm_cvtepu8_epi32(_mm_cvtsi32_si128(LoadFourBytes(p)));
}
MACE_INLINE VecI32 LoadI8(I32Tag, const int8_t* p) {
  return _mm_cvtepi8_epi32(_mm_cvtsi32_si128(LoadFourBytes(p)));
}
MACE_INLINE VecI32 LoadU8Partial(I32Tag, const uint8_t* p, int64_t n) {
  alignas(4) uint8_t copy[4] = {};
  CopyBytes(copy, p, static_cast<size_t>(n));
  return LoadU8(kI32, copy);
}
MACE_INLINE VecI32 LoadI8Partial(I32Tag, const int8_t* p, int64_t n) {
  alignas(4) int8_t copy[4] = {};
  CopyBytes(copy, p, static_cast<size_t>(n));
  return LoadI8(kI32, copy);
}
MACE_INLINE void StoreU8Partial(uint8_t* p, VecI32 v, int64_t n) {
  const __m128i half = _mm_packs_epi32(v, v);
  const int32_t four = _mm_cvtsi128_si32(_mm_packus_epi16(half, half));
  CopyBytes(p, &four, static_cast<size_t>(n));
}
MACE_INLINE void StoreI8Partial(int8_t* p, VecI32 v, int64_t n) {
  const __m128i half = _mm_packs_epi32(v, v);
  const int32_t four = _mm_cvtsi128_si32(_mm_packs_epi16(half, half));
  CopyBytes(p, &four, static_cast<size_t>(n));
}
MACE_INLINE VecI32 LoadI16(I32Tag, const int16_t* p) {
  return _mm_cvtepi16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
MACE_INLINE VecI32 LoadI16Partial(I32Tag, const int16_t* p, int64_t n) {
  alignas(8) int16_t copy[4] = {};
  CopyBytes(copy, p, static_cast<size_t>(n) * 2);
  return LoadI16(kI32, copy);
}
MACE_INLINE void StoreI16(int16_t* p, VecI32 v) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi32(v, v));
}
MACE_INLINE void StoreI16Partial(int16_t* p, VecI32 v, int64_t n) {
  alignas(8) int16_t copy[4];
  StoreI16(copy, v);
  CopyBytes(p, copy, static_cast<size_t>(n) * 2);
}
MACE_INLINE void StoreU8(uint8_t* p, VecI32 v) { StoreU8Partial(p, v, 4); }
MACE_INLINE void StoreI8(int8_t* p, VecI32 v) { StoreI8Partial(p, v, 4); }

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_SSE4_H_
