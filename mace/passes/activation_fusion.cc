#include <cmath>

#include "mace/ops/unary/unary.h"
#include "mace/passes/constants.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// Of a commutative node: the input beside a scalar constant equal to `expected`.
ValueId BesideScalar(const Graph& graph, const Node& node, double expected) {
  if (IsScalar(graph, node.inputs[1], expected)) return node.inputs[0];
  if (IsScalar(graph, node.inputs[0], expected)) return node.inputs[1];
  return kNone;
}

class ActivationMatcher {
 public:
  explicit ActivationMatcher(GraphEditor* editor) : editor_(*editor), graph_(editor->graph()) {}

  bool Match(NodeId id) {
    const Node& node = editor_.node(id);
    if (node.op != OpId::kMul && node.op != OpId::kDiv) return false;
    const ValueId y = node.outputs[0];
    if (editor_.DTypeOf(y) != DType::kF32) return false;
    ValueId x = kNone;
    if (node.op == OpId::kMul && (x = MatchSilu(node)) != kNone)
      return Replace(id, OpId::kSilu, x, NoAttributes{});
    if ((x = MatchHardSwish(node)) != kNone) return Replace(id, OpId::kHardSwish, x, NoAttributes{});
    if (node.op == OpId::kMul && (x = MatchGelu(node)) != kNone)
      return Replace(id, OpId::kGelu, x, ops::GeluAttributes{});
    return false;
  }

 private:
  template <typename A>
  bool Replace(NodeId id, OpId op, ValueId x, const A& attributes) {
    const ValueId y = editor_.node(id).outputs[0];
    // Where the rank is not known, the pattern's constants may have added axes.
    if (!editor_.ShapeOf(x).HasRank() || !(editor_.ShapeOf(x) == editor_.ShapeOf(y))) return false;
    editor_.ReplaceUses(y, editor_.Emit(id, op, {x}, attributes));
    editor_.Remove(id);
    return true;
  }

  ValueId MatchSilu(const Node& mul) const {
    for (int i = 0; i < 2; ++i) {
      const Node* sigmoid = editor_.ProducerIf(mul.inputs[i], OpId::kSigmoid);
      if (sigmoid != nullptr && sigmoid->inputs[0] == mul.inputs[1 - i] && editor_.HasOneUse(mul.inputs[i])) {
        return mul.inputs[1 - i];
      }
    }
    return kNone;
  }

  // `value` = clip(x + 3, 0, 6).
  bool IsRelu6OfShifted(ValueId value, ValueId x) const {
    const Node* clip = editor_.ProducerIf(value, OpId::kClip);
    if (clip == nullptr || !editor_.HasOneUse(value)) return false;
    const auto& bounds = clip->attributes.as<ops::ClipAttributes>();
    if (bounds.min != 0.0f || bounds.max != 6.0f) return false;
    const Node* add = editor_.ProducerIf(clip->inputs[0], OpId::kAdd);
    return add != nullptr && BesideScalar(graph_, *add, 3.0) == x;
  }
  // `node` = value / 6 or value * (1 / 6): the value, else kNone.
  ValueId Sixth(const Node& node) const {
    if (node.op == OpId::kDiv && IsScalar(graph_, node.inputs[1], 6.0)) return node.inputs[0];
    if (node.op == OpId::kMul) return BesideScalar(graph_, node, 1.0 / 6.0);
    return kNone;
  }
  bool IsHardSigmoid(ValueId value, ValueId x) const {
    const Node* hard = editor_.ProducerIf(value, OpId::kHardSigmoid);
    if (hard == nullptr || hard->inputs[0] != x || !editor_.HasOneUse(value)) return false;
    const auto& line = hard->attributes.as<ops::HardSigmoidAttributes>();
    return std::abs(line.alpha - 1.0f / 6.0f) < 1e-6f && line.beta == 0.5f;
  }

  ValueId MatchHardSwish(const Node& node) const {
    // (x * clip(x + 3)) / 6
    if (const ValueId product = Sixth(node); product != kNone && editor_.HasOneUse(product)) {
      if (const Node* mul = editor_.ProducerIf(product, OpId::kMul); mul != nullptr) {
        for (int i = 0; i < 2; ++i) {
          if (IsRelu6OfShifted(mul->inputs[i], mul->inputs[1 - i])) return mul->inputs[1 - i];
        }
      }
    }
    if (node.op != OpId::kMul) return kNone;
    for (int i = 0; i < 2; ++i) {
      const ValueId gate = node.inputs[i], x = node.inputs[1 - i];
      if (IsHardSigmoid(gate, x)) return x;
      // x * (clip(x + 3) / 6)
      if (gate == kNone || graph_.values[gate].producer == kNone || !editor_.HasOneUse(gate)) continue;
      const Node& producer = graph_.nodes[graph_.values[gate].producer];
      if (producer.op != OpId::kDiv && producer.op != OpId::kMul) continue;
      const ValueId clipped = Sixth(producer);
      if (clipped != kNone && IsRelu6OfShifted(clipped, x)) return x;
    }
    return kNone;
  }

  // `value` = 1 + erf(x / sqrt 2): x, else kNone.
  ValueId ErfArgument(ValueId value) const {
    const Node* add = editor_.ProducerIf(value, OpId::kAdd);
    if (add == nullptr || !editor_.HasOneUse(value)) return kNone;
    const ValueId erf_value = BesideScalar(graph_, *add, 1.0);
    const Node* erf = editor_.ProducerIf(erf_value, OpId::kErf);
    if (erf == nullptr || !editor_.HasOneUse(erf_value)) return kNone;
    if (const Node* div = editor_.ProducerIf(erf->inputs[0], OpId::kDiv); div != nullptr) {
      return IsScalar(graph_, div->inputs[1], std::sqrt(2.0)) ? div->inputs[0] : kNone;
    }
    if (const Node* mul = editor_.ProducerIf(erf->inputs[0], OpId::kMul); mul != nullptr) {
      return BesideScalar(graph_, *mul, std::sqrt(0.5));
    }
    return kNone;
  }

  // The three factors 0.5, x and 1 + erf(x / sqrt 2), multiplied in any order.
  ValueId MatchGelu(const Node& node) const {
    for (int i = 0; i < 2; ++i) {
      const ValueId inner_value = node.inputs[i], outer_factor = node.inputs[1 - i];
      const Node* inner = editor_.ProducerIf(inner_value, OpId::kMul);
      if (inner == nullptr || !editor_.HasOneUse(inner_value)) continue;
      const ValueId factors[3] = {outer_factor, inner->inputs[0], inner->inputs[1]};
      for (int e = 0; e < 3; ++e) {
        const ValueId x = ErfArgument(factors[e]);
        if (x == kNone) continue;
        const ValueId rest[2] = {factors[(e + 1) % 3], factors[(e + 2) % 3]};
        if (rest[0] == x && IsScalar(graph_, rest[1], 0.5)) return x;
        if (rest[1] == x && IsScalar(graph_, rest[0], 0.5)) return x;
      }
    }
    return kNone;
  }

  GraphEditor& editor_;
  Graph& graph_;
};

}  // namespace

Status RunActivationFusion(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    // From the outputs up, so that the outermost product of a pattern is seen first.
    for (NodeId id = count - 1; id >= 0; --id) {
      if (editor.IsAlive(id)) ActivationMatcher(&editor).Match(id);
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
