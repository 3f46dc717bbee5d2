#include "mace/importers/onnx/emit_norm.h"

#include "mace/importers/onnx/open_rank.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::onnx {

DType WideTypeOf(DType dtype) { return dtype == DType::kF16 || dtype == DType::kBF16 ? DType::kF32 : dtype; }

ValueId EmitReduce(OnnxContext& context, ops::ReduceKind kind, ValueId x, const IntList& axes,
                   bool keep_dims) {
  ops::ReduceAttributes attributes;
  attributes.kind = kind;
  attributes.axes = axes;
  attributes.keep_dims = keep_dims;
  return context.Emit(OpId::kReduce, {x}, attributes);
}

ValueId EmitSpatialReduce(OnnxContext& context, ops::ReduceKind kind, ValueId x) {
  ops::ReduceAttributes attributes;
  attributes.kind = kind;
  const int rank = context.RankOf(x);
  if (rank < 0) {
    attributes.empty_is_none = true;
    return context.Emit(OpId::kReduce, {x, AxesFrom(context, x, 2)}, attributes);
  }
  if (rank < 3) throw ImportError(InvalidArgument("expected [N, C, ...], got rank %d", rank));
  for (int i = 2; i < rank; ++i) attributes.axes.Push(i);
  return context.Emit(OpId::kReduce, {x}, attributes);
}

// x - max - log(sum(exp(x - max))): the logarithm of a Softmax loses what is small.
ValueId EmitLogSoftmax(OnnxContext& context, ValueId x, int64_t axis) {
  const DType dtype = context.TypeOf(x).dtype;
  x = context.Widened(x);
  const ValueId highest = EmitReduce(context, ops::ReduceKind::kMax, x, {axis}, true);
  const ValueId shifted = context.Emit(OpId::kSub, {x, highest});
  const ValueId powers = context.Emit(OpId::kExp, {shifted});
  const ValueId sum = EmitReduce(context, ops::ReduceKind::kSum, powers, {axis}, true);
  return context.Cast(context.Emit(OpId::kSub, {shifted, context.Emit(OpId::kLog, {sum})}), dtype);
}

ValueId PerChannel(OnnxContext& context, ValueId vector, int rank) {
  IntList shape = {-1};
  for (int i = 2; i < rank; ++i) shape.Push(1);
  return shape.size() == 1 ? vector : context.Reshape(vector, shape);
}

namespace {

// Scale and bias may be smaller than what is normalised, as NumPy broadcasts; the IR's have its very shape.
// `axis`: of x, from the end where x's rank is not known.
ValueId BroadcastToNormalized(OnnxContext& context, ValueId value, ValueId x, int axis) {
  const Shape shape = context.TypeOf(value).shape;
  const Shape x_shape = context.TypeOf(x).shape;
  const int rank = axis < 0 ? -axis : x_shape.rank - axis;
  bool fits = shape.rank == rank;
  for (int i = 0; fits && i < rank; ++i) {
    fits = shape[i] != 1 || (x_shape.HasRank() && x_shape[axis + i] == 1);
  }
  if (fits) return value;
  if (shape.rank > rank) {
    IntList leading;  // must be of size 1: Squeeze says so where they are not
    for (int i = 0; i < shape.rank - rank; ++i) leading.Push(i);
    return BroadcastToNormalized(context, context.Squeeze(value, leading), x, axis);
  }
  return context.WithRank(context.Emit(OpId::kExpand, {value, SizesFrom(context, x, axis)}), rank);
}

// x, whose rank is not known, is a matrix for the IR: it is cut at an axis counted from the front.
std::vector<ValueId> EmitFromCountedAxis(OnnxContext& context, ValueId x, ValueId scale, ValueId bias,
                                         LayerNormalizationForm form, int outputs) {
  const int64_t axis = form.axis;
  ops::FlattenAttributes flatten;
  flatten.axis = axis;
  const ValueId matrix = context.Emit(OpId::kFlatten, {x}, flatten);
  const auto as_row = [&](ValueId value) {
    if (value == kNone) return kNone;
    const ValueId all = context.Emit(OpId::kExpand, {value, SizesFrom(context, x, axis)});
    return context.Reshape(all, IntList{-1});
  };
  form.axis = -1;
  std::vector<ValueId> results =
      EmitLayerNormalization(context, matrix, as_row(scale), as_row(bias), form, outputs);
  results[0] = ShapedLike(context, results[0], x);
  for (size_t i = 1; i < results.size(); ++i) {
    const ValueId shape = Joined(context, {SizesFrom(context, x, 0, axis), OnesFrom(context, x, axis)});
    results[i] = Reshaped(context, results[i], shape);
  }
  return results;
}

}  // namespace

std::vector<ValueId> EmitLayerNormalization(OnnxContext& context, ValueId x, ValueId scale, ValueId bias,
                                            const LayerNormalizationForm& form, int outputs) {
  ops::LayerNormalizationAttributes attributes;
  const int x_rank = context.RankOf(x);
  if (x_rank < 0 && form.axis >= 0) return EmitFromCountedAxis(context, x, scale, bias, form, outputs);
  if (form.axis < -kMaxRank)
    throw ImportError(InvalidArgument("axis %lld", static_cast<long long>(form.axis)));
  attributes.axis = x_rank < 0 ? form.axis : context.NormalizedAxis(form.axis, x_rank);
  attributes.epsilon = form.epsilon;
  attributes.root_mean_square = form.root_mean_square;
  const auto axis = static_cast<int>(attributes.axis);
  std::vector<ValueId> inputs = {x};
  for (const ValueId operand : {scale, bias}) {
    inputs.push_back(operand == kNone ? kNone : BroadcastToNormalized(context, operand, x, axis));
  }
  while (inputs.back() == kNone) inputs.pop_back();
  return context.EmitMany(OpId::kLayerNormalization, inputs, attributes, outputs);
}

int ReadOutputs(const OnnxContext& context, const OnnxNode& node) {
  int count = 1;
  for (int i = 1; i < node.output_count(); ++i) {
    if (node.HasOutput(i) && context.IsRead(node.OutputName(i))) count = i + 1;
  }
  return count;
}

}  // namespace mace::importers::onnx
