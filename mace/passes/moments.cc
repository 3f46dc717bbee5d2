#include "mace/passes/moments.h"

#include <cmath>
#include <cstring>

#include "mace/ops/reduce/reduce.h"
#include "mace/passes/constants.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

// `value` is the mean over some axes, which stay with size 1: of what, else kNone.
ValueId MeanOf(const GraphEditor& editor, ValueId value, bool reduced[kMaxRank]) {
  const Node* reduce = editor.ProducerIf(value, OpId::kReduce);
  if (reduce == nullptr) return kNone;
  const auto& attributes = reduce->attributes.as<ops::ReduceAttributes>();
  if (attributes.kind != ops::ReduceKind::kMean || !attributes.keep_dims) return kNone;
  return AxesOfReduce(editor, *reduce, reduced) ? reduce->inputs[0] : kNone;
}

// `value` is the mean of `x` over these axes; files may compute it twice.
bool IsMeanOf(const GraphEditor& editor, ValueId value, ValueId x, const bool reduced[kMaxRank]) {
  bool own[kMaxRank] = {};
  return MeanOf(editor, value, own) == x && std::memcmp(own, reduced, sizeof(own)) == 0;
}

// What `value` is the square of; for SquaredDifference(x, mean) x, and *mean.
ValueId RootOf(const GraphEditor& editor, ValueId value, ValueId* mean) {
  *mean = kNone;
  if (const Node* pow = editor.ProducerIf(value, OpId::kPow); pow != nullptr) {
    double exponent = 0;
    return ScalarConstant(editor.graph(), pow->inputs[1], &exponent) && exponent == 2 ? pow->inputs[0]
                                                                                      : kNone;
  }
  if (const Node* mul = editor.ProducerIf(value, OpId::kMul); mul != nullptr) {
    return mul->inputs[0] == mul->inputs[1] ? mul->inputs[0] : kNone;
  }
  if (const Node* difference = editor.ProducerIf(value, OpId::kSquaredDifference); difference != nullptr) {
    *mean = difference->inputs[1];
    return difference->inputs[0];
  }
  return kNone;
}

// `value` = variance + epsilon.
bool MatchGuardedVariance(const GraphEditor& editor, ValueId value, Moments* moments) {
  const Node* add = editor.ProducerIf(value, OpId::kAdd);
  ValueId variance = kNone;
  if (add == nullptr || !ScalarOperand(editor.graph(), *add, &moments->epsilon, &variance)) return false;
  if (!(moments->epsilon >= 0) || std::isinf(moments->epsilon)) return false;
  const ValueId squares = MeanOf(editor, variance, moments->reduced);
  const ValueId root = RootOf(editor, squares, &moments->mean);
  if (root == kNone) return false;
  moments->x = root;
  if (moments->mean != kNone) return IsMeanOf(editor, moments->mean, root, moments->reduced);
  const Node* sub = editor.ProducerIf(root, OpId::kSub);
  if (sub != nullptr && IsMeanOf(editor, sub->inputs[1], sub->inputs[0], moments->reduced)) {
    moments->x = sub->inputs[0];
    moments->mean = sub->inputs[1];
  }
  return true;
}

// `value` = sqrt(variance + epsilon).
bool MatchDeviation(const GraphEditor& editor, ValueId value, Moments* moments) {
  if (const ValueId guarded = ArgumentOf(editor, OpId::kSqrt, value); guarded != kNone) {
    return MatchGuardedVariance(editor, guarded, moments);
  }
  const Node* pow = editor.ProducerIf(value, OpId::kPow);
  return pow != nullptr && IsExactly(editor.graph(), pow->inputs[1], 0.5) &&
         MatchGuardedVariance(editor, pow->inputs[0], moments);
}

// `value` is x, or x less its mean where there is one.
bool IsCentred(const GraphEditor& editor, ValueId value, const Moments& moments) {
  if (moments.mean == kNone) return value == moments.x;
  const Node* sub = editor.ProducerIf(value, OpId::kSub);
  if (sub == nullptr || sub->inputs[0] != moments.x) return false;
  return sub->inputs[1] == moments.mean || IsMeanOf(editor, sub->inputs[1], moments.x, moments.reduced);
}

}  // namespace

bool MatchInverseDeviation(const GraphEditor& editor, ValueId value, Moments* moments) {
  if (const ValueId guarded = ArgumentOf(editor, OpId::kRsqrt, value); guarded != kNone) {
    return MatchGuardedVariance(editor, guarded, moments);
  }
  if (const ValueId deviation = ArgumentOf(editor, OpId::kReciprocal, value); deviation != kNone) {
    return MatchDeviation(editor, deviation, moments);
  }
  if (const Node* div = editor.ProducerIf(value, OpId::kDiv); div != nullptr) {
    return IsExactly(editor.graph(), div->inputs[0], 1.0) && MatchDeviation(editor, div->inputs[1], moments);
  }
  const Node* pow = editor.ProducerIf(value, OpId::kPow);
  return pow != nullptr && IsExactly(editor.graph(), pow->inputs[1], -0.5) &&
         MatchGuardedVariance(editor, pow->inputs[0], moments);
}

bool MatchStandardized(const GraphEditor& editor, const Node& node, Moments* moments) {
  if (node.op == OpId::kDiv) {
    return MatchDeviation(editor, node.inputs[1], moments) && IsCentred(editor, node.inputs[0], *moments);
  }
  if (node.op != OpId::kMul) return false;
  for (int i = 0; i < 2; ++i) {
    *moments = Moments();
    if (MatchInverseDeviation(editor, node.inputs[i], moments) &&
        IsCentred(editor, node.inputs[1 - i], *moments)) {
      return true;
    }
  }
  return false;
}

bool EpsilonAttribute(const GraphEditor& editor, const Moments& moments, float* epsilon) {
  *epsilon = static_cast<float>(moments.epsilon);
  return editor.DTypeOf(moments.x) == DType::kF32 ||
         (editor.DTypeOf(moments.x) == DType::kF64 && static_cast<double>(*epsilon) == moments.epsilon);
}

}  // namespace mace::passes
