// If and Loop: operators that own subgraphs (Graph::subgraphs, docs/design/25-control-flow.md). What runs a
// graph runs them: mace/ops/evaluate.h with reference kernels, mace/runtime with plans. They have no kernel.
#ifndef MACE_OPS_CONTROL_CONTROL_H_
#define MACE_OPS_CONTROL_CONTROL_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

// If: inputs [condition bool of one element, captures...] -> as many outputs as each branch has. Both branches
// have the captures as their inputs, in this order; the one that `condition` names runs. Outputs of the
// branches agree in dtype, not always in shape.
struct IfAttributes {
  int32_t then_branch = -1;  // index into Graph::subgraphs
  int32_t else_branch = -1;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, IfAttributes, then_branch), MACE_FIELD(2, IfAttributes, else_branch)};
  }
};
extern const OpDefinition kIfDefinition;

// Loop: inputs [trip count i64 of one element, condition bool of one element, carried..., captures...] ->
// [carried..., scanned...], every input present (a missing trip count is the constant INT64_MAX, a missing
// condition is true). The body has the inputs [iteration i64 [], condition bool [], carried..., captures...]
// and the outputs [condition, carried..., scanned...]. It runs while iteration < trip count and the condition
// holds. A carried value keeps its dtype, its shape may change from iteration to iteration. What it scans has
// one shape in all iterations; the output has a new first axis, the number of iterations.
struct LoopAttributes {
  int32_t body = -1;  // index into Graph::subgraphs
  int32_t carried_count = 0;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, LoopAttributes, body), MACE_FIELD(2, LoopAttributes, carried_count)};
  }
};
extern const OpDefinition kLoopDefinition;

// What runs them needs: the condition or trip count, from its one element (any rank).
inline constexpr int kLoopFixedInputs = 2;  // of the node, and of the body, in front of the carried values

}  // namespace mace::ops

#endif  // MACE_OPS_CONTROL_CONTROL_H_
