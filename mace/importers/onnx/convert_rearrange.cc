// Operators that rearrange elements, or make tensors of sizes and bounds.
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/binary/binary.h"
#include "mace/ops/movement/rearrange.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/range.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::onnx {

int64_t AxisOf(const OnnxContext& context, int64_t axis, int rank) {
  return rank < 0 ? axis : context.NormalizedAxis(axis, rank);
}

ValueId AsInt64(OnnxContext& context, ValueId value) { return context.Cast(value, DType::kI64); }

Outputs ConvertTile(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  if (context.opset() < 6) {
    return {EmitTileOfAxis(context, context.Input(node, 0), context.Input(node, 1), context.Input(node, 2))};
  }
  return {context.EmitMoved(OpId::kTile, {context.Input(node, 0), context.Input(node, 1)}, NoAttributes{})};
}

Outputs ConvertTrilu(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::TriluAttributes attributes;
  attributes.upper = node.Int("upper", 1) != 0;
  const ValueId x = context.Input(node, 0), k = context.OptionalInput(node, 1);
  if (k == kNone) return {context.Emit(OpId::kTrilu, {x}, attributes)};
  return {context.Emit(OpId::kTrilu, {x, k}, attributes)};
}

Outputs ConvertReverseSequence(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::ReverseSequenceAttributes attributes;
  attributes.batch_axis = node.Int("batch_axis", 1);
  attributes.time_axis = node.Int("time_axis", 0);
  const ValueId x = context.Input(node, 0);
  return {context.EmitMoved(OpId::kReverseSequence, {x, context.Input(node, 1)}, attributes)};
}

ops::DepthToSpaceAttributes ReadBlocks(OnnxNode& node) {
  ops::DepthToSpaceAttributes attributes;
  attributes.block_size = node.Int("blocksize", 0);
  if (attributes.block_size < 1 || attributes.block_size > 1024) {
    throw ImportError(
        InvalidArgument("blocksize=%lld is out of range", static_cast<long long>(attributes.block_size)));
  }
  const std::string mode = node.String("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    throw ImportError(Unsupported("mode='%s' is not supported", mode.c_str()));
  attributes.mode =
      mode == "DCR" ? ops::DepthToSpaceMode::kDepthColumnRow : ops::DepthToSpaceMode::kColumnRowDepth;
  return attributes;
}

Outputs ConvertDepthToSpace(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ops::DepthToSpaceAttributes attributes = ReadBlocks(node);
  return {context.ToNchw(context.EmitMoved(entry.op, {context.ToNhwc(context.Input(node, 0))}, attributes))};
}

// The smaller sizes cut, the larger ones pad, each half in front, the odd one behind: a Pad by the
// difference.
Outputs ConvertCenterCropPad(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const ValueId target = AsInt64(context, context.Input(node, 1));
  ValueId sizes = context.Emit(OpId::kShape, {x}, ops::ShapeAttributes{}), axes = kNone;
  if (const auto listed = node.Ints("axes"); listed.has_value()) {
    axes = context.Int64s(*listed);
    sizes = context.Emit(OpId::kGather, {sizes, axes}, ops::GatherAttributes{});
  }
  context.Repaired("CenterCropPad has no kernel", "a Pad by half of the difference on each side");
  const int64_t two[] = {2};
  const ValueId missing = context.Emit(OpId::kSub, {target, sizes}, ops::RoundingAttributes{});
  const ValueId front =
      context.Emit(OpId::kDiv, {missing, context.Int64s(two)}, ops::RoundingAttributes{});  // towards zero
  const ValueId back = context.Emit(OpId::kSub, {missing, front}, ops::RoundingAttributes{});
  const ValueId pads = context.Emit(OpId::kConcat, {front, back}, ops::ConcatAttributes{});
  return {EmitPad(context, x, pads, kNone, axes, ops::PadAttributes{})};
}

// com.microsoft's has an optional step.
Outputs ConvertRange(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  node.Ignore("stash_type");  // 16-bit floats are computed in float32 here, always
  const ValueId start = context.Input(node, 0), limit = context.Input(node, 1);
  ValueId delta = entry.microsoft ? context.OptionalInput(node, 2) : context.Input(node, 2);
  if (delta == kNone) delta = context.Cast(context.Int64s(IntList{1}), context.TypeOf(start).dtype);
  return {context.Emit(OpId::kRange, {start, limit, delta})};
}

Outputs ConvertEyeLike(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::EyeLikeAttributes attributes;
  attributes.k = node.Int("k", 0);
  attributes.dtype = context.TypeOf(x).dtype;
  if (node.Has("dtype")) {
    const int64_t number = node.Int("dtype", 0);
    attributes.dtype =
        number == static_cast<int32_t>(number) ? DTypeOfOnnx(static_cast<int32_t>(number)) : DType::kInvalid;
    if (attributes.dtype == DType::kInvalid) {
      throw ImportError(Unsupported("dtype=%lld is a type that MACE lacks", static_cast<long long>(number)));
    }
  }
  return {context.Emit(OpId::kEyeLike, {x}, attributes)};
}

// The size of x as a list.
Outputs ConvertSize(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId flat = context.Reshape(context.Input(node, 0), IntList{-1});
  const ValueId sizes = context.Emit(OpId::kShape, {flat}, ops::ShapeAttributes{});
  return {context.Reshape(sizes, IntList{})};
}

}  // namespace mace::importers::onnx
