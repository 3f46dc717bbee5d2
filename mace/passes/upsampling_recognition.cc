// Each pixel repeated along rows and columns by Reshape, Expand, Reshape -> Resize to the nearest.
#include "mace/ops/movement/movement.h"
#include "mace/passes/constants.h"
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

constexpr int kPictureRank = 4, kExpandedRank = 6;
constexpr int64_t kMostPixels = 1 << 20;  // of a side: coordinates are exact in binary32

bool IsView(OpId op) {
  return op == OpId::kReshape || op == OpId::kUnsqueeze || op == OpId::kSqueeze || op == OpId::kFlatten;
}

// The value of rank 4 and this shape that `value` is another view of; else kNone.
ValueId PictureBehindViews(const GraphEditor& editor, ValueId value, const Shape& shape) {
  while (true) {
    if (editor.ShapeOf(value) == shape) return value;
    const NodeId producer = editor.graph().values[value].producer;
    if (producer == kNone || !IsView(editor.node(producer).op)) return kNone;
    value = editor.node(producer).inputs[0];
  }
}

void Match(GraphEditor* editor, NodeId id) {
  const Node& last = editor->node(id);
  const ValueId y = last.outputs[0], expanded = last.inputs[0];
  const Node* expand = editor->ProducerIf(expanded, OpId::kExpand);
  if (expand == nullptr || editor->ShapeOf(y).rank != kPictureRank) return;
  const Shape from = editor->ShapeOf(expand->inputs[0]), to = editor->ShapeOf(expanded);
  if (from.rank != kExpandedRank || to.rank != kExpandedRank || to[0] != from[0] || from[0] == kUnknownDim) {
    return;
  }
  for (const bool channels_last : {false, true}) {
    const int row = channels_last ? 1 : 2, column = row + 2, channel = channels_last ? 5 : 1;
    if (from[row + 1] != 1 || from[column + 1] != 1 || from[row] != to[row] || from[column] != to[column] ||
        from[channel] != to[channel] || from[row] < 1 || from[column] < 1 || from[channel] < 1) {
      continue;
    }
    const int64_t rows = to[row + 1], columns = to[column + 1];
    if (rows < 1 || columns < 1 || from[row] > kMostPixels / rows || from[column] > kMostPixels / columns) {
      continue;
    }
    const int64_t height = from[row], width = from[column];
    const Shape given = channels_last ? Shape{from[0], height, width, from[channel]}
                                      : Shape{from[0], from[channel], height, width};
    const Shape result = channels_last ? Shape{from[0], height * rows, width * columns, from[channel]}
                                       : Shape{from[0], from[channel], height * rows, width * columns};
    const ValueId x = PictureBehindViews(*editor, expand->inputs[0], given);
    if (x == kNone || !(editor->ShapeOf(y) == result) || editor->QuantizationIndexOf(x) != kNone ||
        !IsFloat(editor->DTypeOf(x)) || !IsClosed(*editor, id, {x})) {
      continue;
    }
    ops::ResizeAttributes attributes;
    attributes.coordinate_mode = ops::CoordinateMode::kAsymmetric;
    attributes.nearest_mode = ops::NearestMode::kFloor;
    const float factors[] = {static_cast<float>(rows), static_cast<float>(columns)};
    const ValueId scales = Unwrap(AddFloatConstant(&editor->graph(), "", factors, Shape{2}));
    editor->Track();
    if (channels_last) {
      ReplaceByNode(editor, id, OpId::kResize, {x, scales}, attributes);
      return;
    }
    const ValueId picture =
        editor->Emit(id, OpId::kTranspose, {x}, ops::TransposeAttributes{.perm = {0, 2, 3, 1}});
    const ValueId resized = editor->Emit(id, OpId::kResize, {picture, scales}, attributes);
    ReplaceByNode(editor, id, OpId::kTranspose, {resized}, ops::TransposeAttributes{.perm = {0, 3, 1, 2}});
    return;
  }
}

}  // namespace

Status RunUpsamplingRecognition(Graph* graph) {
  return VisitFromOutputs(graph, [](GraphEditor* editor, NodeId id) {
    if (editor->node(id).op == OpId::kReshape) Match(editor, id);
  });
}

}  // namespace mace::passes
