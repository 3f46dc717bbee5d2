// GELU (Hendrycks and Gimpel, arXiv:1606.08415): x * (1 + erf(x / sqrt 2)) / 2, and its approximation
// x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2.
#include <cmath>
#include <numbers>

#include "mace/ops/unary/unary.h"
#include "mace/passes/constants.h"
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

constexpr double kCubic = 0.044715;

class GeluMatcher {
 public:
  explicit GeluMatcher(const GraphEditor& editor) : editor_(editor), graph_(editor.graph()) {}

  // The three factors 1/2, x and 1 + f(x), multiplied in any order.
  ValueId Match(const Node& product, bool* is_tanh) const {
    for (int i = 0; i < 2; ++i) {
      const ValueId inner_value = product.inputs[i], outer = product.inputs[1 - i];
      if (const Node* inner = editor_.ProducerIf(inner_value, OpId::kMul); inner != nullptr) {
        const ValueId factors[3] = {outer, inner->inputs[0], inner->inputs[1]};
        for (int f = 0; f < 3; ++f) {
          const ValueId x = GateArgument(factors[f], is_tanh);
          const ValueId rest[2] = {factors[(f + 1) % 3], factors[(f + 2) % 3]};
          if (x != kNone && IsHalfOf(rest[0], rest[1], x)) return x;
        }
      }
      if (const Node* inner = editor_.ProducerIf(inner_value, OpId::kDiv);
          inner != nullptr && IsScalar(graph_, inner->inputs[1], 2.0)) {
        // (x / 2) * gate, or x * (gate / 2)
        ValueId x = GateArgument(outer, is_tanh);
        if (x != kNone && x == inner->inputs[0]) return x;
        x = GateArgument(inner->inputs[0], is_tanh);
        if (x != kNone && x == outer) return x;
      }
    }
    return kNone;
  }

 private:
  bool IsHalfOf(ValueId a, ValueId b, ValueId x) const {
    return (a == x && IsScalar(graph_, b, 0.5)) || (b == x && IsScalar(graph_, a, 0.5));
  }

  // `value` = 1 + erf(x / sqrt 2) or 1 + tanh(...): x, else kNone.
  ValueId GateArgument(ValueId value, bool* is_tanh) const {
    const Node* add = editor_.ProducerIf(value, OpId::kAdd);
    if (add == nullptr) return kNone;
    const ValueId function = BesideScalar(graph_, *add, 1.0);
    *is_tanh = editor_.ProducerIf(function, OpId::kTanh) != nullptr;
    if (*is_tanh) return TanhArgument(ArgumentOf(editor_, OpId::kTanh, function));
    const ValueId scaled = ArgumentOf(editor_, OpId::kErf, function);
    if (const Node* div = editor_.ProducerIf(scaled, OpId::kDiv); div != nullptr) {
      return IsScalar(graph_, div->inputs[1], std::numbers::sqrt2) ? div->inputs[0] : kNone;
    }
    const Node* mul = editor_.ProducerIf(scaled, OpId::kMul);
    return mul == nullptr ? kNone : BesideScalar(graph_, *mul, 1 / std::numbers::sqrt2);
  }

  // `value` = sqrt(2 / pi) * (x + 0.044715 * x^3), or x * sqrt(2 / pi) * (1 + 0.044715 * x^2).
  ValueId TanhArgument(ValueId value) const {
    const Node* mul = editor_.ProducerIf(value, OpId::kMul);
    if (mul == nullptr) return kNone;
    const double root = std::sqrt(2 / std::numbers::pi);
    const ValueId sum = BesideScalar(graph_, *mul, root);
    if (const Node* add = editor_.ProducerIf(sum, OpId::kAdd); add != nullptr) {
      for (int i = 0; i < 2; ++i) {
        if (IsCubicTerm(add->inputs[i], add->inputs[1 - i])) return add->inputs[1 - i];
      }
      return kNone;
    }
    for (int i = 0; i < 2; ++i) {
      const Node* scaled = editor_.ProducerIf(mul->inputs[i], OpId::kMul);
      const Node* add = editor_.ProducerIf(mul->inputs[1 - i], OpId::kAdd);
      if (scaled == nullptr || add == nullptr) continue;
      const ValueId x = BesideScalar(graph_, *scaled, root);
      const ValueId square = ScaledBy(BesideScalar(graph_, *add, 1.0), kCubic);
      if (x != kNone && IsSquare(square, x)) return x;
    }
    return kNone;
  }

  // `value` = other * factor: other, else kNone.
  ValueId ScaledBy(ValueId value, double factor) const {
    const Node* mul = editor_.ProducerIf(value, OpId::kMul);
    double scalar = 0;
    ValueId other = kNone;
    if (mul == nullptr || !ScalarOperand(graph_, *mul, &scalar, &other)) return kNone;
    return std::abs(scalar - factor) <= 1e-6 * factor ? other : kNone;
  }
  bool IsPower(ValueId value, ValueId x, double exponent) const {
    const Node* pow = editor_.ProducerIf(value, OpId::kPow);
    double given = 0;
    return pow != nullptr && pow->inputs[0] == x && ScalarConstant(graph_, pow->inputs[1], &given) &&
           given == exponent;
  }
  bool IsSquare(ValueId value, ValueId x) const {
    const Node* mul = editor_.ProducerIf(value, OpId::kMul);
    return IsPower(value, x, 2) || (mul != nullptr && mul->inputs[0] == x && mul->inputs[1] == x);
  }
  bool IsCube(ValueId value, ValueId x) const {
    const Node* mul = editor_.ProducerIf(value, OpId::kMul);
    const ValueId square = mul == nullptr ? kNone : Beside(*mul, x);
    return IsPower(value, x, 3) || (square != kNone && IsSquare(square, x));
  }
  // `value` = 0.044715 * x^3, with the factor anywhere in the product.
  bool IsCubicTerm(ValueId value, ValueId x) const {
    const ValueId cube = ScaledBy(value, kCubic);
    if (cube != kNone && IsCube(cube, x)) return true;
    const Node* mul = editor_.ProducerIf(value, OpId::kMul);
    if (mul == nullptr) return false;
    const ValueId rest = Beside(*mul, x);
    if (rest == kNone) return false;
    if (const ValueId square = ScaledBy(rest, kCubic); square != kNone && IsSquare(square, x)) return true;
    const Node* inner = editor_.ProducerIf(rest, OpId::kMul);
    return inner != nullptr && ScaledBy(Beside(*inner, x), kCubic) == x;
  }

  const GraphEditor& editor_;
  const Graph& graph_;
};

}  // namespace

Status RunGeluRecognition(Graph* graph) {
  return VisitFromOutputs(graph, [](GraphEditor* editor, NodeId id) {
    const Node& node = editor->node(id);
    if (node.op != OpId::kMul || editor->DTypeOf(node.outputs[0]) != DType::kF32) return;
    ops::GeluAttributes attributes;
    const ValueId x = GeluMatcher(*editor).Match(node, &attributes.tanh_approximation);
    if (x == kNone || !HaveSameShape(*editor, x, node.outputs[0]) || !IsClosed(*editor, id, {x})) return;
    ReplaceByNode(editor, id, OpId::kGelu, {x}, attributes);
  });
}

}  // namespace mace::passes
