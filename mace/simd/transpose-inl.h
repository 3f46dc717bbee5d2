// Transposes of small square tiles of 32-bit elements in registers: for *.simd.cc files. kTransposeTile is
// the tile's side, 1 where the instruction set has none here (vectors of run-time length, scalar).
#ifndef MACE_SIMD_TRANSPOSE_INL_H_
#define MACE_SIMD_TRANSPOSE_INL_H_

#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

#if defined(MACE_SIMD_AVX2) || defined(MACE_SIMD_AVX512)

inline constexpr int kTransposeTile = 8;

// Rows lie in_stride (out_stride) elements apart.
MACE_INLINE void TransposeTile(const float* in, int64_t in_stride, float* out, int64_t out_stride) {
  // Halves of rows r and r + 4 share a register, so that all further shuffles stay within 128-bit lanes.
  const auto load = [&](int64_t row, int64_t column) __attribute__((always_inline)) {
    const __m256 low = _mm256_castps128_ps256(_mm_loadu_ps(in + row * in_stride + column));
    return _mm256_insertf128_ps(low, _mm_loadu_ps(in + (row + 4) * in_stride + column), 1);
  };
  for (int64_t half = 0; half < 8; half += 4) {
    const __m256 a = load(0, half);
    const __m256 b = load(1, half);
    const __m256 c = load(2, half);
    const __m256 d = load(3, half);
    const __m256 ab_low = _mm256_unpacklo_ps(a, b);
    const __m256 ab_high = _mm256_unpackhi_ps(a, b);
    const __m256 cd_low = _mm256_unpacklo_ps(c, d);
    const __m256 cd_high = _mm256_unpackhi_ps(c, d);
    float* to = out + half * out_stride;
    _mm256_storeu_ps(to, _mm256_shuffle_ps(ab_low, cd_low, 0x44));
    _mm256_storeu_ps(to + out_stride, _mm256_shuffle_ps(ab_low, cd_low, 0xee));
    _mm256_storeu_ps(to + 2 * out_stride, _mm256_shuffle_ps(ab_high, cd_high, 0x44));
    _mm256_storeu_ps(to + 3 * out_stride, _mm256_shuffle_ps(ab_high, cd_high, 0xee));
  }
}

#elif defined(MACE_SIMD_SSE4)

inline constexpr int kTransposeTile = 4;

MACE_INLINE void TransposeTile(const float* in, int64_t in_stride, float* out, int64_t out_stride) {
  const __m128 a = _mm_loadu_ps(in);
  const __m128 b = _mm_loadu_ps(in + in_stride);
  const __m128 c = _mm_loadu_ps(in + 2 * in_stride);
  const __m128 d = _mm_loadu_ps(in + 3 * in_stride);
  const __m128 ab_low = _mm_unpacklo_ps(a, b);
  const __m128 ab_high = _mm_unpackhi_ps(a, b);
  const __m128 cd_low = _mm_unpacklo_ps(c, d);
  const __m128 cd_high = _mm_unpackhi_ps(c, d);
  _mm_storeu_ps(out, _mm_movelh_ps(ab_low, cd_low));
  _mm_storeu_ps(out + out_stride, _mm_movehl_ps(cd_low, ab_low));
  _mm_storeu_ps(out + 2 * out_stride, _mm_movelh_ps(ab_high, cd_high));
  _mm_storeu_ps(out + 3 * out_stride, _mm_movehl_ps(cd_high, ab_high));
}

#elif defined(MACE_SIMD_NEON)

inline constexpr int kTransposeTile = 4;

MACE_INLINE void TransposeTile(const float* in, int64_t in_stride, float* out, int64_t out_stride) {
  const float32x4_t a = vld1q_f32(in);
  const float32x4_t b = vld1q_f32(in + in_stride);
  const float32x4_t c = vld1q_f32(in + 2 * in_stride);
  const float32x4_t d = vld1q_f32(in + 3 * in_stride);
  const float64x2_t ab_low = vreinterpretq_f64_f32(vzip1q_f32(a, b));
  const float64x2_t ab_high = vreinterpretq_f64_f32(vzip2q_f32(a, b));
  const float64x2_t cd_low = vreinterpretq_f64_f32(vzip1q_f32(c, d));
  const float64x2_t cd_high = vreinterpretq_f64_f32(vzip2q_f32(c, d));
  vst1q_f32(out, vreinterpretq_f32_f64(vzip1q_f64(ab_low, cd_low)));
  vst1q_f32(out + out_stride, vreinterpretq_f32_f64(vzip2q_f64(ab_low, cd_low)));
  vst1q_f32(out + 2 * out_stride, vreinterpretq_f32_f64(vzip1q_f64(ab_high, cd_high)));
  vst1q_f32(out + 3 * out_stride, vreinterpretq_f32_f64(vzip2q_f64(ab_high, cd_high)));
}

#else

inline constexpr int kTransposeTile = 1;

MACE_INLINE void TransposeTile(const float* in, int64_t, float* out, int64_t) {
  __builtin_memcpy(out, in, 4);
}

#endif

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_TRANSPOSE_INL_H_
