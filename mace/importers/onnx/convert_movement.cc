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
  if (rank < 0) {
    ops::TransposeAttributes attributes;
    attributes.perm = node.Ints("perm").value_or(IntList{});
    return {context.EmitMoved(OpId::kTranspose, {x}, attributes)};
  }
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
  if (!node.Has("axis") && context.opset() >= 4) throw ImportError(InvalidArgument("axis is missing"));
  attributes.axis = AxisOf(context, node.Int("axis", 1), context.RankOf(inputs[0]));
  return context.EmitMoved(OpId::kConcat, inputs, static_cast<int>(inputs.size()), attributes, 1);
}

Outputs ConvertSplit(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::SplitAttributes attributes;
  attributes.axis = AxisOf(context, node.Int("axis", 0), context.RankOf(x));
  ValueId sizes = kNone;
  if (context.opset() >= 13 || context.opset() < 2) {
    sizes = context.OptionalInput(node, 1);
  }
  if (const auto split = context.opset() < 13 ? node.LongInts("split") : std::nullopt; split.has_value()) {
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
  attributes.axis = AxisOf(context, node.Int("axis", 0), context.RankOf(x));
  return {context.EmitMoved(OpId::kGather, {x, context.Input(node, 1)}, attributes)};
}

namespace {

ops::PadMode ReadPadMode(OnnxNode& node) {
  const std::string mode = node.String("mode", "constant");
  constexpr std::pair<std::string_view, ops::PadMode> kModes[] = {{"constant", ops::PadMode::kConstant},
                                                                  {"reflect", ops::PadMode::kReflect},
                                                                  {"edge", ops::PadMode::kEdge},
                                                                  {"wrap", ops::PadMode::kWrap}};
  for (const auto& [name, value] : kModes) {
    if (name == mode) return value;
  }
  throw ImportError(Unsupported("mode='%s' is not supported", mode.c_str()));
}

}  // namespace

ValueId EmitPad(OnnxContext& context, ValueId x, ValueId pads, ValueId value, ValueId axes,
                const ops::PadAttributes& attributes) {
  const int rank = context.RankOf(x);
  const TensorView* given = context.graph().ConstantOf(pads);
  const TensorView* listed = context.graph().ConstantOf(axes);
  if (given != nullptr && listed != nullptr && rank >= 0 && ops::IsIntVector(*given) &&
      ops::IsIntVector(*listed)) {
    ops::PadAmounts amounts;
    Check(ops::ResolvePads(*given, listed, rank, &amounts));
    std::vector<int64_t> all(amounts.begin, amounts.begin + rank);
    all.insert(all.end(), amounts.end, amounts.end + rank);
    pads = context.Int64s(all);
    axes = kNone;
  }
  // The padding is a stored integer, 0 where none is given; its own scale (it may come from QuantizeLinear)
  // does not matter.
  if (axes != kNone) return context.EmitMoved(OpId::kPad, {x, pads, value, axes}, attributes);
  if (value != kNone) return context.EmitMoved(OpId::kPad, {x, pads, value}, attributes);
  return context.EmitMoved(OpId::kPad, {x, pads}, attributes);
}

Outputs ConvertPad(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::PadAttributes attributes;
  attributes.mode = ReadPadMode(node);
  if (context.opset() < 11 && !entry.microsoft) {
    const auto list = node.LongInts(context.opset() < 2 ? "paddings" : "pads");
    if (!list.has_value()) throw ImportError(InvalidArgument("pads are missing"));
    const float fill = node.Float("value", 0);
    const ValueId value = fill != 0 ? context.Float(fill, context.TypeOf(x).dtype) : kNone;
    return {EmitPad(context, x, context.Int64s(*list), value, kNone, attributes)};
  }
  ValueId pads = context.Input(node, 1), value = context.OptionalInput(node, 2);
  if (entry.microsoft && context.RankOf(pads) != 1) pads = context.Reshape(pads, IntList{-1});
  const bool may_be_list =
      value != kNone &&
      (context.RankOf(value) < 0 || (context.RankOf(value) == 1 && context.TypeOf(value).shape[0] == 1));
  if (may_be_list) {
    value = context.Reshape(value, IntList{});  // old files hold a list of one
  }
  const ValueId axes = entry.microsoft ? kNone : context.OptionalInput(node, 3);
  return {EmitPad(context, x, pads, value, axes, attributes)};
}

}  // namespace mace::importers::onnx
