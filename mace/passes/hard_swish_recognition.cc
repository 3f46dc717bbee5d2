// x * clip(x + 3, 0, 6) / 6 -> HardSwish (Howard et al., arXiv:1905.02244), with the 1 / 6 anywhere.
#include <cmath>

#include "mace/ops/unary/unary.h"
#include "mace/passes/hard_line.h"
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

bool IsGate(const GraphEditor& editor, ValueId value, ValueId x) {
  HardLine line;
  return MatchHardLine(editor, value, &line) && line.x == x && std::abs(line.slope - 1.0 / 6) <= 1e-6 &&
         std::abs(line.offset - 0.5) <= 1e-6;
}

// clip(x + 3, 0, 6), before it is divided.
bool IsSixfoldGate(const GraphEditor& editor, ValueId value, ValueId x) {
  const Node* clip = editor.ProducerIf(value, OpId::kClip);
  if (clip == nullptr) return false;
  const auto& bounds = clip->attributes.as<ops::ClipAttributes>();
  if (bounds.min != 0.0f || bounds.max != 6.0f) return false;
  const Node* add = editor.ProducerIf(clip->inputs[0], OpId::kAdd);
  return add != nullptr && BesideScalar(editor.graph(), *add, 3.0) == x;
}

ValueId Match(const GraphEditor& editor, const Node& node) {
  for (int i = 0; node.op == OpId::kMul && i < 2; ++i) {
    if (IsGate(editor, node.inputs[i], node.inputs[1 - i])) return node.inputs[1 - i];
  }
  double factor = 0;
  ValueId product = kNone;
  if (ConstantFactor(editor.graph(), node, &factor, &product) && std::abs(factor - 1.0 / 6) <= 1e-6) {
    const Node* mul = editor.ProducerIf(product, OpId::kMul);
    for (int i = 0; mul != nullptr && i < 2; ++i) {
      if (IsSixfoldGate(editor, mul->inputs[i], mul->inputs[1 - i])) return mul->inputs[1 - i];
    }
  }
  if (node.op != OpId::kMul) return kNone;
  // (x / 6) * clip(x + 3)
  for (int i = 0; i < 2; ++i) {
    const NodeId producer = editor.graph().values[node.inputs[i]].producer;
    if (producer == kNone || !ConstantFactor(editor.graph(), editor.node(producer), &factor, &product))
      continue;
    if (std::abs(factor - 1.0 / 6) <= 1e-6 && IsSixfoldGate(editor, node.inputs[1 - i], product))
      return product;
  }
  return kNone;
}

}  // namespace

Status RunHardSwishRecognition(Graph* graph) {
  return VisitFromOutputs(graph, [](GraphEditor* editor, NodeId id) {
    const Node& node = editor->node(id);
    if ((node.op != OpId::kMul && node.op != OpId::kDiv) || editor->DTypeOf(node.outputs[0]) != DType::kF32) {
      return;
    }
    const ValueId x = Match(*editor, node);
    if (x == kNone || !HaveSameShape(*editor, x, node.outputs[0]) || !IsClosed(*editor, id, {x})) return;
    ReplaceByNode(editor, id, OpId::kHardSwish, {x}, NoAttributes{});
  });
}

}  // namespace mace::passes
