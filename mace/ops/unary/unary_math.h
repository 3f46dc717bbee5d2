// UnaryMath: the elementary functions that models seldom use, one operator for all of them. Floats.
#ifndef MACE_OPS_UNARY_UNARY_MATH_H_
#define MACE_OPS_UNARY_UNARY_MATH_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

enum class UnaryMathKind : int32_t {
  kTan = 0,
  kAsin = 1,
  kAcos = 2,
  kAtan = 3,
  kSinh = 4,
  kCosh = 5,
  kAsinh = 6,
  kAcosh = 7,
  kAtanh = 8,
  kCount = 9,
};

struct UnaryMathAttributes {
  UnaryMathKind kind = UnaryMathKind::kTan;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, UnaryMathAttributes, kind)}; }
};

extern const OpDefinition kUnaryMathDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_UNARY_UNARY_MATH_H_
