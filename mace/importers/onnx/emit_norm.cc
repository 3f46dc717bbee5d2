#include "mace/importers/onnx/emit_norm.h"

#include "mace/ops/norm/norm.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::onnx {

ValueId CastTo(OnnxContext& context, ValueId value, DType dtype) {
  if (context.TypeOf(value).dtype == dtype) return value;
  ops::CastAttributes attributes;
  attributes.to = dtype;
  return context.Emit(OpId::kCast, {value}, attributes);
}

DType WideTypeOf(DType dtype) { return dtype == DType::kF16 || dtype == DType::kBF16 ? DType::kF32 : dtype; }

ValueId Widened(OnnxContext& context, ValueId value) {
  return value == kNone ? kNone : CastTo(context, value, WideTypeOf(context.TypeOf(value).dtype));
}

int RequireRank(const OnnxContext& context, ValueId value) {
  if (context.TypeOf(value).shape.HasRank()) return context.RankOf(value);
  throw ImportError(Unsupported("an operand whose rank is not known before data are there"));
}

int64_t AxisOf(const OnnxContext& context, int64_t axis, ValueId value) {
  if (!context.TypeOf(value).shape.HasRank()) return axis;
  return context.NormalizedAxis(axis, context.RankOf(value));
}

ValueId EmitReduce(OnnxContext& context, ops::ReduceKind kind, ValueId x, const IntList& axes,
                   bool keep_dims) {
  ops::ReduceAttributes attributes;
  attributes.kind = kind;
  attributes.axes = axes;
  attributes.keep_dims = keep_dims;
  return context.Emit(OpId::kReduce, {x}, attributes);
}

// x - max - log(sum(exp(x - max))): the logarithm of a Softmax loses what is small.
ValueId EmitLogSoftmax(OnnxContext& context, ValueId x, int64_t axis) {
  const DType dtype = context.TypeOf(x).dtype;
  x = Widened(context, x);
  const ValueId highest = EmitReduce(context, ops::ReduceKind::kMax, x, {axis}, true);
  const ValueId shifted = context.Emit(OpId::kSub, {x, highest});
  const ValueId powers = context.Emit(OpId::kExp, {shifted});
  const ValueId sum = EmitReduce(context, ops::ReduceKind::kSum, powers, {axis}, true);
  return CastTo(context, context.Emit(OpId::kSub, {shifted, context.Emit(OpId::kLog, {sum})}), dtype);
}

ValueId PerChannel(OnnxContext& context, ValueId vector, int rank) {
  IntList shape = {-1};
  for (int i = 2; i < rank; ++i) shape.Push(1);
  return shape.size() == 1 ? vector : context.Reshape(vector, shape);
}

namespace {

// Scale and bias may be smaller than what is normalised, as NumPy broadcasts; the IR's have its very shape.
ValueId BroadcastToNormalized(OnnxContext& context, ValueId value, ValueId x, int axis) {
  RequireRank(context, value);
  const Shape shape = context.TypeOf(value).shape;
  const Shape x_shape = context.TypeOf(x).shape;
  const int rank = x_shape.rank - axis;
  bool fits = shape.rank == rank;
  for (int i = 0; fits && i < rank; ++i) fits = shape[i] < 0 || shape[i] != 1 || x_shape[axis + i] == 1;
  if (fits) return value;
  if (shape.rank > rank) {
    IntList leading;  // must be of size 1: Squeeze says so where they are not
    for (int i = 0; i < shape.rank - rank; ++i) leading.Push(i);
    return BroadcastToNormalized(context, context.Squeeze(value, leading), x, axis);
  }
  ops::ShapeAttributes attributes;
  attributes.start = axis;
  return context.Emit(OpId::kExpand, {value, context.Emit(OpId::kShape, {x}, attributes)});
}

}  // namespace

std::vector<ValueId> EmitLayerNormalization(OnnxContext& context, ValueId x, ValueId scale, ValueId bias,
                                            const LayerNormalizationForm& form, int outputs) {
  ops::LayerNormalizationAttributes attributes;
  attributes.axis = context.NormalizedAxis(form.axis, RequireRank(context, x));
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
