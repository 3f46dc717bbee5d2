// A Transpose that could not sink may stand behind elementwise preparation of a graph input (mean and scale,
// Quantize and Dequantize): it moves up to the input, where the user's layout ends and ours begins.
#include <vector>

#include "mace/graph/op_definition.h"
#include "mace/passes/passes.h"
#include "mace/passes/transpose_sinking.h"

namespace mace::passes {
namespace {

// The input that carries the tensor through an elementwise node whose other inputs are constants; -1 where
// the node is not of that kind.
int DataInput(const GraphEditor& editor, const Node& node, int rank) {
  const bool conversion =
      node.op == OpId::kCast || node.op == OpId::kQuantize || node.op == OpId::kDequantize;
  if (!conversion && (FindOpDefinition(node.op)->flags & kOpElementwise) == 0) return -1;
  int data = -1;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const ValueId input = node.inputs[i];
    if (input == kNone) return -1;
    const int32_t quantization = editor.QuantizationIndexOf(input);
    if (!editor.IsConstant(input)) {
      if (data >= 0 || editor.ShapeOf(input).rank != rank) return -1;
      data = static_cast<int>(i);
    } else if (quantization != kNone || BytesOf(editor.DTypeOf(input)) == 0 ||
               editor.ShapeOf(input).rank > rank) {
      return -1;
    }
  }
  return node.outputs.size() == 1 ? data : -1;
}

bool IsPerChannel(const Graph& graph, ValueId value) {
  const Quantization* quantization = graph.QuantizationOf(value);
  return quantization != nullptr && quantization->axis != kNone;
}

// Whether a Transpose may read it in its place.
bool IsMovable(const GraphEditor& editor, ValueId value) {
  return !IsPerChannel(editor.graph(), value) && !IsSubByte(editor.DTypeOf(value));
}

bool Hoist(GraphEditor* editor, NodeId id) {
  Graph& graph = editor->graph();
  const ValueId start = editor->node(id).inputs[0];
  const int rank = editor->ShapeOf(start).rank;
  if (rank < 0) return false;
  const Permutation perm = PermutationOf(editor->node(id), rank);
  std::vector<NodeId> chain;  // from the Transpose up
  ValueId value = start;
  while (!editor->IsGraphInput(value)) {
    const NodeId producer = graph.values[value].producer;
    if (producer == kNone || chain.size() >= 16 || !editor->HasOneUse(value) || !IsMovable(*editor, value))
      return false;
    const int data = DataInput(*editor, editor->node(producer), rank);
    if (data < 0) return false;
    chain.push_back(producer);
    value = editor->node(producer).inputs[data];
  }
  if (chain.empty() || !IsMovable(*editor, value)) return false;
  ValueId moved = EmitTranspose(editor, id, value, perm);
  for (size_t i = chain.size(); i-- > 0;) {
    const NodeId node = chain[i];
    const int data = DataInput(*editor, editor->node(node), rank);
    std::vector<ValueId> inputs(editor->node(node).inputs.begin(), editor->node(node).inputs.end());
    for (size_t k = 0; k < inputs.size(); ++k) {
      inputs[k] =
          static_cast<int>(k) == data ? moved : PermuteBroadcastConstant(editor, inputs[k], rank, perm);
    }
    moved = editor->EmitLike(node, inputs)[0];
  }
  editor->ReplaceUses(ValueId{editor->node(id).outputs[0]}, moved);
  editor->Remove(id);
  return true;
}

}  // namespace

Status RunTransposeHoisting(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      if (editor.IsAlive(id) && editor.node(id).op == OpId::kTranspose) Hoist(&editor, id);
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
