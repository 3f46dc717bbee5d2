#include "mace/passes/pattern.h"

#include <algorithm>
#include <vector>

#include "mace/ops/reduce/reduce.h"
#include "mace/passes/constants.h"

namespace mace::passes {

bool IsClosed(const GraphEditor& editor, NodeId root, std::initializer_list<ValueId> sources) {
  constexpr size_t kMostNodes = 64;  // more than any pattern has
  const Graph& graph = editor.graph();
  std::vector<NodeId> nodes = {root};
  const auto has = [&](NodeId id) { return std::find(nodes.begin(), nodes.end(), id) != nodes.end(); };
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (ValueId input : editor.node(nodes[i]).inputs) {
      if (input == kNone || std::find(sources.begin(), sources.end(), input) != sources.end()) continue;
      const NodeId producer = graph.values[input].producer;
      if (producer == kNone || has(producer)) continue;
      if (nodes.size() == kMostNodes) return false;
      nodes.push_back(producer);
    }
  }
  for (size_t i = 1; i < nodes.size(); ++i) {
    for (ValueId output : editor.node(nodes[i]).outputs) {
      if (output == kNone) continue;
      const auto& users = editor.UsersOf(output);
      if (editor.IsResult(output) || !std::all_of(users.begin(), users.end(), has)) return false;
    }
  }
  return true;
}

bool IsExactly(const Graph& graph, ValueId value, double expected) {
  double element = 0;
  return ScalarConstant(graph, value, &element) && IsFloat(graph.values[value].type.dtype) &&
         element == expected;
}

ValueId BesideScalar(const Graph& graph, const Node& node, double expected) {
  if (IsScalar(graph, node.inputs[1], expected)) return node.inputs[0];
  if (IsScalar(graph, node.inputs[0], expected)) return node.inputs[1];
  return kNone;
}

ValueId Beside(const Node& node, ValueId value) {
  if (node.inputs.size() != 2 || node.inputs[0] == node.inputs[1]) return kNone;
  if (node.inputs[0] == value) return node.inputs[1];
  return node.inputs[1] == value ? node.inputs[0] : kNone;
}

ValueId ArgumentOf(const GraphEditor& editor, OpId op, ValueId value) {
  const Node* node = editor.ProducerIf(value, op);
  return node == nullptr ? kNone : node->inputs[0];
}

bool ScalarOperand(const Graph& graph, const Node& node, double* scalar, ValueId* other) {
  for (int i = 0; i < 2; ++i) {
    const ValueId value = node.inputs[i];
    if (value == kNone || !IsFloat(graph.values[value].type.dtype)) continue;
    if (!ScalarConstant(graph, value, scalar)) continue;
    *other = node.inputs[1 - i];
    return true;
  }
  return false;
}

bool AxesOfReduce(const GraphEditor& editor, const Node& reduce, bool reduced[kMaxRank]) {
  const Shape& shape = editor.ShapeOf(reduce.inputs[0]);
  if (!shape.HasRank()) return false;
  const ValueId operand = reduce.inputs.size() > 1 ? reduce.inputs[1] : kNone;
  const TensorView* axes = editor.graph().ConstantOf(operand);
  if (operand != kNone && axes == nullptr) return false;
  return ops::ReducedAxes(reduce.attributes.as<ops::ReduceAttributes>(), axes, shape.rank, reduced).ok();
}

bool HaveSameShape(const GraphEditor& editor, ValueId a, ValueId b) {
  const Shape& shape = editor.ShapeOf(a);
  return shape.HasRank() && shape == editor.ShapeOf(b);
}

void RemoveWithSources(GraphEditor* editor, NodeId id) {
  std::vector<NodeId> dead = {id};
  while (!dead.empty()) {
    const NodeId next = dead.back();
    dead.pop_back();
    if (!editor->IsAlive(next)) continue;
    const std::vector<ValueId> inputs(editor->node(next).inputs.begin(), editor->node(next).inputs.end());
    editor->Remove(next);
    for (ValueId input : inputs) {
      const NodeId producer = input == kNone ? kNone : editor->graph().values[input].producer;
      if (producer == kNone || !editor->IsAlive(producer)) continue;
      const auto& outputs = editor->node(producer).outputs;
      const bool is_dead = std::all_of(outputs.begin(), outputs.end(), [&](ValueId output) {
        return output == kNone || (editor->UsersOf(output).empty() && !editor->IsResult(output));
      });
      if (is_dead) dead.push_back(producer);
    }
  }
}

}  // namespace mace::passes
