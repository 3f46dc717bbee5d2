// If and Loop: operators that own subgraphs (Graph::subgraphs, docs/design/25-control-flow.md). What runs a
// graph runs them: mace/ops/evaluate.h with reference kernels, mace/runtime with plans. They have no kernel.
#ifndef MACE_OPS_CONTROL_CONTROL_H_
#define MACE_OPS_CONTROL_CONTROL_H_

#include "mace/graph/control_nodes.h"
#include "mace/graph/op_definition.h"

namespace mace::ops {

// If (IfAttributes): inputs [condition bool of one element, captures...] -> as many outputs as each branch
// has, or fewer. Both branches have the captures as their inputs, in this order; the one that `condition`
// names runs. Outputs of the branches agree in dtype, not always in shape.
extern const OpDefinition kIfDefinition;

// Loop (LoopAttributes): inputs [trip count i64 of one element, condition bool of one element, carried...,
// captures...] -> [carried..., scanned...], every input present (a missing trip count is the constant
// INT64_MAX, a missing condition is true). The body has the inputs [iteration i64 [], condition bool [],
// carried..., captures...] and the outputs [condition, carried..., scanned...]. It runs while iteration <
// trip count and the condition holds. A carried value keeps its dtype, its shape may change from iteration to
// iteration. What it scans has one shape in all iterations; the output has a new first axis, the number of
// iterations. Where the body never runs, dimensions of a scanned value that are not known are 0.
extern const OpDefinition kLoopDefinition;

// What runs them reads: a condition, and a trip count.
Status ReadCondition(const TensorView& condition, bool* value);
Status ReadTripCount(const TensorView& trip_count, int64_t* value);
// The shape of an output of a Loop that ran `iterations` times and scanned `element` in each.
Status ScannedShape(const Shape& element, int64_t iterations, Shape* shape);
// The shape of what a body that never runs would scan, as far as its declared shape says.
Shape UnscannedShape(const Shape& declared);

}  // namespace mace::ops

#endif  // MACE_OPS_CONTROL_CONTROL_H_
