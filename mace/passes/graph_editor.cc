#include "mace/passes/graph_editor.h"

#include <algorithm>
#include <cmath>
#include <queue>

#include "mace/graph/control_nodes.h"
#include "mace/graph/op_definition.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/movement/movement.h"
#include "mace/passes/constants.h"

namespace mace::passes {

GraphEditor::GraphEditor(Graph* graph) : graph_(*graph) {
  Track();
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    order_.push_back(static_cast<int64_t>(i));
    for (ValueId input : graph_.nodes[i].inputs) {
      if (input == kNone) continue;
      auto& users = users_[input];
      if (users.empty() || users.back() != static_cast<NodeId>(i)) users.push_back(static_cast<NodeId>(i));
    }
  }
  for (ValueId value : graph_.outputs) result_[value] = 1;
  for (const State& state : graph_.states) {
    result_[state.write] = 1;
    input_[state.read] = 1;
  }
  for (ValueId value : graph_.inputs) input_[value] = 1;
}

void GraphEditor::Track() {
  users_.resize(graph_.values.size());
  result_.resize(graph_.values.size(), 0);
  input_.resize(graph_.values.size(), 0);
}

bool GraphEditor::IsGraphInput(ValueId value) const { return input_[value] != 0; }

NodeId GraphEditor::Append(NodeId anchor, OpId op, std::span<const ValueId> inputs, int outputs,
                           int32_t quantization, std::vector<ValueId>* values) {
  String name;
  // Messages call the new node as they call the one it stands for.
  Check(name.Assign(graph_.LabelOf(graph_.nodes[anchor])));
  for (int i = 0; i < outputs; ++i) values->push_back(Unwrap(graph_.AddValue("", TensorType{})));
  for (ValueId value : *values) graph_.values[value].type.quantization = quantization;
  // `inputs` may be a span of a node's inputs, which move when the list of nodes grows.
  const std::vector<ValueId> input_list(inputs.begin(), inputs.end());
  const NodeId id = Unwrap(graph_.AddNode(op, name.view(), input_list, *values));
  order_.push_back(order_[anchor]);
  Track();
  for (ValueId input : input_list) {
    if (input == kNone) continue;
    auto& users = users_[input];
    if (std::find(users.begin(), users.end(), id) == users.end()) users.push_back(id);
  }
  ++changes_;
  return id;
}

Status GraphEditor::TryInfer(NodeId id) {
  const Node& node = graph_.nodes[id];
  std::vector<TensorType> types;
  std::vector<const TensorView*> known;
  for (ValueId input : node.inputs) {
    types.push_back(input == kNone ? TensorType{} : graph_.values[input].type);
    known.push_back(graph_.ConstantOf(input));
  }
  std::vector<TensorType> inferred(std::max<size_t>(node.outputs.size(), 1));
  MACE_RETURN_IF_ERROR(InferNodeTypes(&graph_, node, types.data(), known.data(), inferred.data())
                           .WithPrefix("node '%s'", graph_.LabelOf(node)));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNone) continue;
    TensorType& type = graph_.values[node.outputs[i]].type;
    type.dtype = inferred[i].dtype;
    type.shape = inferred[i].shape;
  }
  return Status::Ok();
}

std::vector<ValueId> GraphEditor::EmitLike(NodeId like, std::span<const ValueId> inputs) {
  // A subgraph has one owner.
  if (BodiesOf(graph_.nodes[like]).count > 0) throw PassError(Internal("a pass repeats a control node"));
  const ValueId first = graph_.nodes[like].outputs[0];
  const int32_t quantization = first == kNone ? kNone : graph_.values[first].type.quantization;
  std::vector<ValueId> values;
  const NodeId id = Append(like, graph_.nodes[like].op, inputs,
                           static_cast<int>(graph_.nodes[like].outputs.size()), quantization, &values);
  graph_.nodes[id].attributes = graph_.nodes[like].attributes;
  graph_.nodes[id].version = graph_.nodes[like].version;
  Infer(id);
  return values;
}

std::vector<ValueId> GraphEditor::TryEmitLike(NodeId like, std::span<const ValueId> inputs, DType dtype,
                                              int32_t quantization) {
  if (BodiesOf(graph_.nodes[like]).count > 0) return {};
  std::vector<ValueId> values;
  const int before = changes_;
  const NodeId id = Append(like, graph_.nodes[like].op, inputs,
                           static_cast<int>(graph_.nodes[like].outputs.size()), quantization, &values);
  graph_.nodes[id].attributes = graph_.nodes[like].attributes;
  graph_.nodes[id].version = graph_.nodes[like].version;
  for (ValueId value : values) graph_.values[value].type.dtype = dtype;
  bool fits = TryInfer(id).ok();
  for (ValueId value : values) fits = fits && graph_.values[value].type.dtype == dtype;
  if (fits) return values;
  Remove(id);
  changes_ = before;
  return {};
}

void GraphEditor::RemoveUser(ValueId value, NodeId node) {
  auto& users = users_[value];
  users.erase(std::remove(users.begin(), users.end(), node), users.end());
}

void GraphEditor::SetInput(NodeId id, int i, ValueId value) {
  Node& node = graph_.nodes[id];
  const ValueId old_value = node.inputs[i];
  node.inputs[i] = value;
  if (old_value != kNone &&
      std::find(node.inputs.begin(), node.inputs.end(), old_value) == node.inputs.end()) {
    RemoveUser(old_value, id);
  }
  auto& users = users_[value];
  if (std::find(users.begin(), users.end(), id) == users.end()) users.push_back(id);
  ++changes_;
}

void GraphEditor::ReplaceUses(ValueId old_value, ValueId new_value) {
  if (old_value == new_value) return;
  for (NodeId user : users_[old_value]) {
    for (ValueId& input : graph_.nodes[user].inputs) {
      if (input == old_value) input = new_value;
    }
    auto& users = users_[new_value];
    if (std::find(users.begin(), users.end(), user) == users.end()) users.push_back(user);
  }
  users_[old_value].clear();
  ++changes_;
  if (!IsResult(old_value)) return;
  const NodeId old_producer = graph_.values[old_value].producer;
  const NodeId new_producer = graph_.values[new_value].producer;
  if (new_producer == kNone || IsResult(new_value)) {
    // A result is written by a node of its own.
    const ValueId copy = Emit(old_producer, OpId::kIdentity, std::span<const ValueId>(&new_value, 1),
                              NoAttributes{}, graph_.values[new_value].type.quantization);
    new_value = copy;
  }
  for (ValueId& value : graph_.outputs) {
    if (value == old_value) value = new_value;
  }
  for (State& state : graph_.states) {
    if (state.write == old_value) state.write = new_value;
  }
  result_[old_value] = 0;
  result_[new_value] = 1;
  Check(graph_.values[new_value].name.Assign(graph_.values[old_value].name.view()));
  Check(graph_.values[old_value].name.Assign(""));
}

NodeId GraphEditor::Insert(NodeId anchor, Node node) {
  Track();
  const auto id = static_cast<NodeId>(graph_.nodes.size());
  for (ValueId output : node.outputs) {
    if (output != kNone) graph_.values[output].producer = id;
  }
  for (ValueId input : node.inputs) {
    if (input == kNone) continue;
    auto& users = users_[input];
    if (users.empty() || users.back() != id) users.push_back(id);
  }
  Check(graph_.nodes.PushBack(std::move(node)));
  order_.push_back(order_[anchor]);
  ++changes_;
  return id;
}

void GraphEditor::RemoveInput(NodeId id, int i) {
  Vector<ValueId>& inputs = graph_.nodes[id].inputs;
  const ValueId removed = inputs[i];
  std::copy(inputs.begin() + i + 1, inputs.end(), inputs.begin() + i);
  inputs.PopBack();
  if (removed != kNone && std::find(inputs.begin(), inputs.end(), removed) == inputs.end()) {
    RemoveUser(removed, id);
  }
  ++changes_;
}

void GraphEditor::Remove(NodeId id) {
  Node& node = graph_.nodes[id];
  for (ValueId input : node.inputs) {
    if (input != kNone) RemoveUser(input, id);
  }
  node.op = OpId::kInvalid;
  ++changes_;
}

std::vector<NodeId> GraphEditor::LiveNodesInOrder() const {
  const int count = NodeCount();
  std::vector<uint8_t> live(count, 0);
  std::vector<NodeId> stack;
  const auto need = [&](ValueId value) {
    if (value == kNone) return;
    const NodeId producer = graph_.values[value].producer;
    if (producer == kNone || live[producer]) return;
    live[producer] = 1;
    stack.push_back(producer);
  };
  for (ValueId value : graph_.outputs) need(value);
  for (const State& state : graph_.states) need(state.write);
  while (!stack.empty()) {
    const NodeId id = stack.back();
    stack.pop_back();
    for (ValueId input : graph_.nodes[id].inputs) need(input);
  }
  // Kahn's algorithm; of the nodes that are ready the one that stands first comes first.
  std::vector<int32_t> waiting(count, 0);
  std::priority_queue<std::pair<int64_t, NodeId>, std::vector<std::pair<int64_t, NodeId>>, std::greater<>>
      ready;
  std::vector<std::vector<NodeId>> consumers(count);
  for (NodeId id = 0; id < count; ++id) {
    if (!live[id]) continue;
    for (ValueId input : graph_.nodes[id].inputs) {
      if (input == kNone || graph_.values[input].producer == kNone) continue;
      consumers[graph_.values[input].producer].push_back(id);
      ++waiting[id];
    }
    if (waiting[id] == 0) ready.emplace(order_[id], id);
  }
  std::vector<NodeId> sorted;
  while (!ready.empty()) {
    const NodeId id = ready.top().second;
    ready.pop();
    sorted.push_back(id);
    for (NodeId consumer : consumers[id]) {
      if (--waiting[consumer] == 0) ready.emplace(order_[consumer], consumer);
    }
  }
  if (static_cast<ptrdiff_t>(sorted.size()) != std::count(live.begin(), live.end(), 1)) {
    throw PassError(Internal("a pass made a cycle"));
  }
  return sorted;
}

void GraphEditor::Finish() {
  const std::vector<NodeId> sorted = LiveNodesInOrder();
  std::vector<ValueId> new_value(graph_.values.size(), kNone);
  std::vector<int32_t> new_constant(graph_.constants.size(), kNone);
  std::vector<int32_t> new_quantization(graph_.quantizations.size(), kNone);
  Graph result;
  const auto keep_constant = [&](int32_t& index) {
    if (index == kNone) return;
    if (new_constant[index] == kNone) {
      new_constant[index] = static_cast<int32_t>(result.constants.size());
      Check(result.constants.PushBack(std::move(graph_.constants[index])));
    }
    index = new_constant[index];
  };
  const auto keep = [&](ValueId& id) {
    if (id == kNone) return;
    if (new_value[id] == kNone) {
      new_value[id] = static_cast<ValueId>(result.values.size());
      Value value = std::move(graph_.values[id]);
      value.producer = kNone;
      keep_constant(value.constant);
      if (int32_t& index = value.type.quantization; index != kNone) {
        if (new_quantization[index] == kNone) {
          new_quantization[index] = static_cast<int32_t>(result.quantizations.size());
          Check(result.quantizations.PushBack(std::move(graph_.quantizations[index])));
        }
        index = new_quantization[index];
      }
      Check(result.values.PushBack(std::move(value)));
    }
    id = new_value[id];
  };
  for (ValueId& value : graph_.inputs) keep(value);
  for (NodeId id : sorted) {
    Node node = std::move(graph_.nodes[id]);
    for (ValueId& input : node.inputs) keep(input);
    for (ValueId& output : node.outputs) {
      keep(output);
      if (output != kNone) result.values[output].producer = static_cast<NodeId>(result.nodes.size());
    }
    Bodies bodies = BodiesOf(node);
    for (int i = 0; i < bodies.count; ++i) {
      Check(result.subgraphs.PushBack(std::move(graph_.subgraphs[bodies.indices[i]])));
      bodies.indices[i] = static_cast<int32_t>(result.subgraphs.size() - 1);
    }
    SetBodies(bodies, &node);
    Check(result.nodes.PushBack(std::move(node)));
  }
  for (ValueId& value : graph_.outputs) keep(value);
  for (State& state : graph_.states) {
    keep(state.read);
    keep(state.write);
    keep_constant(state.initial);
  }
  result.name = std::move(graph_.name);
  result.metadata = std::move(graph_.metadata);
  result.symbols = std::move(graph_.symbols);
  result.inputs = std::move(graph_.inputs);
  result.outputs = std::move(graph_.outputs);
  result.states = std::move(graph_.states);
  graph_ = std::move(result);
}

bool IsIdentity(const Permutation& perm) {
  for (int i = 0; i < perm.size(); ++i) {
    if (perm[i] != i) return false;
  }
  return true;
}

Permutation Inverse(const Permutation& perm) {
  Permutation inverse = perm;
  for (int i = 0; i < perm.size(); ++i) inverse[static_cast<int>(perm[i])] = i;
  return inverse;
}

Permutation Compose(const Permutation& first, const Permutation& second) {
  Permutation both = second;
  for (int i = 0; i < second.size(); ++i) both[i] = first[static_cast<int>(second[i])];
  return both;
}

Permutation PermutationOf(const Node& transpose, int rank) {
  Permutation perm = transpose.attributes.as<ops::TransposeAttributes>().perm;
  if (perm.empty()) {
    for (int i = 0; i < rank; ++i) perm.Push(rank - 1 - i);
  }
  return perm;
}

bool IsScalar(const Graph& graph, ValueId value, double expected) {
  double element = 0;
  return ScalarConstant(graph, value, &element) && IsFloat(graph.values[value].type.dtype) &&
         std::abs(element - expected) <= 1e-6 * std::max(1.0, std::abs(expected));
}

bool ExpressShape(const Shape& from, const Shape& to, IntList* shape) {
  *shape = IntList();
  if (!to.HasRank()) return false;
  int inferred = 0;
  for (int i = 0; i < to.rank; ++i) {
    if (to[i] > 0) {
      shape->Push(to[i]);
    } else if (i < from.rank && from[i] == to[i] && to[i] != kUnknownDim) {
      shape->Push(0);  // an equal symbol, or no elements on either side
    } else if (to[i] == 0) {
      return false;
    } else {
      shape->Push(-1);
      ++inferred;
    }
  }
  return inferred <= 1;
}

}  // namespace mace::passes
