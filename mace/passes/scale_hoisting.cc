// The scale of attention scores moves up: through the MatMul and what only moves elements, to the projection
// whose weights and bias scale_folding then multiplies. Softmax(q k' / sqrt d) costs no division for it.
#include <cmath>

#include "mace/ops/reduce/reduce.h"
#include "mace/passes/constants.h"
#include "mace/passes/hard_line.h"
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

bool MovesElements(OpId op) {
  return op == OpId::kTranspose || op == OpId::kReshape || op == OpId::kUnsqueeze || op == OpId::kSqueeze ||
         op == OpId::kFlatten;
}

// The result of a layer of constant float32 weights that `value` is made of by moving its elements, where
// nobody else reads any of it; else kNone.
ValueId LayerBehind(const GraphEditor& editor, ValueId value) {
  const Graph& graph = editor.graph();
  while (value != kNone && editor.HasOneUse(value)) {
    const NodeId producer = graph.values[value].producer;
    if (producer == kNone) return kNone;
    const Node& node = editor.node(producer);
    if (node.op == OpId::kFullyConnected || node.op == OpId::kConv2d) {
      const auto is_folded = [&](ValueId operand) {
        const TensorView* view = graph.ConstantOf(operand);
        return operand == kNone || (view != nullptr && view->dtype == DType::kF32);
      };
      const bool has_bias = node.inputs.size() > 2;
      return is_folded(node.inputs[1]) && (!has_bias || is_folded(node.inputs[2])) ? value : kNone;
    }
    if (!MovesElements(node.op)) return kNone;
    value = node.inputs[0];
  }
  return kNone;
}

void Hoist(GraphEditor* editor, NodeId id) {
  const Node& node = editor->node(id);
  const ValueId y = node.outputs[0];
  double factor = 0;
  ValueId scores = kNone;
  if (editor->DTypeOf(y) != DType::kF32 || !ConstantFactor(editor->graph(), node, &factor, &scores)) return;
  if (!std::isfinite(factor) || factor == 0 || !HaveSameShape(*editor, scores, y)) return;
  const bool is_product = editor->ProducerIf(scores, OpId::kMatMul) != nullptr;
  if (!editor->HasOneUse(scores)) return;
  ValueId layer = kNone;
  if (is_product) {
    const Node& product = *editor->ProducerIf(scores, OpId::kMatMul);
    if (product.inputs[0] == product.inputs[1]) return;  // the factor would come twice
    for (int i = 0; i < 2 && layer == kNone; ++i) layer = LayerBehind(*editor, product.inputs[i]);
  } else {
    layer = LayerBehind(*editor, scores);
    if (layer == scores) return;  // scale_folding sees it where it is
  }
  if (layer == kNone) return;
  const float scale[] = {static_cast<float>(factor)};
  const ValueId constant = Unwrap(AddFloatConstant(&editor->graph(), "", scale, Shape{}));
  editor->Track();
  const NodeId producer = editor->graph().values[layer].producer;
  const NodeId user = editor->UsersOf(layer)[0];
  const ValueId scaled = editor->Emit(producer, OpId::kMul, {layer, constant});
  for (int i = 0; i < static_cast<int>(editor->node(user).inputs.size()); ++i) {
    if (editor->node(user).inputs[i] == layer) editor->SetInput(user, i, scaled);
  }
  editor->ReplaceUses(y, scores);
  editor->Remove(id);
}

}  // namespace

Status RunScaleHoisting(Graph* graph) {
  return VisitFromOutputs(graph, [](GraphEditor* editor, NodeId id) {
    const OpId op = editor->node(id).op;
    if (op == OpId::kMul || op == OpId::kDiv) Hoist(editor, id);
  });
}

}  // namespace mace::passes
