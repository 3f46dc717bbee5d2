// Cumulate: x, axis (i64 or i32, one element) -> sums or products of the elements up to each place along the
// axis. Numbers of any type but 16-bit floats; floats are accumulated in double, integers wrap.
#ifndef MACE_OPS_REDUCE_CUMULATE_H_
#define MACE_OPS_REDUCE_CUMULATE_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

enum class CumulateKind : int32_t { kSum = 0, kProd = 1, kCount = 2 };
struct CumulateAttributes {
  CumulateKind kind = CumulateKind::kSum;
  bool exclusive = false;  // without the element at the place itself
  bool reverse = false;    // from the end of the axis

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, CumulateAttributes, kind), MACE_FIELD(2, CumulateAttributes, exclusive),
                      MACE_FIELD(3, CumulateAttributes, reverse)};
  }
};
extern const OpDefinition kCumulateDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_REDUCE_CUMULATE_H_
