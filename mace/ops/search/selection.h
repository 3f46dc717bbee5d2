// Operators whose output sizes depend on the elements of their inputs: no shape rule tells them, the kernels
// allocate what they find (OpDefinition::evaluate).
#ifndef MACE_OPS_SEARCH_SELECTION_H_
#define MACE_OPS_SEARCH_SELECTION_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

// NonZero: x of any dtype of whole bytes -> int64 [rank, n]: the coordinates of its n elements that are not
// zero (NaN is not), in row-major order. Of a scalar: [0, n].

// Unique: x (f32, f64, integers, bool) -> the distinct elements y [n], or with `along_axis` the distinct
// slices along an axis: y has x's shape with n in place of that axis. Optional int64 outputs: where each
// comes first in x [n]; which one each element (slice) of x is [elements of x, or its size along the axis];
// how often each comes [n]. Sorted ascending (slices: by their elements in row-major order), or in the order
// in which they first come. A NaN is above every number, and all NaNs are one.
struct UniqueAttributes {
  bool along_axis = false;
  int64_t axis = 0;
  bool sorted = true;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, UniqueAttributes, along_axis), MACE_FIELD(2, UniqueAttributes, axis),
                      MACE_FIELD(3, UniqueAttributes, sorted)};
  }
};

extern const OpDefinition kNonZeroDefinition;
extern const OpDefinition kUniqueDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_SEARCH_SELECTION_H_
