#include <unordered_map>

#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/passes/constants.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// The constant behind a weight chain, transposed to [N, K], with the chain's Cast or Dequantize repeated.
ValueId TransposedWeights(GraphEditor* editor, ValueId weights, bool transposed) {
  if (transposed) return weights;
  Graph& graph = editor->graph();
  const NodeId producer = graph.values[weights].producer;
  const ValueId constant = producer == kNone ? weights : graph.nodes[producer].inputs[0];
  const int64_t perm[] = {1, 0};
  const ValueId result = Unwrap(TransposedConstant(&graph, constant, perm));
  editor->Track();
  if (producer == kNone) return result;
  return editor->EmitLike(producer, std::span<const ValueId>(&result, 1))[0];
}

class Fusion {
 public:
  explicit Fusion(GraphEditor* editor) : editor_(*editor), graph_(editor->graph()) {}

  void Visit(NodeId id) {
    const Node& node = editor_.node(id);
    const ValueId a = node.inputs[0];
    const ValueId b = node.inputs[1];
    const auto attributes = node.attributes.as<ops::MatMulAttributes>();
    const Shape weights = editor_.ShapeOf(b);
    if (attributes.transpose_a || weights.rank != 2 || !weights.IsConcrete() || editor_.ShapeOf(a).rank < 2 ||
        editor_.DTypeOf(b) != DType::kF32 || !IsWeightChain(graph_, b) || editor_.IsConstant(a)) {
      return;
    }
    auto& known = transposed_[attributes.transpose_b][b];
    const ValueId filters = known != 0 ? known - 1 : TransposedWeights(&editor_, b, attributes.transpose_b);
    known = filters + 1;
    const int64_t columns = weights[attributes.transpose_b ? 0 : 1];
    ValueId y = editor_.node(id).outputs[0];
    ValueId bias = kNone;
    NodeId add = kNone;
    if (editor_.HasOneUse(y)) {
      add = editor_.UsersOf(y)[0];
      bias = BiasOf(add, y, columns);
    }
    const ValueId result =
        editor_.Emit(id, OpId::kFullyConnected, {a, filters, bias}, ops::FullyConnectedAttributes{});
    if (bias != kNone) {
      editor_.ReplaceUses(ValueId{editor_.node(add).outputs[0]}, result);
      editor_.Remove(add);
    } else {
      editor_.ReplaceUses(y, result);
    }
    editor_.Remove(id);
  }

 private:
  // The constant [N] that the node adds to `y`, else kNone.
  ValueId BiasOf(NodeId id, ValueId y, int64_t columns) const {
    const Node& node = editor_.node(id);
    if (node.op != OpId::kAdd) return kNone;
    const ValueId bias = node.inputs[0] == y ? node.inputs[1] : node.inputs[0];
    if (!IsWeightChain(graph_, bias) || editor_.DTypeOf(bias) != DType::kF32) return kNone;
    return editor_.ShapeOf(bias) == Shape{columns} ? bias : kNone;
  }

  GraphEditor& editor_;
  Graph& graph_;
  std::unordered_map<ValueId, ValueId> transposed_[2];  // weights -> their [N, K] form + 1
};

}  // namespace

Status RunFullyConnectedFusion(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    Fusion fusion(&editor);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      if (editor.IsAlive(id) && editor.node(id).op == OpId::kMatMul) fusion.Visit(id);
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
