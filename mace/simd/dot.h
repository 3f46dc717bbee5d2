// Dot products of bytes and of 16-bit words, for the integer kernels; included after simd.h. VecI32 holds
// four bytes or two words in each lane:
//
//   DotBytes(sum, lhs, rhs)       each lane of sum + the four products of its bytes. rhs is signed; lhs is
//   unsigned where
//                                 kDotLhsUnsigned, else signed. Sums of 32 bits wrap.
//   DotWords(sum, lhs, rhs)       the same with two products of signed words.
//
// Where kDotNeedsBound (x86 without VNNI: vpmaddubsw adds two products in 16 bits, saturating) DotBytes is
// exact only if neighbouring bytes of rhs, 0 and 1 or 2 and 3, have magnitudes of at most 128 together: 255 *
// 128 fits. Any other rhs goes as magnitude and sign:
//
//   DotMagnitudes(sum, flipped, magnitudes)   flipped is Xor(lhs, signs) with 0x80 in `signs` where the
//   weight w is >= 0, 0x7f where it is
//                                 negative, magnitudes |w|. It adds w * (lhs - 128), and w more where w is
//                                 negative: s xor -1 is -s - 1 for s = lhs - 128. Two products stay within
//                                 -32768 and 32512, so nothing saturates (docs/design/07-quantization.md).
#ifndef MACE_SIMD_DOT_H_
#define MACE_SIMD_DOT_H_

#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

// Four bytes or two words at p in every lane.
MACE_INLINE VecI32 BroadcastBytes(const void* p) {
  int32_t bytes;
  __builtin_memcpy(&bytes, p, sizeof(bytes));
  return Set(kI32, bytes);
}

#if defined(MACE_SIMD_SCALAR)

inline constexpr bool kDotLhsUnsigned = true;
inline constexpr bool kDotNeedsBound = false;

MACE_INLINE VecI32 DotBytes(VecI32 sum, VecI32 lhs, VecI32 rhs) {
  uint32_t total = static_cast<uint32_t>(sum);
  for (int i = 0; i < 4; ++i) {
    const int32_t a = static_cast<uint8_t>(static_cast<uint32_t>(lhs) >> (8 * i));
    const int32_t b = static_cast<int8_t>(static_cast<uint32_t>(rhs) >> (8 * i));
    total += static_cast<uint32_t>(a * b);
  }
  return static_cast<int32_t>(total);
}
MACE_INLINE VecI32 DotWords(VecI32 sum, VecI32 lhs, VecI32 rhs) {
  uint32_t total = static_cast<uint32_t>(sum);
  for (int i = 0; i < 2; ++i) {
    const int32_t a = static_cast<int16_t>(static_cast<uint32_t>(lhs) >> (16 * i));
    const int32_t b = static_cast<int16_t>(static_cast<uint32_t>(rhs) >> (16 * i));
    total += static_cast<uint32_t>(a) * static_cast<uint32_t>(b);
  }
  return static_cast<int32_t>(total);
}

#elif defined(MACE_SIMD_SSE4)

inline constexpr bool kDotLhsUnsigned = true;
inline constexpr bool kDotNeedsBound = true;

MACE_INLINE VecI32 DotWords(VecI32 sum, VecI32 lhs, VecI32 rhs) {
  return _mm_add_epi32(sum, _mm_madd_epi16(lhs, rhs));
}
MACE_INLINE VecI32 DotBytes(VecI32 sum, VecI32 lhs, VecI32 rhs) {
  return DotWords(sum, _mm_maddubs_epi16(lhs, rhs), _mm_set1_epi16(1));
}
MACE_INLINE VecI32 DotMagnitudes(VecI32 sum, VecI32 flipped, VecI32 magnitudes) {
  return DotBytes(sum, magnitudes, flipped);
}

#elif defined(MACE_SIMD_AVX2) || defined(MACE_SIMD_AVXVNNI)

inline constexpr bool kDotLhsUnsigned = true;

MACE_INLINE VecI32 DotWords(VecI32 sum, VecI32 lhs, VecI32 rhs) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(lhs, rhs));
}
#if defined(MACE_SIMD_AVXVNNI)
inline constexpr bool kDotNeedsBound = false;

MACE_INLINE VecI32 DotBytes(VecI32 sum, VecI32 lhs, VecI32 rhs) {
  return _mm256_dpbusd_avx_epi32(sum, lhs, rhs);
}
#else
inline constexpr bool kDotNeedsBound = true;

MACE_INLINE VecI32 DotBytes(VecI32 sum, VecI32 lhs, VecI32 rhs) {
  return DotWords(sum, _mm256_maddubs_epi16(lhs, rhs), _mm256_set1_epi16(1));
}
MACE_INLINE VecI32 DotMagnitudes(VecI32 sum, VecI32 flipped, VecI32 magnitudes) {
  return DotBytes(sum, magnitudes, flipped);
}
#endif

#elif defined(MACE_SIMD_AVX512) || defined(MACE_SIMD_AVX512VNNI)

inline constexpr bool kDotLhsUnsigned = true;

MACE_INLINE VecI32 DotWords(VecI32 sum, VecI32 lhs, VecI32 rhs) {
  return _mm512_add_epi32(sum, _mm512_madd_epi16(lhs, rhs));
}
#if defined(MACE_SIMD_AVX512VNNI)
inline constexpr bool kDotNeedsBound = false;

MACE_INLINE VecI32 DotBytes(VecI32 sum, VecI32 lhs, VecI32 rhs) { return _mm512_dpbusd_epi32(sum, lhs, rhs); }
#else
inline constexpr bool kDotNeedsBound = true;

MACE_INLINE VecI32 DotBytes(VecI32 sum, VecI32 lhs, VecI32 rhs) {
  return DotWords(sum, _mm512_maddubs_epi16(lhs, rhs), _mm512_set1_epi16(1));
}
MACE_INLINE VecI32 DotMagnitudes(VecI32 sum, VecI32 flipped, VecI32 magnitudes) {
  return DotBytes(sum, magnitudes, flipped);
}
#endif

#elif defined(MACE_SIMD_NEON) || defined(MACE_SIMD_DOTPROD) || defined(MACE_SIMD_I8MM)

inline constexpr bool kDotLhsUnsigned = false;
inline constexpr bool kDotNeedsBound = false;

MACE_INLINE VecI32 DotWords(VecI32 sum, VecI32 lhs, VecI32 rhs) {
  const int16x8_t a = vreinterpretq_s16_s32(lhs);
  const int16x8_t b = vreinterpretq_s16_s32(rhs);
  return vaddq_s32(sum, vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b)));
}
#if defined(MACE_SIMD_NEON)
MACE_INLINE VecI32 DotBytes(VecI32 sum, VecI32 lhs, VecI32 rhs) {
  const int8x16_t a = vreinterpretq_s8_s32(lhs);
  const int8x16_t b = vreinterpretq_s8_s32(rhs);
  // Two products of -128 by -128 do not fit into 16 bits: they are added in 32.
  return vaddq_s32(sum, vpaddq_s32(vpaddlq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b))),
                                   vpaddlq_s16(vmull_high_s8(a, b))));
}
#else
MACE_INLINE VecI32 DotBytes(VecI32 sum, VecI32 lhs, VecI32 rhs) {
  return vdotq_s32(sum, vreinterpretq_s8_s32(lhs), vreinterpretq_s8_s32(rhs));
}
#endif

#endif

#if !defined(MACE_SIMD_SVE) && !defined(MACE_SIMD_RVV)
// A byte of a left-hand side as DotBytes takes it is the byte in memory xor one of these, by the
// element type in memory.
inline constexpr uint8_t kDotFlipOfU8 = kDotLhsUnsigned ? 0 : 0x80;
inline constexpr uint8_t kDotFlipOfI8 = kDotLhsUnsigned ? 0x80 : 0;
#endif

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_DOT_H_
