// TensorView: a non-owning, contiguous, row-major tensor: what crosses every edge of the library.
#ifndef MACE_CORE_TENSOR_VIEW_H_
#define MACE_CORE_TENSOR_VIEW_H_

#include "mace/core/dtype.h"
#include "mace/core/shape.h"

namespace mace {

// Bytes of a contiguous tensor; -1 where the shape is not concrete or the product does not fit. Types of
// 4 and 2 bits are packed over the whole buffer: (elements + 1) / 2 and (elements + 3) / 4 bytes.
inline int64_t ByteCount(DType dtype, const Shape& shape) {
  const int64_t elements = shape.ElementCount();
  if (elements < 0 || !IsValid(dtype)) return -1;
  if (IsSubByte(dtype)) {
    const int per_byte = 8 / BitsOf(dtype);
    return elements / per_byte + (elements % per_byte != 0 ? 1 : 0);
  }
  int64_t bytes = 0;
  return CheckedMultiply(elements, BytesOf(dtype), &bytes) ? bytes : -1;
}

struct TensorView {
  void* data = nullptr;  // may be null where a dimension is zero; of constants: never written
  DType dtype = DType::kInvalid;
  Shape shape;

  template <typename T>
  T* as() {
    return static_cast<T*>(data);
  }
  template <typename T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
  int64_t elements() const { return shape.ElementCount(); }
  int64_t bytes() const { return ByteCount(dtype, shape); }
};

}  // namespace mace

#endif  // MACE_CORE_TENSOR_VIEW_H_
