#include "raw_tensors.h"

#include <new>
#include <stdexcept>

#include "files.h"
#include "mace/public/mace_layout.h"

namespace mace_run {

mace_dtype RawElement(mace_dtype dtype) {
  switch (dtype) {
    case MACE_INT32:
    case MACE_UINT32:
    case MACE_INT64:
    case MACE_UINT64:
    case MACE_BOOL:
      return MACE_INT32;
    default:
      return MACE_FLOAT32;
  }
}

bool IsInteger(mace_dtype dtype) {
  return dtype != MACE_FLOAT32 && dtype != MACE_FLOAT16 && dtype != MACE_BFLOAT16 && dtype != MACE_FLOAT64;
}

std::string ShapeText(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + (shape[i] < 0 ? std::string("?") : std::to_string(shape[i]));
  }
  return text + "]";
}

int64_t ElementCount(std::span<const int64_t> shape) {
  int64_t count = 1, bytes = 8;
  for (int64_t dim : shape) count *= dim == 0 ? 0 : 1;
  for (int64_t dim : shape) {
    if (dim > 0 && __builtin_mul_overflow(bytes, dim, &bytes)) {
      throw std::runtime_error("the size of " + ShapeText(shape) + " does not fit in 64 bits");
    }
  }
  return count * (bytes / 8);
}

Array ReadRaw(const std::string& path, const std::string& flag, const std::vector<int64_t>& shape,
              mace_dtype element) {
  Array array;
  array.dtype = element;
  array.shape = shape;
  const auto wanted = static_cast<uint64_t>(ElementCount(shape)) * 4;
  try {
    array.bytes = ReadFile(path, [&](uint64_t bytes) {
      if (bytes == wanted) return;
      throw std::runtime_error("the file has " + std::to_string(bytes) + " bytes, a raw " +
                               DTypeName(element) + " " + ShapeText(shape) + " has " +
                               std::to_string(wanted));
    });
  } catch (const std::bad_alloc&) {
    throw std::runtime_error(path + " (" + flag + "): out of memory");
  } catch (const std::exception& error) {
    throw std::runtime_error(path + " (" + flag + "): " + error.what());
  }
  return array;
}

Array Converted(Array array, mace_dtype dtype, const std::string& where) {
  if (array.dtype == dtype) return array;
  const size_t from_bytes = ElementBytes(array.dtype), to_bytes = ElementBytes(dtype);
  if (from_bytes == 0 || to_bytes == 0) {
    throw std::runtime_error(where + ": " + DTypeName(array.dtype) + " cannot be converted to " +
                             DTypeName(dtype));
  }
  const size_t count = array.bytes.size() / from_bytes;
  std::vector<uint8_t> bytes(count * to_bytes);
  const size_t converted = mace::layout::Convert(array.dtype, array.bytes.data(), dtype, bytes.data(), count);
  if (converted < count) {
    double value = 0;
    mace::layout::Convert(array.dtype, array.bytes.data() + converted * from_bytes, MACE_FLOAT64, &value, 1);
    throw std::runtime_error(where + ": element " + std::to_string(converted) + " is " +
                             std::to_string(value) + ", which is no " + DTypeName(dtype));
  }
  array.dtype = dtype;
  array.bytes = std::move(bytes);
  return array;
}

}  // namespace mace_run
