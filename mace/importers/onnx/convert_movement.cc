// Operators that move elements.
#include <numeric>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {

Outputs ConvertTranspose(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const int rank = context.RankOf(x);
  IntList perm;
  if (const auto given = node.Ints("perm"); given.has_value()) {
    perm = *given;
  } else {
    for (int i = 0; i < rank; ++i) perm.Push(rank - 1 - i);
  }
  uint32_t seen = 0;
  for (int64_t axis : perm) {
    if (axis < 0 || axis >= rank || (seen >> axis & 1) != 0)
      throw ImportError(InvalidArgument("perm is no permutation"));
    seen |= 1u << axis;
  }
  if (perm.size() != rank)
    throw ImportError(InvalidArgument("perm has %d axes, the tensor %d", perm.size(), rank));
  return {context.Transpose(x, perm)};
}

Outputs ConvertConcat(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  std::vector<ValueId> inputs;
  for (int i = 0; i < node.input_count(); ++i) inputs.push_back(context.Input(node, i));
  if (inputs.empty()) throw ImportError(InvalidArgument("no inputs"));
  ops::ConcatAttributes attributes;
  if (!node.Has("axis")) throw ImportError(InvalidArgument("axis is missing"));
  attributes.axis = context.NormalizedAxis(node.Int("axis", 0), context.RankOf(inputs[0]));
  return context.EmitMoved(OpId::kConcat, inputs, static_cast<int>(inputs.size()), attributes, 1);
}

Outputs ConvertSplit(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::SplitAttributes attributes;
  attributes.axis = context.NormalizedAxis(node.Int("axis", 0), context.RankOf(x));
  ValueId sizes = kNone;
  if (context.opset() >= 13) {
    sizes = context.OptionalInput(node, 1);
  } else if (const auto split = node.Ints("split"); split.has_value()) {
    sizes = context.Int64s(*split);
  }
  const int64_t count = node.Int("num_outputs", node.output_count());
  if (count != node.output_count())
    throw ImportError(InvalidArgument("num_outputs does not fit the outputs"));
  const ValueId inputs[] = {x, sizes};
  return context.EmitMoved(OpId::kSplit, std::span<const ValueId>(inputs, sizes == kNone ? 1 : 2), 1,
                           attributes, static_cast<int>(count));
}

Outputs ConvertSlice(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  if (context.opset() < 10) {
    const auto starts = node.Ints("starts"), ends = node.Ints("ends"), axes = node.Ints("axes");
    if (!starts.has_value() || !ends.has_value())
      throw ImportError(InvalidArgument("starts or ends are missing"));
    const ValueId inputs[] = {x, context.Int64s(*starts), context.Int64s(*ends),
                              axes.has_value() ? context.Int64s(*axes) : kNone};
    return context.EmitMoved(OpId::kSlice, std::span<const ValueId>(inputs, axes.has_value() ? 4 : 3), 1,
                             NoAttributes{}, 1);
  }
  std::vector<ValueId> inputs = {x, context.Input(node, 1), context.Input(node, 2),
                                 context.OptionalInput(node, 3), context.OptionalInput(node, 4)};
  while (inputs.back() == kNone) inputs.pop_back();
  return context.EmitMoved(OpId::kSlice, inputs, 1, NoAttributes{}, 1);
}

Outputs ConvertGather(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::GatherAttributes attributes;
  attributes.axis = context.NormalizedAxis(node.Int("axis", 0), context.RankOf(x));
  return {context.EmitMoved(OpId::kGather, {x, context.Input(node, 1)}, attributes)};
}

Outputs ConvertPad(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const int rank = context.RankOf(x);
  ops::PadAttributes attributes;
  const std::string mode = node.String("mode", "constant");
  if (mode == "constant") {
    attributes.mode = ops::PadMode::kConstant;
  } else if (mode == "reflect") {
    attributes.mode = ops::PadMode::kReflect;
  } else if (mode == "edge") {
    attributes.mode = ops::PadMode::kEdge;
  } else {
    throw ImportError(Unsupported("mode='%s' is not supported", mode.c_str()));
  }
  ValueId pads, value = kNone;
  if (context.opset() < 11) {
    const auto list = node.Ints("pads");
    if (!list.has_value()) throw ImportError(InvalidArgument("pads are missing"));
    pads = context.Int64s(*list);
    const float fill = node.Float("value", 0);
    if (fill != 0) value = context.Float(fill, context.TypeOf(x).dtype);
  } else {
    pads = context.Input(node, 1);
    value = context.OptionalInput(node, 2);
    if (value != kNone && context.RankOf(value) == 1 && context.TypeOf(value).shape[0] == 1) {
      value = context.Reshape(value, IntList{});  // old files hold a list of one
    }
    if (const ValueId axes_value = context.OptionalInput(node, 3); axes_value != kNone) {
      const IntList axes = context.ConstantInts(axes_value, "axes");
      const TensorView* view = context.graph().ConstantOf(pads);
      if (view == nullptr || view->dtype != DType::kI64 || view->elements() != 2 * axes.size()) {
        throw ImportError(Unsupported("axes with pads that are computed or of another size"));
      }
      std::vector<int64_t> all(2 * rank, 0);
      for (int i = 0; i < axes.size(); ++i) {
        const int axis = context.NormalizedAxis(axes[i], rank);
        all[axis] = view->as<int64_t>()[i];
        all[rank + axis] = view->as<int64_t>()[axes.size() + i];
      }
      pads = context.Int64s(all);
    }
  }
  // The padding is a stored integer, 0 where none is given; its own scale (it may come from QuantizeLinear)
  // does not matter.
  if (value == kNone) return {context.EmitMoved(OpId::kPad, {x, pads}, attributes)};
  return {context.EmitMoved(OpId::kPad, {x, pads, value}, attributes)};
}

Outputs ConvertDepthToSpace(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
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
  const ValueId y =
      context.EmitMoved(OpId::kDepthToSpace, {context.ToNhwc(context.Input(node, 0))}, attributes);
  return {context.ToNchw(y)};
}

}  // namespace mace::importers::onnx
