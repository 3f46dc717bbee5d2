// Reductions, and what works along one axis.
#include "mace/importers/onnx/emit_norm.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/open_rank.h"
#include "mace/importers/onnx/quantized_operand.h"
#include "mace/ops/norm/hardmax.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/reduce/arg_reduce.h"
#include "mace/ops/reduce/cumulate.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/search/top_k.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::onnx {

Outputs ConvertReduce(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::ReduceAttributes attributes;
  attributes.kind = static_cast<ops::ReduceKind>(entry.argument);
  attributes.keep_dims = node.Int("keepdims", 1) != 0;
  attributes.empty_is_none = node.Int("noop_with_empty_axes", 0) != 0;
  // ReduceSum took its axes as an input from opset 13 on, the others from 18 on.
  const int64_t input_since = entry.op_type == "ReduceSum" ? 13 : 18;
  if (context.opset() < input_since) {
    attributes.axes = node.Ints("axes").value_or(IntList{});
  } else if (node.HasInput(1)) {
    const ValueId axes = context.Input(node, 1);
    if (!context.IsConstant(axes)) return {context.Emit(OpId::kReduce, {x, axes}, attributes)};
    attributes.axes = context.ConstantInts(axes, "axes");
  }
  for (int i = 0; i < attributes.axes.size(); ++i) {
    attributes.axes[i] = AxisOf(context, attributes.axes[i], context.RankOf(x));
  }
  return {context.Emit(OpId::kReduce, {x}, attributes)};
}

Outputs ConvertArgReduce(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::ArgReduceAttributes attributes;
  attributes.kind = static_cast<ops::ArgReduceKind>(entry.argument);
  attributes.axis = AxisOf(context, node.Int("axis", 0), context.RankOf(x));
  attributes.keep_dims = node.Int("keepdims", 1) != 0;
  attributes.select_last = node.Int("select_last_index", 0) != 0;
  return {context.Emit(OpId::kArgReduce, {x}, attributes)};
}

Outputs ConvertCumulate(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::CumulateAttributes attributes;
  attributes.kind = static_cast<ops::CumulateKind>(entry.argument);
  attributes.exclusive = node.Int("exclusive", 0) != 0;
  attributes.reverse = node.Int("reverse", 0) != 0;
  return {context.Emit(OpId::kCumulate, {context.Input(node, 0), context.Input(node, 1)}, attributes)};
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

ValueId EmitSoftmaxOf(OnnxContext& context, ValueId x, int64_t axis) {
  ops::SoftmaxAttributes attributes;
  attributes.axis = axis;
  return context.Emit(OpId::kSoftmax, {x}, attributes);
}

ValueId EmitHardmaxOf(OnnxContext& context, ValueId x, int64_t axis) {
  ops::HardmaxAttributes attributes;
  attributes.axis = axis;
  return context.Emit(OpId::kHardmax, {x}, attributes);
}

using AlongAxis = ValueId (*)(OnnxContext& context, ValueId x, int64_t axis);
constexpr AlongAxis kAlongAxis[] = {EmitSoftmaxOf, EmitLogSoftmax, EmitHardmaxOf};

// Before opset 13 these work on the tensor seen as a matrix, cut at `axis`.
ValueId EmitAlongAxis(OnnxContext& context, ValueId x, int64_t given_axis, bool as_matrix, AlongAxis emit) {
  if (!context.TypeOf(x).shape.HasRank() && !as_matrix) return emit(context, x, given_axis);
  const Shape shape = context.TypeOf(x).shape;
  int64_t axis = given_axis;
  if (shape.HasRank()) {
    const int counted = context.NormalizedAxis(given_axis, shape.rank);
    axis = counted;
    const bool rest_is_one = shape.Product(counted + 1, shape.rank) == 1;
    if (!as_matrix || counted == shape.rank - 1 || rest_is_one) return emit(context, x, axis);
  }
  context.Repaired("before operator set 13 it works on all axes from `axis` on",
                   "on a matrix, by a Flatten before and a Reshape behind");
  ops::FlattenAttributes flatten;
  flatten.axis = axis;
  const ValueId matrix = context.Emit(OpId::kFlatten, {x}, flatten);
  const ValueId soft = emit(context, matrix, 1);
  return ShapedLike(context, soft, x);
}

}  // namespace

Outputs ConvertSoftmax(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const bool as_matrix = context.opset() < 13;
  return {EmitAlongAxis(context, context.Input(node, 0), node.Int("axis", as_matrix ? 1 : -1), as_matrix,
                        kAlongAxis[entry.argument])};
}

// com.microsoft
Outputs ConvertQLinearSoftmax(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId real = Dequantized(context, node, 0);
  const bool as_matrix = node.Int("opset", 13) < 13;
  const ValueId soft = EmitAlongAxis(context, real, node.Int("axis", -1), as_matrix, EmitSoftmaxOf);
  return {Quantized(context, node, soft, 3, context.TypeOf(context.Input(node, 0)).dtype)};
}

}  // namespace mace::importers::onnx
