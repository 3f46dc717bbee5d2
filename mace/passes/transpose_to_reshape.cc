#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// The axes that are not of size 1 keep their order.
bool KeepsOrder(const Shape& shape, const Permutation& perm) {
  int64_t last = -1;
  for (int64_t axis : perm) {
    if (shape[static_cast<int>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

}  // namespace

Status RunTransposeToReshape(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      const Node& node = editor.node(id);
      if (node.op != OpId::kTranspose) continue;
      const ValueId x = node.inputs[0];
      const ValueId y = node.outputs[0];
      const Quantization* quantization = graph->QuantizationOf(x);
      if (quantization != nullptr && quantization->axis != kNone) continue;
      if (!editor.ShapeOf(x).HasRank()) continue;
      if (!KeepsOrder(editor.ShapeOf(x), PermutationOf(node, editor.ShapeOf(x).rank))) continue;
      ops::ReshapeAttributes attributes;
      if (!ExpressShape(editor.ShapeOf(x), editor.ShapeOf(y), &attributes.shape)) continue;
      const ValueId reshaped =
          editor.Emit(id, OpId::kReshape, {x}, attributes, editor.QuantizationIndexOf(y));
      editor.ReplaceUses(y, reshaped);
      editor.Remove(id);
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
