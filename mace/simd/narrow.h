// Two vectors of 32-bit results to bytes, for the integer kernels; included after simd.h. Only where that is
// less work than StoreU8 twice: kHasNarrowPairs.
//
//   StoreU8Pair, StoreI8Pair(p, a, b, zero_points, low, high)   stores 2 * lanes bytes: a + z and b + z,
//   saturated, then clamped to low
//                 and high. a and b saturate to 16 bits before z is added, which changes nothing for a z of 8
//                 bits. zero_points: SetWords(z); low, high: SetBytes.
#ifndef MACE_SIMD_NARROW_H_
#define MACE_SIMD_NARROW_H_

#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

MACE_INLINE VecI32 SetWords(int32_t x) {
  return Set(kI32, static_cast<int32_t>((static_cast<uint32_t>(x) & 0xffff) * 0x00010001u));
}
MACE_INLINE VecI32 SetBytes(int32_t x) {
  return Set(kI32, static_cast<int32_t>((static_cast<uint32_t>(x) & 0xff) * 0x01010101u));
}

#if defined(MACE_SIMD_SSE4)

inline constexpr bool kHasNarrowPairs = true;

MACE_INLINE void StoreU8Pair(uint8_t* p, VecI32 a, VecI32 b, VecI32 zero_points, VecI32 low, VecI32 high) {
  const __m128i words = _mm_adds_epi16(_mm_packs_epi32(a, b), zero_points);
  const __m128i bytes = _mm_packus_epi16(words, words);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_min_epu8(_mm_max_epu8(bytes, low), high));
}
MACE_INLINE void StoreI8Pair(int8_t* p, VecI32 a, VecI32 b, VecI32 zero_points, VecI32 low, VecI32 high) {
  const __m128i words = _mm_adds_epi16(_mm_packs_epi32(a, b), zero_points);
  const __m128i bytes = _mm_packs_epi16(words, words);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_min_epi8(_mm_max_epi8(bytes, low), high));
}

#elif defined(MACE_SIMD_AVX2) || defined(MACE_SIMD_AVXVNNI)

inline constexpr bool kHasNarrowPairs = true;

MACE_INLINE __m256i NarrowPairToWords(VecI32 a, VecI32 b, VecI32 zero_points) {
  // Packing works within halves: 0xd8 puts the quarters into order.
  return _mm256_permute4x64_epi64(_mm256_adds_epi16(_mm256_packs_epi32(a, b), zero_points), 0xd8);
}
MACE_INLINE void StoreU8Pair(uint8_t* p, VecI32 a, VecI32 b, VecI32 zero_points, VecI32 low, VecI32 high) {
  const __m256i words = NarrowPairToWords(a, b, zero_points);
  const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(
      reinterpret_cast<__m128i*>(p),
      _mm_min_epu8(_mm_max_epu8(bytes, _mm256_castsi256_si128(low)), _mm256_castsi256_si128(high)));
}
MACE_INLINE void StoreI8Pair(int8_t* p, VecI32 a, VecI32 b, VecI32 zero_points, VecI32 low, VecI32 high) {
  const __m256i words = NarrowPairToWords(a, b, zero_points);
  const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(
      reinterpret_cast<__m128i*>(p),
      _mm_min_epi8(_mm_max_epi8(bytes, _mm256_castsi256_si128(low)), _mm256_castsi256_si128(high)));
}

#elif defined(MACE_SIMD_NEON) || defined(MACE_SIMD_DOTPROD) || defined(MACE_SIMD_I8MM)

inline constexpr bool kHasNarrowPairs = true;

MACE_INLINE int16x8_t NarrowPairToWords(VecI32 a, VecI32 b, VecI32 zero_points) {
  return vqaddq_s16(vcombine_s16(vqmovn_s32(a), vqmovn_s32(b)), vreinterpretq_s16_s32(zero_points));
}
MACE_INLINE void StoreU8Pair(uint8_t* p, VecI32 a, VecI32 b, VecI32 zero_points, VecI32 low, VecI32 high) {
  const uint8x8_t bytes = vqmovun_s16(NarrowPairToWords(a, b, zero_points));
  vst1_u8(p, vmin_u8(vmax_u8(bytes, vget_low_u8(vreinterpretq_u8_s32(low))),
                     vget_low_u8(vreinterpretq_u8_s32(high))));
}
MACE_INLINE void StoreI8Pair(int8_t* p, VecI32 a, VecI32 b, VecI32 zero_points, VecI32 low, VecI32 high) {
  const int8x8_t bytes = vqmovn_s16(NarrowPairToWords(a, b, zero_points));
  vst1_s8(p, vmin_s8(vmax_s8(bytes, vget_low_s8(vreinterpretq_s8_s32(low))),
                     vget_low_s8(vreinterpretq_s8_s32(high))));
}

#else

inline constexpr bool kHasNarrowPairs = false;
// Never called: what stands behind `if constexpr` in code that is no template must still be there.
MACE_INLINE void StoreU8Pair(uint8_t*, VecI32, VecI32, VecI32, VecI32, VecI32) {}
MACE_INLINE void StoreI8Pair(int8_t*, VecI32, VecI32, VecI32, VecI32, VecI32) {}

#endif

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_NARROW_H_
