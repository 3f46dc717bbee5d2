#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

bool IsReshape(OpId op) {
  return op == OpId::kReshape || op == OpId::kFlatten || op == OpId::kSqueeze || op == OpId::kUnsqueeze;
}

bool IsKnown(const Shape& shape) {
  if (!shape.HasRank()) return false;
  for (int64_t dim : shape.span()) {
    if (dim == kUnknownDim) return false;
  }
  return true;
}

// The value at the top of the chain of reshapes that ends in `value`.
ValueId RootOf(const GraphEditor& editor, const Graph& graph, ValueId value) {
  for (int steps = 0; steps < 64; ++steps) {
    const NodeId producer = graph.values[value].producer;
    if (producer == kNone || !IsReshape(graph.nodes[producer].op)) return value;
    const ValueId above = graph.nodes[producer].inputs[0];
    if (editor.QuantizationIndexOf(above) != editor.QuantizationIndexOf(value)) return value;
    value = above;
  }
  return value;
}

}  // namespace

Status RunReshapeMerging(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      const Node& node = editor.node(id);
      if (!IsReshape(node.op) || node.inputs[0] == kNone || node.outputs[0] == kNone) continue;
      const ValueId y = node.outputs[0];
      const ValueId above = node.inputs[0];
      if (editor.QuantizationIndexOf(above) != editor.QuantizationIndexOf(y)) continue;
      const Shape to = editor.ShapeOf(y);
      const ValueId root = RootOf(editor, *graph, above);
      // A result is written by a node of its own: one Reshape stays where nothing else can be that node.
      const bool needs_node =
          editor.IsResult(y) && (graph->values[root].producer == kNone || editor.IsResult(root));
      if (editor.ShapeOf(root) == to && IsKnown(to) && !needs_node) {
        editor.ReplaceUses(y, root);
        editor.Remove(id);
        continue;
      }
      const bool by_attribute =
          node.op == OpId::kReshape && (node.inputs.size() < 2 || node.inputs[1] == kNone);
      ops::ReshapeAttributes attributes;
      ValueId source = root;
      if (!ExpressShape(editor.ShapeOf(root), to, &attributes.shape)) {
        source = above;
        if (!ExpressShape(editor.ShapeOf(above), to, &attributes.shape)) continue;
      }
      if (by_attribute && source == above) continue;  // as good as it gets
      const ValueId reshaped =
          editor.Emit(id, OpId::kReshape, {source}, attributes, editor.QuantizationIndexOf(y));
      editor.ReplaceUses(y, reshaped);
      editor.Remove(id);
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
