#include "mace/core/dtype.h"

namespace mace {

const char* NameOf(DType dtype) {
  static constexpr const char* kNames[kDTypeCount] = {
      "invalid", "float32", "float16", "bfloat16", "float64", "int8", "uint8", "int16", "uint16",
      "int32",   "uint32",  "int64",   "uint64",   "bool",    "int4", "uint4", "int2",  "uint2"};
  const auto index = static_cast<uint8_t>(dtype);
  return index < kDTypeCount ? kNames[index] : "invalid";
}

}  // namespace mace
