// Graph::AddNode stands here and not in graph/: the default attributes come from the operators.
#include <utility>

#include "mace/graph/graph.h"
#include "mace/graph/op_definition.h"

namespace mace {

Result<NodeId> Graph::AddNode(OpId op, std::string_view node_name, std::span<const ValueId> node_inputs,
                              std::span<const ValueId> node_outputs) {
  const OpDefinition* definition = FindOpDefinition(op);
  if (definition == nullptr) {
    return Unsupported("operator %d is not known to this build", static_cast<int>(op));
  }
  if (nodes.size() >= static_cast<size_t>(kMaxNodes)) {
    return ResourceExhausted("the graph has more than %lld nodes", static_cast<long long>(kMaxNodes));
  }
  for (const std::span<const ValueId> operands : {node_inputs, node_outputs}) {
    for (ValueId value : operands) {
      if (value != kNone && (value < 0 || static_cast<size_t>(value) >= values.size())) {
        return InvalidArgument("node '%.*s' names value %d, which does not exist",
                               static_cast<int>(node_name.size()), node_name.data(), value);
      }
    }
  }
  Node node;
  node.op = op;
  node.version = definition->version;
  MACE_RETURN_IF_ERROR(node.name.Assign(node_name));
  MACE_RETURN_IF_ERROR(node.inputs.Assign(node_inputs.data(), node_inputs.size()));
  MACE_RETURN_IF_ERROR(node.outputs.Assign(node_outputs.data(), node_outputs.size()));
  definition->attributes.construct(node.attributes.bytes);
  MACE_RETURN_IF_ERROR(nodes.PushBack(std::move(node)));
  const auto id = static_cast<NodeId>(nodes.size() - 1);
  for (ValueId output : node_outputs) {
    if (output != kNone) values[output].producer = id;
  }
  return id;
}

}  // namespace mace
