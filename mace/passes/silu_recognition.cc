// x * sigmoid(x) -> Silu (Hendrycks and Gimpel, arXiv:1606.08415; Swish with beta 1).
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {

Status RunSiluRecognition(Graph* graph) {
  return VisitFromOutputs(graph, [](GraphEditor* editor, NodeId id) {
    const Node& node = editor->node(id);
    const ValueId y = node.outputs[0];
    if (node.op != OpId::kMul || editor->DTypeOf(y) != DType::kF32) return;
    for (int i = 0; i < 2; ++i) {
      const ValueId x = node.inputs[1 - i];
      if (ArgumentOf(*editor, OpId::kSigmoid, node.inputs[i]) != x) continue;
      if (!HaveSameShape(*editor, x, y) || !IsClosed(*editor, id, {x})) continue;
      ReplaceByNode(editor, id, OpId::kSilu, {x}, NoAttributes{});
      return;
    }
  });
}

}  // namespace mace::passes
