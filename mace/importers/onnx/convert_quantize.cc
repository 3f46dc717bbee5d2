// QuantizeLinear and DequantizeLinear: scale and zero point become part of the value's type.
#include "mace/importers/onnx/float8.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/quantized_operand.h"
#include "mace/ops/quantize/output_scale.h"
#include "mace/ops/quantize/packed_integers.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/unary/unary.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {
namespace {

int32_t ZeroPoint(const TensorView& view, int64_t i) {
  if (IsSubByte(view.dtype)) return ops::LoadPacked(view.data, view.dtype, i);
  if (!IsInteger(view.dtype) || BitsOf(view.dtype) > 32 || view.dtype == DType::kU32) {
    throw ImportError(Unsupported("a zero point of type %s", NameOf(view.dtype)));
  }
  return ops::LoadInteger(view.data, view.dtype, i);
}

// A constant of 4 or 2 bits as one of bytes, which the integer kernels multiply; others, and kNone, as they
// are.
ValueId AsBytes(OnnxContext& context, ValueId value) {
  if (value == kNone || !IsSubByte(context.TypeOf(value).dtype) || !context.IsConstant(value)) return value;
  const DType from = context.TypeOf(value).dtype;
  const DType to = ops::IsSignedPacked(from) ? DType::kI8 : DType::kU8;
  const Shape shape = context.TypeOf(value).shape;
  const int64_t count = shape.ElementCount();
  context.SpendCopy(count);
  const ValueId bytes = Unwrap(context.graph().AddUninitializedConstant("", to, shape));
  void* target = context.graph().ConstantOf(bytes)->data;
  const void* packed = context.graph().ConstantOf(value)->data;
  for (int64_t i = 0; i < count; ++i) ops::StoreInteger(target, to, i, ops::LoadPacked(packed, from, i));
  return bytes;
}

// Whether the axis that several scales belong to has a size by now: they can stand in the value's type. An
// input of the graph takes the size that they demand.
bool HasFixedChannels(OnnxContext& context, ValueId x, ValueId scale, int64_t axis) {
  const int64_t count = context.TypeOf(scale).shape.ElementCount();
  if (count == 1) return true;
  Shape demanded = context.TypeOf(x).shape;
  if (!demanded.HasRank()) return false;
  const int channel = context.NormalizedAxis(axis, demanded.rank);
  for (int i = 0; i < demanded.rank; ++i) demanded[i] = i == channel ? count : kUnknownDim;
  context.RefineInput(x, demanded);
  return context.TypeOf(x).shape[channel] >= 0;
}

}  // namespace

int32_t MakeQuantization(OnnxContext& context, DType dtype, const Shape& shape, ValueId scale,
                         ValueId zero_point, int64_t axis) {
  Graph& graph = context.graph();
  scale = context.Cast(context.Widened(scale), DType::kF32);
  const TensorView* scales = graph.ConstantOf(scale);
  const TensorView* zeros = graph.ConstantOf(zero_point);
  if (scales == nullptr || (zero_point != kNone && zeros == nullptr)) {
    throw ImportError(Unsupported("scales or zero points computed at run time are not supported"))
        .WithAction(ActionForComputedOperand());
  }
  if (scales->dtype != DType::kF32 || scales->shape.rank > 1 || scales->elements() < 1) {
    throw ImportError(
        Unsupported("scales of type %s, shape %s", NameOf(scales->dtype), ShapeText(scales->shape).text));
  }
  if (zeros != nullptr && (zeros->dtype != dtype || zeros->elements() != scales->elements())) {
    throw ImportError(InvalidArgument("the zero point (%s%s) does not fit the tensor's type %s or the scales",
                                      NameOf(zeros->dtype), ShapeText(zeros->shape).text, NameOf(dtype)));
  }
  const int64_t count = scales->elements();
  context.SpendCopy(count * static_cast<int64_t>(sizeof(float) + sizeof(int32_t)));
  const std::vector<float> scale_list(scales->as<float>(), scales->as<float>() + count);
  for (float number : scale_list) {
    if (std::isfinite(number) && number > 0) continue;
    throw ImportError(InvalidArgument(
        "the scale is %g, expected a finite number above 0: quantize again, with finite numbers in masks",
        static_cast<double>(number)));
  }
  std::vector<int32_t> zero_list(count, 0);
  for (int64_t i = 0; zeros != nullptr && i < count; ++i) zero_list[i] = ZeroPoint(*zeros, i);
  int32_t channel_axis = kNone;
  if (scales->shape.rank == 1 && (count > 1 || shape.rank > 0)) {
    if (count > 1 && shape.rank == 0) throw ImportError(Unsupported("a scale per channel here"));
    channel_axis = count > 1 ? context.NormalizedAxis(axis, shape.rank) : kNone;
    if (count > 1 && shape[channel_axis] != count) {
      throw ImportError(InvalidArgument("%lld scales for axis %d of %s", static_cast<long long>(count),
                                        channel_axis, ShapeText(shape).text));
    }
  }
  return Unwrap(graph.AddQuantization(scale_list, zero_list, channel_axis));
}

ValueId WithQuantization(OnnxContext& context, ValueId value, ValueId scale, ValueId zero_point,
                         int64_t axis) {
  const TensorType type = context.TypeOf(value);
  return context.WithQuantization(value,
                                  MakeQuantization(context, type.dtype, type.shape, scale, zero_point, axis));
}

ValueId Dequantized(OnnxContext& context, const OnnxNode& node, int first, int64_t axis) {
  const ValueId scale = context.Input(node, first + 1);
  const bool is_open = !context.TypeOf(context.Input(node, first)).shape.HasRank() &&
                       context.TypeOf(scale).shape.ElementCount() != 1;
  if (is_open || !IsFixedQuantization(context, scale, context.OptionalInput(node, first + 2))) {
    return DequantizeAtRunTime(context, context.Input(node, first), context.Input(node, first + 1),
                               context.OptionalInput(node, first + 2), axis);
  }
  const ValueId stored = WithQuantization(context, context.Input(node, first), context.Input(node, first + 1),
                                          context.OptionalInput(node, first + 2), axis);
  return context.EmitQuantized(OpId::kDequantize, {stored}, NoAttributes{}, kNone);
}

ValueId Quantized(OnnxContext& context, const OnnxNode& node, ValueId real, int first, DType missing) {
  const ValueId zero_point = context.OptionalInput(node, first + 1);
  ops::QuantizeAttributes attributes;
  attributes.to = zero_point == kNone ? missing : context.TypeOf(zero_point).dtype;
  attributes.rounding = ops::Rounding::kHalfEvenFloat;
  if (!IsFixedQuantization(context, context.Input(node, first), zero_point)) {
    return QuantizeAtRunTime(context, real, context.Input(node, first), zero_point, attributes.to, {});
  }
  const int32_t quantization =
      MakeQuantization(context, attributes.to, Shape{}, context.Input(node, first), zero_point, 0);
  return context.EmitQuantized(OpId::kQuantize, {real}, attributes, quantization);
}

ValueId WithBiasScale(OnnxContext& context, ValueId bias, const Quantization& x, const Quantization& weights,
                      float factor) {
  if (x.scales.size() != 1) throw ImportError(Unsupported("a bias beside an input with several scales"));
  std::vector<float> scales;
  for (float scale : weights.scales) scales.push_back(scale * x.scales[0] * factor);
  const Shape shape = context.TypeOf(bias).shape;
  const int axis = scales.size() > 1 ? shape.rank - 1 : kNone;
  if (scales.size() > 1 && (axis < 0 || shape[axis] != static_cast<int64_t>(scales.size()))) {
    throw ImportError(
        InvalidArgument("a bias %s beside %zu scales of the weights", ShapeText(shape).text, scales.size()));
  }
  context.SpendCopy(static_cast<int64_t>(scales.size()) * 8);
  const std::vector<int32_t> zero_points(scales.size(), 0);
  return context.WithQuantization(bias, Unwrap(context.graph().AddQuantization(scales, zero_points, axis)));
}

Outputs ConvertQuantizeLinear(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0), scale = context.Input(node, 1);
  const ValueId zero_point = context.OptionalInput(node, 2);
  const bool saturate = node.Int("saturate", 1) != 0;  // of 8-bit floats
  ops::QuantizeAttributes attributes;
  attributes.rounding = ops::Rounding::kHalfEvenFloat;
  const int64_t output_dtype = node.Int("output_dtype", 0), precision = node.Int("precision", 0);
  const int64_t float8 = zero_point != kNone ? context.Float8Of(zero_point) : output_dtype;
  if (IsFloat8(float8)) {
    const int64_t block = node.Int("block_size", 0);
    if (precision != 0 || block < 0)
      throw ImportError(Unsupported("precision or block_size of 8-bit floats"));
    const ValueId wide = context.Cast(context.Widened(x), DType::kF32);
    const ValueId divisor = BroadcastParameter(context, scale, wide, node.Int("axis", 1), block);
    const ValueId quotient = context.Emit(OpId::kDiv, {wide, divisor});
    return {EmitFloat8(context, quotient, static_cast<int32_t>(float8), saturate)};
  }
  if (output_dtype != 0) attributes.to = ElementType(output_dtype, "quantization to");
  if (zero_point != kNone) {
    const DType dtype = context.TypeOf(zero_point).dtype;
    if (output_dtype != 0 && dtype != attributes.to) {
      throw ImportError(
          InvalidArgument("output_dtype is %s, the zero point %s", NameOf(attributes.to), NameOf(dtype)));
    }
    attributes.to = dtype;
  }
  QuantizationLayout layout;
  layout.axis = node.Int("axis", 1);
  layout.block = node.Int("block_size", 0);
  if (layout.block < 0) throw ImportError(InvalidArgument("block_size is below 0"));
  if (precision != 0) layout.precision = ElementType(precision, "a quotient of");
  const DType given = context.TypeOf(x).dtype;
  const bool is_f32 =
      IsFloat(given) && given != DType::kF64 && (precision == 0 || layout.precision == DType::kF32);
  if (!is_f32 || layout.block > 0 || IsSubByte(attributes.to) ||
      !IsFixedQuantization(context, scale, zero_point) || !HasFixedChannels(context, x, scale, layout.axis)) {
    return {QuantizeAtRunTime(context, x, scale, zero_point, attributes.to, layout)};
  }
  const int32_t quantization =
      MakeQuantization(context, attributes.to, context.TypeOf(x).shape, scale, zero_point, layout.axis);
  return {context.EmitQuantized(OpId::kQuantize, {context.Widened(x)}, attributes, quantization)};
}

DynamicQuantization QuantizeDynamically(OnnxContext& context, ValueId x) {
  const auto bound = [&](ops::ReduceKind kind, OpId with_zero) {
    ops::ReduceAttributes attributes;
    attributes.kind = kind;
    attributes.keep_dims = false;
    const ValueId reduced = context.Emit(OpId::kReduce, {x}, attributes);
    return context.Emit(with_zero, {reduced, context.Float(0)});
  };
  const ValueId high = bound(ops::ReduceKind::kMax, OpId::kMax);
  const ValueId low = bound(ops::ReduceKind::kMin, OpId::kMin);
  const ValueId steps = context.Emit(OpId::kDiv, {context.Emit(OpId::kSub, {high, low}), context.Float(255)});
  ops::ClipAttributes bytes;
  bytes.min = 0, bytes.max = 255;
  const auto store = [&](ValueId number) { return context.Emit(OpId::kClip, {number}, bytes); };
  DynamicQuantization result;
  // Of nothing but zeros the scale is 1.
  const ValueId is_zero = context.Emit(OpId::kEqual, {steps, context.Float(0)});
  result.scale = context.Emit(OpId::kWhere, {is_zero, context.Float(1), steps});
  const ValueId offset = context.Emit(OpId::kNeg, {context.Emit(OpId::kDiv, {low, result.scale})});
  result.zero_point = context.Emit(OpId::kRound, {store(offset)});
  const ValueId units = context.Emit(OpId::kRound, {context.Emit(OpId::kDiv, {x, result.scale})});
  result.stored = store(context.Emit(OpId::kAdd, {units, result.zero_point}));
  return result;
}

Outputs ConvertDequantizeLinear(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId raw = context.Input(node, 0), scale = context.Input(node, 1);
  const ValueId zero_point = context.OptionalInput(node, 2);
  const int64_t axis = node.Int("axis", 1), block = node.Int("block_size", 0);
  if (block < 0) throw ImportError(InvalidArgument("block_size is below 0"));
  const int64_t output_dtype = node.Int("output_dtype", 0);
  const DType dtype =
      output_dtype != 0 ? ElementType(output_dtype, "real numbers of") : context.TypeOf(scale).dtype;
  if (!IsFloat(dtype)) throw ImportError(InvalidArgument("real numbers of %s", NameOf(dtype)));
  if (context.work().has_float8 && context.TypeOf(raw).dtype == DType::kF32) {  // their zero points are 0
    const ValueId factor = BroadcastParameter(context, scale, raw, axis, block);
    return {context.Narrowed(context.Emit(OpId::kMul, {raw, factor}), dtype)};
  }
  if (block > 0 || !IsFixedQuantization(context, scale, zero_point) ||
      !HasFixedChannels(context, raw, scale, axis)) {
    return {context.Narrowed(DequantizeAtRunTime(context, raw, scale, zero_point, axis, block), dtype)};
  }
  const ValueId stored = AsBytes(context, raw);
  const ValueId zero = stored == raw ? zero_point : AsBytes(context, zero_point);
  const ValueId x = WithQuantization(context, stored, scale, zero, axis);
  return {context.Narrowed(context.EmitQuantized(OpId::kDequantize, {x}, NoAttributes{}, kNone), dtype)};
}

// The range of x with 0, in 255 steps. Scale and zero point are computed at run time, so the integers are
// bare numbers: what multiplies them (MatMulInteger) subtracts the zero point.
Outputs ConvertDynamicQuantizeLinear(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const DynamicQuantization quantized = QuantizeDynamically(context, context.Input(node, 0));
  ops::CastAttributes to_bytes;
  to_bytes.to = DType::kU8;
  return {context.Emit(OpId::kCast, {quantized.stored}, to_bytes), quantized.scale,
          context.Emit(OpId::kCast, {quantized.zero_point}, to_bytes)};
}

}  // namespace mace::importers::onnx
