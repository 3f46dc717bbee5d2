#include <algorithm>
#include <cmath>
#include <vector>

#include "mace/ops/convolution/conv2d.h"
#include "mace/passes/constants.h"
#include "mace/passes/matching.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// A convolution that pads nothing, whatever the size of its input.
bool PadsNothing(const Node& node, const Shape& weights) {
  const auto& attributes = node.attributes.as<ops::Conv2dAttributes>();
  const IntList &pads = attributes.pads, &strides = attributes.strides;
  if (attributes.padding == ops::Padding::kExplicit) {
    return std::all_of(pads.values, pads.values + pads.count, [](int64_t pad) { return pad == 0; });
  }
  return weights[1] == 1 && weights[2] == 1 &&
         std::all_of(strides.values, strides.values + strides.count, [](int64_t s) { return s == 1; });
}

// f(x + c) = f(x) + f'(c) of a Conv2d or FullyConnected f, whose linear part is f': what is added to its
// input, per channel, becomes part of its bias. A convolution that pads would add it to the padding too.
class BiasFolder {
 public:
  explicit BiasFolder(GraphEditor* editor)
      : editor_(*editor), graph_(editor->graph()), allowance_(FoldingAllowance(editor->graph())) {}

  bool Fold(NodeId id) {
    const Node& node = editor_.node(id);
    const ValueId x = node.inputs[0];
    const TensorView* weights = graph_.ConstantOf(node.inputs[1]);
    const bool is_convolution = node.op == OpId::kConv2d;
    const Node* sum = ProducerOf(editor_, x);
    if (weights == nullptr || weights->dtype != DType::kF32 ||
        weights->shape.rank != (is_convolution ? 4 : 2) || graph_.QuantizationOf(node.inputs[1]) != nullptr ||
        editor_.DTypeOf(x) != DType::kF32 || sum == nullptr ||
        (sum->op != OpId::kAdd && sum->op != OpId::kSub) || !editor_.HasOneUse(x) ||
        (is_convolution && !PadsNothing(node, weights->shape))) {
      return false;
    }
    const int64_t groups = is_convolution ? node.attributes.as<ops::Conv2dAttributes>().groups : 1;
    const int64_t channels = weights->shape[weights->shape.rank - 1] * groups;
    for (int side = 0; side < (sum->op == OpId::kAdd ? 2 : 1); ++side) {
      const ValueId source = sum->inputs[side];
      const Shape& shape = editor_.ShapeOf(source);
      std::vector<float> added;
      if (!shape.HasRank() || editor_.ShapeOf(sum->inputs[1 - side]).rank > shape.rank || shape.rank < 1 ||
          shape[shape.rank - 1] != channels || graph_.ConstantOf(source) != nullptr ||
          !ChannelConstant(graph_, sum->inputs[1 - side], channels, &added)) {
        continue;
      }
      return Replace(id, source, *weights, groups, added, sum->op == OpId::kSub ? -1 : 1);
    }
    return false;
  }

 private:
  bool Replace(NodeId id, ValueId source, const TensorView& weights, int64_t groups,
               const std::vector<float>& added, double sign) {
    const Node& node = editor_.node(id);
    const int64_t filters = weights.shape[0], depth = weights.shape[weights.shape.rank - 1];
    const int64_t per_filter = weights.shape.Product(1, weights.shape.rank);
    std::vector<float> bias(static_cast<size_t>(filters), 0.0f);
    const ValueId old_bias = node.inputs.size() > 2 ? node.inputs[2] : kNone;
    if (old_bias != kNone && !ChannelConstant(graph_, old_bias, filters, &bias)) return false;
    if (weights.bytes() > allowance_) return false;
    allowance_ -= weights.bytes();
    for (int64_t f = 0; f < filters; ++f) {
      const int64_t first = f / (filters / groups) * depth;  // of the input channels that the filter reads
      double total = bias[f];
      for (int64_t i = 0; i < per_filter; ++i) {
        total += sign * weights.as<float>()[f * per_filter + i] * added[first + i % depth];
      }
      bias[f] = static_cast<float>(total);
      if (!std::isfinite(bias[f])) return false;
    }
    std::vector<ValueId> inputs(node.inputs.begin(), node.inputs.end());
    inputs.resize(3, kNone);
    inputs[0] = source;
    inputs[2] = Unwrap(AddFloatConstant(&graph_, "", bias, Shape{filters}));
    editor_.Track();
    const ValueId y = editor_.node(id).outputs[0];
    editor_.ReplaceUses(y, editor_.EmitLike(id, inputs)[0]);
    editor_.Remove(id);
    return true;
  }

  GraphEditor& editor_;
  Graph& graph_;
  int64_t allowance_;  // bytes of weights to be read: any number of layers may share theirs
};

}  // namespace

Status RunInputBiasFolding(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    BiasFolder folder(&editor);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      const OpId op = editor.node(id).op;
      if (editor.IsAlive(id) && (op == OpId::kConv2d || op == OpId::kFullyConnected)) folder.Fold(id);
    }
    if (editor.changes() > 0) editor.Finish();
  });
}

}  // namespace mace::passes
