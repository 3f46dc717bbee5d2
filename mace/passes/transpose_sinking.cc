#include "mace/passes/transpose_sinking.h"

#include <algorithm>

#include "mace/graph/op_definition.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/constants.h"
#include "mace/passes/passes.h"

namespace mace::passes {

bool FindTranspose(const GraphEditor& editor, ValueId value, TransposedValue* transposed) {
  const Node* producer = editor.ProducerIf(value, OpId::kTranspose);
  if (producer == nullptr || producer->inputs[0] == kNone) return false;
  if (!editor.ShapeOf(producer->inputs[0]).HasRank()) return false;
  transposed->source = producer->inputs[0];
  transposed->perm = PermutationOf(*producer, editor.ShapeOf(transposed->source).rank);
  return true;
}

ValueId EmitTranspose(GraphEditor* editor, NodeId anchor, ValueId value, const Permutation& perm) {
  if (IsIdentity(perm)) return value;
  TransposedValue above;
  if (FindTranspose(*editor, value, &above)) {
    const Permutation both = Compose(above.perm, perm);
    return EmitTranspose(editor, anchor, above.source, both);
  }
  if (editor->IsConstant(value) && BytesOf(editor->DTypeOf(value)) != 0) {
    const ValueId constant =
        Unwrap(TransposedConstant(&editor->graph(), value, {perm.values, static_cast<size_t>(perm.count)}));
    editor->Track();
    return constant;
  }
  ops::TransposeAttributes attributes;
  attributes.perm = perm;
  return editor->Emit(anchor, OpId::kTranspose, {value}, attributes, editor->QuantizationIndexOf(value));
}

ValueId PermuteBroadcastConstant(GraphEditor* editor, ValueId constant, int rank, const Permutation& perm) {
  Graph& graph = editor->graph();
  Shape padded;
  const Shape shape = editor->ShapeOf(constant);
  for (int i = 0; i < rank; ++i) padded.Push(i < rank - shape.rank ? 1 : shape[i - (rank - shape.rank)]);
  const ValueId wide = Unwrap(ReshapedConstant(&graph, constant, padded));
  const ValueId permuted =
      Unwrap(TransposedConstant(&graph, wide, {perm.values, static_cast<size_t>(perm.count)}));
  const Shape full = graph.values[permuted].type.shape;
  Shape narrow;
  for (int i = 0; i < rank; ++i) {
    if (full[i] != 1 || narrow.rank > 0) narrow.Push(full[i]);
  }
  const ValueId result = Unwrap(ReshapedConstant(&graph, permuted, narrow));
  editor->Track();
  return result;
}

namespace {

class Sinker {
 public:
  Sinker(GraphEditor* editor, NodeId id) : editor_(*editor), graph_(editor->graph()), id_(id) {}

  // True where the node was replaced.
  bool Run() {
    const Node& node = editor_.node(id_);
    if (node.inputs.empty() || node.outputs.empty() || !FindPermutation()) return false;
    for (ValueId output : node.outputs) {
      if (output == kNone) return false;
    }
    switch (node.op) {
      case OpId::kTranspose:
        // Of a Transpose the rank of the input is known: it is another one's output.
        return Replace({EmitTranspose(&editor_, id_, first_.source,
                                      Compose(first_.perm, PermutationOf(node, first_.perm.size())))});
      case OpId::kReshape:
      case OpId::kFlatten:
      case OpId::kSqueeze:
      case OpId::kUnsqueeze:
        return HasTransposedData() && SinkThroughReshape(&editor_, id_, first_);
      case OpId::kShape:
        return SinkShape();
      case OpId::kConcat:
        return SinkConcat();
      case OpId::kSplit:
        return SinkAxis<ops::SplitAttributes>();
      case OpId::kSoftmax:
        return SinkSoftmax();
      case OpId::kReduce:
        return SinkReduce();
      case OpId::kSlice:
        return SinkSlice();
      case OpId::kPad:
        return SinkPad();
      case OpId::kCast:
      case OpId::kQuantize:
      case OpId::kDequantize:
      case OpId::kRequantize:
        return HasTransposedData() && SinkElementwise();
      default:
        return (FindOpDefinition(node.op)->flags & kOpElementwise) != 0 && SinkElementwise();
    }
  }

 private:
  // The permutation that the node's transposed inputs share.
  bool FindPermutation() {
    bool found = false;
    for (ValueId input : editor_.node(id_).inputs) {
      TransposedValue transposed;
      if (!FindTranspose(editor_, input, &transposed)) continue;
      const Quantization* quantization = graph_.QuantizationOf(input);
      if (quantization != nullptr && quantization->axis != kNone) return false;
      if (found && !(transposed.perm == first_.perm)) {
        // Operands of a lower rank that happen to be transposed too are not for this pass.
        return false;
      }
      if (!found) first_ = transposed;
      found = true;
    }
    if (!found) return false;
    for (ValueId output : editor_.node(id_).outputs) {
      const Quantization* quantization = graph_.QuantizationOf(output);
      if (quantization != nullptr && quantization->axis != kNone) return false;
      if (IsSubByte(editor_.DTypeOf(output))) return false;  // Transposes move whole bytes
    }
    return true;
  }
  bool HasTransposedData() const {
    TransposedValue transposed;
    return FindTranspose(editor_, editor_.node(id_).inputs[0], &transposed);
  }

  bool Replace(const std::vector<ValueId>& values) {
    for (size_t i = 0; i < values.size(); ++i) {
      editor_.ReplaceUses(ValueId{editor_.node(id_).outputs[i]}, values[i]);
    }
    editor_.Remove(id_);
    return true;
  }
  std::vector<ValueId> Inputs() const {
    const Node& node = editor_.node(id_);
    return {node.inputs.begin(), node.inputs.end()};
  }
  bool ReplaceTransposed(const std::vector<ValueId>& values, const Permutation& perm) {
    std::vector<ValueId> results;
    for (ValueId value : values) results.push_back(EmitTranspose(&editor_, id_, value, perm));
    return Replace(results);
  }

  // An operand of an elementwise operator of rank `rank`, brought into the source's order; false where that
  // would take a new Transpose inside the graph.
  bool SourceOperand(ValueId input, int rank, bool commit, ValueId* result) {
    *result = input;
    if (input == kNone) return true;
    TransposedValue transposed;
    const Shape shape = editor_.ShapeOf(input);
    if (FindTranspose(editor_, input, &transposed)) {
      *result = transposed.source;
      return shape.rank == rank;
    }
    if (shape.ElementCount() == 1 && shape.rank <= rank) return true;  // broadcast to everything
    if (IsWeightChain(graph_, input)) {
      const NodeId conversion = graph_.values[input].producer;
      const ValueId constant = conversion == kNone ? input : editor_.node(conversion).inputs[0];
      const Quantization* quantization = graph_.QuantizationOf(constant);
      const bool one_scale = quantization == nullptr || quantization->axis == kNone;
      if (BytesOf(editor_.DTypeOf(constant)) == 0 || !one_scale || shape.rank > rank) return false;
      if (!commit) return true;
      *result = PermuteBroadcastConstant(&editor_, constant, rank, Inverse(first_.perm));
      if (conversion != kNone) *result = editor_.EmitLike(conversion, {result, 1})[0];
      return true;
    }
    // At the edge of the graph a Transpose is where it belongs.
    if (editor_.IsGraphInput(input) && shape.rank == rank && !editor_.IsGraphInput(first_.source)) {
      if (commit) *result = EmitTranspose(&editor_, id_, input, Inverse(first_.perm));
      return true;
    }
    return false;
  }

  bool SinkElementwise() {
    const int rank = editor_.ShapeOf(editor_.node(id_).outputs[0]).rank;
    if (first_.perm.size() != rank) return false;
    const std::vector<ValueId> inputs = Inputs();
    std::vector<ValueId> sources(inputs.size());
    for (const bool commit : {false, true}) {
      for (size_t i = 0; i < inputs.size(); ++i) {
        if (!SourceOperand(inputs[i], rank, commit, &sources[i])) return false;
      }
    }
    return ReplaceTransposed(editor_.EmitLike(id_, sources), first_.perm);
  }

  bool SinkConcat() {
    const std::vector<ValueId> inputs = Inputs();
    const int rank = first_.perm.size();
    std::vector<ValueId> sources(inputs.size());
    for (const bool commit : {false, true}) {
      for (size_t i = 0; i < inputs.size(); ++i) {
        TransposedValue transposed;
        if (FindTranspose(editor_, inputs[i], &transposed)) {
          sources[i] = transposed.source;
        } else if (editor_.IsConstant(inputs[i]) ||
                   (editor_.IsGraphInput(inputs[i]) && !editor_.IsGraphInput(first_.source))) {
          if (commit) sources[i] = EmitTranspose(&editor_, id_, inputs[i], Inverse(first_.perm));
        } else {
          return false;
        }
      }
    }
    ops::ConcatAttributes attributes = editor_.node(id_).attributes.as<ops::ConcatAttributes>();
    int axis = 0;
    if (!NormalizeAxis(attributes.axis, rank, &axis)) return false;
    attributes.axis = first_.perm[axis];
    const int32_t quantization = editor_.QuantizationIndexOf(editor_.node(id_).outputs[0]);
    return ReplaceTransposed(editor_.EmitMany(id_, OpId::kConcat, sources, attributes, 1, quantization),
                             first_.perm);
  }

  template <typename Attributes>
  bool SinkAxis() {
    if (!HasTransposedData()) return false;
    Attributes attributes = editor_.node(id_).attributes.as<Attributes>();
    int axis = 0;
    if (!NormalizeAxis(attributes.axis, first_.perm.size(), &axis)) return false;
    attributes.axis = first_.perm[axis];
    std::vector<ValueId> inputs = Inputs();
    inputs[0] = first_.source;
    const OpId op = editor_.node(id_).op;
    const int outputs = static_cast<int>(editor_.node(id_).outputs.size());
    const int32_t quantization = editor_.QuantizationIndexOf(editor_.node(id_).outputs[0]);
    return ReplaceTransposed(editor_.EmitMany(id_, op, inputs, attributes, outputs, quantization),
                             first_.perm);
  }

  // Only toward the last axis, where kernels want it.
  bool SinkSoftmax() {
    int axis = 0;
    const int rank = first_.perm.size();
    if (!NormalizeAxis(editor_.node(id_).attributes.as<ops::SoftmaxAttributes>().axis, rank, &axis))
      return false;
    return first_.perm[axis] == rank - 1 && SinkAxis<ops::SoftmaxAttributes>();
  }

  bool SinkReduce() {
    if (!HasTransposedData()) return false;
    ops::ReduceAttributes attributes = editor_.node(id_).attributes.as<ops::ReduceAttributes>();
    const int rank = first_.perm.size();
    uint32_t reduced = 0;                                   // axes of the source
    if (editor_.node(id_).inputs.size() > 1) return false;  // the axes are an operand
    if (attributes.axes.empty() && !attributes.empty_is_none) reduced = (1u << rank) - 1;
    for (int i = 0; i < attributes.axes.size(); ++i) {
      int axis = 0;
      if (!NormalizeAxis(attributes.axes[i], rank, &axis)) return false;
      attributes.axes[i] = first_.perm[axis];
      reduced |= 1u << first_.perm[axis];
    }
    std::sort(attributes.axes.values, attributes.axes.values + attributes.axes.count);
    const int32_t quantization = editor_.QuantizationIndexOf(editor_.node(id_).outputs[0]);
    const ValueId result = editor_.Emit(id_, OpId::kReduce, {first_.source}, attributes, quantization);
    if (attributes.keep_dims) return ReplaceTransposed({result}, first_.perm);
    // The axes that are left, renumbered.
    Permutation perm;
    for (int i = 0; i < rank; ++i) {
      const int axis = static_cast<int>(first_.perm[i]);
      if ((reduced >> axis & 1) == 0) perm.Push(axis - __builtin_popcount(reduced & ((1u << axis) - 1)));
    }
    return ReplaceTransposed({result}, perm);
  }

  bool SinkSlice() {
    if (!HasTransposedData()) return false;
    std::vector<ValueId> inputs = Inputs();
    inputs[0] = first_.source;
    IntList axes;
    if (inputs.size() > 3 && inputs[3] != kNone) {
      if (!IntListConstant(graph_, inputs[3], &axes)) return false;
    } else {
      const Shape& starts = editor_.ShapeOf(inputs[1]);
      if (starts.rank != 1 || starts[0] < 0 || starts[0] > first_.perm.size()) return false;
      for (int i = 0; i < starts[0]; ++i) axes.Push(i);
    }
    for (int i = 0; i < axes.size(); ++i) {
      int axis = 0;
      if (!NormalizeAxis(axes[i], first_.perm.size(), &axis)) return false;
      axes[i] = first_.perm[axis];
    }
    if (inputs.size() < 4) inputs.resize(4);
    inputs[3] = Unwrap(AddInt64Constant(&graph_, "", {axes.values, static_cast<size_t>(axes.count)}));
    editor_.Track();
    return ReplaceTransposed(editor_.EmitLike(id_, inputs), first_.perm);
  }

  bool SinkPad() {
    if (!HasTransposedData()) return false;
    std::vector<ValueId> inputs = Inputs();
    const TensorView* pads = graph_.ConstantOf(inputs[1]);
    const int rank = first_.perm.size();
    if (pads == nullptr || pads->dtype != DType::kI64 || pads->elements() != 2 * rank) return false;
    if (inputs.size() > 3 && inputs[3] != kNone) return false;  // pads of listed axes
    std::vector<int64_t> permuted(2 * rank);
    for (int i = 0; i < rank; ++i) {
      permuted[first_.perm[i]] = pads->as<int64_t>()[i];
      permuted[rank + first_.perm[i]] = pads->as<int64_t>()[rank + i];
    }
    inputs[0] = first_.source;
    inputs[1] = Unwrap(AddInt64Constant(&graph_, "", permuted));
    editor_.Track();
    return ReplaceTransposed(editor_.EmitLike(id_, inputs), first_.perm);
  }

  // The shape of the permuted tensor is the permuted shape.
  bool SinkShape() {
    const ops::ShapeAttributes attributes = editor_.node(id_).attributes.as<ops::ShapeAttributes>();
    const int64_t rank = first_.perm.size();
    const auto clamp = [&](int64_t index) {
      return std::clamp<int64_t>(index < 0 ? index + rank : index, 0, rank);
    };
    std::vector<int64_t> axes;
    for (int64_t i = clamp(attributes.start); i < clamp(attributes.end); ++i)
      axes.push_back(first_.perm[static_cast<int>(i)]);
    const ValueId indices = Unwrap(AddInt64Constant(&graph_, "", axes));
    editor_.Track();
    const ValueId shape = editor_.Emit(id_, OpId::kShape, {first_.source}, ops::ShapeAttributes{});
    return Replace({editor_.Emit(id_, OpId::kGather, {shape, indices}, ops::GatherAttributes{})});
  }

  GraphEditor& editor_;
  Graph& graph_;
  NodeId id_;
  TransposedValue first_;
};

}  // namespace

Status RunTransposeSinking(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      if (!editor.IsAlive(id)) continue;
      if (editor.node(id).op == OpId::kTranspose && editor.ShapeOf(editor.node(id).inputs[0]).HasRank()) {
        const ValueId x = editor.node(id).inputs[0];
        const ValueId y = editor.node(id).outputs[0];
        const Permutation perm = PermutationOf(editor.node(id), editor.ShapeOf(x).rank);
        if (IsIdentity(perm) && editor.QuantizationIndexOf(x) == editor.QuantizationIndexOf(y)) {
          editor.ReplaceUses(y, x);
          editor.Remove(id);
          continue;
        }
      }
      Sinker(&editor, id).Run();
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
