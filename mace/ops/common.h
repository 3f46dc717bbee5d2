// What several operators' attributes share.
#ifndef MACE_OPS_COMMON_H_
#define MACE_OPS_COMMON_H_

#include "mace/graph/attributes.h"

namespace mace::ops {

// How an integer result is brought to its output scale (docs/design/07-quantization.md).
enum class Rounding : int32_t {
  kTfliteDouble = 0,  // saturating rounding doubling high multiply, then rounding right shift (two roundings)
  kTfliteSingle = 1,  // one 64-bit rounding shift
  kHalfEvenFloat = 2,  // float multiply, round half to even (ONNX)
  kCount = 3,
};

// Where a window operator takes its padding from.
enum class Padding : int32_t {
  kExplicit = 0,   // the `pads` attribute
  kSameUpper = 1,  // output = ceil(input / stride), an odd pixel of padding goes to the end
  kSameLower = 2,  // the same, to the beginning
  kCount = 3,
};

}  // namespace mace::ops

#endif  // MACE_OPS_COMMON_H_
