#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/matching.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// The shape without the axes that the node reduced. False where an operand names them.
bool SqueezedShape(const Node& reduce, const Shape& kept, Shape* squeezed) {
  const auto& attributes = reduce.attributes.as<ops::ReduceAttributes>();
  bool reduced[kMaxRank] = {};
  if (reduce.inputs.size() > 1 || !attributes.keep_dims || !IsKnownShape(kept) ||
      !ops::ReducedAxes(attributes, nullptr, kept.rank, reduced).ok()) {
    return false;
  }
  for (int i = 0; i < kept.rank; ++i) {
    if (!reduced[i]) squeezed->Push(kept[i]);
  }
  return squeezed->rank < kept.rank;
}

// A pool over the whole picture and the Flatten behind it: Reduce that keeps its axes, and a Reshape that
// drops them -> Reduce that drops them.
bool DropAxes(GraphEditor* editor, NodeId id) {
  const ValueId kept = editor->node(id).outputs[0];
  if (!editor->HasOneUse(kept)) return false;
  const NodeId user = editor->UsersOf(kept)[0];
  const Node& reshape = editor->node(user);
  Shape squeezed;
  if (!IsReshapeLike(reshape.op) || reshape.inputs[0] != kept ||
      !SqueezedShape(editor->node(id), editor->ShapeOf(kept), &squeezed) ||
      !(editor->ShapeOf(reshape.outputs[0]) == squeezed) ||
      !SameQuantization(editor->graph(), kept, reshape.outputs[0])) {
    return false;
  }
  auto attributes = editor->node(id).attributes.as<ops::ReduceAttributes>();
  attributes.keep_dims = false;
  const ValueId y = reshape.outputs[0], x = editor->node(id).inputs[0];
  editor->ReplaceUses(y, editor->Emit(id, OpId::kReduce, {x}, attributes, editor->QuantizationIndexOf(y)));
  editor->Remove(user);
  editor->Remove(id);
  return true;
}

}  // namespace

Status RunReduceSqueezing(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      if (editor.IsAlive(id) && editor.node(id).op == OpId::kReduce) DropAxes(&editor, id);
    }
    if (editor.changes() > 0) editor.Finish();
  });
}

}  // namespace mace::passes
