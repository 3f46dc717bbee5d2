// relu(x) - a * relu(-x), as Keras writes it, and relu(x) + a * (x - |x|) / 2 -> PRelu (He et al.,
// arXiv:1502.01852); max(x, a * x) with a between 0 and 1 -> LeakyRelu.
#include <cmath>

#include "mace/ops/unary/unary.h"
#include "mace/passes/constants.h"
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

// `value` = factor * min(x, 0); false where it is not.
bool MatchNegativePart(const GraphEditor& editor, ValueId value, ValueId x, double* factor) {
  if (const ValueId negated = ArgumentOf(editor, OpId::kRelu, value); negated != kNone) {
    *factor = -1;
    return ArgumentOf(editor, OpId::kNeg, negated) == x;
  }
  const Node* sub = editor.ProducerIf(value, OpId::kSub);
  *factor = 2;
  return sub != nullptr && sub->inputs[0] == x && ArgumentOf(editor, OpId::kAbs, sub->inputs[1]) == x;
}

// A value less the constants that it is multiplied by, at most two of them.
struct Product {
  ValueId value = kNone;  // what is left
  ValueId slope = kNone;  // a constant of any shape
  double factor = 1;      // and a scalar one
};
Product Unscaled(const GraphEditor& editor, ValueId value) {
  Product product = {.value = value};
  for (int depth = 0; depth < 2; ++depth) {
    const Node* mul = editor.ProducerIf(product.value, OpId::kMul);
    if (mul == nullptr) break;
    const int constant = editor.IsConstant(mul->inputs[0]) ? 0 : 1;
    if (!editor.IsConstant(mul->inputs[constant])) break;
    double scalar = 0;
    if (depth > 0 && ScalarConstant(editor.graph(), mul->inputs[constant], &scalar)) {
      product.factor *= scalar;
    } else if (product.slope == kNone) {
      product.slope = mul->inputs[constant];
    } else if (ScalarConstant(editor.graph(), product.slope, &scalar)) {
      product.factor *= scalar;
      product.slope = mul->inputs[constant];
    } else {
      break;
    }
    product.value = mul->inputs[1 - constant];
  }
  return product;
}

void MatchSum(GraphEditor* editor, NodeId id) {
  const Node& node = editor->node(id);
  const ValueId y = node.outputs[0];
  for (int i = 0; i < (node.op == OpId::kAdd ? 2 : 1); ++i) {
    const ValueId x = ArgumentOf(*editor, OpId::kRelu, node.inputs[i]);
    if (x == kNone) continue;
    const Product product = Unscaled(*editor, node.inputs[1 - i]);
    double factor = 0;
    if (product.slope == kNone || !MatchNegativePart(*editor, product.value, x, &factor)) continue;
    factor *= product.factor * (node.op == OpId::kSub ? -1 : 1);
    const TensorView* slope = editor->graph().ConstantOf(product.slope);
    if (slope->dtype != DType::kF32 || editor->QuantizationIndexOf(product.slope) != kNone) continue;
    if (!HaveSameShape(*editor, x, y) || !IsClosed(*editor, id, {x})) continue;
    std::vector<float> slopes(slope->as<float>(), slope->as<float>() + slope->elements());
    for (float& element : slopes) element = static_cast<float>(static_cast<double>(element) * factor);
    const ValueId constant = Unwrap(AddFloatConstant(&editor->graph(), "", slopes, Shape(slope->shape)));
    editor->Track();
    ReplaceByNode(editor, id, OpId::kPRelu, {x, constant}, NoAttributes{});
    return;
  }
}

void MatchMax(GraphEditor* editor, NodeId id) {
  const Node& node = editor->node(id);
  for (int i = 0; i < 2; ++i) {
    const ValueId x = node.inputs[i];
    const Node* mul = editor->ProducerIf(node.inputs[1 - i], OpId::kMul);
    double alpha = 0;
    ValueId other = kNone;
    if (mul == nullptr || !ScalarOperand(editor->graph(), *mul, &alpha, &other) || other != x) continue;
    if (!(alpha > 0) || alpha >= 1 || !HaveSameShape(*editor, x, node.outputs[0])) continue;
    if (!IsClosed(*editor, id, {x})) continue;
    ops::LeakyReluAttributes attributes;
    attributes.alpha = static_cast<float>(alpha);
    ReplaceByNode(editor, id, OpId::kLeakyRelu, {x}, attributes);
    return;
  }
}

}  // namespace

Status RunPReluRecognition(Graph* graph) {
  return VisitFromOutputs(graph, [](GraphEditor* editor, NodeId id) {
    const Node& node = editor->node(id);
    if (node.outputs.empty() || editor->DTypeOf(node.outputs[0]) != DType::kF32) return;
    const OpId op = node.op;  // the reference does not outlive a match
    if (op == OpId::kAdd || op == OpId::kSub) MatchSum(editor, id);
    if (op == OpId::kMax) MatchMax(editor, id);
  });
}

}  // namespace mace::passes
