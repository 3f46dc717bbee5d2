#include "mace/importers/onnx/float8.h"

#include <cmath>
#include <limits>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/binary/binary_bits.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/unary/unary.h"

namespace mace::importers::onnx {
namespace {

// "fn": no infinity, one NaN for each sign. "uz": one zero, and its negative is the only NaN.
struct Float8 {
  int mantissa_bits;
  int bias;
  bool is_fn;
  bool is_uz;
  float largest;
};

Float8 FormOf(int32_t onnx_type) {
  switch (onnx_type) {
    case 17:
      return {3, 7, true, false, 448};
    case 18:
      return {3, 8, true, true, 240};
    case 19:
      return {2, 15, false, false, 57344};
    default:
      return {2, 16, true, true, 57344};
  }
}

ValueId Bits(OnnxContext& context, uint32_t bits) {
  return Unwrap(context.graph().AddConstant("", TensorView{&bits, DType::kU32, Shape{}}, /*copy=*/true));
}
ValueId EmitBits(OnnxContext& context, ops::BitwiseKind kind, ValueId a, uint32_t b) {
  ops::BitwiseAttributes attributes;
  attributes.kind = kind;
  return context.Emit(OpId::kBitwise, {a, Bits(context, b)}, attributes);
}
ValueId EmitBitCast(OnnxContext& context, ValueId x, DType to) {
  ops::BitCastAttributes attributes;
  attributes.to = to;
  return context.Emit(OpId::kBitCast, {x}, attributes);
}

}  // namespace

float Float8Value(uint8_t byte, int32_t onnx_type) {
  const Float8 form = FormOf(onnx_type);
  const int magnitude = byte & 0x7f;
  const int exponent = magnitude >> form.mantissa_bits;
  const int mantissa = magnitude & ((1 << form.mantissa_bits) - 1);
  const float sign = (byte & 0x80) != 0 ? -1.0f : 1.0f;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  if (form.is_uz && byte == 0x80) return kNan;
  if (form.is_fn && !form.is_uz && magnitude == 0x7f) return kNan;
  if (!form.is_fn && exponent == 31)
    return mantissa == 0 ? sign * std::numeric_limits<float>::infinity() : kNan;
  if (exponent == 0) {
    return sign * std::ldexp(static_cast<float>(mantissa), 1 - form.bias - form.mantissa_bits);
  }
  const int whole = (1 << form.mantissa_bits) + mantissa;
  return sign * std::ldexp(static_cast<float>(whole), exponent - form.bias - form.mantissa_bits);
}

ValueId EmitFloat8(OnnxContext& context, ValueId x, int32_t onnx_type, bool saturate) {
  if (!saturate) throw ImportError(Unsupported("saturate=0 of %s", OnnxTypeName(onnx_type).c_str()));
  const Float8 form = FormOf(onnx_type);
  context.Repaired(OnnxTypeName(onnx_type) + ", which MACE lacks", "float32, rounded to its numbers");
  context.work().has_float8 = true;
  ops::ClipAttributes bounds;
  bounds.min = -form.largest;
  bounds.max = form.largest;
  x = context.Emit(OpId::kClip, {x}, bounds);
  // Normal numbers: half of the last bit that stays, less one, plus that bit, is added to the bits that go.
  const auto dropped = static_cast<uint32_t>(23 - form.mantissa_bits);
  const ValueId bits = EmitBitCast(context, x, DType::kU32);
  const ValueId last = EmitBits(context, ops::BitwiseKind::kAnd,
                                EmitBits(context, ops::BitwiseKind::kShiftRight, bits, dropped), 1);
  const ValueId half = Bits(context, (1u << (dropped - 1)) - 1);
  const ValueId sum = context.Emit(OpId::kAdd, {context.Emit(OpId::kAdd, {bits, half}), last});
  const uint32_t kept = ~((1u << dropped) - 1);
  const ValueId normal =
      EmitBitCast(context, EmitBits(context, ops::BitwiseKind::kAnd, sum, kept), DType::kF32);
  // Below them the numbers are whole multiples of the smallest.
  const float smallest = std::ldexp(1.0f, 1 - form.bias - form.mantissa_bits);
  const ValueId multiple = context.Emit(OpId::kMul, {x, context.Float(1 / smallest)});
  const ValueId subnormal =
      context.Emit(OpId::kMul, {context.Emit(OpId::kRound, {multiple}), context.Float(smallest)});
  const ValueId is_small = context.Emit(
      OpId::kLess, {context.Emit(OpId::kAbs, {x}), context.Float(std::ldexp(1.0f, 1 - form.bias))});
  // The sum of a NaN's bits may be anything.
  const ValueId rounded = context.Emit(OpId::kWhere, {is_small, subnormal, normal});
  const ValueId is_number = context.Emit(OpId::kEqual, {x, x});
  return context.Emit(OpId::kWhere, {is_number, rounded, x});
}

}  // namespace mace::importers::onnx
