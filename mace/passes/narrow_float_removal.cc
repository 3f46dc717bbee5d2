#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {

Status RunNarrowFloatRemoval(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      const Node& widening = editor.node(id);
      if (widening.op != OpId::kCast) continue;
      const ValueId narrow = widening.inputs[0], y = widening.outputs[0];
      const Node* narrowing = editor.ProducerIf(narrow, OpId::kCast);
      if (narrowing == nullptr || editor.DTypeOf(y) != DType::kF32) continue;
      const DType dtype = editor.DTypeOf(narrow);
      const ValueId x = narrowing->inputs[0];
      if ((dtype != DType::kF16 && dtype != DType::kBF16) || editor.DTypeOf(x) != DType::kF32) continue;
      // A graph whose input goes to an output through a narrow type says that it wants the rounding.
      if (editor.graph().values[x].producer == kNone && editor.IsResult(y)) continue;
      // Where the narrow value has other readers (it is an output, or is only moved), its Cast stays for
      // them.
      editor.ReplaceUses(y, x);
      editor.Remove(id);
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
