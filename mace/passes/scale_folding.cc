#include <vector>

#include "mace/ops/norm/norm.h"
#include "mace/passes/constants.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// The elements of a float32 constant [C] (or of fewer than two, or with ones in front) as C floats.
bool PerChannel(const Graph& graph, ValueId value, int64_t channels, std::vector<float>* elements) {
  const TensorView* view = graph.ConstantOf(value);
  if (view == nullptr || view->dtype != DType::kF32 || graph.QuantizationOf(value) != nullptr) return false;
  const int64_t count = view->elements();
  if (count != 1 &&
      (count != channels || view->shape.rank == 0 || view->shape[view->shape.rank - 1] != channels)) {
    return false;
  }
  elements->resize(channels);
  for (int64_t i = 0; i < channels; ++i) (*elements)[i] = view->as<float>()[count == 1 ? 0 : i];
  return true;
}

// A multiplication and an addition per channel, which then may be folded into a layer.
bool ReplaceBatchNormalization(GraphEditor* editor, NodeId id) {
  Graph& graph = editor->graph();
  const Node& node = editor->node(id);
  const ValueId x = node.inputs[0];
  const ValueId y = node.outputs[0];
  const Shape shape = editor->ShapeOf(x);
  if (shape.rank < 1 || shape[shape.rank - 1] < 0 || editor->DTypeOf(x) != DType::kF32) return false;
  const int64_t channels = shape[shape.rank - 1];
  std::vector<float> gamma, beta, mean, variance;
  if (!PerChannel(graph, node.inputs[1], channels, &gamma) ||
      !PerChannel(graph, node.inputs[2], channels, &beta) ||
      !PerChannel(graph, node.inputs[3], channels, &mean) ||
      !PerChannel(graph, node.inputs[4], channels, &variance)) {
    return false;
  }
  const double epsilon = node.attributes.as<ops::BatchNormalizationAttributes>().epsilon;
  std::vector<float> scale(channels), shift(channels);
  for (int64_t c = 0; c < channels; ++c) {
    const ops::ChannelLine line =
        ops::LineOfBatchNormalization(gamma[c], beta[c], mean[c], variance[c], epsilon);
    scale[c] = line.factor;
    shift[c] = line.shift;
  }
  const ValueId scale_value = Unwrap(AddFloatConstant(&graph, "", scale, Shape{channels}));
  const ValueId shift_value = Unwrap(AddFloatConstant(&graph, "", shift, Shape{channels}));
  editor->Track();
  const ValueId scaled = editor->Emit(id, OpId::kMul, {x, scale_value});
  editor->ReplaceUses(y, editor->Emit(id, OpId::kAdd, {scaled, shift_value}));
  editor->Remove(id);
  return true;
}

// y = op(layer, constant) per channel, with a layer used only here: into its weights and bias (both have the
// output channels first). The bytes of new weights are taken from *allowance: what would exceed it stays,
// since layers that share their weights get weights each, and a row of nodes makes as many as there are.
bool FoldIntoLayer(GraphEditor* editor, NodeId id, int64_t* allowance) {
  Graph& graph = editor->graph();
  const OpId op = editor->node(id).op;
  const ValueId y = editor->node(id).outputs[0];
  for (int side = 0; side < 2; ++side) {
    if (side == 1 && op == OpId::kSub) break;
    const ValueId x = editor->node(id).inputs[side];
    const ValueId constant = editor->node(id).inputs[1 - side];
    if (x == kNone || graph.values[x].producer == kNone || !editor->HasOneUse(x)) continue;
    const NodeId layer = graph.values[x].producer;
    const OpId layer_op = graph.nodes[layer].op;
    if (layer_op != OpId::kConv2d && layer_op != OpId::kConvTranspose2d && layer_op != OpId::kFullyConnected)
      continue;
    std::vector<ValueId> inputs(graph.nodes[layer].inputs.begin(), graph.nodes[layer].inputs.end());
    const Shape weight_shape = editor->ShapeOf(inputs[1]);
    const int64_t channels = weight_shape[0];
    const Shape shape = editor->ShapeOf(x);
    if (editor->DTypeOf(x) != DType::kF32 || channels < 1 || shape.rank < 1) continue;
    if (shape[shape.rank - 1] != channels) continue;
    // The result must have the layer's shape: the constant may not widen it.
    if (editor->ShapeOf(constant).rank > shape.rank) continue;
    std::vector<float> factors, bias(channels, 0.0f);
    if (!PerChannel(graph, constant, channels, &factors)) continue;
    if (inputs.size() > 2 && inputs[2] != kNone && !PerChannel(graph, inputs[2], channels, &bias)) continue;
    inputs.resize(3, kNone);
    if (op == OpId::kMul) {
      const TensorView* weights = graph.ConstantOf(inputs[1]);
      if (weights == nullptr || weights->dtype != DType::kF32 || weights->bytes() > *allowance) continue;
      *allowance -= weights->bytes();
      const ValueId scaled = Unwrap(graph.AddConstant("", TensorView(*weights), true));
      float* elements = static_cast<float*>(graph.ConstantOf(scaled)->data);
      const int64_t per_channel = weight_shape.Product(1, weight_shape.rank);
      for (int64_t c = 0; c < channels; ++c) {
        for (int64_t k = 0; k < per_channel; ++k) elements[c * per_channel + k] *= factors[c];
        bias[c] *= factors[c];
      }
      inputs[1] = scaled;
    } else {
      for (int64_t c = 0; c < channels; ++c) bias[c] += op == OpId::kSub ? -factors[c] : factors[c];
    }
    inputs[2] = Unwrap(AddFloatConstant(&graph, "", bias, Shape{channels}));
    editor->Track();
    const ValueId folded = editor->EmitLike(layer, inputs)[0];
    editor->ReplaceUses(y, folded);
    editor->Remove(id);
    editor->Remove(layer);
    return true;
  }
  return false;
}

}  // namespace

Status RunScaleFolding(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    int64_t allowance = FoldingAllowance(*graph);
    // Nodes that are added (the Mul and Add of a BatchNormalization) are looked at too, and what stands
    // behind one that was folded once more: a few times, for a file may ask for any number.
    constexpr int kMostRounds = 8;
    int before = -1;
    for (int round = 0; round < kMostRounds && before != editor.changes(); ++round) {
      before = editor.changes();
      for (NodeId id = 0; id < editor.NodeCount(); ++id) {
        if (!editor.IsAlive(id)) continue;
        const OpId op = editor.node(id).op;
        if (op == OpId::kBatchNormalization) {
          ReplaceBatchNormalization(&editor, id);
        } else if (op == OpId::kMul || op == OpId::kAdd || op == OpId::kSub) {
          FoldIntoLayer(&editor, id, &allowance);
        }
      }
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
