// Elementwise operators.
#include <cmath>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/open_rank.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/unary/unary.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {

Outputs ConvertUnary(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  // Relu too: ONNX has it clamp stored integers at 0, not at the zero point of some scale.
  return {context.Emit(entry.op, {context.Input(node, 0)})};
}

Outputs ConvertIdentity(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {context.EmitMoved(OpId::kIdentity, {context.Input(node, 0)}, NoAttributes{})};
}

// Nothing else differs from itself.
Outputs ConvertIsNaN(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  return {context.Emit(OpId::kNot, {context.Emit(OpId::kEqual, {x, x})})};
}

namespace {

// SecondOperand where a rank is not known: ones behind its sizes, as many as fit.
ValueId StandingOpenly(OnnxContext& context, OnnxNode& node, bool is_slope) {
  const ValueId b = context.Input(node, 1);
  if (!is_slope && (!node.Has("axis") || node.Int("broadcast", 0) == 0)) return b;
  const ValueId sizes = SizesFrom(context, b, 0);
  const int64_t axis = is_slope ? 1 : node.Int("axis", 0);
  context.Repaired("before operator set 7 an operand stands at an axis of the other",
                   "it gets axes of size 1 behind its own");
  const ValueId ones = OnesFrom(context, context.Input(node, 0), axis);
  return Reshaped(context, b,
                  Joined(context, {sizes, context.Emit(OpId::kSlice, {ones, SizesFrom(context, sizes, 0),
                                                                      context.Int64s(IntList{INT64_MAX})})}));
}

// Input 1. Before operator set 7 its axes stood, with `broadcast`, at those of input 0 from `axis` on (the
// last ones where that is missing); the slope of PRelu at axis 1.
ValueId SecondOperand(OnnxContext& context, OnnxNode& node, OpId op) {
  const ValueId b = context.Input(node, 1);
  if (context.opset() >= 7) return b;
  const int rank = context.RankOf(context.Input(node, 0)), own_rank = context.RankOf(b);
  const bool is_slope = op == OpId::kPRelu;
  const bool has_axis = node.Has("axis"), is_broadcast = node.Int("broadcast", 0) != 0;
  if (rank < 0 || own_rank < 0) return StandingOpenly(context, node, is_slope);
  if (rank < 1 || own_rank < 1 || (is_slope ? own_rank != 1 || rank < 2 : !is_broadcast || !has_axis))
    return b;
  const int axis = is_slope ? 1 : context.NormalizedAxis(node.Int("axis", 0), rank);
  IntList behind;
  for (int i = own_rank; i < rank - axis; ++i) behind.Push(i);
  if (behind.empty()) return b;
  context.Repaired("before operator set 7 an operand stands at an axis of the other",
                   "it gets axes of size 1 behind its own");
  return context.Unsqueeze(b, behind);
}

}  // namespace

Outputs ConvertBinary(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId b = SecondOperand(context, node, entry.op);
  return {context.Emit(entry.op, {context.Input(node, 0), b})};
}

// Pow alone takes an exponent of another type than the base, which is the result's too.
Outputs ConvertPow(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ValueId base = context.Input(node, 0);
  ValueId exponent = SecondOperand(context, node, OpId::kPow);
  const DType base_type = context.TypeOf(base).dtype, exponent_type = context.TypeOf(exponent).dtype;
  if (base_type == exponent_type) return {context.Emit(OpId::kPow, {base, exponent})};
  if (!IsInteger(base_type)) {
    const DType computed = base_type == DType::kF64 ? DType::kF64 : DType::kF32;
    return {context.Emit(OpId::kPow, {base, context.Cast(exponent, computed)})};
  }
  // Powers of integers are exact: computed in 64 bits, whose low ones a narrower type keeps. A half is no
  // integer: floats stay what they are, and the operator computes in double.
  if (IsInteger(exponent_type)) {
    base = context.Cast(base, DType::kI64);
    exponent = context.Cast(exponent, DType::kI64);
  } else if (exponent_type != DType::kF64 && exponent_type != DType::kF32) {
    exponent = context.Cast(exponent, DType::kF32);
  }
  return {context.Cast(context.Emit(OpId::kPow, {base, exponent}), base_type)};
}

Outputs ConvertVariadic(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ValueId result = context.Input(node, 0);
  if (node.input_count() == 1) return {context.Emit(OpId::kIdentity, {result})};
  context.SpendNodes(node.input_count());
  for (int i = 1; i < node.input_count(); ++i) {
    result = context.Emit(entry.op, {result, context.Input(node, i)});
  }
  if (entry.argument == 1) {
    const ValueId count = context.Float(static_cast<float>(node.input_count()), context.TypeOf(result).dtype);
    result = context.Emit(OpId::kDiv, {result, count});
  }
  return {result};
}

Outputs ConvertClip(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::ClipAttributes attributes;
  // The bounds are attributes in float32, which holds every integer of these types.
  const DType dtype = context.TypeOf(x).dtype;
  const bool is_exact = (IsFloat(dtype) && dtype != DType::kF64) || dtype == DType::kI8 ||
                        dtype == DType::kU8 || dtype == DType::kI16 || dtype == DType::kU16;
  if (context.opset() < 11) {
    attributes.min = node.Float("min", attributes.min);
    attributes.max = node.Float("max", attributes.max);
    return {context.Emit(OpId::kClip, {x}, attributes)};
  }
  const ValueId low = context.Widened(context.OptionalInput(node, 1));
  const ValueId high = context.Widened(context.OptionalInput(node, 2));
  double minimum = attributes.min, maximum = attributes.max;
  const bool constant = (low == kNone || passes::ScalarConstant(context.graph(), low, &minimum)) &&
                        (high == kNone || passes::ScalarConstant(context.graph(), high, &maximum));
  if (constant && is_exact) {
    attributes.min = static_cast<float>(minimum);
    attributes.max = static_cast<float>(maximum);
    return {context.Emit(OpId::kClip, {x}, attributes)};
  }
  ValueId result = x;
  if (low != kNone) result = context.Emit(OpId::kMax, {result, low});
  if (high != kNone) result = context.Emit(OpId::kMin, {result, high});
  if (result == x) result = context.Emit(OpId::kIdentity, {x});
  return {result};
}

Outputs ConvertLeakyRelu(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::LeakyReluAttributes attributes;
  attributes.alpha = node.Float("alpha", 0.01f);
  return {context.Emit(OpId::kLeakyRelu, {context.Input(node, 0)}, attributes)};
}

Outputs ConvertElu(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::EluAttributes attributes;
  attributes.alpha = node.Float("alpha", attributes.alpha);
  return {context.Emit(OpId::kElu, {context.Input(node, 0)}, attributes)};
}

Outputs ConvertSelu(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::SeluAttributes attributes;
  const bool is_first = context.opset() < 6;  // with other constants
  attributes.alpha = node.Float("alpha", is_first ? 1.6732f : attributes.alpha);
  attributes.gamma = node.Float("gamma", is_first ? 1.0507f : attributes.gamma);
  return {context.Emit(OpId::kSelu, {context.Input(node, 0)}, attributes)};
}

Outputs ConvertHardSigmoid(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::HardSigmoidAttributes attributes;
  attributes.alpha = node.Float("alpha", 0.2f);
  attributes.beta = node.Float("beta", 0.5f);
  return {context.Emit(OpId::kHardSigmoid, {context.Input(node, 0)}, attributes)};
}

Outputs ConvertGelu(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const std::string approximate = node.String("approximate", "none");
  if (approximate != "none" && approximate != "tanh") {
    throw ImportError(Unsupported("approximate='%s' is not supported", approximate.c_str()));
  }
  ops::GeluAttributes attributes;
  attributes.tanh_approximation = approximate == "tanh";
  return {context.Emit(OpId::kGelu, {context.Input(node, 0)}, attributes)};
}

Outputs ConvertCast(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  node.Ignore("saturate");
  node.Ignore("round_mode");
  ops::CastAttributes attributes;
  attributes.to = context.opset() < 6 ? NamedElementType(node.String("to", ""))
                                      : ElementType(node.Int("to", 0), "a cast to");
  return {context.Emit(OpId::kCast, {context.Input(node, 0)}, attributes)};
}

Outputs ConvertWhere(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {
      context.Emit(OpId::kWhere, {context.Input(node, 0), context.Input(node, 1), context.Input(node, 2)})};
}

}  // namespace mace::importers::onnx
