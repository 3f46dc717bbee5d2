#include <algorithm>
#include <cmath>

#include "mace/passes/constants.h"
#include "mace/passes/matching.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

bool IsSigned(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kI16 || dtype == DType::kI32 || dtype == DType::kI64;
}

class Algebra {
 public:
  explicit Algebra(GraphEditor* editor) : editor_(*editor), graph_(editor->graph()) {}

  void Visit(NodeId id) {
    id_ = id;
    const Node& node = editor_.node(id);
    if (node.outputs.size() != 1 || node.outputs[0] == kNone) return;
    y_ = node.outputs[0];
    dtype_ = editor_.DTypeOf(y_);
    if (editor_.QuantizationIndexOf(y_) != kNone) return;
    for (ValueId input : node.inputs) {
      if (input == kNone || editor_.QuantizationIndexOf(input) != kNone || editor_.DTypeOf(input) != dtype_) {
        return;
      }
    }
    switch (node.op) {
      case OpId::kMul:
        if (!Product(node.inputs[0], node.inputs[1])) Product(node.inputs[1], node.inputs[0]);
        return;
      case OpId::kDiv:
        Quotient(node.inputs[0], node.inputs[1]);
        return;
      case OpId::kAdd:
        if (!Sum(node.inputs[0], node.inputs[1])) Sum(node.inputs[1], node.inputs[0]);
        return;
      case OpId::kSub:
        Difference(node.inputs[0], node.inputs[1]);
        return;
      case OpId::kPow:
        Power(node.inputs[0], node.inputs[1]);
        return;
      case OpId::kNeg:
      case OpId::kNot:
        if (const Node* inner = editor_.ProducerIf(node.inputs[0], node.op)) Become(inner->inputs[0]);
        return;
      case OpId::kReciprocal:
        RootBelow(node.inputs[0]);
        return;
      default:
        return;
    }
  }

 private:
  bool IsFloating() const { return IsFloat(dtype_); }
  bool Become(ValueId x) {
    if (NeedsNode(editor_, y_, x)) return false;
    editor_.ReplaceUses(y_, x);
    editor_.Remove(id_);
    return true;
  }
  bool Replace(OpId op, std::initializer_list<ValueId> inputs) {
    editor_.ReplaceUses(y_, editor_.Emit(id_, op, inputs));
    editor_.Remove(id_);
    return true;
  }
  // The element of a constant that leaves the shape of `x` as it is.
  bool ScalarBeside(ValueId x, ValueId constant, double* element) const {
    const Shape& shape = editor_.ShapeOf(x);
    return shape.HasRank() && ScalarConstant(graph_, constant, element) &&
           editor_.ShapeOf(constant).rank <= shape.rank && !editor_.IsConstant(x);
  }
  // Where x = op(inner, constant) with a scalar constant, and only this node reads it: both.
  bool ScalarOperation(ValueId x, OpId op, ValueId* inner, ValueId* constant, double* element) const {
    const Node* node = editor_.ProducerIf(x, op);
    if (node == nullptr || !editor_.HasOneUse(x)) return false;
    for (int side = 0; side < 2; ++side) {
      *inner = node->inputs[side];
      *constant = node->inputs[1 - side];
      if (ScalarBeside(*inner, *constant, element)) return true;
    }
    return false;
  }
  ValueId FloatLike(ValueId constant, double element) {
    const Shape shape = editor_.ShapeOf(constant);
    const ValueId value = Unwrap(graph_.AddUninitializedConstant("", dtype_, shape));
    TensorView& view = graph_.constants[graph_.values[value].constant].view;
    if (dtype_ == DType::kF64) {
      *view.as<double>() = element;
    } else {
      *view.as<float>() = static_cast<float>(element);
    }
    editor_.Track();
    return value;
  }
  bool IsNormal(double element) const {
    return dtype_ == DType::kF64   ? std::isnormal(element)
           : dtype_ == DType::kF32 ? std::isnormal(static_cast<float>(element))
                                   : false;
  }

  bool Product(ValueId x, ValueId constant) {
    double factor = 0;
    if (!ScalarBeside(x, constant, &factor)) return false;
    if (factor == 1) return Become(x);
    if (factor == -1 && (IsFloating() || IsSigned(dtype_))) return Replace(OpId::kNeg, {x});
    ValueId inner = kNone, other = kNone;
    double other_factor = 0;
    if (!ScalarOperation(x, OpId::kMul, &inner, &other, &other_factor)) return false;
    // Integers wrap, so any order gives the same. Of floats one rounding takes the place of two, as long as
    // neither factor nor their product is at an end of the range.
    if (IsFloating()) {
      const double product = factor * other_factor;
      if (!IsNormal(factor) || !IsNormal(other_factor) || !IsNormal(product)) return false;
      return Replace(OpId::kMul, {inner, FloatLike(constant, product)});
    }
    return Replace(OpId::kMul, {inner, editor_.Emit(id_, OpId::kMul, {constant, other})});
  }

  bool Quotient(ValueId x, ValueId divisor) {
    double element = 0;
    if (ScalarBeside(x, divisor, &element)) {
      if (element == 1) return Become(x);
      int exponent = 0;
      // By a power of two: the reciprocal is exact.
      if (IsNormal(element) && std::abs(std::frexp(element, &exponent)) == 0.5 && IsNormal(1 / element)) {
        return Replace(OpId::kMul, {x, FloatLike(divisor, 1 / element)});
      }
      return false;
    }
    if (!IsFloating() || !ScalarBeside(divisor, x, &element) || element != 1) return false;
    return RootBelow(divisor) || Replace(OpId::kReciprocal, {divisor});
  }
  // 1 / sqrt(z)
  bool RootBelow(ValueId root) {
    const Node* sqrt = editor_.ProducerIf(root, OpId::kSqrt);
    if (sqrt == nullptr || !editor_.HasOneUse(root)) return false;
    return Replace(OpId::kRsqrt, {ValueId{sqrt->inputs[0]}});
  }

  // (1 - z) * n + z * h -> n + z * (h - n), as a GRU mixes its states: one product less. Only where n is
  // bounded, so that n + z * (h - n) is no number for the same h as before; both round at the scale of n and
  // h.
  bool Mixture(ValueId first, ValueId second) {
    const Node* part = editor_.ProducerIf(first, OpId::kMul);
    const Node* rest = editor_.ProducerIf(second, OpId::kMul);
    if (!IsFloating() || part == nullptr || rest == nullptr || first == second || !editor_.HasOneUse(first) ||
        !editor_.HasOneUse(second)) {
      return false;
    }
    for (int side = 0; side < 4; ++side) {
      const ValueId share = part->inputs[side & 1], n = part->inputs[1 - (side & 1)];
      const ValueId z = rest->inputs[side >> 1], h = rest->inputs[1 - (side >> 1)];
      const Node* difference = editor_.ProducerIf(share, OpId::kSub);
      double one = 0;
      if (difference == nullptr || !editor_.HasOneUse(share) || difference->inputs[1] != z ||
          !ScalarBeside(z, difference->inputs[0], &one) || one != 1 ||
          editor_.ProducerIf(n, OpId::kTanh) == nullptr || !HaveOneShape({z, n, h, y_})) {
        continue;
      }
      const ValueId distance = editor_.Emit(id_, OpId::kSub, {h, n});
      return Replace(OpId::kAdd, {n, editor_.Emit(id_, OpId::kMul, {z, distance})});
    }
    return false;
  }
  bool HaveOneShape(std::initializer_list<ValueId> values) const {
    const Shape& shape = editor_.ShapeOf(*values.begin());
    return IsKnownShape(shape) && std::all_of(values.begin(), values.end(),
                                              [&](ValueId value) { return editor_.ShapeOf(value) == shape; });
  }

  bool Sum(ValueId x, ValueId other) {
    double element = 0;
    if (Mixture(x, other)) return true;
    if (const Node* negated = editor_.ProducerIf(other, OpId::kNeg);
        negated != nullptr && editor_.HasOneUse(other)) {
      return Replace(OpId::kSub, {x, ValueId{negated->inputs[0]}});
    }
    if (!ScalarBeside(x, other, &element)) return false;
    // -0.0 + 0.0 is 0.0: of floats only -0.0 adds nothing.
    if (element == 0 && (!IsFloating() || std::signbit(element))) return Become(x);
    ValueId inner = kNone, constant = kNone;
    if (IsFloating() || !ScalarOperation(x, OpId::kAdd, &inner, &constant, &element)) return false;
    return Replace(OpId::kAdd, {inner, editor_.Emit(id_, OpId::kAdd, {constant, other})});
  }

  bool Difference(ValueId x, ValueId subtracted) {
    double element = 0;
    if (const Node* negated = editor_.ProducerIf(subtracted, OpId::kNeg);
        negated != nullptr && editor_.HasOneUse(subtracted)) {
      return Replace(OpId::kAdd, {x, ValueId{negated->inputs[0]}});
    }
    if (ScalarBeside(x, subtracted, &element)) {
      return element == 0 && (!IsFloating() || !std::signbit(element)) && Become(x);
    }
    return IsSigned(dtype_) && ScalarBeside(subtracted, x, &element) && element == 0 &&
           Replace(OpId::kNeg, {subtracted});
  }

  bool Power(ValueId x, ValueId exponent) {
    double element = 0;
    if (!ScalarBeside(x, exponent, &element)) return false;
    if (element == 1) return Become(x);
    return element == 2 && IsFloating() && Replace(OpId::kMul, {x, x});
  }

  GraphEditor& editor_;
  Graph& graph_;
  NodeId id_ = kNone;
  ValueId y_ = kNone;
  DType dtype_ = DType::kInvalid;
};

}  // namespace

Status RunAlgebra(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    Algebra algebra(&editor);
    // Nodes that are added are looked at too: a chain of factors becomes one.
    for (NodeId id = 0; id < editor.NodeCount(); ++id) {
      if (editor.IsAlive(id)) algebra.Visit(id);
    }
    if (editor.changes() > 0) editor.Finish();
  });
}

}  // namespace mace::passes
