// Elementwise operators, continued: elementary functions, bits, remainders, activations that are made of
// others, conversions to the type of another value.
#include <cmath>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/binary/binary_bits.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/unary/unary.h"
#include "mace/ops/unary/unary_math.h"

namespace mace::importers::onnx {
namespace {

// An integer of rank 0 of the type of `like`.
ValueId IntegerLike(OnnxContext& context, int64_t number, ValueId like) {
  const TensorView view{&number, DType::kI64, Shape{}};
  return context.Cast(Unwrap(context.graph().AddConstant("", view, true)), context.TypeOf(like).dtype);
}

// A number of rank 0 of the type of `like`: towards zero where that is an integer.
ValueId NumberLike(OnnxContext& context, double number, ValueId like) {
  const DType dtype = context.TypeOf(like).dtype;
  return IsFloat(dtype) ? context.Float(number, dtype)
                        : IntegerLike(context, static_cast<int64_t>(std::trunc(number)), like);
}

ValueId Swish(OnnxContext& context, ValueId x, float alpha) {
  if (alpha == 1) return context.Emit(OpId::kSilu, {x});
  const ValueId steep = context.Emit(OpId::kMul, {x, NumberLike(context, alpha, x)});
  return context.Emit(OpId::kMul, {x, context.Emit(OpId::kSigmoid, {steep})});
}

}  // namespace

Outputs ConvertUnaryMath(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::UnaryMathAttributes attributes;
  attributes.kind = static_cast<ops::UnaryMathKind>(entry.argument);
  return {context.Emit(OpId::kUnaryMath, {context.Input(node, 0)}, attributes)};
}

Outputs ConvertBitwise(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::BitwiseAttributes attributes;
  attributes.kind = static_cast<ops::BitwiseKind>(entry.argument);
  return {context.Emit(OpId::kBitwise, {context.Input(node, 0), context.Input(node, 1)}, attributes)};
}

Outputs ConvertBitwiseNot(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::BitwiseAttributes attributes;
  attributes.kind = ops::BitwiseKind::kXor;
  return {context.Emit(OpId::kBitwise, {x, IntegerLike(context, -1, x)}, attributes)};
}

Outputs ConvertBitShift(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const std::string direction = node.String("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") {
    throw ImportError(InvalidArgument("direction='%s', expected LEFT or RIGHT", direction.c_str()));
  }
  ops::BitwiseAttributes attributes;
  attributes.kind = direction == "LEFT" ? ops::BitwiseKind::kShiftLeft : ops::BitwiseKind::kShiftRight;
  return {context.Emit(OpId::kBitwise, {context.Input(node, 0), context.Input(node, 1)}, attributes)};
}

Outputs ConvertMod(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::ModAttributes attributes;
  attributes.truncated = node.Int("fmod", 0) != 0;
  return {context.Emit(OpId::kMod, {context.Input(node, 0), context.Input(node, 1)}, attributes)};
}

Outputs ConvertIsInf(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const bool negative = node.Int("detect_negative", 1) != 0, positive = node.Int("detect_positive", 1) != 0;
  const auto equals = [&](double infinity) {
    return context.Emit(OpId::kEqual, {x, NumberLike(context, infinity, x)});
  };
  if (!negative && !positive) {  // false everywhere
    const ValueId is_infinite = equals(HUGE_VAL);
    return {context.Emit(OpId::kXor, {is_infinite, is_infinite})};
  }
  if (!negative || !positive) return {equals(positive ? HUGE_VAL : -HUGE_VAL)};
  return {context.Emit(OpId::kOr, {equals(HUGE_VAL), equals(-HUGE_VAL)})};
}

// As ONNX defines it: alpha * Elu(x / alpha).
Outputs ConvertCelu(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const float alpha = node.Float("alpha", 1.0f);
  if (alpha == 1) return {context.Emit(OpId::kElu, {x}, ops::EluAttributes{})};
  const ValueId scale = NumberLike(context, alpha, x);
  const ValueId inner = context.Emit(OpId::kDiv, {x, scale});
  return {context.Emit(OpId::kMul, {context.Emit(OpId::kElu, {inner}, ops::EluAttributes{}), scale})};
}

Outputs ConvertThresholdedRelu(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const ValueId is_kept =
      context.Emit(OpId::kGreater, {x, NumberLike(context, node.Float("alpha", 1.0f), x)});
  return {context.Emit(OpId::kWhere, {is_kept, x, NumberLike(context, 0, x)})};
}

// x + bias below -lambd, x - bias above lambd, 0 between.
Outputs ConvertShrink(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const float threshold = node.Float("lambd", 0.5f);
  const ValueId bias = NumberLike(context, node.Float("bias", 0.0f), x);
  const ValueId is_high = context.Emit(OpId::kGreater, {x, NumberLike(context, threshold, x)});
  const ValueId high =
      context.Emit(OpId::kWhere, {is_high, context.Emit(OpId::kSub, {x, bias}), NumberLike(context, 0, x)});
  const DType dtype = context.TypeOf(x).dtype;
  const bool is_unsigned =
      dtype == DType::kU8 || dtype == DType::kU16 || dtype == DType::kU32 || dtype == DType::kU64;
  if (is_unsigned && threshold >= 0) return {high};
  const ValueId is_low = context.Emit(OpId::kLess, {x, NumberLike(context, -threshold, x)});
  return {context.Emit(OpId::kWhere, {is_low, context.Emit(OpId::kAdd, {x, bias}), high})};
}

Outputs ConvertSwish(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {Swish(context, context.Input(node, 0), node.Float("alpha", 1.0f))};
}

Outputs ConvertSwiGlu(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId gate = Swish(context, context.Input(node, 0), node.Float("alpha", 1.0f));
  return {context.Emit(OpId::kMul, {gate, context.Input(node, 1)})};
}

Outputs ConvertCastLike(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  node.Ignore("saturate");
  node.Ignore("round_mode");
  ops::CastAttributes attributes;
  attributes.to = context.TypeOf(context.Input(node, 1)).dtype;
  return {context.Emit(OpId::kCast, {context.Input(node, 0)}, attributes)};
}

Outputs ConvertBitCast(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::BitCastAttributes attributes;
  attributes.to = ElementType(node.Int("to", 0), "a cast to");
  return {context.Emit(OpId::kBitCast, {context.Input(node, 0)}, attributes)};
}

DType ElementType(int64_t onnx_type, const char* what) {
  const DType dtype = DTypeOfOnnx(onnx_type >= 0 && onnx_type < 1000 ? static_cast<int32_t>(onnx_type) : -1);
  if (dtype == DType::kInvalid) {
    throw ImportError(
        Unsupported("%s the ONNX element type %s, which MACE lacks", what, OnnxTypeName(onnx_type).c_str()));
  }
  return dtype;
}

}  // namespace mace::importers::onnx
