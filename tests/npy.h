// Reading and writing .npy files in tests: little-endian, C order, float32, uint8, int8, int16, int32, int64.
#ifndef TESTS_NPY_H_
#define TESTS_NPY_H_

#include <cctype>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "mace/core/tensor_view.h"

namespace mace::testing {

struct NpyArray {
  DType dtype = DType::kInvalid;
  Shape shape;
  std::vector<uint8_t> bytes;

  TensorView view() { return {bytes.data(), dtype, shape}; }
};

inline constexpr std::pair<const char*, DType> kNpyTypes[] = {
    {"<f4", DType::kF32}, {"|u1", DType::kU8},  {"|i1", DType::kI8},
    {"<i2", DType::kI16}, {"<i4", DType::kI32}, {"<i8", DType::kI64},
};

// Returns "" or what is wrong with the file.
inline std::string ReadNpy(const std::string& path, NpyArray* array) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return path + " cannot be opened";
  const std::string file((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (file.size() < 12 || file.compare(0, 6, "\x93NUMPY") != 0) return path + " is not a .npy file";
  const bool long_header = file[6] != 1;
  size_t header_size = 0;
  for (int i = 0; i < (long_header ? 4 : 2); ++i) {
    header_size |= static_cast<size_t>(static_cast<uint8_t>(file[8 + i])) << (8 * i);
  }
  const size_t data = (long_header ? 12 : 10) + header_size;
  if (data > file.size()) return path + " is cut off";
  const std::string header = file.substr(long_header ? 12 : 10, header_size);
  if (header.find("'fortran_order': False") == std::string::npos) return path + " is not in C order";
  *array = NpyArray();
  for (const auto& [code, dtype] : kNpyTypes) {
    if (header.find("'" + std::string(code) + "'") != std::string::npos) array->dtype = dtype;
  }
  if (array->dtype == DType::kInvalid) return path + " has an element type that is not read here: " + header;
  size_t position = header.find("'shape':");
  position = position == std::string::npos ? position : header.find('(', position);
  if (position == std::string::npos) return path + " has no shape";
  for (++position; position < header.size() && header[position] != ')';) {
    if (!std::isdigit(static_cast<unsigned char>(header[position]))) {
      ++position;
      continue;
    }
    size_t used = 0;
    array->shape.Push(std::stoll(header.substr(position), &used));
    position += used;
  }
  if (array->view().bytes() != static_cast<int64_t>(file.size() - data)) return path + " has a wrong size";
  array->bytes.assign(file.begin() + static_cast<std::ptrdiff_t>(data), file.end());
  return "";
}

inline bool WriteNpy(const std::string& path, const TensorView& view) {
  std::string header = "{'descr': '";
  for (const auto& [code, dtype] : kNpyTypes) {
    if (dtype == view.dtype) header += code;
  }
  header += "', 'fortran_order': False, 'shape': (";
  for (int i = 0; i < view.shape.rank; ++i) header += std::to_string(view.shape[i]) + ", ";
  header += "), }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::ofstream stream(path, std::ios::binary);
  const char prefix[] = {'\x93',
                         'N',
                         'U',
                         'M',
                         'P',
                         'Y',
                         1,
                         0,
                         static_cast<char>(header.size() & 255),
                         static_cast<char>(header.size() >> 8)};
  stream.write(prefix, sizeof(prefix));
  stream.write(header.data(), static_cast<std::streamsize>(header.size()));
  stream.write(static_cast<const char*>(view.data), static_cast<std::streamsize>(view.bytes()));
  return stream.good();
}

}  // namespace mace::testing

#endif  // TESTS_NPY_H_
