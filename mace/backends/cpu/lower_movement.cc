// Operators that move elements: Transpose, Concat, Split, Slice, Expand, Gather, Pad, Tile, DepthToSpace,
// SpaceToDepth.
#include <cstring>

#include "mace/backends/cpu/lower_quantize.h"
#include "mace/backends/cpu/lowering_table.h"
#include "mace/kernels/elementwise/elementwise.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"

namespace mace::cpu {
namespace {

constexpr const char* kNoWholeBytes = "no fast kernel for 4-bit elements";
constexpr const char* kUnknownOperand = "an operand is not known when the plan is made";

int ElementBytes(const Lowering& lowering, ValueId value) { return BytesOf(lowering.type(value).dtype); }

// The step of a strided copy between two values.
Status EmitBox(Lowering& lowering, const Cluster& cluster, ValueId from, ValueId to,
               kernels::CopyParams* params, const char* reason) {
  params->element_bytes = ElementBytes(lowering, to);
  MACE_RETURN_IF_ERROR(kernels::PrepareCopy(params));
  const auto& table = lowering.kernels();
  return lowering.EmitKernel(cluster, {"copy", table.elementwise->copy, table.elementwise_isa}, params,
                             {from}, to, Lowering::Placement::kApart, reason);
}

// Reshaped to `input`, transposed by `perm`, and what results seen as the shape of `to`.
Status EmitTranspose(Lowering& lowering, const Cluster& cluster, ValueId from, ValueId to, const Shape& input,
                     const int32_t* perm) {
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::TransposeParams>());
  params->input = input;
  params->element_bytes = ElementBytes(lowering, from);
  for (int i = 0; i < input.rank; ++i) params->perm[i] = perm[i];
  MACE_RETURN_IF_ERROR(kernels::PrepareTranspose(params));
  const auto& table = lowering.kernels();
  return lowering.EmitKernel(cluster, {"transpose", table.elementwise->transpose, table.elementwise_isa},
                             params, {from}, to);
}

// Strides of a dense tensor with the given shape, in elements; of a padded one, pixels lie further apart.
void StridesOf(Lowering& lowering, ValueId value, int64_t* strides) {
  const Shape& shape = lowering.shape(value);
  kernels::DenseStrides(shape, strides);
  const int64_t element = ElementBytes(lowering, value);
  if (!lowering.storage().IsPadded(value) || element == 0) return;  // only whole bytes are padded
  const int64_t pixel = lowering.storage().PixelStride(value) / element;
  int64_t stride = pixel;
  for (int i = shape.rank - 2; i >= 0; --i) {
    strides[i] = stride;
    stride *= shape[i];
  }
}

}  // namespace

Status LowerTranspose(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const IntList& given = node.attributes.as<ops::TransposeAttributes>().perm;
  const Shape& shape = lowering.shape(node.inputs[0]);
  if (ElementBytes(lowering, node.inputs[0]) == 0) {
    *refusal = kNoWholeBytes;
    return Status::Ok();
  }
  int32_t perm[kMaxRank];
  for (int i = 0; i < shape.rank; ++i) {
    perm[i] = static_cast<int32_t>(given.empty() ? shape.rank - 1 - i : given[i]);
  }
  return EmitTranspose(lowering, cluster, node.inputs[0], node.outputs[0], shape, perm);
}

Status LowerDepthToSpace(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::DepthToSpaceAttributes>();
  const Shape& in = lowering.shape(node.inputs[0]);
  const int64_t block = attributes.block_size;
  const int64_t channels = lowering.shape(node.outputs[0])[3];
  if (ElementBytes(lowering, node.inputs[0]) == 0) {
    *refusal = kNoWholeBytes;
    return Status::Ok();
  }
  if (attributes.mode == ops::DepthToSpaceMode::kDepthColumnRow) {
    const int32_t perm[] = {0, 1, 3, 2, 4, 5};
    return EmitTranspose(lowering, cluster, node.inputs[0], node.outputs[0],
                         {in[0], in[1], in[2], block, block, channels}, perm);
  }
  const int32_t perm[] = {0, 1, 4, 2, 5, 3};
  return EmitTranspose(lowering, cluster, node.inputs[0], node.outputs[0],
                       {in[0], in[1], in[2], channels, block, block}, perm);
}

Status LowerSpaceToDepth(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::DepthToSpaceAttributes>();
  const Shape& out = lowering.shape(node.outputs[0]);
  const int64_t block = attributes.block_size;
  if (ElementBytes(lowering, node.inputs[0]) == 0) {
    *refusal = kNoWholeBytes;
    return Status::Ok();
  }
  const Shape blocks = {out[0], out[1], block, out[2], block, lowering.shape(node.inputs[0])[3]};
  const bool depth_first = attributes.mode == ops::DepthToSpaceMode::kDepthColumnRow;
  const int32_t depth_column_row[] = {0, 1, 3, 2, 4, 5}, column_row_depth[] = {0, 1, 3, 5, 2, 4};
  return EmitTranspose(lowering, cluster, node.inputs[0], node.outputs[0], blocks,
                       depth_first ? depth_column_row : column_row_depth);
}

Status LowerConcat(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const ValueId out = node.outputs[0];
  int axis = 0;
  if (ElementBytes(lowering, out) == 0 ||
      !NormalizeAxis(node.attributes.as<ops::ConcatAttributes>().axis, lowering.shape(out).rank, &axis)) {
    *refusal = kNoWholeBytes;
    return Status::Ok();
  }
  // Parts lie within the whole only where the planner has found that none is rescaled.
  const bool rescales = ops::ConcatRescales(*lowering.plan().graph, node);
  int64_t position = 0;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const ValueId input = node.inputs[i];
    const int64_t size = lowering.shape(input)[axis];
    MACE_RETURN_IF_ERROR(lowering.Need(input));
    const bool is_empty = lowering.shape(input).ElementCount() == 0;
    if (rescales && !is_empty) {
      MACE_RETURN_IF_ERROR(LowerRescaledPart(lowering, cluster, i, axis, position, refusal));
      if (*refusal != nullptr) return Status::Ok();
    } else if (!is_empty && !lowering.storage().IsPartOf(input, out)) {
      MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::CopyParams>());
      params->dims = lowering.shape(input);
      StridesOf(lowering, input, params->input_strides);
      StridesOf(lowering, out, params->output_strides);
      params->output_offset = position * params->output_strides[axis];
      MACE_RETURN_IF_ERROR(EmitBox(lowering, cluster, input, out, params, "a part of a concatenation"));
    }
    position += size;
  }
  return Status::Ok();
}

Status LowerSplit(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const ValueId in = node.inputs[0];
  int axis = 0;
  if (ElementBytes(lowering, in) == 0 ||
      !NormalizeAxis(node.attributes.as<ops::SplitAttributes>().axis, lowering.shape(in).rank, &axis)) {
    *refusal = kNoWholeBytes;
    return Status::Ok();
  }
  for (ValueId output : node.outputs) {
    if (output == kNone) {
      *refusal = "an output is absent";
      return Status::Ok();
    }
  }
  MACE_RETURN_IF_ERROR(lowering.Need(in));
  int64_t position = 0;
  for (ValueId output : node.outputs) {
    const int64_t size = lowering.shape(output)[axis];
    if (!lowering.storage().IsPartOf(output, in) && lowering.shape(output).ElementCount() > 0) {
      MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::CopyParams>());
      params->dims = lowering.shape(output);
      StridesOf(lowering, in, params->input_strides);
      StridesOf(lowering, output, params->output_strides);
      params->input_offset = position * params->input_strides[axis];
      MACE_RETURN_IF_ERROR(EmitBox(lowering, cluster, in, output, params, "a part of a split"));
    }
    position += size;
  }
  return Status::Ok();
}

Status LowerSlice(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const Shape& shape = lowering.shape(node.inputs[0]);
  const TensorView* operands[5] = {};  // starts, ends, axes, steps at 1 .. 4
  if (ElementBytes(lowering, node.inputs[0]) == 0) *refusal = kNoWholeBytes;
  for (size_t i = 1; i < node.inputs.size() && i < 5; ++i) {
    operands[i] = lowering.known(node.inputs[i]);
    if (node.inputs[i] != kNone && (operands[i] == nullptr || !ops::IsIntVector(*operands[i]))) {
      *refusal = kUnknownOperand;
    }
  }
  if (operands[1] == nullptr) *refusal = kUnknownOperand;
  if (*refusal != nullptr) return Status::Ok();
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::CopyParams>());
  params->dims = lowering.shape(node.outputs[0]);
  kernels::DenseStrides(shape, params->input_strides);
  kernels::DenseStrides(params->dims, params->output_strides);
  for (int64_t i = 0; i < operands[1]->elements(); ++i) {
    int axis = 0;
    if (!NormalizeAxis(operands[3] != nullptr ? ops::ReadInt(*operands[3], i) : i, shape.rank, &axis)) {
      return InvalidArgument("slice: an axis is out of range");
    }
    const int64_t size = shape[axis];
    const int64_t step = operands[4] != nullptr ? ops::ReadInt(*operands[4], i) : 1;
    int64_t start = ops::ReadInt(*operands[1], i);
    if (start < 0) start = start < -size ? 0 : start + size;
    if (start < 0) start = 0;
    const int64_t last = step > 0 ? size : size - 1;
    if (start > last) start = last;
    if (params->dims[axis] == 0) start = 0;
    params->input_offset += start * params->input_strides[axis];
    if (params->dims[axis] > 1) params->input_strides[axis] *= step;
  }
  return EmitBox(lowering, cluster, node.inputs[0], node.outputs[0], params, "");
}

Status LowerExpand(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const Shape& in = lowering.shape(node.inputs[0]);
  if (ElementBytes(lowering, node.inputs[0]) == 0) {
    *refusal = kNoWholeBytes;
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::CopyParams>());
  params->dims = lowering.shape(node.outputs[0]);
  int64_t strides[kMaxRank];
  kernels::DenseStrides(in, strides);
  kernels::DenseStrides(params->dims, params->output_strides);
  const int shift = params->dims.rank - in.rank;
  for (int i = 0; i < in.rank; ++i) params->input_strides[i + shift] = in[i] == 1 ? 0 : strides[i];
  return EmitBox(lowering, cluster, node.inputs[0], node.outputs[0], params, "");
}

namespace {

Status EmitGather(Lowering& lowering, const Cluster& cluster, const Operand& data, DType dtype, int axis,
                  ValueId out, const Operand* out_place) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const Shape& shape = lowering.shape(node.inputs[0]);
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::GatherParams>());
  params->index_type = lowering.type(node.inputs[1]).dtype;
  params->outer = shape.Product(0, axis);
  params->axis_size = shape[axis];
  params->index_count = lowering.shape(node.inputs[1]).ElementCount();
  params->block_bytes = shape.Product(axis + 1, shape.rank) * BytesOf(dtype);
  MACE_RETURN_IF_ERROR(kernels::PrepareGather(params));
  const auto& table = lowering.kernels();
  StepSpec spec;
  MACE_RETURN_IF_ERROR(
      lowering.SetKernel({"gather", table.elementwise->gather, table.elementwise_isa}, params, &spec));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(data));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, node.inputs[1]));
  if (out_place != nullptr) {
    spec.reason = "rows of the f16 constant are converted after they are gathered";
    MACE_RETURN_IF_ERROR(spec.operands.PushBack(*out_place));
  } else {
    MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, out));
  }
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(Operand{kErrorFlag, 0, nullptr, 0}));
  return lowering.Emit(cluster, std::move(spec));
}

}  // namespace

Status LowerGather(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const Shape& shape = lowering.shape(node.inputs[0]);
  const DType index_type = lowering.type(node.inputs[1]).dtype;
  int axis = 0;
  if (ElementBytes(lowering, node.inputs[0]) == 0) *refusal = kNoWholeBytes;
  if (index_type != DType::kI64 && index_type != DType::kI32) *refusal = "no fast kernel for these indices";
  if (!NormalizeAxis(node.attributes.as<ops::GatherAttributes>().axis, shape.rank, &axis)) {
    *refusal = "the axis is out of range";
  }
  if (*refusal != nullptr) return Status::Ok();
  const ValueId out = node.outputs[0];
  const WeightSource source = lowering.Weights(node.inputs[0]);
  const bool is_converted =
      source.view != nullptr && source.view->dtype == DType::kF16 && lowering.IsF32(node.inputs[0]);
  if (!is_converted) {
    MACE_ASSIGN_OR_RETURN(const Operand data, lowering.OperandOf(node.inputs[0]));
    return EmitGather(lowering, cluster, data, lowering.type(out).dtype, axis, out, nullptr);
  }
  const int64_t count = lowering.shape(out).ElementCount();
  MACE_ASSIGN_OR_RETURN(const int32_t slot, lowering.builder().AddSlot(kNone, count * 2));
  const Operand data{kNone, 0, source.view->data, count * 2};
  const Operand rows{slot, 0, nullptr, count * 2};
  MACE_RETURN_IF_ERROR(EmitGather(lowering, cluster, data, DType::kF16, axis, out, &rows));
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::CastParams>());
  params->from = DType::kF16;
  params->to = DType::kF32;
  params->count = count;
  MACE_RETURN_IF_ERROR(kernels::PrepareCast(params));
  const auto& table = lowering.kernels();
  StepSpec spec;
  MACE_RETURN_IF_ERROR(
      lowering.SetKernel({"cast", table.elementwise->cast, table.elementwise_isa}, params, &spec));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(rows));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, out));
  return lowering.Emit(cluster, std::move(spec));
}

namespace {

// False where only the reference kernel repeats or mirrors as often as these pads ask for.
bool HasPadKind(ops::PadMode mode, const Shape& shape, const ops::PadAmounts& pads, kernels::PadKind* kind) {
  switch (mode) {
    case ops::PadMode::kConstant:
      *kind = kernels::PadKind::kConstant;
      return true;
    case ops::PadMode::kReflect:
      *kind = kernels::PadKind::kReflect;
      break;
    case ops::PadMode::kEdge:
      *kind = kernels::PadKind::kEdge;
      break;
    case ops::PadMode::kSymmetric:
      *kind = kernels::PadKind::kSymmetric;
      break;
    case ops::PadMode::kWrap:
    case ops::PadMode::kCount:
      return false;
  }
  for (int axis = 0; axis < shape.rank; ++axis) {
    const int64_t begin = pads.begin[axis], end = pads.end[axis];
    const int64_t most = shape[axis] - (mode == ops::PadMode::kReflect ? 1 : 0);
    const bool is_near = mode == ops::PadMode::kEdge || (begin <= most && end <= most);
    if ((begin != 0 || end != 0) && (begin < 0 || end < 0 || !is_near)) return false;
  }
  return true;
}

}  // namespace

Status LowerPad(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const Shape& shape = lowering.shape(node.inputs[0]);
  const TensorView* pads = lowering.known(node.inputs[1]);
  const bool has_value = InputOf(node, 2) != kNone, has_axes = InputOf(node, 3) != kNone;
  const TensorView* value = lowering.known(InputOf(node, 2));
  const TensorView* axes = lowering.known(InputOf(node, 3));
  if (ElementBytes(lowering, node.inputs[0]) == 0) *refusal = kNoWholeBytes;
  if (pads == nullptr || (has_value && value == nullptr) || (has_axes && axes == nullptr)) {
    *refusal = kUnknownOperand;
  }
  if (*refusal != nullptr) return Status::Ok();
  ops::PadAmounts amounts;
  MACE_RETURN_IF_ERROR(ops::ResolvePads(*pads, axes, shape.rank, &amounts));
  kernels::PadKind kind = kernels::PadKind::kConstant;
  if (!HasPadKind(node.attributes.as<ops::PadAttributes>().mode, shape, amounts, &kind)) {
    *refusal = "no fast kernel for this way of padding";
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::PadParams>());
  params->kind = kind;
  params->element_bytes = ElementBytes(lowering, node.inputs[0]);
  params->input = shape;
  for (int i = 0; i < shape.rank; ++i) {
    params->begin[i] = amounts.begin[i];
    params->end[i] = amounts.end[i];
  }
  if (value != nullptr) std::memcpy(params->value, value->data, static_cast<size_t>(params->element_bytes));
  MACE_RETURN_IF_ERROR(kernels::PreparePad(params));
  const auto& table = lowering.kernels();
  return lowering.EmitKernel(cluster, {"pad", table.elementwise->pad, table.elementwise_isa}, params,
                             {node.inputs[0]}, node.outputs[0]);
}

// A strided copy from x repeated: each repeated axis is two, the outer one without a stride of x.
Status LowerTile(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const Shape& in = lowering.shape(node.inputs[0]);
  const Shape& out = lowering.shape(node.outputs[0]);
  if (ElementBytes(lowering, node.inputs[0]) == 0) {
    *refusal = kNoWholeBytes;
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::CopyParams>());
  int64_t strides[kMaxRank];
  kernels::DenseStrides(in, strides);
  for (int i = 0; i < in.rank; ++i) {
    const int64_t repeats = in[i] > 0 ? out[i] / in[i] : 1;
    bool fits = true;
    if (repeats != 1) fits = params->dims.Push(repeats);
    if (fits && in[i] != 1) {
      params->input_strides[params->dims.rank] = strides[i];
      fits = params->dims.Push(in[i]);
    }
    if (!fits) {
      *refusal = "too many axes are repeated";
      return Status::Ok();
    }
  }
  kernels::DenseStrides(params->dims, params->output_strides);
  return EmitBox(lowering, cluster, node.inputs[0], node.outputs[0], params, "");
}

}  // namespace mace::cpu
