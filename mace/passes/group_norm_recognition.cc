// Group normalization as exporters of PyTorch spell it: Reshape of [N, C, H, W] to [N, groups, ...], a
// normalisation of each row, Reshape back, scale and bias of each channel. Behind layer_norm_recognition.
#include "mace/ops/movement/movement.h"
#include "mace/ops/norm/group_normalization.h"
#include "mace/ops/norm/norm.h"
#include "mace/passes/channel_line.h"
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

constexpr int kPictureRank = 4;

// `rows` [N, groups, n] is `picture` [N, C, H, W] with the channels of a group in one row.
bool AreGroupRows(const Shape& rows, const Shape& picture) {
  if (rows.rank != 3 || picture.rank != kPictureRank || rows[1] < 1 || picture[1] < 1) return false;
  if (picture[1] % rows[1] != 0) return false;
  const int64_t elements = picture.Product(1, picture.rank);
  return elements > 0 && rows[2] >= 0 && rows[1] * rows[2] == elements;
}

void Match(GraphEditor* editor, NodeId id) {
  const Node& norm = editor->node(id);
  const auto form = norm.attributes.as<ops::LayerNormalizationAttributes>();
  const ValueId rows = norm.inputs[0], normal = norm.outputs[0];
  int axis = 0;
  if (editor->DTypeOf(rows) != DType::kF32 || norm.outputs.size() != 1 || norm.inputs.size() != 1 ||
      form.root_mean_square || editor->ShapeOf(rows).rank != 3 || !NormalizeAxis(form.axis, 3, &axis) ||
      axis != 2 || !editor->HasOneUse(rows)) {
    return;
  }
  const ValueId x = ArgumentOf(*editor, OpId::kReshape, rows);
  if (x == kNone || !AreGroupRows(editor->ShapeOf(rows), editor->ShapeOf(x))) return;
  const Shape shape = editor->ShapeOf(x);
  const int64_t groups = editor->ShapeOf(rows)[1], channels = shape[1], group_channels = channels / groups;
  // A scale of groups may stand in front of the second Reshape.
  const ChannelLine of_groups = FollowChannelLine(*editor, normal, 1, groups);
  if (!editor->HasOneUse(of_groups.y)) return;
  const Node& reshape = editor->node(editor->UsersOf(of_groups.y)[0]);
  if (reshape.op != OpId::kReshape || !HaveSameShape(*editor, reshape.outputs[0], x)) return;
  const NodeId reshape_id = editor->UsersOf(of_groups.y)[0];
  ChannelLine line = FollowChannelLine(*editor, reshape.outputs[0], 1, channels);
  for (int64_t c = 0; c < channels; ++c) {
    line.bias[c] += of_groups.bias[c / group_channels] * line.scale[c];
    line.scale[c] *= of_groups.scale[c / group_channels];
  }
  const ops::GroupNormalizationAttributes attributes = {.groups = groups, .epsilon = form.epsilon};
  const ValueId scale = ScaleConstant(editor, line), bias = BiasConstant(editor, line);
  const NodeId last = line.nodes.empty() ? reshape_id : line.nodes.back();
  const ValueId picture =
      editor->Emit(id, OpId::kTranspose, {x}, ops::TransposeAttributes{.perm = {0, 2, 3, 1}});
  const ValueId result = editor->Emit(id, OpId::kGroupNormalization, {picture, scale, bias}, attributes);
  ReplaceByNode(editor, last, OpId::kTranspose, {result}, ops::TransposeAttributes{.perm = {0, 3, 1, 2}});
}

}  // namespace

Status RunGroupNormRecognition(Graph* graph) {
  return VisitFromOutputs(graph, [](GraphEditor* editor, NodeId id) {
    if (editor->node(id).op == OpId::kLayerNormalization) Match(editor, id);
  });
}

}  // namespace mace::passes
