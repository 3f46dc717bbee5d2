// A straight line cut off at 0 and 1, as files spell it out.
#ifndef MACE_PASSES_HARD_LINE_H_
#define MACE_PASSES_HARD_LINE_H_

#include "mace/passes/graph_editor.h"

namespace mace::passes {

// clip(slope * x + offset, 0, 1).
struct HardLine {
  ValueId x = kNone;
  double slope = 1;
  double offset = 0;
};
// `value` is clip(a * x + b, 0, 1 / c) * c, where the factors 1 may be missing and c may be divided by, or a
// HardSigmoid.
bool MatchHardLine(const GraphEditor& editor, ValueId value, HardLine* line);

// The float scalar constant by which `node`, a Mul or Div, multiplies *other; false where there is none.
bool ConstantFactor(const Graph& graph, const Node& node, double* factor, ValueId* other);

}  // namespace mace::passes

#endif  // MACE_PASSES_HARD_LINE_H_
