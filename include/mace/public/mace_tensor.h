// The original's MaceTensor. Part of mace/public/mace.h.
#ifndef MACE_PUBLIC_MACE_TENSOR_H_
#define MACE_PUBLIC_MACE_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "mace/mace_c.h"
#include "mace/public/mace_types.h"

namespace mace {
inline namespace original_0 {

namespace internal {
class Engine;
}

// A shape, and a buffer of the caller that holds as many elements, row-major. Copies share the buffer. A
// buffer for an output may be larger than the result: shape() is the real one after the run. Not thread-safe.
class MaceTensor {
 public:
  // float, int32_t, int16_t, int8_t, uint8_t, or 16 bits of an IEEE half (IDT_HALF, IDT_FLOAT16) or a
  // bfloat16. Buffers of a GPU are refused when the tensor is used.
  explicit MaceTensor(const std::vector<int64_t>& shape, std::shared_ptr<void> data,
                      DataFormat format = DataFormat::NHWC, IDataType data_type = IDT_FLOAT,
                      MemoryType memory_type = CPU_BUFFER)
      : shape_(shape),
        capacity_(CountOf(shape)),
        data_(std::move(data)),
        format_(format),
        data_type_(data_type),
        memory_type_(memory_type) {}
  MaceTensor() : MaceTensor({}, nullptr) {}

  const std::vector<int64_t>& shape() const { return shape_; }
  std::shared_ptr<float> data() const { return data<float>(); }
  template <typename T>
  std::shared_ptr<T> data() const {
    return std::static_pointer_cast<T>(data_);
  }
  DataFormat data_format() const { return format_; }
  IDataType data_type() const { return data_type_; }
  MemoryType memory_type() const { return memory_type_; }

 private:
  friend class internal::Engine;

  // Elements; -1 where a dimension is negative or the product, in bytes, does not fit in 64 bits.
  static int64_t CountOf(const std::vector<int64_t>& shape) {
    constexpr int64_t kMost = INT64_MAX / 8;
    int64_t count = 1;
    for (int64_t dim : shape) {
      if (dim < 0) return -1;
      if (dim > 0 && count > kMost / dim) return -1;
      count *= dim;
    }
    return count;
  }
  // 0 (no mace_dtype) for IDT_INVALID and the like.
  mace_dtype dtype() const {
    switch (data_type_) {
      case IDT_FLOAT:
        return MACE_FLOAT32;
      case IDT_UINT8:
        return MACE_UINT8;
      case IDT_HALF:
      case IDT_FLOAT16:
        return MACE_FLOAT16;
      case IDT_INT32:
        return MACE_INT32;
      case IDT_BFLOAT16:
        return MACE_BFLOAT16;
      case IDT_INT16:
        return MACE_INT16;
      case IDT_INT8:
        return MACE_INT8;
      default:
        return static_cast<mace_dtype>(0);
    }
  }

  std::vector<int64_t> shape_;
  int64_t capacity_;  // elements that the buffer has room for
  std::shared_ptr<void> data_;
  DataFormat format_;
  IDataType data_type_;
  MemoryType memory_type_;
};

}  // namespace original_0
}  // namespace mace

#endif  // MACE_PUBLIC_MACE_TENSOR_H_
