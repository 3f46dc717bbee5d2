#include "mace/graph/control_nodes.h"

namespace mace {

Bodies BodiesOf(const Node& node) {
  if (node.op == OpId::kIf) {
    const auto& attributes = node.attributes.as<ops::IfAttributes>();
    return {2, {attributes.then_branch, attributes.else_branch}};
  }
  if (node.op == OpId::kLoop) return {1, {node.attributes.as<ops::LoopAttributes>().body, kNone}};
  return {};
}

void SetBodies(const Bodies& bodies, Node* node) {
  if (node->op == OpId::kIf) {
    auto& attributes = node->attributes.as<ops::IfAttributes>();
    attributes.then_branch = bodies.indices[0];
    attributes.else_branch = bodies.indices[1];
  } else if (node->op == OpId::kLoop) {
    node->attributes.as<ops::LoopAttributes>().body = bodies.indices[0];
  }
}

namespace {

Status CheckExists(const Graph& graph, int32_t index) {
  if (index < 0 || static_cast<size_t>(index) >= graph.subgraphs.size() ||
      graph.subgraphs[index] == nullptr) {
    return InvalidArgument("subgraph %d does not exist", index);
  }
  return Status::Ok();
}

}  // namespace

Status CheckBodies(const Graph& graph, const Node& node) {
  const size_t inputs = node.inputs.size(), outputs = node.outputs.size();
  if (node.op == OpId::kIf) {
    return CheckBodies(graph, node.attributes.as<ops::IfAttributes>(), inputs, outputs);
  }
  if (node.op == OpId::kLoop) {
    return CheckBodies(graph, node.attributes.as<ops::LoopAttributes>(), inputs, outputs);
  }
  return Status::Ok();
}

Status CheckBodies(const Graph& graph, const ops::IfAttributes& attributes, size_t inputs, size_t outputs) {
  MACE_RETURN_IF_ERROR(CheckExists(graph, attributes.then_branch));
  MACE_RETURN_IF_ERROR(CheckExists(graph, attributes.else_branch));
  const Graph& then_branch = *graph.subgraphs[attributes.then_branch];
  const Graph& else_branch = *graph.subgraphs[attributes.else_branch];
  for (const Graph* branch : {&then_branch, &else_branch}) {
    if (branch->inputs.size() + ops::kIfFixedInputs != inputs || branch->outputs.size() < outputs) {
      return InvalidArgument("has %zu inputs and %zu outputs, its branch '%s' %zu and %zu", inputs, outputs,
                             branch->name.c_str(), branch->inputs.size(), branch->outputs.size());
    }
  }
  if (then_branch.outputs.size() != else_branch.outputs.size()) {
    return InvalidArgument("the branches have %zu and %zu outputs", then_branch.outputs.size(),
                           else_branch.outputs.size());
  }
  return Status::Ok();
}

Status CheckBodies(const Graph& graph, const ops::LoopAttributes& attributes, size_t inputs, size_t outputs) {
  MACE_RETURN_IF_ERROR(CheckExists(graph, attributes.body));
  const Graph& body = *graph.subgraphs[attributes.body];
  const int64_t carried = attributes.carried_count;
  if (carried < 0 || carried + ops::kLoopFixedInputs > static_cast<int64_t>(inputs) ||
      body.inputs.size() != inputs || static_cast<int64_t>(body.outputs.size()) < carried + 1 ||
      outputs + 1 > body.outputs.size()) {
    return InvalidArgument("has %zu inputs, %lld of them carried, and %zu outputs; its body has %zu and %zu",
                           inputs, static_cast<long long>(carried), outputs, body.inputs.size(),
                           body.outputs.size());
  }
  return Status::Ok();
}

Shape CommonShape(const Shape& a, const Shape& b) {
  if (!a.HasRank() || a.rank != b.rank) return Shape::OfUnknownRank();
  Shape common = a;
  for (int i = 0; i < a.rank; ++i) {
    if (a[i] != b[i]) common[i] = kUnknownDim;
  }
  return common;
}

}  // namespace mace
