// Scales and zero points that the IR's Quantize and Dequantize cannot hold as part of a value's type:
// computed at run time, of blocks, to integers of 4 and 2 bits. Made of ordinary elementwise operators in
// float32, which holds every integer of 16 bits and every distance of two.
#include <algorithm>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/quantized_operand.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/unary/unary.h"

namespace mace::importers::onnx {
namespace {

bool IsSigned(DType dtype) {
  return dtype == DType::kI2 || dtype == DType::kI4 || dtype == DType::kI8 || dtype == DType::kI16;
}

// `scales` once for each element of `axis`, of which each holds for `block` elements.
ValueId RepeatBlocks(OnnxContext& context, ValueId scales, const Shape& shape, int axis, int64_t block) {
  const int64_t size = shape[axis];
  const int64_t blocks = context.TypeOf(scales).shape[axis];
  if (size < 0) throw ImportError(Unsupported("blocks along a dimension that is not known"));
  if (blocks >= 0 && blocks != (size + block - 1) / block) {
    throw ImportError(InvalidArgument("%lld scales for %lld elements in blocks of %lld",
                                      static_cast<long long>(blocks), static_cast<long long>(size),
                                      static_cast<long long>(block)));
  }
  context.SpendCopy(size * static_cast<int64_t>(sizeof(int64_t)));
  std::vector<int64_t> owners(static_cast<size_t>(size));
  for (int64_t i = 0; i < size; ++i) owners[static_cast<size_t>(i)] = i / block;
  ops::GatherAttributes attributes;
  attributes.axis = axis;
  return context.Emit(OpId::kGather, {scales, context.Int64s(owners)}, attributes);
}

}  // namespace

bool IsFixedQuantization(const OnnxContext& context, ValueId scale, ValueId zero_point) {
  if (!context.IsConstant(scale) || (zero_point != kNone && !context.IsConstant(zero_point))) return false;
  return IsFloat(context.TypeOf(scale).dtype) && context.RankOf(scale) <= 1;
}

ValueId BroadcastParameter(OnnxContext& context, ValueId parameter, const Shape& shape, int64_t axis,
                           int64_t block) {
  ValueId wide = context.Cast(context.Widened(parameter), DType::kF32);
  const Shape own = context.TypeOf(wide).shape;
  if (!own.HasRank()) throw ImportError(Unsupported("a scale or zero point of unknown rank"));
  if (own.rank == 0) return wide;
  if (block == 0 && own.rank == 1 && own[0] == 1) return context.Reshape(wide, IntList{});
  if (!shape.HasRank()) throw ImportError(Unsupported("several scales of a tensor of unknown rank"));
  const int normalized = context.NormalizedAxis(axis, shape.rank);
  if (own.rank == shape.rank && (own.rank > 1 || block > 0)) {
    return block > 0 ? RepeatBlocks(context, wide, shape, normalized, block) : wide;
  }
  if (block > 0 || own.rank > 1) {
    throw ImportError(InvalidArgument("scales or zero points %s of a tensor %s", ShapeText(own).text,
                                      ShapeText(shape).text));
  }
  if (own[0] >= 0 && shape[normalized] >= 0 && own[0] != shape[normalized]) {
    throw ImportError(InvalidArgument("%lld scales for axis %d of %s", static_cast<long long>(own[0]),
                                      normalized, ShapeText(shape).text));
  }
  IntList dims = {-1};
  for (int i = normalized + 1; i < shape.rank; ++i) dims.Push(1);
  return dims.size() == 1 ? wide : context.Reshape(wide, dims);
}

ValueId DequantizeAtRunTime(OnnxContext& context, ValueId stored, ValueId scale, ValueId zero_point,
                            int64_t axis, int64_t block) {
  const Shape shape = context.TypeOf(stored).shape;
  if (!IsInteger(context.TypeOf(stored).dtype)) {
    throw ImportError(
        InvalidArgument("input of %s, expected integers", NameOf(context.TypeOf(stored).dtype)));
  }
  ValueId distance = context.Cast(stored, DType::kF32);
  if (zero_point != kNone) {
    const ValueId zero = BroadcastParameter(context, zero_point, shape, axis, block);
    distance = context.Emit(OpId::kSub, {distance, zero});
  }
  return context.Emit(OpId::kMul, {distance, BroadcastParameter(context, scale, shape, axis, block)});
}

ValueId StoreRounded(OnnxContext& context, ValueId units, ValueId zero_point, DType to) {
  const int bits = BitsOf(to);
  if (!IsInteger(to) || bits > 16) throw ImportError(Unsupported("quantization to %s", NameOf(to)));
  ValueId stored = context.Emit(OpId::kRound, {units});
  if (zero_point != kNone) stored = context.Emit(OpId::kAdd, {stored, zero_point});
  ops::ClipAttributes range;
  const int highest = (1 << (IsSigned(to) ? bits - 1 : bits)) - 1;
  range.max = static_cast<float>(highest);
  range.min = IsSigned(to) ? -range.max - 1 : 0;
  return context.Cast(context.Emit(OpId::kClip, {stored}, range), to);
}

ValueId QuantizeAtRunTime(OnnxContext& context, ValueId real, ValueId scale, ValueId zero_point, DType to,
                          const QuantizationLayout& layout) {
  const Shape shape = context.TypeOf(real).shape;
  const bool in_double = layout.precision == DType::kF64;
  const DType computed = in_double ? DType::kF64 : DType::kF32;
  const ValueId divisor = BroadcastParameter(context, scale, shape, layout.axis, layout.block);
  ValueId units = context.Emit(
      OpId::kDiv, {context.Cast(context.Widened(real), computed), context.Cast(divisor, computed)});
  if (layout.precision == DType::kF16 || layout.precision == DType::kBF16) {
    units = context.Cast(context.Cast(units, layout.precision), DType::kF32);
  }
  ValueId zero = kNone;
  if (zero_point != kNone) {
    if (context.TypeOf(zero_point).dtype != to) {
      throw ImportError(InvalidArgument("a zero point of %s for integers of %s",
                                        NameOf(context.TypeOf(zero_point).dtype), NameOf(to)));
    }
    zero = context.Cast(BroadcastParameter(context, zero_point, shape, layout.axis, layout.block), computed);
  }
  return StoreRounded(context, units, zero, to);
}

}  // namespace mace::importers::onnx
