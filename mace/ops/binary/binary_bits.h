// Integers by their bits, remainders and angles: elementwise operators of two inputs of one dtype, which
// broadcast.
#ifndef MACE_OPS_BINARY_BINARY_BITS_H_
#define MACE_OPS_BINARY_BINARY_BITS_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

// Bitwise: integers. Shifts by less than 0 or by all bits and more move every bit out: to the left 0 is left,
// to the right 0, of negative numbers -1.
enum class BitwiseKind : int32_t {
  kAnd = 0,
  kOr = 1,
  kXor = 2,
  kShiftLeft = 3,
  kShiftRight = 4,
  kCount = 5,
};
struct BitwiseAttributes {
  BitwiseKind kind = BitwiseKind::kAnd;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, BitwiseAttributes, kind)}; }
};

// Mod: integers and floats. The remainder of a / b has the sign of b, where `truncated` that of a (as C's %
// and fmod have it). Of integers by 0 it is 0, of floats NaN.
struct ModAttributes {
  bool truncated = false;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, ModAttributes, truncated)}; }
};

// Atan2: floats y, x -> the angle of the point (x, y), -pi to pi.

extern const OpDefinition kAtan2Definition;
extern const OpDefinition kBitwiseDefinition;
extern const OpDefinition kModDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_BINARY_BINARY_BITS_H_
