// The original's raw files: little-endian elements of four bytes, float32 or int32, whatever the tensor's
// type is. And what happens between a file's tensor and the model's: element type and layout.
#ifndef TOOLS_MACE_RUN_RAW_TENSORS_H_
#define TOOLS_MACE_RUN_RAW_TENSORS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "npy.h"

namespace mace_run {

// What a raw file of a tensor of this type holds: int32 for int32, uint32, int64, uint64 and bool, else
// float32.
mace_dtype RawElement(mace_dtype dtype);

// Integers and bools; not floats of any size.
bool IsInteger(mace_dtype dtype);

// The elements of a raw file. `flag` is the flag that named the file; messages begin with the path and say
// it.
Array ReadRaw(const std::string& path, const std::string& flag, const std::vector<int64_t>& shape,
              mace_dtype element);

// Throws where an element is out of the wanted type's range; `where` begins the message.
Array Converted(Array array, mace_dtype dtype, const std::string& where);

// [1, 3, ?], dimensions below zero as question marks.
std::string ShapeText(std::span<const int64_t> shape);

// Elements of a shape; throws where they, as eight bytes each, do not fit in 64 bits.
int64_t ElementCount(std::span<const int64_t> shape);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_RAW_TENSORS_H_
