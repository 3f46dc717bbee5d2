#include <algorithm>

#include "mace/passes/constants.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// Above this size a converted constant stays behind its Cast or Dequantize: float16 and int8 weights take
// half and a quarter of the memory. Below it a node costs more than it saves.
constexpr int64_t kKeepConversionBytes = 16 << 10;

}  // namespace

Status RunConstantConversion(Graph* graph) {
  int64_t allowance = FoldingAllowance(*graph);
  return RunConstantConversion(graph, &allowance, false);
}

Status RunConstantConversion(Graph* graph, int64_t* allowance, bool keep_quantized) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      const Node& node = editor.node(id);
      if (node.op != OpId::kCast && (node.op != OpId::kDequantize || keep_quantized)) continue;
      const ValueId y = node.outputs[0];
      if (y == kNone || editor.IsResult(y) || !editor.IsConstant(node.inputs[0])) continue;
      const int64_t bytes = ByteCount(editor.DTypeOf(y), editor.ShapeOf(y));
      if (bytes < 0 || bytes > std::min(kKeepConversionBytes, *allowance)) continue;
      bool folded = false;
      Check(FoldNode(graph, id, FoldLimits(), &folded));
      if (!folded) continue;
      *allowance -= bytes;
      editor.Track();
      editor.Remove(id);
    }
    if (editor.changes() > 0) editor.Finish();
  });
}

}  // namespace mace::passes
