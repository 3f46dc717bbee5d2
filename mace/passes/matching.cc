#include "mace/passes/matching.h"

#include <algorithm>

namespace mace::passes {

bool IsKnownShape(const Shape& shape) {
  const std::span<const int64_t> dims = shape.span();
  return shape.HasRank() && std::find(dims.begin(), dims.end(), kUnknownDim) == dims.end();
}

bool SameQuantization(const Graph& graph, ValueId a, ValueId b) {
  const Quantization* first = graph.QuantizationOf(a);
  const Quantization* second = graph.QuantizationOf(b);
  if (first == second) return true;
  if (first == nullptr || second == nullptr) return false;
  return first->axis == second->axis && first->block_size == second->block_size &&
         std::equal(first->scales.begin(), first->scales.end(), second->scales.begin(),
                    second->scales.end()) &&
         std::equal(first->zero_points.begin(), first->zero_points.end(), second->zero_points.begin(),
                    second->zero_points.end());
}

bool NeedsNode(const GraphEditor& editor, ValueId y, ValueId x) {
  return editor.IsResult(y) && (editor.graph().values[x].producer == kNone || editor.IsResult(x));
}

const Node* ProducerOf(const GraphEditor& editor, ValueId value) {
  if (value == kNone || editor.graph().values[value].producer == kNone) return nullptr;
  return &editor.node(editor.graph().values[value].producer);
}

bool IsReshapeLike(OpId op) {
  return op == OpId::kReshape || op == OpId::kFlatten || op == OpId::kSqueeze || op == OpId::kUnsqueeze;
}

bool ChannelConstant(const Graph& graph, ValueId value, int64_t channels, std::vector<float>* elements) {
  const TensorView* view = graph.ConstantOf(value);
  if (view == nullptr || view->dtype != DType::kF32 || graph.QuantizationOf(value) != nullptr) return false;
  const int64_t count = view->elements();
  if (count != 1 &&
      (count != channels || view->shape.rank == 0 || view->shape[view->shape.rank - 1] != channels)) {
    return false;
  }
  elements->resize(static_cast<size_t>(channels));
  for (int64_t i = 0; i < channels; ++i) (*elements)[i] = view->as<float>()[count == 1 ? 0 : i];
  return true;
}

}  // namespace mace::passes
