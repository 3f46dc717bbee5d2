#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/matching.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// `wide` is `narrow` with an axis of size 1 in front of `axis`.
bool HasExtraAxis(const Shape& wide, const Shape& narrow, int axis) {
  if (!IsKnownShape(wide) || !IsKnownShape(narrow) || wide.rank != narrow.rank + 1 || wide[axis] != 1) {
    return false;
  }
  for (int i = 0; i < narrow.rank; ++i) {
    if (narrow[i] != wide[i < axis ? i : i + 1]) return false;
  }
  return true;
}

// Concat of tensors that got an axis of size 1 for it -> Concat along the axis behind that, and one Reshape:
// element t * size + j of the longer axis is element j of tensor t. An axis behind all others has none.
bool MergeStack(GraphEditor* editor, NodeId id) {
  const Node& node = editor->node(id);
  const ValueId y = node.outputs[0];
  const Shape to = editor->ShapeOf(y);
  auto attributes = node.attributes.as<ops::ConcatAttributes>();
  int axis = 0;
  if (node.inputs.size() < 2 || !to.HasRank() || !NormalizeAxis(attributes.axis, to.rank, &axis) ||
      axis >= to.rank - 1) {
    return false;
  }
  std::vector<ValueId> parts;
  for (ValueId input : node.inputs) {
    const Node* reshape = ProducerOf(*editor, input);
    if (reshape == nullptr || !IsReshapeLike(reshape->op) || !editor->HasOneUse(input)) return false;
    const ValueId part = reshape->inputs[0];
    if (!HasExtraAxis(editor->ShapeOf(input), editor->ShapeOf(part), axis) ||
        !SameQuantization(editor->graph(), part, input)) {
      return false;
    }
    parts.push_back(part);
  }
  Shape joined = editor->ShapeOf(parts[0]);
  if (joined[axis] < 0) return false;
  joined[axis] *= static_cast<int64_t>(parts.size());
  ops::ReshapeAttributes reshape;
  if (!ExpressShape(joined, to, &reshape.shape)) return false;
  attributes.axis = axis;
  const int32_t quantization = editor->QuantizationIndexOf(y);
  const ValueId concat = editor->EmitMany(id, OpId::kConcat, parts, attributes, 1, quantization)[0];
  editor->ReplaceUses(y, editor->Emit(id, OpId::kReshape, {concat}, reshape, quantization));
  editor->Remove(id);
  return true;
}

// The other way round: Split into parts of size 1, each of which loses that axis -> Reshape, Split.
bool MergeUnstack(GraphEditor* editor, NodeId id) {
  const Node& node = editor->node(id);
  const ValueId x = node.inputs[0];
  const Shape from = editor->ShapeOf(x);
  ops::SplitAttributes attributes = node.attributes.as<ops::SplitAttributes>();
  int axis = 0;
  if (!IsKnownShape(from) || !NormalizeAxis(attributes.axis, from.rank, &axis) || axis >= from.rank - 1 ||
      from[axis] != static_cast<int64_t>(node.outputs.size()) || from[axis + 1] <= 0) {
    return false;
  }
  std::vector<NodeId> reshapes;
  for (ValueId part : node.outputs) {
    if (part == kNone || !editor->HasOneUse(part)) return false;
    const NodeId user = editor->UsersOf(part)[0];
    const Node& reshape = editor->node(user);
    if (!IsReshapeLike(reshape.op) || reshape.inputs[0] != part ||
        !HasExtraAxis(editor->ShapeOf(part), editor->ShapeOf(reshape.outputs[0]), axis) ||
        !SameQuantization(editor->graph(), x, part) ||
        !SameQuantization(editor->graph(), x, reshape.outputs[0])) {
      return false;
    }
    reshapes.push_back(user);
  }
  if (const Quantization* quantization = editor->graph().QuantizationOf(x);
      quantization != nullptr && quantization->axis != kNone) {
    return false;
  }
  Shape joined;
  for (int i = 0; i < from.rank; ++i) {
    if (i != axis + 1) joined.Push(i == axis ? from[axis] * from[axis + 1] : from[i]);
  }
  ops::ReshapeAttributes reshape;
  if (!ExpressShape(from, joined, &reshape.shape)) return false;
  attributes.axis = axis;
  const int32_t quantization = editor->QuantizationIndexOf(x);
  const ValueId whole[] = {editor->Emit(id, OpId::kReshape, {x}, reshape, quantization)};
  const std::vector<ValueId> parts =
      editor->EmitMany(id, OpId::kSplit, whole, attributes, static_cast<int>(reshapes.size()), quantization);
  for (size_t i = 0; i < reshapes.size(); ++i) {
    editor->ReplaceUses(ValueId{editor->node(reshapes[i]).outputs[0]}, parts[i]);
    editor->Remove(reshapes[i]);
  }
  editor->Remove(id);
  return true;
}

}  // namespace

Status RunStackMerging(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      if (!editor.IsAlive(id)) continue;
      if (editor.node(id).op == OpId::kConcat) MergeStack(&editor, id);
      if (editor.node(id).op == OpId::kSplit) MergeUnstack(&editor, id);
    }
    if (editor.changes() > 0) editor.Finish();
  });
}

}  // namespace mace::passes
