// TensorFlow writes a dilated convolution as three operators: SpaceToBatch puts the pixels of each phase of
// the dilation into a picture of its own, a plain convolution works on these, BatchToSpace puts the results
// back in place. Importers spell the outer two out as Reshape, Transpose, Reshape.
#include <algorithm>

#include "mace/graph/op_definition.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/passes/matching.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

struct Rearrangement {
  ValueId source = kNone;  // in front of it
  Shape inner;             // of what is transposed
};

// `value` = Reshape(Transpose(Reshape(source), perm)) of the same quantization, each read once.
bool FindRearrangement(const GraphEditor& editor, ValueId value, const Permutation& perm,
                       Rearrangement* found) {
  const Node* outer = ProducerOf(editor, value);
  if (outer == nullptr || outer->op != OpId::kReshape || !editor.HasOneUse(outer->inputs[0])) return false;
  const Node* transpose = editor.ProducerIf(outer->inputs[0], OpId::kTranspose);
  if (transpose == nullptr || !editor.HasOneUse(transpose->inputs[0])) return false;
  const Node* inner = editor.ProducerIf(transpose->inputs[0], OpId::kReshape);
  if (inner == nullptr) return false;
  found->source = inner->inputs[0];
  found->inner = editor.ShapeOf(transpose->inputs[0]);
  return IsKnownShape(found->inner) && found->inner.rank == perm.size() &&
         PermutationOf(*transpose, found->inner.rank) == perm &&
         SameQuantization(editor.graph(), found->source, value);
}

// [B, h * block, w * block, C] where `inner` = [B, h, block, w, block, C].
bool IsPicture(const Shape& shape, int64_t batch, int64_t rows, int64_t columns, int64_t channels) {
  return rows > 0 && columns > 0 && shape == Shape{batch, rows, columns, channels};
}

// Pictures of single phases: [blocks * B, rows, columns, channels]. The first follows from the others.
bool ArePhases(const Shape& shape, int64_t rows, int64_t columns, int64_t channels) {
  return shape.rank == 4 && shape[1] == rows && shape[2] == columns && shape[3] == channels;
}

// The convolution `id` on pictures of single phases.
class Dilation {
 public:
  explicit Dilation(GraphEditor* editor) : editor_(*editor) {}

  bool Replace(NodeId id) {
    const Node& conv = editor_.node(id);
    auto attributes = conv.attributes.as<ops::Conv2dAttributes>();
    const auto all = [](const IntList& list, int64_t value) {
      return std::all_of(list.values, list.values + list.count,
                         [&](int64_t entry) { return entry == value; });
    };
    if (attributes.padding != ops::Padding::kExplicit || !all(attributes.pads, 0) ||
        !all(attributes.strides, 1) || !all(attributes.dilations, 1) || !editor_.HasOneUse(conv.inputs[0]) ||
        !FindRearrangement(editor_, conv.inputs[0], {2, 4, 0, 1, 3, 5}, &apart_)) {
      return false;
    }
    const Shape& from = apart_.inner;  // [B, h, block, w, block, C]
    if (!ArePhases(editor_.ShapeOf(editor_.node(id).inputs[0]), from[1], from[3], from[5]) ||
        !IsPicture(editor_.ShapeOf(apart_.source), from[0], from[1] * from[2], from[3] * from[4], from[5])) {
      return false;
    }
    const ValueId end = WhatPutsTogether(id);
    if (end == kNone) return false;
    attributes.dilations = {from[2], from[4]};
    std::vector<ValueId> inputs(editor_.node(id).inputs.begin(), editor_.node(id).inputs.end());
    inputs[0] = apart_.source;
    const ValueId y = editor_.node(id).outputs[0];
    ValueId result =
        editor_.EmitMany(id, OpId::kConv2d, inputs, attributes, 1, editor_.QuantizationIndexOf(y))[0];
    for (NodeId between : between_) {
      result = editor_.EmitLike(between, std::span<const ValueId>(&result, 1))[0];
    }
    editor_.ReplaceUses(end, result);
    return true;
  }

 private:
  // The value behind BatchToSpace, with unary operators in front of it listed; kNone where there is none.
  ValueId WhatPutsTogether(NodeId conv) {
    ValueId value = editor_.node(conv).outputs[0];
    between_.clear();
    for (;;) {
      if (!editor_.HasOneUse(value)) return kNone;
      const NodeId user = editor_.UsersOf(value)[0];
      const Node& node = editor_.node(user);
      if (node.op == OpId::kReshape) break;
      const bool is_unary = node.inputs.size() == 1 && node.outputs.size() == 1 &&
                            (FindOpDefinition(node.op)->flags & kOpElementwise) != 0;
      constexpr size_t kMost = 4;
      if (!is_unary || between_.size() == kMost) return kNone;
      between_.push_back(user);
      value = node.outputs[0];
    }
    // Two steps down from the Reshape.
    ValueId end = value;
    for (int step = 0; step < 3; ++step) {
      if (!editor_.HasOneUse(end)) return kNone;
      const Node& node = editor_.node(editor_.UsersOf(end)[0]);
      if (node.outputs.size() != 1 || node.inputs[0] != end) return kNone;
      end = node.outputs[0];
    }
    Rearrangement together;
    if (!FindRearrangement(editor_, end, {2, 3, 0, 4, 1, 5}, &together) || together.source != value) {
      return kNone;
    }
    const Shape &to = together.inner, &from = apart_.inner;  // to: [block, block, B, h, w, C]
    if (!ArePhases(editor_.ShapeOf(value), to[3], to[4], to[5])) return kNone;
    const bool same_blocks = to[0] == from[2] && to[1] == from[4] && to[2] == from[0];
    return same_blocks && IsPicture(editor_.ShapeOf(end), to[2], to[3] * to[0], to[4] * to[1], to[5]) ? end
                                                                                                      : kNone;
  }

  GraphEditor& editor_;
  Rearrangement apart_;
  std::vector<NodeId> between_;
};

}  // namespace

Status RunBatchToDilation(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    Dilation dilation(&editor);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      if (editor.node(id).op == OpId::kConv2d) dilation.Replace(id);
    }
    if (editor.changes() > 0) editor.Finish();
  });
}

}  // namespace mace::passes
