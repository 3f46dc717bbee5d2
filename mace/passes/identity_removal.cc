#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/constants.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

bool SameShape(const Shape& a, const Shape& b) {
  if (!(a == b)) return false;
  for (int64_t dim : a.span()) {
    if (dim == kUnknownDim) return false;
  }
  return true;
}

// Dropout, dynamic slices and expansions that end up doing nothing.
bool ChangesNothing(const GraphEditor& editor, const Node& node) {
  const ValueId x = node.inputs[0];
  const ValueId y = node.outputs[0];
  if (editor.QuantizationIndexOf(x) != editor.QuantizationIndexOf(y)) return false;
  switch (node.op) {
    case OpId::kIdentity:
      return true;
    case OpId::kCast:
      return node.attributes.as<ops::CastAttributes>().to == editor.DTypeOf(x);
    case OpId::kConcat:
      return node.inputs.size() == 1;
    case OpId::kSplit:
      return node.outputs.size() == 1;
    case OpId::kExpand:
    case OpId::kPad:
      return SameShape(editor.ShapeOf(x), editor.ShapeOf(y)) && editor.ShapeOf(x).IsConcrete() &&
             node.op == OpId::kExpand;
    default:
      return false;
  }
}

}  // namespace

Status RunIdentityRemoval(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      const Node& node = editor.node(id);
      if (node.inputs.empty() || node.outputs.empty() || node.outputs[0] == kNone || node.inputs[0] == kNone)
        continue;
      if (!ChangesNothing(editor, node)) continue;
      const ValueId x = node.inputs[0];
      const ValueId y = node.outputs[0];
      // A result needs a node of its own: kept where x is an input, a constant or another result.
      if (editor.IsResult(y) && (editor.graph().values[x].producer == kNone || editor.IsResult(x))) continue;
      editor.ReplaceUses(y, x);
      editor.Remove(id);
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
