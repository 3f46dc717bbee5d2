#include <algorithm>
#include <vector>

#include "mace/graph/control_nodes.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// How many inputs of a body come in front of what it captures.
int FixedBodyInputs(const Node& node) {
  return node.op == OpId::kIf
             ? 0
             : ops::kLoopFixedInputs + node.attributes.as<ops::LoopAttributes>().carried_count;
}

void RemoveAt(Vector<ValueId>* list, size_t i) {
  std::copy(list->begin() + i + 1, list->end(), list->begin() + i);
  list->PopBack();
}

// Of each value of a body: whether a node or an output reads it.
std::vector<bool> ReadValues(const Graph& body) {
  std::vector<bool> read(body.values.size(), false);
  for (const Node& node : body.nodes) {
    for (ValueId input : node.inputs) {
      if (input != kNone) read[input] = true;
    }
  }
  for (ValueId output : body.outputs) read[output] = true;
  return read;
}

// What `value` is behind Identities.
ValueId SourceOf(const Graph& body, ValueId value) {
  while (body.values[value].producer != kNone &&
         body.nodes[body.values[value].producer].op == OpId::kIdentity) {
    value = body.nodes[body.values[value].producer].inputs[0];
  }
  return value;
}

class Simplification {
 public:
  Simplification(GraphEditor* editor, int64_t* allowance)
      : editor_(*editor), graph_(editor->graph()), allowance_(*allowance) {}

  void Run(NodeId id) {
    if (editor_.node(id).op == OpId::kLoop && !CaptureWhatStays(id)) return;
    DropResults(id);
    std::vector<std::vector<bool>> read;
    for (const Graph* body : BodiesIn(id)) read.push_back(ReadValues(*body));
    const int offset = BodyInputOffset(editor_.node(id));
    for (int i = static_cast<int>(editor_.node(id).inputs.size()) - 1;
         i >= FixedBodyInputs(editor_.node(id)) + offset; --i) {
      if (!CopyConstant(id, i, i - offset) && !IsReadByAny(id, i - offset, read))
        DropCapture(id, i, i - offset);
    }
    if (editor_.node(id).op == OpId::kIf) Inline(id);
  }

 private:
  std::vector<Graph*> BodiesIn(NodeId id) {
    std::vector<Graph*> bodies;
    for (int32_t index : BodiesOf(editor_.node(id))) bodies.push_back(graph_.subgraphs[index].get());
    return bodies;
  }

  // What a loop carries and its body leaves as it is becomes a capture (which may be a constant); a condition
  // that is passed on is named as such. False where no output was left, and the node is gone.
  bool CaptureWhatStays(NodeId id) {
    Graph& body = *BodiesIn(id)[0];
    body.outputs[0] = SourceOf(body, body.outputs[0]);
    int carried = graph_.nodes[id].attributes.as<ops::LoopAttributes>().carried_count;
    for (int i = carried - 1; i >= 0; --i) {
      const int input = ops::kLoopFixedInputs + i;
      const ValueId inner = body.inputs[input], outer = editor_.node(id).inputs[input];
      if (SourceOf(body, body.outputs[i + 1]) != inner) continue;
      if (static_cast<size_t>(i) < editor_.node(id).outputs.size()) {
        const ValueId output = editor_.node(id).outputs[i];
        if (output != kNone) editor_.ReplaceUses(output, outer);
        if (output != kNone) graph_.values[output].producer = kNone;
        RemoveAt(&graph_.nodes[id].outputs, i);
      }
      for (Vector<ValueId>* inputs : {&body.inputs, &graph_.nodes[id].inputs}) {
        const ValueId moved = (*inputs)[input];
        RemoveAt(inputs, input);
        Check(inputs->PushBack(moved));
      }
      RemoveAt(&body.outputs, i + 1);
      graph_.nodes[id].attributes.as<ops::LoopAttributes>().carried_count = --carried;
    }
    const Vector<ValueId>& outputs = graph_.nodes[id].outputs;
    const bool any_left = std::any_of(outputs.begin(), outputs.end(), [](ValueId o) { return o != kNone; });
    if (!any_left) editor_.Remove(id);
    return any_left;
  }

  // Outputs of the bodies that become nothing, or something that nobody reads. What a loop carries stays.
  void DropResults(NodeId id) {
    Node& node = graph_.nodes[id];
    const bool loop = node.op == OpId::kLoop;
    const size_t carried = loop ? node.attributes.as<ops::LoopAttributes>().carried_count : 0;
    const size_t first = loop ? 1 : 0;  // the condition
    for (size_t i = BodiesIn(id)[0]->outputs.size() - first; i-- > carried;) {
      const ValueId output = i < node.outputs.size() ? node.outputs[i] : kNone;
      if (output != kNone && (!editor_.UsersOf(output).empty() || editor_.IsResult(output))) continue;
      // A node keeps an output, so that the verifier has something to hold on to: a dead node goes as a
      // whole.
      if (output != kNone && node.outputs.size() == 1) return;
      if (output != kNone) graph_.values[output].producer = kNone;
      if (i < node.outputs.size()) RemoveAt(&node.outputs, i);
      for (Graph* body : BodiesIn(id)) RemoveAt(&body->outputs, i + first);
    }
  }

  bool IsReadByAny(NodeId id, int body_input, const std::vector<std::vector<bool>>& read) {
    const std::vector<Graph*> bodies = BodiesIn(id);
    for (size_t b = 0; b < bodies.size(); ++b) {
      if (read[b][bodies[b]->inputs[body_input]]) return true;
    }
    return false;
  }

  void DropCapture(NodeId id, int input, int body_input) {
    for (Graph* body : BodiesIn(id)) RemoveAt(&body->inputs, body_input);
    editor_.RemoveInput(id, input);
  }

  // Makes the captured constant one of the bodies: what packs weights and folds constants finds it there.
  bool CopyConstant(NodeId id, int input, int body_input) {
    const ValueId value = editor_.node(id).inputs[input];
    const TensorView* view = graph_.ConstantOf(value);
    if (view == nullptr) return false;
    // Bytes that the graph does not own outlive it, and are shared.
    const bool owned = graph_.constants[graph_.values[value].constant].owned.size() > 0;
    const std::vector<Graph*> bodies = BodiesIn(id);
    const int64_t bytes = owned ? view->bytes() * static_cast<int64_t>(bodies.size()) : 0;
    if (bytes > allowance_) return false;
    allowance_ -= bytes;
    for (Graph* body : bodies) {
      const ValueId inner = body->inputs[body_input];
      // A value of its own takes the bytes over to the body's input, which becomes the constant.
      const ValueId copy = Unwrap(body->AddConstant("", *view, owned));
      Value& target = body->values[inner];
      target.constant = body->values[copy].constant;
      target.type = TensorType{view->dtype, view->shape, QuantizationIn(body, value)};
      body->values.PopBack();
    }
    DropCapture(id, input, body_input);
    return true;
  }

  int32_t QuantizationIn(Graph* body, ValueId value) {
    const Quantization* quantization = graph_.QuantizationOf(value);
    if (quantization == nullptr) return kNone;
    const int32_t index = Unwrap(body->AddQuantization(quantization->scales.span(),
                                                       quantization->zero_points.span(), quantization->axis));
    body->quantizations[index].block_size = quantization->block_size;
    return index;
  }

  // An If whose condition is a constant: the nodes of the branch in its place.
  void Inline(NodeId id) {
    const TensorView* condition = graph_.ConstantOf(editor_.node(id).inputs[0]);
    if (condition == nullptr || condition->dtype != DType::kBool || condition->elements() != 1) return;
    const int chosen = *condition->as<uint8_t>() != 0 ? 0 : 1;
    Graph branch = std::move(*graph_.subgraphs[BodiesOf(editor_.node(id)).indices[chosen]]);
    std::vector<ValueId> moved(branch.values.size(), kNone);
    for (size_t i = 0; i < branch.inputs.size(); ++i) {
      moved[branch.inputs[i]] = editor_.node(id).inputs[i + ops::kIfFixedInputs];
    }
    MoveValues(&branch, &moved);
    const auto subgraphs = static_cast<int32_t>(graph_.subgraphs.size());
    for (auto& subgraph : branch.subgraphs) Check(graph_.subgraphs.PushBack(std::move(subgraph)));
    for (Node& node : branch.nodes) {
      for (Vector<ValueId>* operands : {&node.inputs, &node.outputs}) {
        for (ValueId& value : *operands) {
          if (value != kNone) value = moved[value];
        }
      }
      Bodies bodies = BodiesOf(node);
      for (int i = 0; i < bodies.count; ++i) bodies.indices[i] += subgraphs;
      SetBodies(bodies, &node);
      editor_.Insert(id, std::move(node));
    }
    editor_.Track();
    for (size_t i = 0; i < editor_.node(id).outputs.size(); ++i) {
      const ValueId output = editor_.node(id).outputs[i];
      if (output != kNone) editor_.ReplaceUses(output, moved[branch.outputs[i]]);
    }
    editor_.Remove(id);
  }

  // The values of the branch but its inputs, with their constants and quantizations.
  void MoveValues(Graph* branch, std::vector<ValueId>* moved) {
    const auto constants = static_cast<int32_t>(graph_.constants.size());
    const auto quantizations = static_cast<int32_t>(graph_.quantizations.size());
    for (Constant& constant : branch->constants) Check(graph_.constants.PushBack(std::move(constant)));
    for (Quantization& quantization : branch->quantizations) {
      Check(graph_.quantizations.PushBack(std::move(quantization)));
    }
    for (size_t i = 0; i < branch->values.size(); ++i) {
      if ((*moved)[i] != kNone) continue;
      Value& value = branch->values[i];
      if (value.constant != kNone) value.constant += constants;
      if (value.type.quantization != kNone) value.type.quantization += quantizations;
      value.producer = kNone;
      (*moved)[i] = static_cast<ValueId>(graph_.values.size());
      Check(graph_.values.PushBack(std::move(value)));
    }
  }

  GraphEditor& editor_;
  Graph& graph_;
  int64_t& allowance_;
};

}  // namespace

Status RunControlSimplification(Graph* graph) {
  int64_t allowance = FoldingAllowance(*graph);
  return RunControlSimplification(graph, &allowance);
}

Status RunControlSimplification(Graph* graph, int64_t* allowance) {
  if (graph->subgraphs.empty()) return Status::Ok();
  return Guarded([&] {
    GraphEditor editor(graph);
    Simplification simplification(&editor, allowance);
    // What an inlined branch brings is looked at too.
    for (NodeId id = 0; id < editor.NodeCount(); ++id) {
      if (editor.IsAlive(id) && BodiesOf(editor.node(id)).count > 0) simplification.Run(id);
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
