// Softmax, LayerNormalization, GroupNormalization, Reduce, ArgReduce.
#include "mace/backends/cpu/lower_quantize.h"
#include "mace/backends/cpu/lowering_table.h"
#include "mace/backends/cpu/stride_planner.h"
#include "mace/kernels/norm/norm.h"
#include "mace/ops/norm/group_normalization.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/reduce/arg_reduce.h"
#include "mace/ops/reduce/reduce.h"

namespace mace::cpu {

Status LowerSoftmax(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::SoftmaxAttributes>();
  const Shape& shape = lowering.shape(node.inputs[0]);
  int axis = 0;
  if (lowering.plan().graph->QuantizationOf(node.inputs[0]) != nullptr &&
      NormalizeAxis(attributes.axis, shape.rank, &axis)) {
    return LowerQuantizedSoftmax(lowering, cluster, axis, refusal);
  }
  if (!lowering.IsF32(node.inputs[0]) || attributes.beta != 1.0f ||
      !NormalizeAxis(attributes.axis, shape.rank, &axis)) {
    *refusal = "no fast kernel for integers, or for beta other than 1";
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::SoftmaxParams>());
  params->outer = shape.Product(0, axis);
  params->axis = shape[axis];
  params->inner = shape.Product(axis + 1, shape.rank);
  MACE_RETURN_IF_ERROR(kernels::PrepareSoftmax(params));
  const auto& table = lowering.kernels();
  return lowering.EmitKernel(cluster, {"softmax_f32", table.norm->softmax_f32, table.norm_isa}, params,
                             {node.inputs[0]}, node.outputs[0], Lowering::Placement::kInPlace);
}

Status LowerLayerNormalization(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::LayerNormalizationAttributes>();
  const Shape& shape = lowering.shape(node.inputs[0]);
  int axis = 0;
  for (ValueId input : node.inputs) {
    if (input != kNone && !lowering.IsF32(input)) *refusal = "no fast kernel for this element type";
  }
  if (OutputOf(node, 1) != kNone || OutputOf(node, 2) != kNone) {
    *refusal = "no fast kernel gives mean and deviation";
  }
  if (!NormalizeAxis(attributes.axis, shape.rank, &axis)) *refusal = "the axis is out of range";
  if (*refusal != nullptr) return Status::Ok();
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::LayerNormParams>());
  params->rows = shape.Product(0, axis);
  params->columns = shape.Product(axis, shape.rank);
  params->epsilon = attributes.epsilon;
  params->root_mean_square = attributes.root_mean_square;
  params->input_stride = params->columns;
  params->output_stride = params->columns;
  MACE_RETURN_IF_ERROR(kernels::PrepareLayerNorm(params));
  const auto& table = lowering.kernels();
  return lowering.EmitKernel(cluster, {"layer_norm_f32", table.norm->layer_norm_f32, table.norm_isa}, params,
                             {node.inputs[0], InputOf(node, 1), InputOf(node, 2)}, node.outputs[0],
                             Lowering::Placement::kInPlace);
}

Status LowerGroupNormalization(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::GroupNormalizationAttributes>();
  const Shape& shape = lowering.shape(node.inputs[0]);
  for (ValueId input : node.inputs) {
    if (input != kNone && !lowering.IsF32(input)) *refusal = "no fast kernel for this element type";
  }
  if (*refusal != nullptr) return Status::Ok();
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::GroupNormParams>());
  const int64_t channels = shape[shape.rank - 1];
  params->samples = shape[0];
  params->rows = shape.Product(1, shape.rank - 1);
  params->groups = attributes.groups;
  params->group_channels = channels / attributes.groups;
  params->epsilon = attributes.epsilon;
  params->input_stride = channels;
  params->output_stride = channels;
  MACE_RETURN_IF_ERROR(kernels::PrepareGroupNorm(params));
  const auto& table = lowering.kernels();
  return lowering.EmitKernel(cluster, {"group_norm_f32", table.norm->group_norm_f32, table.norm_isa}, params,
                             {node.inputs[0], InputOf(node, 1), InputOf(node, 2)}, node.outputs[0],
                             Lowering::Placement::kInPlace);
}

namespace {

bool ReduceOpOf(ops::ReduceKind kind, kernels::ReduceOp* op) {
  switch (kind) {
    case ops::ReduceKind::kSum:
      *op = kernels::ReduceOp::kSum;
      return true;
    case ops::ReduceKind::kMean:
      *op = kernels::ReduceOp::kMean;
      return true;
    case ops::ReduceKind::kMax:
      *op = kernels::ReduceOp::kMax;
      return true;
    case ops::ReduceKind::kMin:
      *op = kernels::ReduceOp::kMin;
      return true;
    case ops::ReduceKind::kProd:
      *op = kernels::ReduceOp::kProd;
      return true;
    case ops::ReduceKind::kL2:
      *op = kernels::ReduceOp::kL2;
      return true;
    case ops::ReduceKind::kSumSquare:
      *op = kernels::ReduceOp::kSumSquare;
      return true;
    case ops::ReduceKind::kL1:
    case ops::ReduceKind::kLogSum:
    case ops::ReduceKind::kLogSumExp:
    case ops::ReduceKind::kCount:
      break;
  }
  return false;
}

}  // namespace

bool HasReductionKernel(const Lowering& lowering, const Node& node) {
  kernels::ReduceOp op;
  return node.op == OpId::kReduce && InputOf(node, 1) == kNone && lowering.IsF32(node.inputs[0]) &&
         ReduceOpOf(node.attributes.as<ops::ReduceAttributes>().kind, &op);
}

Status LowerReduce(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::ReduceAttributes>();
  const Shape& shape = lowering.shape(node.inputs[0]);
  kernels::ReduceOp op;
  const bool is_quantized = lowering.plan().graph->QuantizationOf(node.inputs[0]) != nullptr;
  if ((!lowering.IsF32(node.inputs[0]) && !is_quantized) || !ReduceOpOf(attributes.kind, &op)) {
    *refusal = "no fast kernel for this element type or reduction";
    return Status::Ok();
  }
  const TensorView* operand = lowering.known(InputOf(node, 1));
  if (InputOf(node, 1) != kNone && operand == nullptr) {
    *refusal = "the axes are not known when the plan is made";
    return Status::Ok();
  }
  bool is_reduced[kMaxRank];
  MACE_RETURN_IF_ERROR(ops::ReducedAxes(attributes, operand, shape.rank, is_reduced));
  int32_t axes[kMaxRank];
  size_t count = 0;
  for (int axis = 0; axis < shape.rank; ++axis) {
    if (is_reduced[axis]) axes[count++] = axis;
  }
  if (count == 0) {
    *refusal = "nothing is reduced";
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::ReduceParams>());
  params->op = op;
  Status collapsed = kernels::CollapseReduction(shape, {axes, count}, params);
  if (collapsed.code() == StatusCode::kUnsupported) {
    *refusal = "kept and reduced axes alternate";
    return Status::Ok();
  }
  MACE_RETURN_IF_ERROR(std::move(collapsed));
  if (is_quantized) return LowerQuantizedReduce(lowering, cluster, *params, refusal);
  // Channels are kept where pixels may lie apart: StorageMap pads such tensors only.
  if (params->inner > 1) {
    params->input_stride = lowering.storage().IsPadded(node.inputs[0])
                               ? lowering.storage().PixelStride(node.inputs[0]) / 4
                               : params->inner;
  }
  MACE_RETURN_IF_ERROR(kernels::PrepareReduce(params));
  const auto& table = lowering.kernels();
  return lowering.EmitKernel(cluster, {"reduce_f32", table.norm->reduce_f32, table.norm_isa}, params,
                             {node.inputs[0]}, node.outputs[0]);
}

Status LowerArgReduce(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::ArgReduceAttributes>();
  const Shape& shape = lowering.shape(node.inputs[0]);
  int axis = 0;
  if (!NormalizeAxis(attributes.axis, shape.rank, &axis)) {
    *refusal = "the axis is out of range";
    return Status::Ok();
  }
  switch (lowering.type(node.inputs[0]).dtype) {
    case DType::kF32:
    case DType::kI32:
    case DType::kI64:
    case DType::kI16:
    case DType::kI8:
    case DType::kU8:
      break;
    default:
      *refusal = "no fast kernel for this element type";
      return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::ArgReduceParams>());
  params->dtype = lowering.type(node.inputs[0]).dtype;
  params->smallest = attributes.kind == ops::ArgReduceKind::kMin;
  params->select_last = attributes.select_last;
  params->wide = attributes.to == DType::kI64;
  params->outer = shape.Product(0, axis);
  params->axis = shape[axis];
  params->inner = shape.Product(axis + 1, shape.rank);
  MACE_RETURN_IF_ERROR(kernels::PrepareArgReduce(params));
  const auto& table = lowering.kernels();
  return lowering.EmitKernel(cluster, {"arg_reduce", table.norm->arg_reduce, table.norm_isa}, params,
                             {node.inputs[0]}, node.outputs[0]);
}

}  // namespace mace::cpu
