// For kernels that only move elements: they need the width of an element, not its type.
#ifndef MACE_OPS_MOVEMENT_ELEMENT_SIZE_H_
#define MACE_OPS_MOVEMENT_ELEMENT_SIZE_H_

#include <cstdint>

#include "mace/core/dtype.h"
#include "mace/core/status.h"

namespace mace::ops {

// Calls function(T{}) with the unsigned integer that is as wide as an element of `dtype`.
template <typename Function>
Status DispatchElementSize(DType dtype, const Function& function) {
  switch (BytesOf(dtype)) {
    case 1:
      return function(uint8_t{});
    case 2:
      return function(uint16_t{});
    case 4:
      return function(uint32_t{});
    case 8:
      return function(uint64_t{});
    default:
      return Unsupported("moving elements of %s", NameOf(dtype));
  }
}

// Element `index` of a packed tensor of 2 or 4 bits an element (mace/core/dtype.h), and its storing, which
// leaves the neighbours alone.
inline uint8_t LoadPacked(const uint8_t* data, int bits, int64_t index) {
  const int per_byte = 8 / bits;
  const auto shift = static_cast<int>(index % per_byte) * bits;
  return static_cast<uint8_t>(data[index / per_byte] >> shift & ((1 << bits) - 1));
}
inline void StorePacked(uint8_t* data, int bits, int64_t index, uint8_t element) {
  const int per_byte = 8 / bits;
  const auto shift = static_cast<int>(index % per_byte) * bits;
  uint8_t& byte = data[index / per_byte];
  byte = static_cast<uint8_t>((byte & ~(((1 << bits) - 1) << shift)) | element << shift);
}

}  // namespace mace::ops

#endif  // MACE_OPS_MOVEMENT_ELEMENT_SIZE_H_
