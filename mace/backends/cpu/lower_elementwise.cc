// Chains of elementwise nodes, single unary and broadcast binary operators, Where, Cast, BatchNormalization.
#include <cstring>
#include <span>

#include "mace/backends/cpu/lower_quantize.h"
#include "mace/backends/cpu/lowering_table.h"
#include "mace/kernels/elementwise/elementwise.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/quantize/quantize_ops.h"

namespace mace::cpu {
namespace {

using kernels::BinaryOp;
using kernels::PostOpKind;
using kernels::UnaryOp;

// The unary kernel has a loop for each function; a chain asks for each vector which function comes next.
bool UnaryOfPostOp(PostOpKind kind, UnaryOp* op) {
  switch (kind) {
    case PostOpKind::kClip:
      *op = UnaryOp::kClip;
      return true;
    case PostOpKind::kRelu:
      *op = UnaryOp::kRelu;
      return true;
    case PostOpKind::kLeakyRelu:
      *op = UnaryOp::kLeakyRelu;
      return true;
    case PostOpKind::kSigmoid:
      *op = UnaryOp::kSigmoid;
      return true;
    case PostOpKind::kTanh:
      *op = UnaryOp::kTanh;
      return true;
    case PostOpKind::kHardSigmoid:
      *op = UnaryOp::kHardSigmoid;
      return true;
    case PostOpKind::kHardSwish:
      *op = UnaryOp::kHardSwish;
      return true;
    case PostOpKind::kSilu:
      *op = UnaryOp::kSilu;
      return true;
    case PostOpKind::kGelu:
      *op = UnaryOp::kGelu;
      return true;
    case PostOpKind::kErf:
      *op = UnaryOp::kErf;
      return true;
    default:
      return false;
  }
}

bool UnaryOfNode(OpId id, UnaryOp* op) {
  switch (id) {
    case OpId::kExp:
      *op = UnaryOp::kExp;
      return true;
    case OpId::kLog:
      *op = UnaryOp::kLog;
      return true;
    case OpId::kSqrt:
      *op = UnaryOp::kSqrt;
      return true;
    case OpId::kRsqrt:
      *op = UnaryOp::kRsqrt;
      return true;
    case OpId::kReciprocal:
      *op = UnaryOp::kReciprocal;
      return true;
    case OpId::kAbs:
      *op = UnaryOp::kAbs;
      return true;
    case OpId::kFloor:
      *op = UnaryOp::kFloor;
      return true;
    case OpId::kCeil:
      *op = UnaryOp::kCeil;
      return true;
    case OpId::kRound:
      *op = UnaryOp::kRound;
      return true;
    case OpId::kGelu:  // the form by erf is a post-op
      *op = UnaryOp::kGeluTanh;
      return true;
    case OpId::kSoftplus:
      *op = UnaryOp::kSoftplus;
      return true;
    case OpId::kMish:
      *op = UnaryOp::kMish;
      return true;
    default:
      return false;
  }
}

// A tensor as rows of channels, or as one row where everything is dense.
struct RowView {
  int64_t rows = 1;
  int64_t columns = 0;
  int64_t input_stride = 0;
  int64_t output_stride = 0;
};
RowView ViewAsRows(Lowering& lowering, ValueId in, ValueId out, bool needs_channels) {
  const Shape& shape = lowering.shape(out);
  const int64_t channels = shape.rank == 0 ? 1 : shape[shape.rank - 1];
  RowView view;
  view.input_stride = lowering.storage().PixelStride(in) / 4;
  view.output_stride = lowering.storage().PixelStride(out) / 4;
  const bool is_dense = view.input_stride == channels && view.output_stride == channels;
  view.columns = is_dense && !needs_channels ? shape.ElementCount() : channels;
  view.rows = is_dense && !needs_channels ? 1 : shape.Product(0, shape.rank - 1);
  return view;
}

Status EmitUnary(Lowering& lowering, const Cluster& cluster, UnaryOp op, float a, float b, ValueId in,
                 ValueId out) {
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::UnaryParams>());
  const RowView view = ViewAsRows(lowering, in, out, false);
  params->op = op;
  params->a = a;
  params->b = b;
  params->rows = view.rows;
  params->columns = view.columns;
  params->input_stride = view.input_stride;
  params->output_stride = view.output_stride;
  MACE_RETURN_IF_ERROR(kernels::PrepareUnary(params));
  const auto& table = lowering.kernels();
  return lowering.EmitKernel(cluster, {"unary_f32", table.elementwise->unary_f32, table.elementwise_isa},
                             params, {in}, out, Lowering::Placement::kInPlace);
}

Status EmitBinary(Lowering& lowering, const Cluster& cluster, BinaryOp op, ValueId a, ValueId b,
                  ValueId out) {
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::BinaryParams>());
  const auto& table = *lowering.kernels().elementwise;
  const DType dtype = lowering.type(a).dtype;
  params->op = op;
  params->a = lowering.shape(a);
  params->b = lowering.shape(b);
  MACE_RETURN_IF_ERROR(kernels::PrepareBinary(params));
  StepSpec spec;
  const char* kernel = dtype == DType::kF32   ? "binary_f32"
                       : dtype == DType::kI32 ? "binary_i32"
                                              : "binary_i64";
  const kernels::KernelFunction function = dtype == DType::kF32   ? table.binary_f32
                                           : dtype == DType::kI32 ? table.binary_i32
                                                                  : table.binary_i64;
  MACE_RETURN_IF_ERROR(
      lowering.SetKernel({kernel, function, lowering.kernels().elementwise_isa}, params, &spec));
  return lowering.EmitBinary(cluster, std::move(spec), a, b, out);
}

bool IsDense(Lowering& lowering, ValueId value) {
  const Shape& shape = lowering.shape(value);
  const int64_t channels = shape.rank == 0 ? 1 : shape[shape.rank - 1];
  return lowering.storage().PixelStride(value) == channels * BytesOf(lowering.type(value).dtype);
}

constexpr int64_t kFewChannels = 16;

// Rows of few channels would leave most of each vector empty (the normalisation of a picture of 1184 x 672
// pixels, 3 channels: 23 ms instead of 0.4): several pixels become one row, with the constants of the
// post-ops repeated. Nothing changes where an operand is no constant, or rows do not lie side by side.
Status WidenRows(Lowering& lowering, kernels::ChainParams* params, StepSpec* spec) {
  constexpr int64_t kWideRow = 256;
  const int64_t channels = params->columns;
  if (channels == 0 || channels > kFewChannels || params->input_stride != channels ||
      params->output_stride != channels) {
    return Status::Ok();
  }
  int64_t pixels = kWideRow / channels;
  while (params->rows % pixels != 0) --pixels;
  if (pixels == 1) return Status::Ok();
  const std::span<kernels::PostOp> ops(params->post_ops.ops, static_cast<size_t>(params->post_ops.count));
  for (const kernels::PostOp& op : ops) {
    if (op.operand < 0) continue;
    const Operand& operand = spec->operands[static_cast<size_t>(op.operand)];
    if (op.row_stride != 0 || operand.pointer == nullptr || operand.bytes != channels * 4)
      return Status::Ok();
  }
  for (const kernels::PostOp& op : ops) {
    if (op.operand < 0) continue;
    Operand& operand = spec->operands[static_cast<size_t>(op.operand)];
    MACE_ASSIGN_OR_RETURN(uint8_t* repeated,
                          lowering.builder().NewOwned(static_cast<size_t>(operand.bytes * pixels)));
    for (int64_t i = 0; i < pixels; ++i) {
      std::memcpy(repeated + i * operand.bytes, operand.pointer, static_cast<size_t>(operand.bytes));
    }
    operand.pointer = repeated;
    operand.bytes *= pixels;
  }
  params->rows /= pixels;
  for (int64_t* columns : {&params->columns, &params->input_stride, &params->output_stride}) {
    *columns *= pixels;
  }
  return Status::Ok();
}

Status EmitChain(Lowering& lowering, const Cluster& cluster, StepSpec spec, kernels::ChainParams* params,
                 bool has_channel_operand) {
  const RowView view = ViewAsRows(lowering, cluster.source, cluster.output, has_channel_operand);
  params->rows = view.rows;
  params->columns = view.columns;
  params->input_stride = view.input_stride;
  params->output_stride = view.output_stride;
  if (has_channel_operand) MACE_RETURN_IF_ERROR(WidenRows(lowering, params, &spec));
  MACE_RETURN_IF_ERROR(kernels::PrepareChain(params));
  const auto& table = lowering.kernels();
  MACE_RETURN_IF_ERROR(
      lowering.SetKernel({"chain_f32", table.elementwise->chain_f32, table.elementwise_isa}, params, &spec));
  return lowering.Emit(cluster, std::move(spec));
}

}  // namespace

bool BinaryOfNode(OpId id, BinaryOp* op) {
  switch (id) {
    case OpId::kAdd:
      *op = BinaryOp::kAdd;
      return true;
    case OpId::kSub:
      *op = BinaryOp::kSub;
      return true;
    case OpId::kMul:
      *op = BinaryOp::kMul;
      return true;
    case OpId::kDiv:
      *op = BinaryOp::kDiv;
      return true;
    case OpId::kMax:
      *op = BinaryOp::kMax;
      return true;
    case OpId::kMin:
      *op = BinaryOp::kMin;
      return true;
    case OpId::kPow:
      *op = BinaryOp::kPow;
      return true;
    case OpId::kPRelu:
      *op = BinaryOp::kPRelu;
      return true;
    case OpId::kSquaredDifference:
      *op = BinaryOp::kSquaredDifference;
      return true;
    case OpId::kEqual:
      *op = BinaryOp::kEqual;
      return true;
    case OpId::kLess:
      *op = BinaryOp::kLess;
      return true;
    case OpId::kGreater:
      *op = BinaryOp::kGreater;
      return true;
    case OpId::kLessOrEqual:
      *op = BinaryOp::kLessOrEqual;
      return true;
    case OpId::kGreaterOrEqual:
      *op = BinaryOp::kGreaterOrEqual;
      return true;
    default:
      return false;
  }
}

Status LowerElementwiseChain(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const ValueId in = cluster.source, out = cluster.output;
  if (!lowering.IsF32(in) || !lowering.IsF32(out)) {
    *refusal = "no fast kernel for these element types";
    return Status::Ok();
  }
  UnaryOp unary;
  const FusedOp& first = cluster.ops[0];
  if (cluster.op_count == 1 && UnaryOfPostOp(first.kind, &unary)) {
    return EmitUnary(lowering, cluster, unary, first.a, first.b, in, out);
  }
  BinaryOp binary;
  const Node& node = lowering.node(cluster.nodes[0]);
  // WidenRows makes a chain of a few constants the faster one.
  const bool is_few_constants = first.operand != kNone && first.per_channel &&
                                lowering.known(first.operand) != nullptr &&
                                lowering.known(first.operand)->elements() <= kFewChannels;
  if (cluster.op_count == 1 && first.operand != kNone && !is_few_constants &&
      BinaryOfNode(node.op, &binary) && IsDense(lowering, in) && IsDense(lowering, first.operand) &&
      IsDense(lowering, out)) {
    return EmitBinary(lowering, cluster, binary, node.inputs[0], node.inputs[1], out);
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::ChainParams>());
  StepSpec spec;
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, in));
  lowering.TryInPlace(cluster, in, out);
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, out));
  MACE_RETURN_IF_ERROR(lowering.AddPostOps(cluster, &spec, &params->post_ops));
  bool needs_channels = false;
  for (int i = 0; i < cluster.op_count; ++i) {
    if (cluster.ops[i].operand == kNone) continue;
    needs_channels |= cluster.ops[i].per_channel || !IsDense(lowering, cluster.ops[i].operand);
  }
  return EmitChain(lowering, cluster, std::move(spec), params, needs_channels);
}

Status LowerUnary(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  UnaryOp op;
  if (!lowering.IsF32(node.inputs[0]) || !UnaryOfNode(node.op, &op)) {
    *refusal = "no fast kernel for this element type";
    return Status::Ok();
  }
  return EmitUnary(lowering, cluster, op, 0.0f, 0.0f, node.inputs[0], node.outputs[0]);
}

Status LowerBinary(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const DType dtype = lowering.type(node.inputs[0]).dtype;
  for (ValueId input : node.inputs) {
    if (lowering.plan().graph->QuantizationOf(input) != nullptr) {
      return LowerQuantizedBinary(lowering, cluster, refusal);
    }
  }
  BinaryOp op;
  if (!BinaryOfNode(node.op, &op) || (dtype != DType::kF32 && dtype != DType::kI32 && dtype != DType::kI64) ||
      (op == BinaryOp::kPRelu && dtype != DType::kF32) ||
      lowering.type(node.inputs[1]).dtype != dtype) {  // Pow of integers and floats
    *refusal = "no fast kernel for this element type";
    return Status::Ok();
  }
  return EmitBinary(lowering, cluster, op, node.inputs[0], node.inputs[1], node.outputs[0]);
}

Status LowerWhere(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const int bytes = BytesOf(lowering.type(node.outputs[0]).dtype);
  if (bytes == 0) {
    *refusal = "no fast kernel for this element type";
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::WhereParams>());
  params->condition = lowering.shape(node.inputs[0]);
  params->if_true = lowering.shape(node.inputs[1]);
  params->if_false = lowering.shape(node.inputs[2]);
  params->element_bytes = bytes;
  MACE_RETURN_IF_ERROR(kernels::PrepareWhere(params));
  const auto& table = lowering.kernels();
  return lowering.EmitKernel(cluster, {"where", table.elementwise->where, table.elementwise_isa}, params,
                             {node.inputs[0], node.inputs[1], node.inputs[2]}, node.outputs[0]);
}

Status LowerCast(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const DType from = lowering.type(node.inputs[0]).dtype, to = lowering.type(node.outputs[0]).dtype;
  if (BytesOf(from) == 0 || BytesOf(to) == 0) {
    *refusal = "no fast kernel for these element types";
    return Status::Ok();
  }
  if (from == to) {
    return lowering.EmitCopy(cluster, node.inputs[0], node.outputs[0], "a cast to the same type");
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::CastParams>());
  params->from = from;
  params->to = to;
  params->count = lowering.shape(node.outputs[0]).ElementCount();
  MACE_RETURN_IF_ERROR(kernels::PrepareCast(params));
  const auto& table = lowering.kernels();
  return lowering.EmitKernel(cluster, {"cast", table.elementwise->cast, table.elementwise_isa}, params,
                             {node.inputs[0]}, node.outputs[0]);
}

// A chain of a multiplication and an addition per channel.
Status LowerBatchNormalization(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const TensorView* values[4];
  bool are_known = lowering.IsF32(node.inputs[0]);
  for (int i = 0; i < 4; ++i) {
    values[i] = lowering.known(node.inputs[i + 1]);
    are_known = are_known && values[i] != nullptr && values[i]->dtype == DType::kF32;
  }
  if (!are_known) {
    *refusal = "its statistics are not known when the plan is made";
    return Status::Ok();
  }
  const float epsilon = node.attributes.as<ops::BatchNormalizationAttributes>().epsilon;
  const int64_t channels = values[0]->elements();
  MACE_ASSIGN_OR_RETURN(uint8_t* memory,
                        lowering.builder().NewOwned(static_cast<size_t>(2 * channels) * sizeof(float)));
  float* factor = reinterpret_cast<float*>(memory);
  float* shift = factor + channels;
  for (int64_t c = 0; c < channels; ++c) {
    const auto of = [&](int i) { return values[i]->as<const float>()[c]; };
    const ops::ChannelLine line = ops::LineOfBatchNormalization(of(0), of(1), of(2), of(3), epsilon);
    factor[c] = line.factor;
    shift[c] = line.shift;
  }
  Cluster chain = cluster;
  chain.source = node.inputs[0];
  chain.output = node.outputs[0];
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::ChainParams>());
  params->post_ops.count = 2;
  params->post_ops.ops[0].kind = PostOpKind::kMul;
  params->post_ops.ops[0].operand = 2;
  params->post_ops.ops[1].kind = PostOpKind::kAdd;
  params->post_ops.ops[1].operand = 3;
  StepSpec spec;
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, chain.source));
  lowering.TryInPlace(cluster, chain.source, chain.output);
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, chain.output));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(Operand{kNone, 0, factor, channels * 4}));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(Operand{kNone, 0, shift, channels * 4}));
  return EmitChain(lowering, chain, std::move(spec), params, true);
}

}  // namespace mace::cpu
