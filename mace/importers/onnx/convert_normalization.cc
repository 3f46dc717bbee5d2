// Normalisations over groups of elements.
#include "mace/importers/onnx/emit_norm.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/open_rank.h"
#include "mace/ops/norm/local_response_normalization.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::onnx {

// And RMSNormalization (entry.argument 1; SimplifiedLayerNormalization is onnxruntime's name of it). Computed
// in float32, or float64 where x is that; mean and deviation are float32 or, as stash_type says, bfloat16.
Outputs ConvertLayerNormalization(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const ValueId scale = context.Input(node, 1);
  LayerNormalizationForm form;
  form.axis = node.Int("axis", -1);
  form.epsilon = node.Float("epsilon", 1e-5f);
  form.root_mean_square = entry.argument == 1;
  const int64_t stash_type = node.Int("stash_type", 1);
  const DType dtype = context.TypeOf(x).dtype, wide = WideTypeOf(dtype);
  const auto operand = [&](ValueId value) { return value == kNone ? kNone : context.Cast(value, wide); };
  const int wanted = ReadOutputs(context, node);
  // The simplified one has no mean: its second output is 1 / deviation.
  const int outputs = form.root_mean_square && wanted > 1 ? 3 : wanted;
  const ValueId bias = form.root_mean_square ? kNone : context.OptionalInput(node, 2);
  std::vector<ValueId> ids =
      EmitLayerNormalization(context, operand(x), operand(scale), operand(bias), form, outputs);
  ids[0] = context.Cast(ids[0], form.root_mean_square ? context.TypeOf(scale).dtype : dtype);
  if (form.root_mean_square && wanted > 1) ids.erase(ids.begin() + 1);
  constexpr int64_t kBFloat16Type = 16;
  const DType stashed = stash_type == kBFloat16Type ? DType::kBF16 : DType::kF32;
  for (size_t i = 1; i < ids.size(); ++i) ids[i] = context.Cast(ids[i], stashed);
  return ids;
}

namespace {

// (x - mean) / sqrt(variance + epsilon) over the given axes.
ValueId EmitStandardized(OnnxContext& context, ValueId x, const IntList& axes, float epsilon) {
  const ValueId mean = EmitReduce(context, ops::ReduceKind::kMean, x, axes, true);
  const ValueId centred = context.Emit(OpId::kSub, {x, mean});
  const ValueId squares = context.Emit(OpId::kMul, {centred, centred});
  const ValueId variance = EmitReduce(context, ops::ReduceKind::kMean, squares, axes, true);
  const ValueId guard = context.Float(epsilon, context.TypeOf(x).dtype);
  const ValueId factor = context.Emit(OpId::kRsqrt, {context.Emit(OpId::kAdd, {variance, guard})});
  return context.Emit(OpId::kMul, {centred, factor});
}

// x * scale + bias, one of each for a channel.
ValueId EmitChannelLine(OnnxContext& context, ValueId x, ValueId scale, ValueId bias, int rank) {
  const DType dtype = context.TypeOf(x).dtype;
  const ValueId factor = PerChannel(context, context.Cast(scale, dtype), rank);
  const ValueId shift = PerChannel(context, context.Cast(bias, dtype), rank);
  return context.Emit(OpId::kAdd, {context.Emit(OpId::kMul, {x, factor}), shift});
}

}  // namespace

// (x - mean) / sqrt(variance + epsilon) * scale[C] + bias[C] over all axes behind [N, C].
Outputs ConvertInstanceNormalization(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId given = context.Input(node, 0), x = AsChannelRows(context, given);
  const int rank = context.RankOf(x);
  if (rank < 3) throw ImportError(InvalidArgument("expected [N, C, ...], got rank %d", rank));
  IntList axes;
  for (int i = 2; i < rank; ++i) axes.Push(i);
  const ValueId normal = EmitStandardized(context, context.Widened(x), axes, node.Float("epsilon", 1e-5f));
  const ValueId y = EmitChannelLine(context, normal, context.Input(node, 1), context.Input(node, 2), rank);
  return {FromChannelRows(context, context.Cast(y, context.TypeOf(x).dtype), x, given)};
}

// Each group of channels is a row of a layer normalization. Scale and bias were one for each group before
// opset 21, one for each channel since.
Outputs ConvertGroupNormalization(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId given = context.Input(node, 0), x = AsChannelRows(context, given);
  const int rank = context.RankOf(x);
  if (rank < 2) throw ImportError(InvalidArgument("expected [N, C, ...], got rank %d", rank));
  node.Ignore("stash_type");  // float32 at least, always
  const int64_t groups = node.Int("num_groups", 0);
  const Shape shape = context.TypeOf(x).shape;
  if (groups < 1 || (shape[1] >= 0 && shape[1] % groups != 0)) {
    throw ImportError(InvalidArgument("%lld groups of %lld channels", static_cast<long long>(groups),
                                      static_cast<long long>(shape[1])));
  }
  const ValueId wide = context.Widened(x);
  const int64_t elements = shape.Product(1, rank);
  if (elements == 0) return {context.Emit(OpId::kIdentity, {x})};
  const ValueId rows = context.Reshape(wide, {0, groups, elements < 0 ? -1 : elements / groups});
  LayerNormalizationForm form;
  form.epsilon = node.Float("epsilon", 1e-5f);
  ValueId normal = EmitLayerNormalization(context, rows, kNone, kNone, form, 1)[0];
  const ValueId scale = context.Input(node, 1), bias = context.Input(node, 2);
  const bool per_group = context.opset() < 21;
  if (per_group) context.Repaired("before operator set 21 groups have a scale and a bias", "Mul and Add behind the LayerNormalization of groups");
  if (per_group) normal = EmitChannelLine(context, normal, scale, bias, 3);
  ValueId y = ShapedLike(context, normal, x);
  if (!per_group) y = EmitChannelLine(context, y, scale, bias, rank);
  return {FromChannelRows(context, context.Cast(y, context.TypeOf(x).dtype), x, given)};
}

// ONNX defines it by (x - E[x]) / (sqrt(E[x^2] - E[x]^2) + 1e-9); of centred values less is lost.
Outputs ConvertMeanVarianceNormalization(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId given = context.Input(node, 0);
  const ValueId x = context.Widened(given);
  IntList axes = node.Ints("axes").value_or(IntList{0, 2, 3});
  const bool is_first = context.opset() < 9;  // an experiment, with other attributes
  bool normalizes = true;
  if (is_first) {
    axes = node.Int("across_channels", 0) != 0 ? IntList{0, 1, 2, 3} : IntList{0, 2, 3};
    normalizes = node.Int("normalize_variance", 1) != 0;
    context.Repaired("the experimental form of before operator set 9", "the sums of the form since");
  }
  for (int i = 0; i < axes.size(); ++i) axes[i] = AxisOf(context, axes[i], context.RankOf(x));
  const ValueId mean = EmitReduce(context, ops::ReduceKind::kMean, x, axes, true);
  const ValueId centred = context.Emit(OpId::kSub, {x, mean});
  if (!normalizes) return {context.Cast(centred, context.TypeOf(given).dtype)};
  const ValueId squares = context.Emit(OpId::kMul, {centred, centred});
  const ValueId variance = EmitReduce(context, ops::ReduceKind::kMean, squares, axes, true);
  const ValueId deviation = context.Emit(OpId::kSqrt, {variance});
  const ValueId guard = context.Float(1e-9f, context.TypeOf(x).dtype);
  const ValueId y = context.Emit(OpId::kDiv, {centred, context.Emit(OpId::kAdd, {deviation, guard})});
  return {context.Cast(y, context.TypeOf(given).dtype)};
}

// x divided by its norm along an axis; where that is 0 the quotient is 0.
Outputs ConvertLpNormalization(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId given = context.Input(node, 0);
  const ValueId x = context.Widened(given);
  const int64_t p = node.Int("p", 2);
  if (p != 1 && p != 2) throw ImportError(InvalidArgument("p is %lld", static_cast<long long>(p)));
  const ValueId norm = EmitReduce(context, p == 1 ? ops::ReduceKind::kL1 : ops::ReduceKind::kL2, x,
                                  {AxisOf(context, node.Int("axis", -1), context.RankOf(x))}, true);
  const DType dtype = context.TypeOf(x).dtype;
  const ValueId is_zero = context.Emit(OpId::kEqual, {norm, context.Float(0, dtype)});
  const ValueId divisor = context.Emit(OpId::kWhere, {is_zero, context.Float(1, dtype), norm});
  return {context.Cast(context.Emit(OpId::kDiv, {x, divisor}), context.TypeOf(given).dtype)};
}

Outputs ConvertLrn(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::LocalResponseNormalizationAttributes attributes;
  attributes.size = node.Int("size", 0);
  attributes.alpha = node.Float("alpha", 1e-4f);
  attributes.beta = node.Float("beta", 0.75f);
  attributes.bias = node.Float("bias", 1.0f);
  return {context.Emit(OpId::kLocalResponseNormalization, {context.Input(node, 0)}, attributes)};
}

namespace {

// Channels last; x of one dimension has one channel.
ValueId EmitBatchNormalization(OnnxContext& context, ValueId x, std::span<const ValueId> parameters,
                               float epsilon) {
  ops::BatchNormalizationAttributes attributes;
  attributes.epsilon = epsilon;
  const int rank = context.RankOf(x);
  IntList to_last = {0}, to_second = {0, rank - 1};
  for (int i = 2; i < rank; ++i) to_last.Push(i), to_second.Push(i - 1);
  to_last.Push(1);
  ValueId last = x;
  if (rank == 1) last = context.Unsqueeze(x, {1});
  if (rank > 2) last = context.Transpose(x, to_last);
  const ValueId y =
      context.Emit(OpId::kBatchNormalization,
                   {last, parameters[0], parameters[1], parameters[2], parameters[3]}, attributes);
  if (rank == 1) return context.Squeeze(y, {1});
  return rank == 2 ? y : context.Transpose(y, to_second);
}

// Opsets 7 and 8, spatial=0: parameters for every element of a sample.
ValueId EmitElementNormalization(OnnxContext& context, ValueId x, std::span<const ValueId> parameters,
                                 float epsilon) {
  context.Repaired("spatial=0 of operator sets before 9: parameters for every element", "Sub, Mul and Add");
  const ValueId guard = context.Float(epsilon, context.TypeOf(x).dtype);
  const ValueId factor = context.Emit(OpId::kRsqrt, {context.Emit(OpId::kAdd, {parameters[3], guard})});
  const ValueId centred = context.Emit(OpId::kSub, {x, parameters[2]});
  const ValueId normal = context.Emit(OpId::kMul, {centred, factor});
  return context.Emit(OpId::kAdd, {context.Emit(OpId::kMul, {normal, parameters[0]}), parameters[1]});
}

}  // namespace

// Inference. x and the parameters may be of different types: all are computed in x's, or float32 at least.
Outputs ConvertBatchNormalization(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId given = context.Input(node, 0);
  node.Ignore("momentum");
  node.Ignore("is_test");  // before opset 7
  node.RequireInt("training_mode", 0);
  if (node.output_count() > 1) node.RequireInt("is_test", 1);  // before operator set 7
  node.Ignore("is_test");
  const bool spatial = node.Int("spatial", 1) != 0;
  const float epsilon = node.Float("epsilon", 1e-5f);
  const ValueId x = spatial ? AsChannelRows(context, given) : given;
  if (context.RankOf(x) == 0) throw ImportError(InvalidArgument("expected [N, C, ...], got a scalar"));
  const ValueId wide = context.Widened(x);
  std::vector<ValueId> parameters;
  for (int i = 1; i < 5; ++i) {
    const ValueId parameter = context.Input(node, i);
    parameters.push_back(
        context.Cast(spatial ? context.WithRank(parameter, 1) : parameter, context.TypeOf(wide).dtype));
  }
  const auto emit = spatial ? EmitBatchNormalization : EmitElementNormalization;
  const ValueId y = context.Cast(emit(context, wide, parameters, epsilon), context.TypeOf(x).dtype);
  return {FromChannelRows(context, y, x, given)};
}

}  // namespace mace::importers::onnx
