// Instance normalization (Ulyanov et al., arXiv:1607.08022) of a picture: mean and deviation are of one
// sample and one channel. Found in NHWC, and in NCHW behind layer_norm_recognition, which sees a
// normalisation without scale over the last axes there.
#include "mace/ops/movement/movement.h"
#include "mace/ops/norm/group_normalization.h"
#include "mace/ops/norm/norm.h"
#include "mace/passes/channel_line.h"
#include "mace/passes/moments.h"
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

constexpr int kPictureRank = 4;

// (x - mean) / deviation over height and width of NHWC.
void MatchChannelsLast(GraphEditor* editor, NodeId id) {
  Moments moments;
  ops::GroupNormalizationAttributes attributes;
  if (!MatchStandardized(*editor, editor->node(id), &moments) || moments.mean == kNone) return;
  const Shape shape = editor->ShapeOf(moments.x);
  const ValueId normal = editor->node(id).outputs[0];
  if (editor->DTypeOf(moments.x) != DType::kF32 || shape.rank != kPictureRank || shape[3] < 1) return;
  if (moments.reduced[0] || !moments.reduced[1] || !moments.reduced[2] || moments.reduced[3]) return;
  if (!EpsilonAttribute(*editor, moments, &attributes.epsilon) ||
      !HaveSameShape(*editor, moments.x, normal) || !IsClosed(*editor, id, {moments.x})) {
    return;
  }
  attributes.groups = shape[3];
  const ChannelLine line = FollowChannelLine(*editor, normal, 3, shape[3]);
  const ValueId scale = ScaleConstant(editor, line), bias = BiasConstant(editor, line);
  const NodeId last = line.nodes.empty() ? id : line.nodes.back();
  ReplaceByNode(editor, last, OpId::kGroupNormalization, {moments.x, scale, bias}, attributes);
}

// The same of NCHW; Transposes around it cancel with those of the layers beside it.
void MatchChannelsSecond(GraphEditor* editor, NodeId id) {
  const Node& norm = editor->node(id);
  const auto& form = norm.attributes.as<ops::LayerNormalizationAttributes>();
  const ValueId x = norm.inputs[0];
  const Shape shape = editor->ShapeOf(x);
  int axis = 0;
  if (editor->DTypeOf(x) != DType::kF32 || shape.rank != kPictureRank || shape[1] < 1 ||
      norm.outputs.size() != 1 || norm.inputs.size() != 1 || form.root_mean_square ||
      !NormalizeAxis(form.axis, shape.rank, &axis) || axis != 2) {
    return;
  }
  const ChannelLine line = FollowChannelLine(*editor, norm.outputs[0], 1, shape[1]);
  // Nothing but a scale of channels tells them from rows of any other kind.
  if (line.nodes.empty() && editor->ProducerIf(x, OpId::kTranspose) == nullptr) return;
  const ops::GroupNormalizationAttributes attributes = {.groups = shape[1], .epsilon = form.epsilon};
  const ValueId scale = ScaleConstant(editor, line), bias = BiasConstant(editor, line);
  const NodeId last = line.nodes.empty() ? id : line.nodes.back();
  const ValueId picture =
      editor->Emit(id, OpId::kTranspose, {x}, ops::TransposeAttributes{.perm = {0, 2, 3, 1}});
  const ValueId normal = editor->Emit(id, OpId::kGroupNormalization, {picture, scale, bias}, attributes);
  ReplaceByNode(editor, last, OpId::kTranspose, {normal}, ops::TransposeAttributes{.perm = {0, 3, 1, 2}});
}

}  // namespace

Status RunInstanceNormRecognition(Graph* graph) {
  return VisitFromOutputs(graph, [](GraphEditor* editor, NodeId id) {
    const OpId op = editor->node(id).op;
    if (op == OpId::kMul || op == OpId::kDiv) MatchChannelsLast(editor, id);
    if (op == OpId::kLayerNormalization) MatchChannelsSecond(editor, id);
  });
}

}  // namespace mace::passes
