// Reduce: f32, i32 or i64; sums of f32 are accumulated in f32 with a fixed tree or in double. Or quantized
// values (reduce_integer.h).
#ifndef MACE_OPS_REDUCE_REDUCE_H_
#define MACE_OPS_REDUCE_REDUCE_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

enum class ReduceKind : int32_t {
  kSum = 0,
  kMean = 1,
  kMax = 2,
  kMin = 3,
  kProd = 4,
  kL2 = 5,
  kSumSquare = 6,
  kCount = 7
};
struct ReduceAttributes {
  ReduceKind kind = ReduceKind::kSum;
  IntList axes;  // negative: from the end; empty: all axes
  bool keep_dims = true;
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ReduceAttributes, kind), MACE_FIELD(2, ReduceAttributes, axes),
                      MACE_FIELD(3, ReduceAttributes, keep_dims), MACE_FIELD(4, ReduceAttributes, rounding)};
  }
};
extern const OpDefinition kReduceDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_REDUCE_REDUCE_H_
