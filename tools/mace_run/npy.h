// .npy files (NumPy's format 1.0 to 3.0). What is read may come from anybody: sizes are checked against the
// file before anything is allocated.
#ifndef TOOLS_MACE_RUN_NPY_H_
#define TOOLS_MACE_RUN_NPY_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mace/mace_c.h"

namespace mace_run {

struct Array {
  mace_dtype dtype = MACE_FLOAT32;
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;  // row-major
};

// Bytes of one element; 0 for types that .npy files cannot hold.
size_t ElementBytes(mace_dtype dtype);
const char* DTypeName(mace_dtype dtype);

// Throw std::runtime_error; messages begin with the path. Arrays in Fortran order are brought into row-major
// order. python/mace/arrays.py accepts the same arrays; its words for damaged headers are its own.
Array ReadNpy(const std::string& path);
Array ParseNpy(std::span<const uint8_t> file);  // no path in the messages
// As WriteFile does.
void WriteNpy(const std::string& path, const Array& array);
std::vector<uint8_t> FormatNpyHeader(const Array& array);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_NPY_H_
