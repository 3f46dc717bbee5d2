#include "mace/importers/onnx/onnx_import.h"

namespace mace::importers::onnx {
namespace {

ValueId FindByName(const Graph& graph, const Vector<ValueId>& list, std::string_view name) {
  for (ValueId value : list) {
    if (graph.values[value].name == name) return value;
  }
  return kNone;
}

bool Contains(const Vector<ValueId>& list, ValueId value) {
  for (ValueId other : list) {
    if (other == value) return true;
  }
  return false;
}

bool HasState(const Graph& graph, ValueId read, ValueId write) {
  for (const State& state : graph.states) {
    if (state.read == read || state.write == write) return true;
  }
  return false;
}

void AddState(Graph* graph, ValueId read, ValueId write) {
  State state;
  Check(state.name.Assign(graph->values[read].name.view()));
  state.read = read;
  state.write = write;
  Check(graph->states.PushBack(std::move(state)));
}

// The graph output that is `value`, or a copy of it made by Identity nodes; kNone where there is none.
ValueId OutputOf(const Graph& graph, ValueId value) {
  for (int steps = 0; steps < 8; ++steps) {
    if (Contains(graph.outputs, value)) return value;
    ValueId copy = kNone;
    for (const Node& node : graph.nodes) {
      if (node.op == OpId::kIdentity && node.inputs[0] == value) {
        copy = node.outputs[0];
        if (Contains(graph.outputs, copy)) return copy;
      }
    }
    if (copy == kNone) return kNone;
    value = copy;
  }
  return kNone;
}

void DeclareRecurrent(OnnxContext* context, NodeId id, int initial, int last) {
  Graph& graph = context->graph();
  const Node& node = graph.nodes[id];
  if (initial >= static_cast<int>(node.inputs.size()) || last >= static_cast<int>(node.outputs.size()))
    return;
  const ValueId read = node.inputs[initial];
  if (read == kNone || node.outputs[last] == kNone || !Contains(graph.inputs, read)) return;
  const ValueId write = OutputOf(graph, node.outputs[last]);
  if (write == kNone || HasState(graph, read, write)) return;
  const TensorType& read_type = graph.values[read].type;
  const TensorType& write_type = graph.values[write].type;
  if (read_type.dtype != write_type.dtype || !(read_type.shape == write_type.shape) ||
      !read_type.shape.IsConcrete()) {
    return;
  }
  context->Warn("state: output '" + std::string(graph.values[write].name.view()) + "' feeds input '" +
                std::string(graph.values[read].name.view()) + "' of the next run unless it is fed");
  AddState(&graph, read, write);
}

}  // namespace

void DeclareStates(const ImportOptions& options, OnnxContext* context) {
  Graph& graph = context->graph();
  for (const auto& [output, input] : options.states) {
    const ValueId read = FindByName(graph, graph.inputs, input);
    const ValueId write = FindByName(graph, graph.outputs, output);
    if (read == kNone) throw ImportError(NotFound("state: the model has no input '%s'", input.c_str()));
    if (write == kNone) throw ImportError(NotFound("state: the model has no output '%s'", output.c_str()));
    if (HasState(graph, read, write)) {
      throw ImportError(InvalidArgument("state: '%s' or '%s' is named twice", output.c_str(), input.c_str()));
    }
    const TensorType& read_type = graph.values[read].type;
    const TensorType& write_type = graph.values[write].type;
    if (read_type.dtype != write_type.dtype || !(read_type.shape == write_type.shape)) {
      throw ImportError(InvalidArgument("state: output '%s' is %s %s, input '%s' is %s %s", output.c_str(),
                                        NameOf(write_type.dtype), ShapeText(write_type.shape).text,
                                        input.c_str(), NameOf(read_type.dtype),
                                        ShapeText(read_type.shape).text));
    }
    AddState(&graph, read, write);
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const OpId op = graph.nodes[i].op;
    if (op == OpId::kGru || op == OpId::kLstm) DeclareRecurrent(context, static_cast<NodeId>(i), 5, 1);
    if (op == OpId::kLstm) DeclareRecurrent(context, static_cast<NodeId>(i), 6, 2);
  }
}

}  // namespace mace::importers::onnx
