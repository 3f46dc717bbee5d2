// ArgReduce: where along one axis the largest (or smallest) element of x stands: x of any numbers but 16-bit
// floats -> i64 or i32. Numbers are compared as they are stored, so a quantization does not matter. Of equal
// elements the first one (or the last one); a NaN is neither larger nor smaller than anything, so it is found
// only where it comes first.
#ifndef MACE_OPS_REDUCE_ARG_REDUCE_H_
#define MACE_OPS_REDUCE_ARG_REDUCE_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

enum class ArgReduceKind : int32_t { kMax = 0, kMin = 1, kCount = 2 };
struct ArgReduceAttributes {
  ArgReduceKind kind = ArgReduceKind::kMax;
  int64_t axis = 0;
  bool keep_dims = true;
  bool select_last = false;
  DType to = DType::kI64;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ArgReduceAttributes, kind), MACE_FIELD(2, ArgReduceAttributes, axis),
                      MACE_FIELD(3, ArgReduceAttributes, keep_dims),
                      MACE_FIELD(4, ArgReduceAttributes, select_last),
                      MACE_FIELD(5, ArgReduceAttributes, to)};
  }
};
extern const OpDefinition kArgReduceDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_REDUCE_ARG_REDUCE_H_
