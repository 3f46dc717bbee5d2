#include <algorithm>

#include "mace/passes/constants.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

int64_t InputBytes(const Graph& graph, const Node& node) {
  int64_t bytes = 0;
  for (ValueId input : node.inputs) {
    if (const TensorView* view = graph.ConstantOf(input); view != nullptr) bytes += view->bytes();
  }
  return bytes;
}

int64_t OutputBytes(const Graph& graph, const Node& node) {
  int64_t bytes = 0;
  for (ValueId output : node.outputs) {
    if (const TensorView* view = graph.ConstantOf(output); view != nullptr) bytes += view->bytes();
  }
  return bytes;
}

int64_t ConstantBytes(const Graph& graph) {
  int64_t bytes = 0;
  for (const Constant& constant : graph.constants) bytes += constant.view.bytes();
  for (const auto& subgraph : graph.subgraphs) bytes += ConstantBytes(*subgraph);
  return bytes;
}

}  // namespace

int64_t FoldingAllowance(const Graph& graph) { return (int64_t{16} << 20) + 4 * ConstantBytes(graph); }

Status RunConstantFolding(Graph* graph) {
  int64_t allowance = FoldingAllowance(*graph);
  return RunConstantFolding(graph, &allowance);
}

Status RunConstantFolding(Graph* graph, int64_t* allowance) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      const Node& node = editor.node(id);
      bool is_result = false;
      int64_t output_bytes = 0;
      int64_t added_bytes = 0;
      for (ValueId output : node.outputs) {
        if (output == kNone) continue;
        is_result = is_result || editor.IsResult(output);  // results stay written by a node
        const int64_t bytes = ByteCount(editor.DTypeOf(output), editor.ShapeOf(output));
        output_bytes = std::max(output_bytes, bytes);
        if (bytes > 0 && added_bytes <= *allowance) added_bytes += std::min(bytes, *allowance + 1);
      }
      if (is_result || added_bytes > *allowance) continue;
      const int64_t input_bytes = InputBytes(editor.graph(), node);
      // Weights that are kept small: constant_conversion decides.
      if ((node.op == OpId::kCast || node.op == OpId::kDequantize) && output_bytes > input_bytes) continue;
      FoldLimits limits;
      limits.result_bytes = std::min(std::max(limits.result_bytes, input_bytes), *allowance);
      bool folded = false;
      Check(FoldNode(graph, id, limits, &folded));
      if (folded) {
        *allowance -= OutputBytes(*graph, editor.node(id));
        editor.Track();
        editor.Remove(id);
      }
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
