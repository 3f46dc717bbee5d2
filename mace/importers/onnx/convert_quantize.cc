// QuantizeLinear and DequantizeLinear: scale and zero point become part of the value's type.
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {
namespace {

int32_t ZeroPoint(const TensorView& view, int64_t i) {
  switch (view.dtype) {
    case DType::kU8:
      return view.as<uint8_t>()[i];
    case DType::kI8:
      return view.as<int8_t>()[i];
    case DType::kI16:
      return view.as<int16_t>()[i];
    case DType::kU16:
      return view.as<uint16_t>()[i];
    case DType::kI32:
      return view.as<int32_t>()[i];
    default:
      throw ImportError(Unsupported("a zero point of type %s", NameOf(view.dtype)));
  }
}

}  // namespace

int32_t MakeQuantization(OnnxContext& context, DType dtype, const Shape& shape, ValueId scale,
                         ValueId zero_point, int64_t axis) {
  Graph& graph = context.graph();
  const TensorView* scales = graph.ConstantOf(scale);
  const TensorView* zeros = graph.ConstantOf(zero_point);
  if (scales == nullptr || (zero_point != kNone && zeros == nullptr)) {
    throw ImportError(Unsupported("scales or zero points computed at run time are not supported"));
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

Outputs ConvertQuantizeLinear(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const ValueId scale = context.Input(node, 1);
  const ValueId zero_point = context.OptionalInput(node, 2);
  node.RequireInt("block_size", 0);
  node.RequireInt("precision", 0);
  node.Ignore("saturate");
  ops::QuantizeAttributes attributes;
  const int64_t output_dtype = node.Int("output_dtype", 0);
  if (zero_point != kNone) {
    attributes.to = context.TypeOf(zero_point).dtype;
  } else if (output_dtype != 0) {
    attributes.to =
        DTypeOfOnnx(output_dtype > 0 && output_dtype < 1000 ? static_cast<int32_t>(output_dtype) : -1);
    if (attributes.to == DType::kInvalid)
      throw ImportError(Unsupported("output_dtype %lld", static_cast<long long>(output_dtype)));
  }
  attributes.rounding = ops::Rounding::kHalfEvenFloat;
  const Shape shape = context.TypeOf(x).shape;
  const int32_t quantization =
      MakeQuantization(context, attributes.to, shape, scale, zero_point, node.Int("axis", 1));
  return {context.EmitQuantized(OpId::kQuantize, {x}, attributes, quantization)};
}

Outputs ConvertDequantizeLinear(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId raw = context.Input(node, 0);
  node.RequireInt("block_size", 0);
  node.RequireInt("output_dtype", 0);
  const ValueId x = WithQuantization(context, raw, context.Input(node, 1), context.OptionalInput(node, 2),
                                     node.Int("axis", 1));
  return {context.EmitQuantized(OpId::kDequantize, {x}, NoAttributes{}, kNone)};
}

}  // namespace mace::importers::onnx
