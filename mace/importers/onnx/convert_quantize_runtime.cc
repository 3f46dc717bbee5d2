// Scales and zero points that the IR's Quantize and Dequantize cannot hold as part of a value's type:
// computed at run time, of blocks, to integers of 4 and 2 bits. Made of ordinary elementwise operators in
// float32, which holds every integer of 16 bits and every distance of two.
#include <algorithm>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/open_rank.h"
#include "mace/importers/onnx/quantized_operand.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/unary/unary.h"

namespace mace::importers::onnx {
namespace {

bool IsSigned(DType dtype) {
  return dtype == DType::kI2 || dtype == DType::kI4 || dtype == DType::kI8 || dtype == DType::kI16;
}

// `scales` once for each element of `axis` of `value`, of which each holds for `block` elements.
ValueId RepeatBlocks(OnnxContext& context, ValueId scales, ValueId value, int64_t axis, int64_t block) {
  ops::GatherAttributes attributes;
  attributes.axis = axis;
  const Shape &shape = context.TypeOf(value).shape, own = context.TypeOf(scales).shape;
  const bool is_open = !shape.HasRank() || !own.HasRank();
  const int64_t size = is_open ? kUnknownDim : shape[static_cast<int>(axis)];
  const int64_t blocks = is_open ? kUnknownDim : own[static_cast<int>(axis)];
  if (size < 0) {
    const ValueId sizes = SizesFrom(context, value, axis, axis == -1 ? INT64_MAX : axis + 1);
    const ValueId length = context.Reshape(sizes, IntList{});
    const ValueId indices = context.Emit(OpId::kRange, {context.Int64(0), length, context.Int64(1)});
    const ValueId owners =
        context.Emit(OpId::kDiv, {indices, context.Int64(block)}, ops::RoundingAttributes{});
    return context.Emit(OpId::kGather, {scales, owners}, attributes);
  }
  if (blocks >= 0 && blocks != (size + block - 1) / block) {
    throw ImportError(InvalidArgument("%lld scales for %lld elements in blocks of %lld",
                                      static_cast<long long>(blocks), static_cast<long long>(size),
                                      static_cast<long long>(block)));
  }
  context.SpendCopy(size * static_cast<int64_t>(sizeof(int64_t)));
  std::vector<int64_t> owners(static_cast<size_t>(size));
  for (int64_t i = 0; i < size; ++i) owners[static_cast<size_t>(i)] = i / block;
  return context.Emit(OpId::kGather, {scales, context.Int64s(owners)}, attributes);
}

// BroadcastParameter where one of both ranks is not known.
ValueId BroadcastOpenRank(OnnxContext& context, ValueId parameter, ValueId value, int64_t axis) {
  const int own_rank = context.RankOf(parameter);
  if (own_rank > 1) return parameter;
  ValueId dims = context.Int64s(IntList{-1});
  if (axis != -1) dims = Joined(context, {dims, OnesFrom(context, value, axis + 1)});
  if (own_rank < 0) {  // one scale adds no axis to a tensor that lacks `axis`
    const ValueId rank = SizesFrom(context, SizesFrom(context, value, 0), 0);
    dims = context.Emit(OpId::kSlice, {dims, context.Int64s(IntList{0}), rank});
  }
  return Reshaped(context, parameter, dims);
}

}  // namespace

bool IsFixedQuantization(const OnnxContext& context, ValueId scale, ValueId zero_point) {
  if (!context.IsConstant(scale) || (zero_point != kNone && !context.IsConstant(zero_point))) return false;
  return IsFloat(context.TypeOf(scale).dtype) && context.RankOf(scale) <= 1;
}

ValueId BroadcastParameter(OnnxContext& context, ValueId parameter, ValueId value, int64_t axis,
                           int64_t block) {
  ValueId wide = context.Cast(context.Widened(parameter), DType::kF32);
  Shape own = context.TypeOf(wide).shape;
  if (own.rank == 0) return wide;
  const Shape shape = value == kNone ? Shape{} : context.TypeOf(value).shape;
  const bool is_one = block == 0 && own.rank == 1 && own[0] == 1;
  if (is_one || (shape.rank == 0 && !own.HasRank())) return context.Reshape(wide, IntList{});
  if (block > 0) {
    wide = context.WithRank(wide, shape.rank);
    own = context.TypeOf(wide).shape;
    if (!shape.HasRank()) return RepeatBlocks(context, wide, value, axis, block);
  }
  if (!shape.HasRank() || !own.HasRank()) return BroadcastOpenRank(context, wide, value, axis);
  const int normalized = context.NormalizedAxis(axis, shape.rank);
  if (own.rank == shape.rank && (own.rank > 1 || block > 0)) {
    return block > 0 ? RepeatBlocks(context, wide, value, normalized, block) : wide;
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
  if (block > 0) stored = context.WithRank(stored, context.RankOf(scale));
  if (!IsInteger(context.TypeOf(stored).dtype)) {
    throw ImportError(
        InvalidArgument("input of %s, expected integers", NameOf(context.TypeOf(stored).dtype)));
  }
  ValueId distance = context.Cast(stored, DType::kF32);
  if (zero_point != kNone) {
    const ValueId zero = BroadcastParameter(context, zero_point, stored, axis, block);
    distance = context.Emit(OpId::kSub, {distance, zero});
  }
  return context.Emit(OpId::kMul, {distance, BroadcastParameter(context, scale, stored, axis, block)});
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
  if (layout.block > 0) real = context.WithRank(real, context.RankOf(scale));
  const bool in_double = layout.precision == DType::kF64;
  const DType computed = in_double ? DType::kF64 : DType::kF32;
  const ValueId divisor = BroadcastParameter(context, scale, real, layout.axis, layout.block);
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
    zero = context.Cast(BroadcastParameter(context, zero_point, real, layout.axis, layout.block), computed);
  }
  return StoreRounded(context, units, zero, to);
}

}  // namespace mace::importers::onnx
