#include "mace/importers/onnx/open_rank.h"

#include "mace/importers/onnx/emit_norm.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/range.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::onnx {
namespace {

// How many elements the axes [begin, end) have together, as a list of one.
ValueId CountOf(OnnxContext& context, ValueId x, int64_t begin, int64_t end) {
  return EmitReduce(context, ops::ReduceKind::kProd, SizesFrom(context, x, begin, end), {0}, true);
}

}  // namespace

ValueId Reshaped(OnnxContext& context, ValueId x, ValueId shape) {
  ops::ReshapeAttributes exact;
  exact.allow_zero = true;
  return context.EmitMoved(OpId::kReshape, {x, shape}, exact);
}

ValueId Joined(OnnxContext& context, std::initializer_list<ValueId> lists) {
  return context.Emit(OpId::kConcat, lists, ops::ConcatAttributes{});
}

ValueId SizesFrom(OnnxContext& context, ValueId x, int64_t begin, int64_t end) {
  ops::ShapeAttributes attributes;
  attributes.start = begin;
  attributes.end = end;
  return context.Emit(OpId::kShape, {x}, attributes);
}

ValueId OnesFrom(OnnxContext& context, ValueId x, int64_t axis) {
  ops::ConstantOfShapeAttributes ones;
  ones.dtype = DType::kI64;
  ones.int_value = 1;
  return context.Emit(OpId::kConstantOfShape, {SizesFrom(context, SizesFrom(context, x, axis), 0)}, ones);
}

ValueId AxesFrom(OnnxContext& context, ValueId x, int64_t axis) {
  const ValueId rank = context.Reshape(SizesFrom(context, SizesFrom(context, x, 0), 0), IntList{});
  ValueId first = context.Int64(axis);
  if (axis < 0) first = context.Emit(OpId::kAdd, {rank, first});
  return context.Emit(OpId::kRange, {first, rank, context.Int64(1)});
}

ValueId ShapedLike(OnnxContext& context, ValueId y, ValueId x) {
  return Reshaped(context, y, SizesFrom(context, x, 0));
}

ValueId WithLeadingOnes(OnnxContext& context, ValueId x, int rank) {
  const ValueId sizes = SizesFrom(context, x, 0);
  ops::ConstantOfShapeAttributes ones;
  ones.dtype = DType::kI64;
  ones.int_value = 1;
  const ValueId missing = context.Emit(
      OpId::kSub, {context.Int64s(IntList{rank}), SizesFrom(context, sizes, 0)}, ops::RoundingAttributes{});
  const ValueId front = context.Emit(OpId::kConstantOfShape, {missing}, ones);
  return context.WithRank(Reshaped(context, x, Joined(context, {front, sizes})), rank);
}

ValueId AsChannelRows(OnnxContext& context, ValueId x) {
  if (context.TypeOf(x).shape.HasRank()) return x;
  const ValueId shape = Joined(context, {SizesFrom(context, x, 0, 2), CountOf(context, x, 2, INT64_MAX)});
  return context.WithRank(Reshaped(context, x, shape), 3);
}

ValueId FromChannelRows(OnnxContext& context, ValueId y, ValueId rows, ValueId x) {
  return rows == x ? y : ShapedLike(context, y, x);
}

ValueId ChannelsLastOfOpenRank(OnnxContext& context, ValueId x) {
  const ValueId last = context.Transpose(AsChannelRows(context, x), {0, 2, 1});
  return Reshaped(
      context, last,
      Joined(context, {SizesFrom(context, x, 0, 1), SizesFrom(context, x, 2), SizesFrom(context, x, 1, 2)}));
}

ValueId ChannelsFirstOfOpenRank(OnnxContext& context, ValueId x) {
  const ValueId batch = SizesFrom(context, x, 0, 1), channels = SizesFrom(context, x, -1);
  const ValueId rows = context.WithRank(
      Reshaped(context, x, Joined(context, {batch, CountOf(context, x, 1, -1), channels})), 3);
  return Reshaped(context, context.Transpose(rows, {0, 2, 1}),
                  Joined(context, {batch, channels, SizesFrom(context, x, 1, -1)}));
}

}  // namespace mace::importers::onnx
