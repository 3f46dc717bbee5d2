// Integers of 4 and 2 bits, of which several share a byte: the first in its lowest bits.
#ifndef MACE_OPS_QUANTIZE_PACKED_INTEGERS_H_
#define MACE_OPS_QUANTIZE_PACKED_INTEGERS_H_

#include <cstdint>

#include "mace/core/dtype.h"

namespace mace::ops {

constexpr bool IsSignedPacked(DType dtype) { return dtype == DType::kI4 || dtype == DType::kI2; }

inline int32_t LoadPacked(const void* data, DType dtype, int64_t index) {
  const int bits = BitsOf(dtype), per_byte = 8 / bits;
  const int32_t byte = static_cast<const uint8_t*>(data)[index / per_byte];
  const int32_t value = (byte >> (index % per_byte * bits)) & ((1 << bits) - 1);
  return IsSignedPacked(dtype) && value >= 1 << (bits - 1) ? value - (1 << bits) : value;
}

// Keeps the low bits of `value`. Elements are stored in ascending order: the first of a byte clears the rest.
inline void StorePacked(void* data, DType dtype, int64_t index, int64_t value) {
  const int bits = BitsOf(dtype), per_byte = 8 / bits;
  const int place = static_cast<int>(index % per_byte) * bits;
  uint8_t& byte = static_cast<uint8_t*>(data)[index / per_byte];
  const int kept = static_cast<int>(static_cast<uint64_t>(value) & ((1u << bits) - 1)) << place;
  byte = static_cast<uint8_t>(place == 0 ? kept : byte | kept);
}

}  // namespace mace::ops

#endif  // MACE_OPS_QUANTIZE_PACKED_INTEGERS_H_
