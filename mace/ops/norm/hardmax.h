// Hardmax: x f32 or f64 -> 1 where the largest element along one axis stands, 0 elsewhere: the first of equal
// ones. A NaN is not larger than anything (ArgReduce).
#ifndef MACE_OPS_NORM_HARDMAX_H_
#define MACE_OPS_NORM_HARDMAX_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

struct HardmaxAttributes {
  int64_t axis = -1;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, HardmaxAttributes, axis)}; }
};
extern const OpDefinition kHardmaxDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_NORM_HARDMAX_H_
