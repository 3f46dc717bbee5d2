// Operators that read, write or find elements by index.
#include <algorithm>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/detection/select_boxes.h"
#include "mace/ops/index/index_ops.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/search/selection.h"

namespace mace::importers::onnx {

Outputs ConvertGatherElements(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId data = context.Input(node, 0);
  ops::GatherElementsAttributes attributes;
  attributes.axis = AxisOf(context, node.Int("axis", 0), context.RankOf(data));
  return {context.EmitMoved(OpId::kGatherElements, {data, context.Input(node, 1)}, attributes)};
}

Outputs ConvertGatherNd(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::GatherNdAttributes attributes;
  attributes.batch_dims = node.Int("batch_dims", 0);
  const ValueId data = context.Input(node, 0);
  return {context.EmitMoved(OpId::kGatherNd, {data, context.Input(node, 1)}, attributes)};
}

namespace {

ops::ScatterReduction ReadReduction(OnnxNode& node) {
  const std::string name = node.String("reduction", "none");
  constexpr std::pair<std::string_view, ops::ScatterReduction> kReductions[] = {
      {"none", ops::ScatterReduction::kNone},    {"add", ops::ScatterReduction::kAdd},
      {"mul", ops::ScatterReduction::kMultiply}, {"min", ops::ScatterReduction::kMin},
      {"max", ops::ScatterReduction::kMax},
  };
  for (const auto& [known, value] : kReductions) {
    if (known == name) return value;
  }
  throw ImportError(Unsupported("reduction='%s' is not supported", name.c_str()));
}

}  // namespace

Outputs ConvertScatterElements(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId data = context.Input(node, 0);
  ops::ScatterElementsAttributes attributes;
  attributes.axis = AxisOf(context, node.Int("axis", 0), context.RankOf(data));
  attributes.reduction = ReadReduction(node);
  return {context.Emit(OpId::kScatterElements, {data, context.Input(node, 1), context.Input(node, 2)},
                       attributes)};
}

Outputs ConvertScatterNd(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::ScatterNdAttributes attributes;
  attributes.reduction = ReadReduction(node);
  return {context.Emit(OpId::kScatterNd,
                       {context.Input(node, 0), context.Input(node, 1), context.Input(node, 2)}, attributes)};
}

Outputs ConvertTensorScatter(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId cache = context.Input(node, 0), update = context.Input(node, 1);
  const ValueId positions = context.OptionalInput(node, 2);
  ops::TensorScatterAttributes attributes;
  attributes.axis = AxisOf(context, node.Int("axis", -2), context.RankOf(cache));
  const std::string mode = node.String("mode", "linear");
  if (mode != "linear" && mode != "circular")
    throw ImportError(Unsupported("mode='%s' is not supported", mode.c_str()));
  attributes.circular = mode == "circular";
  if (positions == kNone) return {context.Emit(OpId::kTensorScatter, {cache, update}, attributes)};
  return {context.Emit(OpId::kTensorScatter, {cache, update, positions}, attributes)};
}

Outputs ConvertOneHot(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId indices = AsInt64(context, context.Input(node, 0));
  const ValueId depth = AsInt64(context, context.Input(node, 1));
  ops::OneHotAttributes attributes;
  const int rank = context.RankOf(indices);
  attributes.axis = AxisOf(context, node.Int("axis", -1), rank < 0 ? rank : rank + 1);
  return {context.Emit(OpId::kOneHot, {indices, depth, context.Input(node, 2)}, attributes)};
}

Outputs ConvertNonZero(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {context.Emit(OpId::kNonZero, {context.Input(node, 0)})};
}

// What stands where the condition holds.
Outputs ConvertCompress(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ValueId x = context.Input(node, 0);
  ops::GatherAttributes attributes;
  if (node.Has("axis")) {
    attributes.axis = AxisOf(context, node.Int("axis", 0), context.RankOf(x));
  } else {
    x = context.Reshape(x, IntList{-1});
  }
  const ValueId places = context.Emit(OpId::kNonZero, {context.Input(node, 1)});
  return {context.EmitMoved(OpId::kGather, {x, context.Reshape(places, IntList{-1})}, attributes)};
}

// com.microsoft's has no attributes: in the order of first occurrence, without the places of these.
Outputs ConvertUnique(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x[] = {context.Input(node, 0)};
  ops::UniqueAttributes attributes;
  if (entry.microsoft) {
    attributes.sorted = false;
    const Outputs all = context.EmitMany(OpId::kUnique, x, attributes, 4);
    return {all[0], all[2], all[3]};
  }
  attributes.along_axis = node.Has("axis");
  if (attributes.along_axis) attributes.axis = AxisOf(context, node.Int("axis", 0), context.RankOf(x[0]));
  attributes.sorted = node.Int("sorted", 1) != 0;
  return context.EmitMany(OpId::kUnique, x, attributes, std::clamp(node.output_count(), 1, 4));
}

Outputs ConvertNonMaxSuppression(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::SelectBoxesAttributes attributes;
  if (node.Int("center_point_box", 0) != 0) attributes.box_format = ops::BoxFormat::kCentre;
  std::vector<ValueId> inputs = {context.Input(node, 0), context.Input(node, 1)};
  for (int i = 2; i < 5; ++i) inputs.push_back(context.OptionalInput(node, i));
  while (inputs.back() == kNone) inputs.pop_back();
  return context.EmitMany(OpId::kSelectBoxes, inputs, attributes, 1);
}

}  // namespace mace::importers::onnx
