// Conversions between element types.
#ifndef MACE_OPS_QUANTIZE_QUANTIZE_OPS_H_
#define MACE_OPS_QUANTIZE_QUANTIZE_OPS_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

// Cast: any type to any. Float to integer truncates toward zero and saturates, NaN gives 0; integers keep
// their low bits, those of 4 and 2 bits also where a float comes; to bool: != 0.
struct CastAttributes {
  DType to = DType::kF32;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, CastAttributes, to)}; }
};
// BitCast: the bits of each element as one of type `to`, which has as many; of bools any byte but 0 is true.
// With `regroup` the types may differ in size: an element becomes several along a new last axis, or those of
// the last axis, which is that long, become one. The first one has the lowest bits.
struct BitCastAttributes {
  DType to = DType::kF32;
  bool regroup = false;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, BitCastAttributes, to), MACE_FIELD(2, BitCastAttributes, regroup)};
  }
};
// Quantize: f32 -> `to`, q = saturate(round(x / scale) + zero_point) with the output value's quantization.
struct QuantizeAttributes {
  DType to = DType::kU8;
  Rounding rounding = Rounding::kHalfEvenFloat;  // the tflite roundings: half away from zero

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, QuantizeAttributes, to), MACE_FIELD(2, QuantizeAttributes, rounding)};
  }
};
// Dequantize: integer -> f32 with the input value's quantization (per tensor, per channel, per block).
// Requantize: integer -> integer `to`, from the input's quantization to the output's, without passing through
// floats.
struct RequantizeAttributes {
  DType to = DType::kI8;
  Rounding rounding = Rounding::kTfliteDouble;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, RequantizeAttributes, to), MACE_FIELD(2, RequantizeAttributes, rounding)};
  }
};

extern const OpDefinition kCastDefinition;
extern const OpDefinition kBitCastDefinition;
extern const OpDefinition kQuantizeDefinition;
extern const OpDefinition kDequantizeDefinition;
extern const OpDefinition kRequantizeDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_QUANTIZE_QUANTIZE_OPS_H_
