// Operators that make a tensor of nothing but sizes and bounds.
#ifndef MACE_OPS_SHAPE_RANGE_H_
#define MACE_OPS_SHAPE_RANGE_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

// Range: scalars start, limit, delta of one dtype (f32, f64, i16, i32, i64) -> start, start + delta, ... in
// front of limit: max(ceil((limit - start) / delta), 0) elements. Floats are computed in double.

// EyeLike: ones on diagonal k (k > 0: above the main one) of a matrix with the shape of x, zeros elsewhere.
// Of x only the shape is read.
struct EyeLikeAttributes {
  DType dtype = DType::kF32;  // of the result
  int64_t k = 0;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, EyeLikeAttributes, dtype), MACE_FIELD(2, EyeLikeAttributes, k)};
  }
};

extern const OpDefinition kRangeDefinition;
extern const OpDefinition kEyeLikeDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_SHAPE_RANGE_H_
