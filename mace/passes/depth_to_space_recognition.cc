// Reshape to six axes, Transpose, Reshape -> DepthToSpace or SpaceToDepth: the pixel shuffle of Shi et al.
// (arXiv:1609.05158) and its inverse, written by hand.
#include <algorithm>

#include "mace/ops/movement/movement.h"
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

using ops::DepthToSpaceMode;

constexpr int kPictureRank = 4, kBlockRank = 6;

// A way to write it.
struct Form {
  bool to_space;  // else to depth
  bool channels_last;
  DepthToSpaceMode mode;
  int perm[kBlockRank];
  int row, column;  // of the six axes in front of the Transpose: those of the block
};
constexpr Form kForms[] = {
    {true, false, DepthToSpaceMode::kColumnRowDepth, {0, 1, 4, 2, 5, 3}, 2, 3},   // [N, C, b, b, H, W]
    {true, false, DepthToSpaceMode::kDepthColumnRow, {0, 3, 4, 1, 5, 2}, 1, 2},   // [N, b, b, C, H, W]
    {true, true, DepthToSpaceMode::kDepthColumnRow, {0, 1, 3, 2, 4, 5}, 3, 4},    // [N, H, W, b, b, C]
    {true, true, DepthToSpaceMode::kColumnRowDepth, {0, 1, 4, 2, 5, 3}, 4, 5},    // [N, H, W, C, b, b]
    {false, false, DepthToSpaceMode::kColumnRowDepth, {0, 1, 3, 5, 2, 4}, 3, 5},  // [N, C, H, b, W, b]
    {false, false, DepthToSpaceMode::kDepthColumnRow, {0, 3, 5, 1, 2, 4}, 3, 5},
    {false, true, DepthToSpaceMode::kDepthColumnRow, {0, 1, 3, 2, 4, 5}, 2, 4},  // [N, H, b, W, b, C]
    {false, true, DepthToSpaceMode::kColumnRowDepth, {0, 1, 3, 5, 2, 4}, 2, 4},
};

// `picture` is `blocks` with neighbouring axes joined: so many of them for each of its four, the batch alone.
bool IsJoined(const Shape& picture, const Shape& blocks, const int (&groups)[kPictureRank]) {
  int axis = 0;
  for (int i = 0; i < kPictureRank; ++i) {
    if (i == 0) {
      if (picture[0] != blocks[0] || picture[0] == kUnknownDim) return false;
      axis = 1;
      continue;
    }
    int64_t size = 1;
    for (int k = 0; k < groups[i]; ++k, ++axis) {
      if (blocks[axis] < 1 || !CheckedMultiply(size, blocks[axis], &size)) return false;
    }
    if (picture[i] != size) return false;
  }
  return true;
}

bool Fits(const Form& form, const Shape& x, const Shape& blocks, const Shape& moved, const Shape& y) {
  // How many of the six axes make each of the picture's four: pixels in pairs, or the channels in three.
  constexpr int kDepthFirst[kPictureRank] = {1, 3, 1, 1}, kDepthLast[kPictureRank] = {1, 1, 1, 3};
  constexpr int kSpaceFirst[kPictureRank] = {1, 1, 2, 2}, kSpaceLast[kPictureRank] = {1, 2, 2, 1};
  if (blocks[form.row] != blocks[form.column] || blocks[form.row] < 2) return false;
  const auto& depth = form.channels_last ? kDepthLast : kDepthFirst;
  const auto& space = form.channels_last ? kSpaceLast : kSpaceFirst;
  return IsJoined(x, blocks, form.to_space ? depth : space) &&
         IsJoined(y, moved, form.to_space ? space : depth);
}

void Match(GraphEditor* editor, NodeId id) {
  const Node& last = editor->node(id);
  const ValueId y = last.outputs[0];
  const Node* transpose = editor->ProducerIf(last.inputs[0], OpId::kTranspose);
  if (transpose == nullptr) return;
  const ValueId moved = last.inputs[0], blocks = transpose->inputs[0];
  const IntList perm = transpose->attributes.as<ops::TransposeAttributes>().perm;
  const ValueId x = ArgumentOf(*editor, OpId::kReshape, blocks);
  if (x == kNone || editor->ShapeOf(x).rank != kPictureRank || editor->ShapeOf(y).rank != kPictureRank ||
      editor->ShapeOf(blocks).rank != kBlockRank || perm.size() != kBlockRank ||
      editor->QuantizationIndexOf(x) != kNone) {
    return;
  }
  for (const Form& form : kForms) {
    if (!std::equal(form.perm, form.perm + kBlockRank, &perm[0])) continue;
    if (!Fits(form, editor->ShapeOf(x), editor->ShapeOf(blocks), editor->ShapeOf(moved),
              editor->ShapeOf(y)) ||
        !IsClosed(*editor, id, {x})) {
      continue;
    }
    const ops::DepthToSpaceAttributes attributes = {.block_size = editor->ShapeOf(blocks)[form.row],
                                                    .mode = form.mode};
    const OpId op = form.to_space ? OpId::kDepthToSpace : OpId::kSpaceToDepth;
    if (form.channels_last) {
      ReplaceByNode(editor, id, op, {x}, attributes);
      return;
    }
    const ValueId picture =
        editor->Emit(id, OpId::kTranspose, {x}, ops::TransposeAttributes{.perm = {0, 2, 3, 1}});
    const ValueId result = editor->Emit(id, op, {picture}, attributes);
    ReplaceByNode(editor, id, OpId::kTranspose, {result}, ops::TransposeAttributes{.perm = {0, 3, 1, 2}});
    return;
  }
}

}  // namespace

Status RunDepthToSpaceRecognition(Graph* graph) {
  return VisitFromOutputs(graph, [](GraphEditor* editor, NodeId id) {
    if (editor->node(id).op == OpId::kReshape) Match(editor, id);
  });
}

}  // namespace mace::passes
