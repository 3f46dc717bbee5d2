// Reductions, normalisations and recurrent layers.
#include <algorithm>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/quantized_operand.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/recurrent/recurrent.h"
#include "mace/ops/reduce/arg_reduce.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/search/top_k.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::onnx {

Outputs ConvertReduce(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::ReduceAttributes attributes;
  attributes.kind = static_cast<ops::ReduceKind>(entry.argument);
  attributes.keep_dims = node.Int("keepdims", 1) != 0;
  const bool empty_is_none = node.Int("noop_with_empty_axes", 0) != 0;
  // ReduceSum took its axes as an input from opset 13 on, the others from 18 on.
  const int64_t input_since = entry.op_type == "ReduceSum" ? 13 : 18;
  if (context.opset() >= input_since) {
    if (node.HasInput(1)) attributes.axes = context.ConstantInts(context.Input(node, 1), "axes");
  } else {
    attributes.axes = node.Ints("axes").value_or(IntList{});
  }
  const int rank = context.RankOf(x);
  for (int i = 0; i < attributes.axes.size(); ++i) {
    attributes.axes[i] = context.NormalizedAxis(attributes.axes[i], rank);
  }
  if ((attributes.axes.empty() && empty_is_none) || rank == 0) {
    if (attributes.kind == ops::ReduceKind::kL2 || attributes.kind == ops::ReduceKind::kSumSquare) {
      throw ImportError(Unsupported("a reduction over no axes"));
    }
    return {context.Emit(OpId::kIdentity, {x})};
  }
  return {context.Emit(OpId::kReduce, {x}, attributes)};
}

Outputs ConvertArgReduce(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::ArgReduceAttributes attributes;
  attributes.kind = static_cast<ops::ArgReduceKind>(entry.argument);
  attributes.axis = context.NormalizedAxis(node.Int("axis", 0), context.RankOf(x));
  attributes.keep_dims = node.Int("keepdims", 1) != 0;
  attributes.select_last = node.Int("select_last_index", 0) != 0;
  return {context.Emit(OpId::kArgReduce, {x}, attributes)};
}

// k was an attribute before opset 10. Sorted or not: an order is given in both cases.
Outputs ConvertTopK(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::TopKAttributes attributes;
  attributes.axis = AxisOf(context, node.Int("axis", -1), context.RankOf(x));
  attributes.largest = node.Int("largest", 1) != 0;
  node.Ignore("sorted");
  const ValueId k = context.opset() < 10 ? context.Int64s(IntList{node.Int("k", 0)}) : context.Input(node, 1);
  const ValueId inputs[] = {x, k};
  return context.EmitMany(OpId::kTopK, inputs, attributes, 2);
}

namespace {

ValueId EmitReduce(OnnxContext& context, ops::ReduceKind kind, ValueId x, const IntList& axes,
                   bool keep_dims) {
  ops::ReduceAttributes attributes;
  attributes.kind = kind;
  attributes.axes = axes;
  attributes.keep_dims = keep_dims;
  return context.Emit(OpId::kReduce, {x}, attributes);
}

// x - max - log(sum(exp(x - max))): the logarithm of a Softmax loses what is small.
ValueId EmitLogSoftmaxOf(OnnxContext& context, ValueId x, int64_t axis) {
  const ValueId highest = EmitReduce(context, ops::ReduceKind::kMax, x, {axis}, true);
  const ValueId shifted = context.Emit(OpId::kSub, {x, highest});
  const ValueId powers = context.Emit(OpId::kExp, {shifted});
  const ValueId sum = EmitReduce(context, ops::ReduceKind::kSum, powers, {axis}, true);
  return context.Emit(OpId::kSub, {shifted, context.Emit(OpId::kLog, {sum})});
}

ValueId EmitSoftmaxOf(OnnxContext& context, ValueId x, int64_t axis) {
  ops::SoftmaxAttributes attributes;
  attributes.axis = axis;
  return context.Emit(OpId::kSoftmax, {x}, attributes);
}

// Before opset 13 Softmax works on the tensor seen as a matrix, cut at `axis`.
ValueId EmitSoftmax(OnnxContext& context, ValueId x, int axis, bool as_matrix, bool logarithm = false) {
  const auto emit = logarithm ? EmitLogSoftmaxOf : EmitSoftmaxOf;
  const Shape shape = context.TypeOf(x).shape;
  const bool rest_is_one = shape.Product(axis + 1, shape.rank) == 1;
  if (!as_matrix || axis == shape.rank - 1 || rest_is_one) return emit(context, x, axis);
  ops::FlattenAttributes flatten;
  flatten.axis = axis;
  const ValueId matrix = context.Emit(OpId::kFlatten, {x}, flatten);
  const ValueId soft = emit(context, matrix, 1);
  const ValueId back = context.Emit(OpId::kShape, {x}, ops::ShapeAttributes{});
  return context.Emit(OpId::kReshape, {soft, back}, ops::ReshapeAttributes{});
}

}  // namespace

Outputs ConvertSoftmax(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const bool as_matrix = context.opset() < 13;
  const int axis = context.NormalizedAxis(node.Int("axis", as_matrix ? 1 : -1), context.RankOf(x));
  return {EmitSoftmax(context, x, axis, as_matrix, /*logarithm=*/entry.argument == 1)};
}

// com.microsoft
Outputs ConvertQLinearSoftmax(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId real = Dequantized(context, node, 0);
  const bool as_matrix = node.Int("opset", 13) < 13;
  const int axis = context.NormalizedAxis(node.Int("axis", -1), context.RankOf(real));
  return {Quantized(context, node, EmitSoftmax(context, real, axis, as_matrix), 3,
                    context.TypeOf(context.Input(node, 0)).dtype)};
}

namespace {

// Scale and bias may be smaller than what is normalised, as NumPy broadcasts; the IR's have its very shape.
ValueId BroadcastToNormalized(OnnxContext& context, ValueId value, ValueId x, int axis) {
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

Outputs ConvertLayerNormalization(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  node.Ignore("stash_type");
  ops::LayerNormalizationAttributes attributes;
  attributes.axis = context.NormalizedAxis(node.Int("axis", -1), context.RankOf(x));
  attributes.epsilon = node.Float("epsilon", 1e-5f);
  const auto axis = static_cast<int>(attributes.axis);
  const ValueId scale = BroadcastToNormalized(context, context.Input(node, 1), x, axis);
  if (!node.HasInput(2)) return {context.Emit(OpId::kLayerNormalization, {x, scale}, attributes)};
  const ValueId bias = BroadcastToNormalized(context, context.Input(node, 2), x, axis);
  return {context.Emit(OpId::kLayerNormalization, {x, scale, bias}, attributes)};
}

// (x - mean) / sqrt(variance + epsilon) * scale[C] + bias[C] over all axes behind [N, C].
Outputs ConvertInstanceNormalization(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const int rank = context.RankOf(x);
  if (rank < 3) throw ImportError(InvalidArgument("expected [N, C, ...], got rank %d", rank));
  IntList axes, per_channel = {-1};
  for (int i = 2; i < rank; ++i) axes.Push(i), per_channel.Push(1);
  const ValueId epsilon = context.Float(node.Float("epsilon", 1e-5f));
  const ValueId scale = context.Reshape(context.Input(node, 1), per_channel);
  const ValueId bias = context.Reshape(context.Input(node, 2), per_channel);
  const ValueId mean = EmitReduce(context, ops::ReduceKind::kMean, x, axes, true);
  const ValueId centred = context.Emit(OpId::kSub, {x, mean});
  const ValueId squares = context.Emit(OpId::kMul, {centred, centred});
  const ValueId variance = EmitReduce(context, ops::ReduceKind::kMean, squares, axes, true);
  const ValueId factor = context.Emit(OpId::kRsqrt, {context.Emit(OpId::kAdd, {variance, epsilon})});
  const ValueId normal = context.Emit(OpId::kMul, {centred, factor});
  return {context.Emit(OpId::kAdd, {context.Emit(OpId::kMul, {normal, scale}), bias})};
}

Outputs ConvertBatchNormalization(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  node.Ignore("momentum");
  node.RequireInt("training_mode", 0);
  node.RequireInt("spatial", 1);
  ops::BatchNormalizationAttributes attributes;
  attributes.epsilon = node.Float("epsilon", 1e-5f);
  const int rank = context.RankOf(x);
  if (rank < 2) throw ImportError(InvalidArgument("expected [N, C, ...], got rank %d", rank));
  IntList to_last = {0}, to_second = {0, rank - 1};
  for (int i = 2; i < rank; ++i) to_last.Push(i), to_second.Push(i - 1);
  to_last.Push(1);
  const ValueId last = rank == 2 ? x : context.Transpose(x, to_last);
  const ValueId y = context.Emit(
      OpId::kBatchNormalization,
      {last, context.Input(node, 1), context.Input(node, 2), context.Input(node, 3), context.Input(node, 4)},
      attributes);
  return {rank == 2 ? y : context.Transpose(y, to_second)};
}

// GRU and LSTM with their default activations.
Outputs ConvertRecurrent(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const bool lstm = entry.op == OpId::kLstm;
  node.RequireInt("layout", 0);
  node.RequireInt("input_forget", 0);
  if (node.Has("clip")) throw ImportError(Unsupported("clip is not supported"));
  node.Ignore("activation_alpha");
  node.Ignore("activation_beta");
  const std::string direction = node.String("direction", "forward");
  ops::Direction way = ops::Direction::kForward;
  if (direction == "reverse") {
    way = ops::Direction::kReverse;
  } else if (direction == "bidirectional") {
    way = ops::Direction::kBidirectional;
  } else if (direction != "forward") {
    throw ImportError(InvalidArgument("direction='%s' is not known", direction.c_str()));
  }
  const std::vector<std::string> activations = node.Strings("activations");
  constexpr std::string_view kGru[] = {"Sigmoid", "Tanh"}, kLstm[] = {"Sigmoid", "Tanh", "Tanh"};
  const std::span<const std::string_view> wanted = lstm ? std::span<const std::string_view>(kLstm) : kGru;
  for (size_t i = 0; i < activations.size(); ++i) {
    if (activations[i] != wanted[i % wanted.size()]) {
      throw ImportError(Unsupported("activation '%s' is not supported", activations[i].c_str()));
    }
  }
  if (node.HasInput(4)) throw ImportError(Unsupported("sequence_lens are not supported"));
  if (lstm && node.HasInput(7)) throw ImportError(Unsupported("peepholes (input P) are not supported"));
  const ValueId recurrence = context.Input(node, 2);
  if (context.RankOf(recurrence) != 3) throw ImportError(InvalidArgument("R must have rank 3"));
  const int64_t hidden = node.Int("hidden_size", context.TypeOf(recurrence).shape[2]);
  std::vector<ValueId> inputs = {context.Input(node, 0),
                                 context.Input(node, 1),
                                 recurrence,
                                 context.OptionalInput(node, 3),
                                 kNone,
                                 context.OptionalInput(node, 5)};
  if (lstm) inputs.push_back(context.OptionalInput(node, 6));
  const Shape weights = context.TypeOf(inputs[1]).shape;
  context.RefineInput(inputs[0], {kUnknownDim, kUnknownDim, weights.rank == 3 ? weights[2] : kUnknownDim});
  const Shape x = context.TypeOf(inputs[0]).shape;
  const Shape state = {way == ops::Direction::kBidirectional ? 2 : 1, x.rank == 3 ? x[1] : kUnknownDim,
                       hidden};
  for (size_t i = 5; i < inputs.size(); ++i) context.RefineInput(inputs[i], state);
  while (inputs.back() == kNone) inputs.pop_back();
  if (lstm) {
    ops::LstmAttributes attributes;
    attributes.hidden_size = hidden;
    attributes.direction = way;
    return context.EmitMany(entry.op, inputs, attributes, 3);
  }
  ops::GruAttributes attributes;
  attributes.hidden_size = hidden;
  attributes.direction = way;
  attributes.linear_before_reset = node.Int("linear_before_reset", 0) != 0;
  return context.EmitMany(entry.op, inputs, attributes, 2);
}

}  // namespace mace::importers::onnx
