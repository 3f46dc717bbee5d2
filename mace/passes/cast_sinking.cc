#include "mace/passes/constants.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {

Status RunCastSinking(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      const OpId op = editor.node(id).op;
      if (op != OpId::kGather && op != OpId::kSlice) continue;
      std::vector<ValueId> inputs(editor.node(id).inputs.begin(), editor.node(id).inputs.end());
      const Node* cast = editor.ProducerIf(inputs[0], OpId::kCast);
      if (cast == nullptr || !editor.IsConstant(cast->inputs[0]) ||
          IsSubByte(editor.DTypeOf(cast->inputs[0]))) {
        continue;
      }
      const NodeId cast_id = graph->values[inputs[0]].producer;
      const ValueId y = editor.node(id).outputs[0];
      inputs[0] = cast->inputs[0];
      const ValueId small = editor.EmitLike(id, inputs)[0];
      const ValueId result = editor.EmitLike(cast_id, std::span<const ValueId>(&small, 1))[0];
      editor.ReplaceUses(y, result);
      editor.Remove(id);
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
