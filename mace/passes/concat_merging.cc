#include "mace/ops/movement/movement.h"
#include "mace/passes/matching.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

constexpr size_t kMostInputs = 256;

// Concat(a, Concat(b, c), d) -> Concat(a, b, c, d), where only it reads the inner one. Values of other scales
// than the output's are brought to it: the inner one's output has the scale of the outer one's.
bool MergeConcat(GraphEditor* editor, NodeId id) {
  const Node& node = editor->node(id);
  const ValueId y = node.outputs[0];
  const int rank = editor->ShapeOf(y).rank;
  const auto& attributes = node.attributes.as<ops::ConcatAttributes>();
  int axis = 0;
  if (rank < 1 || !NormalizeAxis(attributes.axis, rank, &axis)) return false;
  std::vector<ValueId> inputs;
  bool found = false;
  for (ValueId input : node.inputs) {
    const Node* inner = editor->ProducerIf(input, OpId::kConcat);
    int inner_axis = 0;
    if (inner != nullptr && editor->HasOneUse(input) && SameQuantization(editor->graph(), input, y) &&
        inner->attributes.as<ops::ConcatAttributes>().rounding == attributes.rounding &&
        NormalizeAxis(inner->attributes.as<ops::ConcatAttributes>().axis, rank, &inner_axis) &&
        inner_axis == axis) {
      inputs.insert(inputs.end(), inner->inputs.begin(), inner->inputs.end());
      found = true;
    } else {
      inputs.push_back(input);
    }
  }
  if (!found || inputs.size() > kMostInputs) return false;
  editor->ReplaceUses(y, editor->EmitLike(id, inputs)[0]);
  editor->Remove(id);
  return true;
}

}  // namespace

Status RunConcatMerging(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      if (editor.IsAlive(id) && editor.node(id).op == OpId::kConcat) MergeConcat(&editor, id);
    }
    if (editor.changes() > 0) editor.Finish();
  });
}

}  // namespace mace::passes
