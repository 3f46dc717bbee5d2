// log(1 + exp(x)) -> Softplus, and x * tanh(softplus(x)) -> Mish (Misra, arXiv:1908.08681).
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

// `value` = softplus(x), as a node or spelled out: x, else kNone.
ValueId SoftplusArgument(const GraphEditor& editor, ValueId value) {
  if (const ValueId x = ArgumentOf(editor, OpId::kSoftplus, value); x != kNone) return x;
  const Node* add = editor.ProducerIf(ArgumentOf(editor, OpId::kLog, value), OpId::kAdd);
  return add == nullptr ? kNone : ArgumentOf(editor, OpId::kExp, BesideScalar(editor.graph(), *add, 1.0));
}

bool Replace(GraphEditor* editor, NodeId id, OpId op, ValueId x) {
  if (!HaveSameShape(*editor, x, editor->node(id).outputs[0]) || !IsClosed(*editor, id, {x})) return false;
  ReplaceByNode(editor, id, op, {x}, NoAttributes{});
  return true;
}

}  // namespace

Status RunMishRecognition(Graph* graph) {
  return VisitFromOutputs(graph, [](GraphEditor* editor, NodeId id) {
    const Node& node = editor->node(id);
    const ValueId y = node.outputs.empty() ? kNone : node.outputs[0];
    if (y == kNone || editor->DTypeOf(y) != DType::kF32) return;
    if (node.op == OpId::kMul) {
      for (int i = 0; i < 2; ++i) {
        const ValueId x = node.inputs[1 - i];
        const ValueId gate = ArgumentOf(*editor, OpId::kTanh, node.inputs[i]);
        if (SoftplusArgument(*editor, gate) == x && Replace(editor, id, OpId::kMish, x)) return;
      }
    }
    if (node.op == OpId::kLog) {
      const ValueId x = SoftplusArgument(*editor, y);
      if (x != kNone) Replace(editor, id, OpId::kSoftplus, x);
    }
  });
}

}  // namespace mace::passes
