// Arithmetic on 16-bit words, two in each lane of a VecI32, for the integer kernels; included after simd.h.
// All of it wraps.
//
//   LoadWordsU8, LoadWordsI8(p)    kWordLanes bytes, widened; they stay in the order of memory.
//   AddWords, SubWords(a, b), ShiftLeftWords<count>(a)
#ifndef MACE_SIMD_WORDS_H_
#define MACE_SIMD_WORDS_H_

#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

inline constexpr int kWordLanes = 2 * kF32Lanes;

#if defined(MACE_SIMD_SCALAR)

MACE_INLINE VecI32 JoinWords(uint32_t low, uint32_t high) {
  return static_cast<int32_t>((low & 0xffff) | high << 16);
}
MACE_INLINE VecI32 LoadWordsU8(const uint8_t* p) { return JoinWords(p[0], p[1]); }
MACE_INLINE VecI32 LoadWordsI8(const int8_t* p) {
  return JoinWords(static_cast<uint32_t>(p[0]), static_cast<uint32_t>(p[1]));
}
MACE_INLINE VecI32 AddWords(VecI32 a, VecI32 b) {
  const uint32_t x = static_cast<uint32_t>(a), y = static_cast<uint32_t>(b);
  return JoinWords(x + y, (x >> 16) + (y >> 16));
}
MACE_INLINE VecI32 SubWords(VecI32 a, VecI32 b) {
  const uint32_t x = static_cast<uint32_t>(a), y = static_cast<uint32_t>(b);
  return JoinWords(x - y, (x >> 16) - (y >> 16));
}
template <int kCount>
MACE_INLINE VecI32 ShiftLeftWords(VecI32 a) {
  const uint32_t x = static_cast<uint32_t>(a);
  return JoinWords(x << kCount, x >> 16 << kCount);
}

#elif defined(MACE_SIMD_SSE4)

MACE_INLINE VecI32 LoadWordsU8(const uint8_t* p) {
  return _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
MACE_INLINE VecI32 LoadWordsI8(const int8_t* p) {
  return _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
MACE_INLINE VecI32 AddWords(VecI32 a, VecI32 b) { return _mm_add_epi16(a, b); }
MACE_INLINE VecI32 SubWords(VecI32 a, VecI32 b) { return _mm_sub_epi16(a, b); }
template <int kCount>
MACE_INLINE VecI32 ShiftLeftWords(VecI32 a) {
  return _mm_slli_epi16(a, kCount);
}

#elif defined(MACE_SIMD_AVX2) || defined(MACE_SIMD_AVXVNNI)

MACE_INLINE VecI32 LoadWordsU8(const uint8_t* p) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
MACE_INLINE VecI32 LoadWordsI8(const int8_t* p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
MACE_INLINE VecI32 AddWords(VecI32 a, VecI32 b) { return _mm256_add_epi16(a, b); }
MACE_INLINE VecI32 SubWords(VecI32 a, VecI32 b) { return _mm256_sub_epi16(a, b); }
template <int kCount>
MACE_INLINE VecI32 ShiftLeftWords(VecI32 a) {
  return _mm256_slli_epi16(a, kCount);
}

#elif defined(MACE_SIMD_AVX512) || defined(MACE_SIMD_AVX512VNNI)

MACE_INLINE VecI32 LoadWordsU8(const uint8_t* p) {
  return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
MACE_INLINE VecI32 LoadWordsI8(const int8_t* p) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
MACE_INLINE VecI32 AddWords(VecI32 a, VecI32 b) { return _mm512_add_epi16(a, b); }
MACE_INLINE VecI32 SubWords(VecI32 a, VecI32 b) { return _mm512_sub_epi16(a, b); }
template <int kCount>
MACE_INLINE VecI32 ShiftLeftWords(VecI32 a) {
  return _mm512_slli_epi16(a, kCount);
}

#elif defined(MACE_SIMD_NEON) || defined(MACE_SIMD_DOTPROD) || defined(MACE_SIMD_I8MM)

MACE_INLINE VecI32 LoadWordsU8(const uint8_t* p) { return vreinterpretq_s32_u16(vmovl_u8(vld1_u8(p))); }
MACE_INLINE VecI32 LoadWordsI8(const int8_t* p) { return vreinterpretq_s32_s16(vmovl_s8(vld1_s8(p))); }
MACE_INLINE VecI32 AddWords(VecI32 a, VecI32 b) {
  return vreinterpretq_s32_s16(vaddq_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b)));
}
MACE_INLINE VecI32 SubWords(VecI32 a, VecI32 b) {
  return vreinterpretq_s32_s16(vsubq_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b)));
}
template <int kCount>
MACE_INLINE VecI32 ShiftLeftWords(VecI32 a) {
  return vreinterpretq_s32_s16(vshlq_n_s16(vreinterpretq_s16_s32(a), kCount));
}

#endif

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_WORDS_H_
