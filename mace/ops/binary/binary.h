// Elementwise operators of two inputs with NumPy broadcasting; both of one dtype (floats, integers). Equal,
// Less, Greater, LessOrEqual and GreaterOrEqual give bool, false where a NaN is compared. And, Or and Xor
// take bools. PRelu(x, slope): x < 0 ? x * slope : x, the slope broadcast to x (channels last). Integer
// division truncates; by zero it gives 0. Pow alone takes integers to a power of floats (f32, f64): the
// double result goes towards zero and saturates, NaN becomes 0, as Cast does it. Add, Sub, Mul, Div,
// Max, Min, PRelu and SquaredDifference also take quantized operands (binary_integer.h).
#ifndef MACE_OPS_BINARY_BINARY_H_
#define MACE_OPS_BINARY_BINARY_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

extern const OpDefinition kAddDefinition;
extern const OpDefinition kSubDefinition;
extern const OpDefinition kMulDefinition;
extern const OpDefinition kDivDefinition;
extern const OpDefinition kMaxDefinition;
extern const OpDefinition kMinDefinition;
extern const OpDefinition kPowDefinition;
extern const OpDefinition kPReluDefinition;
extern const OpDefinition kSquaredDifferenceDefinition;
extern const OpDefinition kEqualDefinition;
extern const OpDefinition kLessDefinition;
extern const OpDefinition kGreaterDefinition;
extern const OpDefinition kLessOrEqualDefinition;
extern const OpDefinition kGreaterOrEqualDefinition;
extern const OpDefinition kAndDefinition;
extern const OpDefinition kOrDefinition;
extern const OpDefinition kXorDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_BINARY_BINARY_H_
