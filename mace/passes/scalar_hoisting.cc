#include <cmath>
#include <vector>

#include "mace/graph/op_definition.h"
#include "mace/passes/constants.h"
#include "mace/passes/matching.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// Moves elements, or is linear in its first operand: a factor behind it may as well stand in front.
bool PassesFactors(OpId op) { return IsReshapeLike(op) || op == OpId::kTranspose || op == OpId::kMatMul; }

// A product of attention scores by 1 / sqrt(depth): a scalar factor behind MatMul, Transpose and Reshape goes
// up into the weights and the bias of the layer in front of them.
class Hoister {
 public:
  explicit Hoister(GraphEditor* editor)
      : editor_(*editor), graph_(editor->graph()), allowance_(FoldingAllowance(editor->graph())) {}

  bool Hoist(NodeId id) {
    const Node& node = editor_.node(id);
    const ValueId y = node.outputs[0];
    if (editor_.DTypeOf(y) != DType::kF32) return false;
    for (int side = 0; side < (node.op == OpId::kMul ? 2 : 1); ++side) {
      const ValueId x = node.inputs[side], constant = node.inputs[1 - side];
      double factor = 0;
      if (!editor_.ShapeOf(x).HasRank() || !ScalarConstant(graph_, constant, &factor) ||
          editor_.ShapeOf(constant).rank > editor_.ShapeOf(x).rank || NeedsNode(editor_, y, x)) {
        continue;
      }
      if (node.op == OpId::kDiv) factor = 1 / factor;
      const NodeId layer = LayerAbove(x);
      if (layer == kNone || !std::isnormal(static_cast<float>(factor)) || !ScaleLayer(layer, factor))
        continue;
      editor_.ReplaceUses(y, x);
      editor_.Remove(id);
      return true;
    }
    return false;
  }

 private:
  // The layer with constant weights at the top of a chain that nobody else reads; kNone where there is none,
  // or where it stands right above: that is for scale_folding.
  NodeId LayerAbove(ValueId value) const {
    constexpr int kMostSteps = 16;
    for (int step = 0; step < kMostSteps && editor_.HasOneUse(value); ++step) {
      const Node* producer = ProducerOf(editor_, value);
      if (producer == nullptr || editor_.DTypeOf(value) != DType::kF32) return kNone;
      if (producer->op == OpId::kFullyConnected || producer->op == OpId::kConv2d) {
        return step == 0 ? kNone : graph_.values[value].producer;
      }
      if (!PassesFactors(producer->op)) return kNone;
      value = producer->inputs[0];
    }
    return kNone;
  }

  // Multiplies; false where a product is not as exact as its factors.
  bool Scaled(ValueId value, double factor, ValueId* scaled) {
    const TensorView* view = graph_.ConstantOf(value);
    if (view == nullptr || view->dtype != DType::kF32 || graph_.QuantizationOf(value) != nullptr ||
        view->bytes() > allowance_) {
      return false;
    }
    allowance_ -= view->bytes();
    std::vector<float> elements(view->as<float>(), view->as<float>() + view->elements());
    for (float& element : elements) {
      const auto product = static_cast<float>(element * factor);
      if (!std::isnormal(product) && element != 0) return false;
      element = product;
    }
    const Shape shape = view->shape;
    *scaled = Unwrap(AddFloatConstant(&graph_, "", elements, shape));
    return true;
  }

  bool ScaleLayer(NodeId layer, double factor) {
    const Node& node = editor_.node(layer);
    ValueId weights = kNone, bias = kNone;
    const ValueId old_bias = node.inputs.size() > 2 ? node.inputs[2] : kNone;
    const ValueId old_weights = node.inputs[1];
    if (!Scaled(old_weights, factor, &weights) || (old_bias != kNone && !Scaled(old_bias, factor, &bias))) {
      return false;
    }
    editor_.Track();
    editor_.SetInput(layer, 1, weights);
    if (bias != kNone) editor_.SetInput(layer, 2, bias);
    return true;
  }

  GraphEditor& editor_;
  Graph& graph_;
  int64_t allowance_;  // bytes of weights to be read and made: any number of layers may share theirs
};

}  // namespace

Status RunScalarHoisting(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    Hoister hoister(&editor);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      const OpId op = editor.node(id).op;
      if (editor.IsAlive(id) && (op == OpId::kMul || op == OpId::kDiv)) hoister.Hoist(id);
    }
    editor.Finish();  // what was scaled in vain goes too
  });
}

}  // namespace mace::passes
