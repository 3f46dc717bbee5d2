#include "mace/importers/onnx/onnx_import.h"
#include "mace/importers/states.h"

namespace mace::importers::onnx {
namespace {

bool Contains(const Vector<ValueId>& list, ValueId value) {
  for (ValueId other : list) {
    if (other == value) return true;
  }
  return false;
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
  Check(AddState(&graph, read, write));
}

}  // namespace

void FindRecurrentStates(OnnxContext* context) {
  const Graph& graph = context->graph();
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const OpId op = graph.nodes[i].op;
    if (op == OpId::kGru || op == OpId::kLstm) DeclareRecurrent(context, static_cast<NodeId>(i), 5, 1);
    if (op == OpId::kLstm) DeclareRecurrent(context, static_cast<NodeId>(i), 6, 2);
  }
}

}  // namespace mace::importers::onnx
