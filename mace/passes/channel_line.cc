#include "mace/passes/channel_line.h"

#include <algorithm>

#include "mace/passes/constants.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

// The entries of a float32 constant that is broadcast along all axes of `x` but `axis`.
bool Entries(const GraphEditor& editor, ValueId constant, ValueId x, int axis, int64_t channels,
             std::vector<double>* entries) {
  const TensorView* view = editor.graph().ConstantOf(constant);
  const int rank = editor.ShapeOf(x).rank;
  if (view == nullptr || view->dtype != DType::kF32 || view->shape.rank > rank ||
      editor.QuantizationIndexOf(constant) != kNone) {
    return false;
  }
  const int64_t count = view->elements();
  const int own_axis = axis - (rank - view->shape.rank);
  if (count != 1 && (count != channels || own_axis < 0 || view->shape[own_axis] != channels)) return false;
  entries->resize(channels);
  for (int64_t c = 0; c < channels; ++c) {
    (*entries)[c] = static_cast<double>(view->as<float>()[count == 1 ? 0 : c]);
  }
  return true;
}

ValueId AsConstant(GraphEditor* editor, const std::vector<double>& entries) {
  const std::vector<float> elements(entries.begin(), entries.end());
  const ValueId value =
      Unwrap(AddFloatConstant(&editor->graph(), "", elements, Shape{static_cast<int64_t>(elements.size())}));
  editor->Track();
  return value;
}

bool HasOther(const std::vector<double>& entries, double than) {
  return std::any_of(entries.begin(), entries.end(), [than](double entry) { return entry != than; });
}

}  // namespace

bool ChannelLine::HasScale() const { return HasOther(scale, 1); }
bool ChannelLine::HasBias() const { return HasOther(bias, 0); }

ChannelLine FollowChannelLine(const GraphEditor& editor, ValueId x, int axis, int64_t channels) {
  ChannelLine line = {.y = x,
                      .scale = std::vector<double>(channels, 1.0),
                      .bias = std::vector<double>(channels, 0.0),
                      .nodes = {}};
  std::vector<double> entries;
  while (editor.HasOneUse(line.y)) {
    const NodeId id = editor.UsersOf(line.y)[0];
    const Node& node = editor.node(id);
    const bool is_sum = node.op == OpId::kAdd || node.op == OpId::kSub;
    if (!is_sum && node.op != OpId::kMul) break;
    const ValueId other = Beside(node, line.y);
    if (other == kNone || (node.op == OpId::kSub && node.inputs[1] != other)) break;
    if (!Entries(editor, other, line.y, axis, channels, &entries)) break;
    if (!HaveSameShape(editor, line.y, node.outputs[0])) break;
    for (int64_t c = 0; c < channels; ++c) {
      if (is_sum) {
        line.bias[c] += node.op == OpId::kSub ? -entries[c] : entries[c];
      } else {
        line.scale[c] *= entries[c];
        line.bias[c] *= entries[c];
      }
    }
    line.nodes.push_back(id);
    line.y = node.outputs[0];
  }
  return line;
}

ValueId ScaleConstant(GraphEditor* editor, const ChannelLine& line) {
  return line.HasScale() ? AsConstant(editor, line.scale) : kNone;
}
ValueId BiasConstant(GraphEditor* editor, const ChannelLine& line) {
  return line.HasBias() ? AsConstant(editor, line.bias) : kNone;
}

}  // namespace mace::passes
