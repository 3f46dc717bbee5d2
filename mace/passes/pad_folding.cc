#include <algorithm>

#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/passes/constants.h"
#include "mace/passes/matching.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// What a Pad by constants adds at top, left, bottom and right. False where it pads with anything but what
// stands for zero, crops, or pads other axes.
bool SpatialPads(const GraphEditor& editor, const Node& pad, int64_t pads[4]) {
  const Graph& graph = editor.graph();
  const ValueId x = pad.inputs[0];
  IntList amounts, axes;
  const int rank = editor.ShapeOf(x).rank;
  const auto has_input = [&](size_t i) { return pad.inputs.size() > i && pad.inputs[i] != kNone; };
  if (rank != 4 || pad.attributes.as<ops::PadAttributes>().mode != ops::PadMode::kConstant ||
      !SameQuantization(graph, x, pad.outputs[0]) || !IntListConstant(graph, pad.inputs[1], &amounts)) {
    return false;
  }
  const Quantization* quantization = graph.QuantizationOf(x);
  if (quantization != nullptr && (quantization->axis != kNone || quantization->block_size != 0)) return false;
  double value = 0;
  const double zero = quantization == nullptr ? 0 : quantization->zero_points[0];
  if (quantization == nullptr && editor.DTypeOf(x) != DType::kF32) return false;
  if (has_input(2)) {
    // A quantized padding value is stored as the tensor is, with or without its scale.
    const TensorView* constant = graph.ConstantOf(pad.inputs[2]);
    if (constant == nullptr || constant->elements() != 1 || constant->dtype != editor.DTypeOf(x))
      return false;
    switch (constant->dtype) {
      case DType::kF32:
        value = *constant->as<float>();
        break;
      case DType::kU8:
        value = *constant->as<uint8_t>();
        break;
      case DType::kI8:
        value = *constant->as<int8_t>();
        break;
      case DType::kI16:
        value = *constant->as<int16_t>();
        break;
      default:
        return false;
    }
  }
  if (value != zero) return false;
  if (has_input(3) && !IntListConstant(graph, pad.inputs[3], &axes)) return false;
  for (int i = 0; !has_input(3) && i < rank; ++i) axes.Push(i);
  if (amounts.size() != 2 * axes.size()) return false;
  std::fill(pads, pads + 4, 0);
  for (int i = 0; i < axes.size(); ++i) {
    int axis = 0;
    const int64_t begin = amounts[i], end = amounts[i + axes.size()];
    if (!NormalizeAxis(axes[i], rank, &axis) || begin < 0 || end < 0) return false;
    if (begin == 0 && end == 0) continue;
    if (axis != 1 && axis != 2) return false;
    pads[axis - 1] += begin;
    pads[axis + 1] += end;
  }
  return true;
}

// The pads of the node in numbers, where these are known.
template <typename Attributes>
bool ExplicitPads(const Attributes& attributes, const int64_t kernel[2], const Shape& x, int64_t pads[4]) {
  for (int axis = 0; axis < 2; ++axis) {
    ops::WindowAxis window;
    const bool made = ops::MakeWindowAxis(axis, kernel[axis], attributes.strides, attributes.dilations,
                                          attributes.pads, attributes.padding, false, &window)
                          .ok();
    const bool depends =
        attributes.padding == ops::Padding::kSameUpper || attributes.padding == ops::Padding::kSameLower;
    if (!made || (depends && x[1 + axis] < 0) ||
        !ops::ResolvePadding(window, std::max<int64_t>(x[1 + axis], 0), &pads[axis], &pads[axis + 2]).ok()) {
      return false;
    }
  }
  return true;
}

template <typename Attributes>
bool Fold(GraphEditor* editor, NodeId id, const Node& pad, const int64_t kernel[2], Attributes attributes) {
  int64_t added[4], own[4];
  const ValueId padded = pad.outputs[0];
  if (!SpatialPads(*editor, pad, added) || !ExplicitPads(attributes, kernel, editor->ShapeOf(padded), own)) {
    return false;
  }
  constexpr int64_t kMostPads = 1 << 16;  // more is no network's, and sums stay small
  attributes.pads = IntList();
  attributes.padding = ops::Padding::kExplicit;
  for (int i = 0; i < 4; ++i) {
    if (added[i] > kMostPads || own[i] > kMostPads) return false;
    attributes.pads.Push(added[i] + own[i]);
  }
  std::vector<ValueId> inputs(editor->node(id).inputs.begin(), editor->node(id).inputs.end());
  inputs[0] = pad.inputs[0];
  const ValueId y = editor->node(id).outputs[0];
  const OpId op = editor->node(id).op;
  const ValueId result = editor->EmitMany(id, op, inputs, attributes, 1, editor->QuantizationIndexOf(y))[0];
  editor->ReplaceUses(y, result);
  editor->Remove(id);
  return true;
}

bool Visit(GraphEditor* editor, NodeId id) {
  const Node& node = editor->node(id);
  const Node* pad = ProducerOf(*editor, node.inputs[0]);
  if (pad == nullptr || pad->op != OpId::kPad || !editor->HasOneUse(node.inputs[0])) return false;
  if (node.op == OpId::kConv2d) {
    const Shape& weights = editor->ShapeOf(node.inputs[1]);
    if (weights.rank != 4 || weights[1] < 1 || weights[2] < 1) return false;
    return Fold(editor, id, *pad, &weights.dims[1], node.attributes.as<ops::Conv2dAttributes>());
  }
  // An average over what is padded counts it: so does one that counts its own padding. One of two kinds of
  // padding stays as it is.
  auto attributes = node.attributes.as<ops::AveragePool2dAttributes>();
  int64_t added[4];
  const bool has_own = attributes.padding != ops::Padding::kExplicit ||
                       std::any_of(attributes.pads.values, attributes.pads.values + attributes.pads.count,
                                   [](int64_t amount) { return amount != 0; });
  if (has_own || attributes.ceil_mode || attributes.kernel.size() != 2 ||
      editor->DTypeOf(node.inputs[0]) != DType::kF32 || !SpatialPads(*editor, *pad, added)) {
    return false;
  }
  // A window has to reach into the picture: the operator refuses wider pads.
  for (int i = 0; i < 4; ++i) {
    if (added[i] >= attributes.kernel[i % 2]) return false;
  }
  attributes.count_include_pad = true;
  const int64_t kernel[2] = {attributes.kernel[0], attributes.kernel[1]};
  return Fold(editor, id, *pad, kernel, attributes);
}

}  // namespace

Status RunPadFolding(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      const OpId op = editor.node(id).op;
      if (editor.IsAlive(id) && (op == OpId::kConv2d || op == OpId::kAveragePool2d)) Visit(&editor, id);
    }
    if (editor.changes() > 0) editor.Finish();
  });
}

}  // namespace mace::passes
