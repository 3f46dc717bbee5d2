// IEEE-754 half to single precision, for packing: element by element in plain code. (Kernels use LoadF16 of
// the SIMD vocabulary; mace/ops/quantize/narrow_float.h is the slow specification in double precision.)
#ifndef MACE_KERNELS_HALF_H_
#define MACE_KERNELS_HALF_H_

#include <bit>
#include <cstdint>

#include "mace/core/dtype.h"

namespace mace::kernels {

// Exact, denormals, infinities and NaN included.
inline float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {  // zero and denormals: fraction * 2^-24, exact in single precision
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  const uint32_t wide = exponent == 31 ? 255u : exponent + 112u;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

// Element `index` of kF16 or kF32 data.
inline float ReadFloat(const void* data, DType dtype, int64_t index) {
  return dtype == DType::kF16 ? HalfToFloat(static_cast<const uint16_t*>(data)[index])
                              : static_cast<const float*>(data)[index];
}

}  // namespace mace::kernels

#endif  // MACE_KERNELS_HALF_H_
