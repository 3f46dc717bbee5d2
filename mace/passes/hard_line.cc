#include "mace/passes/hard_line.h"

#include <cmath>

#include "mace/ops/unary/unary.h"
#include "mace/passes/constants.h"
#include "mace/passes/pattern.h"

namespace mace::passes {

bool ConstantFactor(const Graph& graph, const Node& node, double* factor, ValueId* other) {
  if (node.op == OpId::kMul) return ScalarOperand(graph, node, factor, other);
  if (node.op != OpId::kDiv || !IsFloat(graph.values[node.outputs[0]].type.dtype)) return false;
  if (!ScalarConstant(graph, node.inputs[1], factor) || *factor == 0) return false;
  *factor = 1 / *factor;
  *other = node.inputs[0];
  return true;
}

namespace {

const Node* ProducerOf(const GraphEditor& editor, ValueId value) {
  if (value == kNone || editor.graph().values[value].producer == kNone) return nullptr;
  return &editor.node(editor.graph().values[value].producer);
}

}  // namespace

bool MatchHardLine(const GraphEditor& editor, ValueId value, HardLine* line) {
  const Graph& graph = editor.graph();
  const Node* node = ProducerOf(editor, value);
  if (node == nullptr) return false;
  if (node->op == OpId::kHardSigmoid) {
    const auto& attributes = node->attributes.as<ops::HardSigmoidAttributes>();
    *line = {node->inputs[0], attributes.alpha, attributes.beta};
    return true;
  }
  double factor = 1;
  ValueId clipped = value;
  if (ConstantFactor(graph, *node, &factor, &clipped)) node = ProducerOf(editor, clipped);
  if (node == nullptr || node->op != OpId::kClip) return false;
  const auto& bounds = node->attributes.as<ops::ClipAttributes>();
  const double top = static_cast<double>(bounds.max) * factor;
  if (bounds.min != 0.0f || !(std::abs(top - 1) <= 1e-6)) return false;
  const Node* sum = editor.ProducerIf(node->inputs[0], OpId::kAdd);
  if (sum == nullptr || !ScalarOperand(graph, *sum, &line->offset, &line->x)) return false;
  line->slope = factor;
  line->offset *= factor;
  double inner = 1;
  const Node* scaled = ProducerOf(editor, line->x);
  ValueId unscaled = kNone;
  if (scaled != nullptr && editor.HasOneUse(line->x) && ConstantFactor(graph, *scaled, &inner, &unscaled)) {
    line->x = unscaled;
    line->slope *= inner;
  }
  return std::isfinite(line->slope) && std::isfinite(line->offset);
}

}  // namespace mace::passes
