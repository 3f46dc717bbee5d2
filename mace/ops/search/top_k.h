// TopK: the k largest (or smallest) elements of x along an axis: x f32, f64 or an integer type, k i64 or
// i32 of one element -> values of x's type and their places along the axis, i64 or i32, both with k in place
// of the axis' size. k is from 0 to that size. Best first; of equal elements the lower place. A NaN is behind
// every number. Numbers are compared as they are stored, so the values keep a quantization.
#ifndef MACE_OPS_SEARCH_TOP_K_H_
#define MACE_OPS_SEARCH_TOP_K_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct TopKAttributes {
  int64_t axis = -1;
  bool largest = true;
  DType index_type = DType::kI64;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, TopKAttributes, axis), MACE_FIELD(2, TopKAttributes, largest),
                      MACE_FIELD(3, TopKAttributes, index_type)};
  }
};
extern const OpDefinition kTopKDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_SEARCH_TOP_K_H_
