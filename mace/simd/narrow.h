// Vectors of 32-bit results to bytes, for the integer kernels; included after simd.h. Only where that is less
// work than StoreU8 for each: kHasNarrowPairs.
//
//   StoreNarrowPair<kUnsigned>(p, a, b, bounds)           stores 2 * lanes bytes, u8 or i8: a + z and b + z,
//                                 saturated, then clamped to low and high. a and b saturate to 16 bits before
//                                 z is added, which changes nothing for a z of 8 bits.
//   StoreNarrowPairs<kUnsigned>(p, q, a, b, c, d, bounds)  a and b at p, c and d at q.
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

// SetWords(z), SetBytes(low), SetBytes(high).
struct NarrowBounds {
  VecI32 zero_points, low, high;
};

#if defined(MACE_SIMD_SSE4)

inline constexpr bool kHasNarrowPairs = true;

template <bool kUnsigned>
MACE_INLINE __m128i NarrowToBytes(__m128i a, __m128i b, const NarrowBounds& bounds) {
  if constexpr (kUnsigned) {
    return _mm_min_epu8(_mm_max_epu8(_mm_packus_epi16(a, b), bounds.low), bounds.high);
  } else {
    return _mm_min_epi8(_mm_max_epi8(_mm_packs_epi16(a, b), bounds.low), bounds.high);
  }
}
MACE_INLINE __m128i NarrowToWords(VecI32 a, VecI32 b, const NarrowBounds& bounds) {
  return _mm_adds_epi16(_mm_packs_epi32(a, b), bounds.zero_points);
}
template <bool kUnsigned>
MACE_INLINE void StoreNarrowPair(uint8_t* p, VecI32 a, VecI32 b, const NarrowBounds& bounds) {
  const __m128i words = NarrowToWords(a, b, bounds);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), NarrowToBytes<kUnsigned>(words, words, bounds));
}
template <bool kUnsigned>
MACE_INLINE void StoreNarrowPairs(uint8_t* p, uint8_t* q, VecI32 a, VecI32 b, VecI32 c, VecI32 d,
                                  const NarrowBounds& bounds) {
  const __m128i bytes =
      NarrowToBytes<kUnsigned>(NarrowToWords(a, b, bounds), NarrowToWords(c, d, bounds), bounds);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), bytes);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(q), _mm_unpackhi_epi64(bytes, bytes));
}

#elif defined(MACE_SIMD_AVX2) || defined(MACE_SIMD_AVXVNNI)

inline constexpr bool kHasNarrowPairs = true;

// Packing works within halves: the quarters come out of order.
MACE_INLINE __m256i NarrowToWords(VecI32 a, VecI32 b, const NarrowBounds& bounds) {
  return _mm256_adds_epi16(_mm256_packs_epi32(a, b), bounds.zero_points);
}
template <bool kUnsigned>
MACE_INLINE void StoreNarrowPair(uint8_t* p, VecI32 a, VecI32 b, const NarrowBounds& bounds) {
  const __m256i words = _mm256_permute4x64_epi64(NarrowToWords(a, b, bounds), 0xd8);
  const __m128i first = _mm256_castsi256_si128(words), second = _mm256_extracti128_si256(words, 1);
  const __m128i low = _mm256_castsi256_si128(bounds.low), high = _mm256_castsi256_si128(bounds.high);
  const __m128i bytes = kUnsigned ? _mm_min_epu8(_mm_max_epu8(_mm_packus_epi16(first, second), low), high)
                                  : _mm_min_epi8(_mm_max_epi8(_mm_packs_epi16(first, second), low), high);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
}
template <bool kUnsigned>
MACE_INLINE void StoreNarrowPairs(uint8_t* p, uint8_t* q, VecI32 a, VecI32 b, VecI32 c, VecI32 d,
                                  const NarrowBounds& bounds) {
  const __m256i first = NarrowToWords(a, b, bounds), second = NarrowToWords(c, d, bounds);
  const __m256i bytes =
      kUnsigned
          ? _mm256_min_epu8(_mm256_max_epu8(_mm256_packus_epi16(first, second), bounds.low), bounds.high)
          : _mm256_min_epi8(_mm256_max_epi8(_mm256_packs_epi16(first, second), bounds.low), bounds.high);
  const __m256i ordered = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(ordered));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q), _mm256_extracti128_si256(ordered, 1));
}

#elif defined(MACE_SIMD_NEON) || defined(MACE_SIMD_DOTPROD) || defined(MACE_SIMD_I8MM)

inline constexpr bool kHasNarrowPairs = true;

template <bool kUnsigned>
MACE_INLINE void StoreNarrowPair(uint8_t* p, VecI32 a, VecI32 b, const NarrowBounds& bounds) {
  const int16x8_t words =
      vqaddq_s16(vcombine_s16(vqmovn_s32(a), vqmovn_s32(b)), vreinterpretq_s16_s32(bounds.zero_points));
  if constexpr (kUnsigned) {
    const uint8x8_t low = vget_low_u8(vreinterpretq_u8_s32(bounds.low));
    const uint8x8_t high = vget_low_u8(vreinterpretq_u8_s32(bounds.high));
    vst1_u8(p, vmin_u8(vmax_u8(vqmovun_s16(words), low), high));
  } else {
    const int8x8_t low = vget_low_s8(vreinterpretq_s8_s32(bounds.low));
    const int8x8_t high = vget_low_s8(vreinterpretq_s8_s32(bounds.high));
    vst1_s8(reinterpret_cast<int8_t*>(p), vmin_s8(vmax_s8(vqmovn_s16(words), low), high));
  }
}
template <bool kUnsigned>
MACE_INLINE void StoreNarrowPairs(uint8_t* p, uint8_t* q, VecI32 a, VecI32 b, VecI32 c, VecI32 d,
                                  const NarrowBounds& bounds) {
  StoreNarrowPair<kUnsigned>(p, a, b, bounds);
  StoreNarrowPair<kUnsigned>(q, c, d, bounds);
}

#else

inline constexpr bool kHasNarrowPairs = false;
// Never called: what stands behind `if constexpr` in code that is no template must still be there.
template <bool kUnsigned>
MACE_INLINE void StoreNarrowPair(uint8_t*, VecI32, VecI32, const NarrowBounds&) {}
template <bool kUnsigned>
MACE_INLINE void StoreNarrowPairs(uint8_t*, uint8_t*, VecI32, VecI32, VecI32, VecI32, const NarrowBounds&) {}

#endif

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_NARROW_H_
