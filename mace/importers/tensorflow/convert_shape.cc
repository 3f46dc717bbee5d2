// Operators that tell or change shapes, and what converters of several families share.
#include <climits>

#include "mace/importers/tensorflow/tensorflow_registry.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/range.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tensorflow {

ValueId ToChannelsLast(Call& call, ValueId value) {
  const int rank = call.g.RankOf(value);
  if (rank < 3) throw ImportError(Unsupported("channels first, of a tensor of rank %d", rank));
  std::vector<int64_t> perm = {0};
  for (int i = 2; i < rank; ++i) perm.push_back(i);
  perm.push_back(1);
  return call.g.Transposed(value, perm);
}

ValueId ToChannelsFirst(Call& call, ValueId value) {
  const int rank = call.g.RankOf(value);
  std::vector<int64_t> perm = {0, rank - 1};
  for (int i = 1; i < rank - 1; ++i) perm.push_back(i);
  return call.g.Transposed(value, perm);
}

ValueId AsInt64(Call& call, ValueId value) { return call.g.Cast(value, DType::kI64); }

ValueId AsList(Call& call, ValueId value) {
  return call.g.RankOf(value) == 1 ? value : call.g.Reshaped(value, {-1});
}

ValueId ShapeValue(Call& call, ValueId value) {
  return call.g.Emit(OpId::kShape, {value}, ops::ShapeAttributes{});
}

ValueId ConcatLists(Call& call, std::initializer_list<ValueId> lists) {
  const std::span<const ValueId> inputs(lists.begin(), lists.size());
  return call.g.EmitMany(OpId::kConcat, inputs, ops::ConcatAttributes{}, 1)[0];
}

ValueId AsTensorflowInt(Call& call, ValueId value, std::string_view attribute, DType missing) {
  return call.g.Cast(value, call.Type(attribute, missing));
}

ValueId SliceAxis(Call& call, ValueId value, int64_t axis, int64_t begin, int64_t end, int64_t step) {
  GraphBuilder& g = call.g;
  return g.Emit(OpId::kSlice,
                {value, g.Int64s({begin}), g.Int64s({end}), g.Int64s({axis}), g.Int64s({step})});
}

Results ConvertShape(Call& call, const TensorflowOp& entry) {
  return {AsTensorflowInt(call, ShapeValue(call, call.In(0)), "out_type", DType::kI32)};
}

Results ConvertShapeN(Call& call, const TensorflowOp& entry) {
  Results results;
  for (ValueId value : call.inputs) {
    results.push_back(AsTensorflowInt(call, ShapeValue(call, value), "out_type", DType::kI32));
  }
  return results;
}

Results ConvertRank(Call& call, const TensorflowOp& entry) {
  if (const int rank = call.g.RankOf(call.In(0)); rank >= 0) return {call.g.Scalar(rank, DType::kI32)};
  const ValueId rank = ShapeValue(call, ShapeValue(call, call.In(0)));
  return {call.g.Cast(call.g.Reshaped(rank, std::span<const int64_t>{}), DType::kI32)};
}

Results ConvertSize(Call& call, const TensorflowOp& entry) {
  const ValueId size = ShapeValue(call, call.g.Reshaped(call.In(0), {-1}));
  // An empty list of sizes stands for the attribute `shape`, which makes a scalar of it.
  ops::SqueezeAttributes attributes;
  attributes.axes = {0};
  return {AsTensorflowInt(call, call.g.Emit(OpId::kSqueeze, {size}, attributes), "out_type", DType::kI32)};
}

Results ConvertReshape(Call& call, const TensorflowOp& entry) {
  ops::ReshapeAttributes attributes;
  attributes.allow_zero = true;
  GraphBuilder& g = call.g;
  if (g.IsConstant(call.In(1))) {
    const std::vector<int64_t> shape = g.ConstantInts(call.In(1), "the shape", kMaxRank);
    for (int64_t dim : shape) attributes.shape.Push(dim);
    if (!shape.empty()) return {g.Emit(OpId::kReshape, {call.In(0)}, attributes)};
    attributes.shape = {};
  }
  return {g.Emit(OpId::kReshape, {call.In(0), AsInt64(call, call.In(1))}, attributes)};
}

Results ConvertExpandDims(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  ops::UnsqueezeAttributes attributes;
  if (!g.IsConstant(call.In(1))) {
    return {g.Emit(OpId::kUnsqueeze, {call.In(0), AsList(call, AsInt64(call, call.In(1)))}, attributes)};
  }
  for (int64_t axis : g.ConstantInts(call.In(1), "the axis", 1)) attributes.axes.Push(axis);
  return {g.Emit(OpId::kUnsqueeze, {call.In(0)}, attributes)};
}

Results ConvertSqueeze(Call& call, const TensorflowOp& entry) {
  ops::SqueezeAttributes attributes;
  std::vector<int64_t> axes = call.Ints("squeeze_dims");
  if (axes.empty()) axes = call.Ints("axis");
  for (int64_t axis : axes) {
    if (!attributes.axes.Push(axis)) throw ImportError(DataLoss("%zu axes", axes.size()));
  }
  return {call.g.Emit(OpId::kSqueeze, {call.In(0)}, attributes)};
}

Results ConvertBroadcastTo(Call& call, const TensorflowOp& entry) {
  return {call.g.Emit(OpId::kExpand, {call.In(0), AsInt64(call, call.In(1))})};
}

// The shape of what two tensors of these shapes broadcast to: that of a tensor that was broadcast to both.
Results ConvertBroadcastShape(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const ValueId one = g.Scalar(0, DType::kF32);
  const ValueId a = g.Emit(OpId::kExpand, {one, AsInt64(call, call.In(0))});
  const ValueId b = g.Emit(OpId::kExpand, {a, AsInt64(call, call.In(1))});
  return {AsTensorflowInt(call, ShapeValue(call, b), "T", DType::kI32)};
}

Results ConvertFill(Call& call, const TensorflowOp& entry) {
  return {call.g.Emit(OpId::kExpand, {call.In(1), AsInt64(call, call.In(0))})};
}

Results ConvertRange(Call& call, const TensorflowOp& entry) {
  return {call.g.Emit(OpId::kRange, {call.In(0), call.In(1), call.In(2)})};
}

Results ConvertLinSpace(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const ValueId start = call.In(0), stop = call.In(1), count = AsInt64(call, call.In(2));
  const DType dtype = g.DTypeOf(start);
  const ValueId one = g.Scalar(1, DType::kI64);
  const ValueId steps = g.Emit(OpId::kRange, {g.Scalar(0, DType::kI64), count, one});
  const ValueId gaps = g.Emit(OpId::kMax, {g.Emit(OpId::kSub, {count, one}), one});
  const ValueId step = g.Emit(OpId::kDiv, {g.Emit(OpId::kSub, {stop, start}), g.Cast(gaps, dtype)});
  return {g.Emit(OpId::kAdd, {g.Emit(OpId::kMul, {g.Cast(steps, dtype), step}), start})};
}

// A shape that the file states and TensorFlow checks: what it tells is taken.
Results ConvertEnsureShape(Call& call, const TensorflowOp& entry) {
  const Shape stated = call.ShapeOf("shape");
  const ValueId x = call.In(0);
  if (!stated.HasRank() || call.g.ShapeOf(x).IsConcrete()) return {x};
  ops::ReshapeAttributes attributes;
  int unknown = 0;
  for (int64_t dim : stated.span()) {
    unknown += dim < 0 ? 1 : 0;
    attributes.shape.Push(dim < 0 ? -1 : dim);
  }
  if (unknown > 1 || stated.rank == 0) return {x};
  attributes.allow_zero = true;
  return {call.g.Emit(OpId::kReshape, {x}, attributes)};
}

}  // namespace mace::importers::tensorflow
