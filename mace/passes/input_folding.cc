#include <cmath>
#include <vector>

#include "mace/ops/convolution/conv2d.h"
#include "mace/passes/constants.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// Slice(x) along the last axis alone, from its end to its beginning.
bool ReversesChannels(const GraphEditor& editor, const Node& slice) {
  IntList starts, ends, axes, steps;
  const Graph& graph = editor.graph();
  const int rank = editor.ShapeOf(slice.inputs[0]).rank;
  if (slice.inputs.size() != 5 || rank != 4) return false;
  if (!IntListConstant(graph, slice.inputs[1], &starts) || !IntListConstant(graph, slice.inputs[2], &ends) ||
      !IntListConstant(graph, slice.inputs[3], &axes) || !IntListConstant(graph, slice.inputs[4], &steps)) {
    return false;
  }
  const int64_t channels = editor.ShapeOf(slice.inputs[0])[3];
  return starts.size() == 1 && ends.size() == 1 && axes.size() == 1 && steps.size() == 1 &&
         (axes[0] == 3 || axes[0] == -1) && steps[0] == -1 && channels > 0 &&
         (starts[0] == -1 || starts[0] >= channels - 1) && ends[0] < -channels;
}

// The factor of each channel where `value` is a constant scalar or [C].
bool FactorsOf(const Graph& graph, ValueId value, int64_t channels, std::vector<float>* factors) {
  const TensorView* view = graph.ConstantOf(value);
  if (view == nullptr || view->dtype != DType::kF32 || graph.QuantizationOf(value) != nullptr) return false;
  const int64_t count = view->elements();
  if (count != 1 && (count != channels || view->shape[view->shape.rank - 1] != channels)) return false;
  if (view->shape.rank > 4) return false;
  for (int64_t i = 0; i < channels; ++i) factors->push_back(view->as<float>()[count == 1 ? 0 : i]);
  return true;
}

class InputFolder {
 public:
  explicit InputFolder(GraphEditor* editor)
      : editor_(*editor), allowance_(FoldingAllowance(editor->graph())) {}

  // Folds one node in front of the convolution, where there is one.
  bool Fold(NodeId convolution) {
    const Node& node = editor_.node(convolution);
    const ValueId x = node.inputs[0], weights = node.inputs[1];
    const TensorView* view = editor_.graph().ConstantOf(weights);
    if (view == nullptr || view->dtype != DType::kF32 || view->shape.rank != 4 ||
        editor_.graph().QuantizationOf(weights) != nullptr || editor_.DTypeOf(x) != DType::kF32 ||
        view->bytes() > allowance_ || node.attributes.as<ops::Conv2dAttributes>().groups != 1 ||
        !editor_.HasOneUse(x)) {
      return false;
    }
    const int64_t channels = view->shape[3];
    if (const Node* slice = editor_.ProducerIf(x, OpId::kSlice)) {
      if (!ReversesChannels(editor_, *slice) || editor_.ShapeOf(x)[3] != channels) return false;
      return Replace(convolution, slice->inputs[0], [&](int64_t i) { return channels - 1 - i; }, nullptr);
    }
    const Node* product = editor_.ProducerIf(x, OpId::kMul);
    for (int side = 0; product != nullptr && side < 2; ++side) {
      std::vector<float> factors;
      const ValueId picture = product->inputs[side];
      if (FactorsOf(editor_.graph(), product->inputs[1 - side], channels, &factors) &&
          editor_.ShapeOf(picture).rank == 4 && editor_.ShapeOf(picture)[3] == channels) {
        return Replace(convolution, picture, [](int64_t i) { return i; }, factors.data());
      }
    }
    return false;
  }

 private:
  // Weights whose input channel i is channel source(i) of the old ones, times factors[i]. False where one of
  // these products overflows, underflows or is no number: the padding's zeros times infinity would be none,
  // and x * factor may well be a number.
  template <typename Source>
  bool Replace(NodeId convolution, ValueId picture, Source source, const float* factors) {
    Graph& graph = editor_.graph();
    const TensorView old = *graph.ConstantOf(editor_.node(convolution).inputs[1]);
    const int64_t channels = old.shape[3];
    std::vector<float> elements(static_cast<size_t>(old.elements()));
    for (int64_t i = 0; i < old.elements(); ++i) {
      const int64_t channel = i % channels;
      const float factor = factors != nullptr ? factors[channel] : 1.0f;
      const float weight = old.as<float>()[i - channel + source(channel)];
      const float product = weight * factor;
      if (factors != nullptr && !std::isnormal(product) && (weight != 0 || !std::isfinite(factor)) &&
          factor != 0) {
        return false;
      }
      elements[static_cast<size_t>(i)] = product;
    }
    allowance_ -= old.bytes();
    const ValueId weights = Unwrap(AddFloatConstant(&graph, "", elements, old.shape));
    editor_.Track();
    const NodeId folded = graph.values[editor_.node(convolution).inputs[0]].producer;
    editor_.SetInput(convolution, 0, picture);
    editor_.SetInput(convolution, 1, weights);
    editor_.Remove(folded);
    return true;
  }

  GraphEditor& editor_;
  // Bytes of new weights that there may be: convolutions that share theirs get weights each, and a row of
  // nodes makes as many as there are.
  int64_t allowance_;
};

}  // namespace

Status RunInputFolding(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    InputFolder folder(&editor);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      while (editor.node(id).op == OpId::kConv2d && folder.Fold(id)) {
      }
    }
    if (editor.changes() > 0) editor.Finish();
  });
}

}  // namespace mace::passes
