#include <algorithm>
#include <map>

#include "mace/graph/op_definition.h"
#include "mace/ops/movement/movement.h"
#include "mace/passes/constants.h"
#include "mace/passes/matching.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// What a Slice with constant bounds takes of its input, where that is one range along one axis.
struct Range {
  int axis = 0;
  int64_t begin = 0, end = 0;
  NodeId node = kNone;
};

int64_t ClampBound(int64_t bound, int64_t size) {
  return std::clamp<int64_t>(bound < 0 ? std::max(bound, -size) + size : bound, 0, size);
}

bool RangeOf(const GraphEditor& editor, NodeId id, Range* range) {
  const Node& node = editor.node(id);
  const Graph& graph = editor.graph();
  IntList lists[4];  // starts, ends, axes, steps
  const Shape& shape = editor.ShapeOf(node.inputs[0]);
  if (!shape.HasRank() || !SameQuantization(graph, node.inputs[0], node.outputs[0])) return false;
  for (int i = 0; i < 4; ++i) {
    const bool present = static_cast<int>(node.inputs.size()) > 1 + i && node.inputs[1 + i] != kNone;
    if (present && !IntListConstant(graph, node.inputs[1 + i], &lists[i])) return false;
    for (int k = 0; !present && k < lists[0].size(); ++k) lists[i].Push(i == 2 ? k : 1);
    if (lists[i].size() != lists[0].size()) return false;
  }
  bool found = false;
  for (int k = 0; k < lists[0].size(); ++k) {
    int axis = 0;
    if (lists[3][k] != 1 || !NormalizeAxis(lists[2][k], shape.rank, &axis) || shape[axis] < 0) return false;
    const Range cut = {axis, ClampBound(lists[0][k], shape[axis]), ClampBound(lists[1][k], shape[axis]), id};
    if (cut.begin == 0 && cut.end == shape[axis]) continue;
    if (found) return false;
    found = true;
    *range = cut;
  }
  return found && range->begin < range->end;
}

// Ranges that follow one another from the beginning to the end of an axis.
bool Tile(const std::vector<Range>& ranges, int64_t size) {
  int64_t at = 0;
  for (const Range& range : ranges) {
    if (range.begin != at) return false;
    at = range.end;
  }
  return at == size;
}

// Slices of `x` that are all its parts along an axis become one Split.
void SplitInstead(GraphEditor* editor, ValueId x, std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
  const Shape& shape = editor->ShapeOf(x);
  if (ranges.size() < 2 || ranges.size() > InferContext::kMaxOutputs ||
      !Tile(ranges, shape[ranges[0].axis])) {
    return;
  }
  if (const Quantization* quantization = editor->graph().QuantizationOf(x);
      quantization != nullptr && quantization->axis != kNone) {
    return;
  }
  std::vector<int64_t> sizes;
  NodeId first = ranges[0].node;
  for (const Range& range : ranges) {
    sizes.push_back(range.end - range.begin);
    first = std::min(first, range.node);
  }
  const ValueId sizes_value = Unwrap(AddInt64Constant(&editor->graph(), "", sizes));
  editor->Track();
  ops::SplitAttributes attributes;
  attributes.axis = ranges[0].axis;
  const ValueId inputs[] = {x, sizes_value};
  const std::vector<ValueId> parts =
      editor->EmitMany(first, OpId::kSplit, inputs, attributes, static_cast<int>(ranges.size()),
                       editor->QuantizationIndexOf(x));
  for (size_t i = 0; i < ranges.size(); ++i) {
    editor->ReplaceUses(ValueId{editor->node(ranges[i].node).outputs[0]}, parts[i]);
    editor->Remove(ranges[i].node);
  }
}

// A Concat of all outputs of a Split, in their order and along its axis, is what was split.
bool JoinsWhatWasSplit(GraphEditor* editor, NodeId id) {
  const Node& concat = editor->node(id);
  const Node* split = editor->ProducerIf(concat.inputs[0], OpId::kSplit);
  if (split == nullptr ||
      !std::equal(concat.inputs.begin(), concat.inputs.end(), split->outputs.begin(), split->outputs.end())) {
    return false;
  }
  const ValueId x = split->inputs[0], y = concat.outputs[0];
  const int rank = editor->ShapeOf(x).rank;
  int split_axis = 0, concat_axis = 0;
  if (!NormalizeAxis(split->attributes.as<ops::SplitAttributes>().axis, rank, &split_axis) ||
      !NormalizeAxis(concat.attributes.as<ops::ConcatAttributes>().axis, rank, &concat_axis) ||
      split_axis != concat_axis || NeedsNode(*editor, y, x)) {
    return false;
  }
  for (ValueId part : split->outputs) {
    if (!SameQuantization(editor->graph(), part, x)) return false;
  }
  if (!SameQuantization(editor->graph(), x, y)) return false;
  editor->ReplaceUses(y, x);
  editor->Remove(id);
  return true;
}

}  // namespace

Status RunSliceMerging(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    std::map<std::pair<ValueId, int>, std::vector<Range>> ranges;  // of a value along an axis
    for (NodeId id = 0; id < count; ++id) {
      const OpId op = editor.node(id).op;
      Range range;
      if (op == OpId::kSlice && RangeOf(editor, id, &range)) {
        ranges[{editor.node(id).inputs[0], range.axis}].push_back(range);
      }
    }
    for (auto& [key, list] : ranges) SplitInstead(&editor, key.first, list);
    for (NodeId id = 0; id < count; ++id) {
      if (editor.IsAlive(id) && editor.node(id).op == OpId::kConcat) JoinsWhatWasSplit(&editor, id);
    }
    if (editor.changes() > 0) editor.Finish();
  });
}

}  // namespace mace::passes
