// Rounding to the quantized grid commutes with whatever only moves, repeats or compares elements. So a
// Quantize behind such an operator moves up in front of it, and a Dequantize in front of one moves down
// behind it: the operator then works on integers, and Quantize and Dequantize come to the operators that
// compute.
#include <algorithm>
#include <vector>

#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/passes.h"
#include "mace/passes/quantized_values.h"

namespace mace::passes {
namespace {

// The inputs [begin, end) of a node whose elements it moves; none where it does something else.
struct MovedInputs {
  int begin = 0;
  int end = 0;
};

MovedInputs MovedInputsOf(const Node& node) {
  switch (node.op) {
    case OpId::kReshape:
    case OpId::kFlatten:
    case OpId::kSqueeze:
    case OpId::kUnsqueeze:
    case OpId::kExpand:
    case OpId::kTranspose:
    case OpId::kSplit:
    case OpId::kSlice:
    case OpId::kGather:
    case OpId::kPad:
    case OpId::kDepthToSpace:
    case OpId::kMaxPool2d:
      return {0, 1};
    case OpId::kResize:
      return {0, node.attributes.as<ops::ResizeAttributes>().mode == ops::ResizeMode::kNearest ? 1 : 0};
    case OpId::kConcat:
      return {0, static_cast<int>(node.inputs.size())};
    case OpId::kWhere:
      return {1, 3};
    default:
      return {};
  }
}

class Mover {
 public:
  explicit Mover(GraphEditor* editor) : editor_(*editor), graph_(editor->graph()) {}

  // The Quantize `id`, and what becomes of it, up as far as it goes.
  void Raise(NodeId id) {
    std::vector<NodeId> waiting = {id};
    while (!waiting.empty()) {
      const NodeId next = waiting.back();
      waiting.pop_back();
      for (ValueId raised : RaiseOnce(next)) waiting.push_back(graph_.values[raised].producer);
    }
  }

  // The Dequantizes in front of the node to behind it.
  void Lower(NodeId id) {
    const MovedInputs moved = MovedInputsOf(editor_.node(id));
    TensorQuantization quantization;
    if (!ReadsOneQuantization(editor_.node(id), moved, &quantization)) return;
    std::vector<ValueId> inputs = Inputs(id);
    TensorQuantization ignored;
    for (int i = moved.begin; i < moved.end; ++i) inputs[i] = DequantizedFrom(editor_, inputs[i], &ignored);
    if (!StorePadding(id, quantization, /*exactly=*/true, &inputs)) return;
    const std::vector<ValueId> integers =
        editor_.TryEmitLike(id, inputs, quantization.dtype, quantization.index);
    for (size_t i = 0; i < integers.size(); ++i) {
      const ValueId y = editor_.node(id).outputs[i];
      if (y != kNone) editor_.ReplaceUses(y, editor_.Emit(id, OpId::kDequantize, {integers[i]}));
    }
    if (!integers.empty()) editor_.Remove(id);
  }

 private:
  std::vector<ValueId> Inputs(NodeId id) const {
    return {editor_.node(id).inputs.begin(), editor_.node(id).inputs.end()};
  }

  // All that the node moves is dequantized, with one scale and zero point.
  bool ReadsOneQuantization(const Node& node, MovedInputs moved, TensorQuantization* quantization) const {
    for (int i = moved.begin; i < moved.end; ++i) {
      TensorQuantization other;
      if (DequantizedFrom(editor_, node.inputs[i], &other) == kNone) return false;
      if (i == moved.begin) *quantization = other;
      if (other.index != quantization->index || other.dtype != quantization->dtype) return false;
    }
    return moved.end > moved.begin;
  }

  // All inputs are dequantized from this type.
  bool ReadsIntegers(const Node& node, DType dtype) const {
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
      TensorQuantization quantization;
      return DequantizedFrom(editor_, input, &quantization) != kNone && quantization.dtype == dtype;
    });
  }

  // Of a Pad: the stored form of what it pads with; false where it is not known or, with `exactly`, where the
  // stored form is another number.
  bool StorePadding(NodeId id, const TensorQuantization& quantization, bool exactly,
                    std::vector<ValueId>* inputs) {
    const Node& node = editor_.node(id);
    if (node.op != OpId::kPad || node.attributes.as<ops::PadAttributes>().mode != ops::PadMode::kConstant)
      return true;
    float real = 0;
    if (inputs->size() > 2 && (*inputs)[2] != kNone) {
      const TensorView* view = graph_.ConstantOf((*inputs)[2]);
      if (view == nullptr || view->dtype != DType::kF32 || view->elements() != 1) return false;
      real = *view->as<float>();
    }
    const int32_t stored = quantization.Store(real);
    if (exactly && quantization.Real(stored) != real) return false;
    inputs->resize(3, kNone);
    (*inputs)[2] = AddStoredScalar(&editor_, quantization, stored);
    return true;
  }

  // The Quantizes that it has become; none where it stays.
  std::vector<ValueId> RaiseOnce(NodeId id) {
    TensorQuantization quantization;
    if (!IsOnnxQuantize(editor_, id, &quantization)) return {};
    const ValueId x = editor_.node(id).inputs[0];
    const NodeId above = graph_.values[x].producer;
    if (above == kNone || !editor_.HasOneUse(x) || editor_.node(above).outputs.size() != 1) return {};
    const MovedInputs moved = MovedInputsOf(editor_.node(above));
    TensorQuantization below;
    std::vector<ValueId> inputs = Inputs(above);
    if (moved.end == moved.begin || !StorePadding(above, quantization, false, &inputs)) return {};
    // Where the Dequantizes will come down, it meets them behind the node, once. And a Concat brings its
    // parts to one scale itself.
    if (editor_.node(above).op != OpId::kPad && ReadsOneQuantization(editor_.node(above), moved, &below))
      return {};
    if (editor_.node(above).op == OpId::kConcat && ReadsIntegers(editor_.node(above), quantization.dtype))
      return {};
    const auto attributes = editor_.node(id).attributes.as<ops::QuantizeAttributes>();
    std::vector<ValueId> raised;
    for (int i = moved.begin; i < moved.end; ++i) {
      inputs[i] = editor_.Emit(above, OpId::kQuantize, {ValueId{inputs[i]}}, attributes, quantization.index);
      raised.push_back(inputs[i]);
    }
    const std::vector<ValueId> moved_integers =
        editor_.TryEmitLike(above, inputs, quantization.dtype, quantization.index);
    if (moved_integers.empty()) {
      for (ValueId value : raised) editor_.Remove(graph_.values[value].producer);
      return {};
    }
    editor_.ReplaceUses(ValueId{editor_.node(id).outputs[0]}, moved_integers[0]);
    editor_.Remove(id);
    editor_.Remove(above);
    return raised;
  }

  GraphEditor& editor_;
  Graph& graph_;
};

bool HasQuantize(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (node.op == OpId::kQuantize || node.op == OpId::kDequantize) return true;
  }
  return false;
}

template <typename Move>
void ForEachNode(Graph* graph, const Move& move) {
  GraphEditor editor(graph);
  Mover mover(&editor);
  const int count = editor.NodeCount();
  for (NodeId id = 0; id < count; ++id) {
    if (editor.IsAlive(id)) move(mover, id);
  }
  editor.Finish();
}

}  // namespace

Status RunQuantizeMoving(Graph* graph) {
  if (!HasQuantize(*graph)) return Status::Ok();
  return Guarded([&] {
    UnifyQuantizations(graph);
    ForEachNode(graph, [](Mover& mover, NodeId id) { mover.Raise(id); });
    ForEachNode(graph, [](Mover& mover, NodeId id) { mover.Lower(id); });
  });
}

}  // namespace mace::passes
