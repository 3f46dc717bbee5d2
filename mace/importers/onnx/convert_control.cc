// If and Loop.
#include "mace/graph/control_nodes.h"
#include "mace/importers/onnx/onnx_body.h"
#include "mace/importers/onnx/onnx_import.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/sequence_loop.h"

namespace mace::importers::onnx {
namespace {

std::vector<std::string_view> OutputNames(const GraphProto& graph) {
  std::vector<std::string_view> names;
  for (const ValueInfo& output : graph.outputs) names.push_back(output.name);
  return names;
}

// A tensor of one element, as far as is known.
void RequireScalar(OnnxContext& context, ValueId value, DType dtype, const char* what) {
  const TensorType& type = context.TypeOf(value);
  const int64_t count = type.shape.ElementCount();
  if (type.dtype != dtype || (count >= 0 && count != 1)) {
    throw ImportError(InvalidArgument("%s is %s%s, expected one %s", what, NameOf(type.dtype),
                                      ShapeText(type.shape).text, NameOf(dtype)));
  }
}

const GraphProto& BranchOf(OnnxNode& node, std::string_view attribute) {
  const GraphProto& graph = node.GraphOf(attribute);
  if (!graph.inputs.empty()) {
    throw ImportError(InvalidArgument("%s has inputs", Text(attribute).c_str()));
  }
  if (static_cast<int>(graph.outputs.size()) != node.output_count()) {
    throw ImportError(InvalidArgument("%s has %zu outputs, the node %d", Text(attribute).c_str(),
                                      graph.outputs.size(), node.output_count()));
  }
  return graph;
}

}  // namespace

Outputs ConvertIf(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId condition = context.Input(node, 0);
  RequireScalar(context, condition, DType::kBool, "the condition");
  const GraphProto& then_graph = BranchOf(node, "then_branch");
  const GraphProto& else_graph = BranchOf(node, "else_branch");
  if (const auto known = ConstantScalar(context.graph(), condition); known.has_value()) {
    // Only the one branch can run: it stands in the node's place, so that what follows knows its ranks.
    const GraphProto& graph = *known != 0 ? then_graph : else_graph;
    const NameScope scope(&context, nullptr);
    return ConvertInner(graph, OutputNames(graph), &context, TakesSequences::kYes);
  }
  Body then_body(&context), else_body(&context);
  std::vector<ValueId> captures;
  for (auto [body, graph] : {std::pair(&then_body, &then_graph), std::pair(&else_body, &else_graph)}) {
    for (ValueId value : ConvertInner(*graph, OutputNames(*graph), &body->context())) body->AddOutput(value);
    body->ListCaptures(&captures);
  }
  std::vector<TensorType> types;
  for (size_t i = 0; i < then_body.output_count(); ++i) {
    const TensorType &a = then_body.OutputType(i), &b = else_body.OutputType(i);
    if (a.dtype != b.dtype) {
      throw ImportError(InvalidArgument("output %zu is %s in one branch, %s in the other", i, NameOf(a.dtype),
                                        NameOf(b.dtype)));
    }
    types.push_back({a.dtype, CommonShape(a.shape, b.shape), kNone});
  }
  std::vector<ValueId> operands = {condition}, ids;
  operands.insert(operands.end(), captures.begin(), captures.end());
  const int32_t then_index = then_body.Finish(captures);
  const int32_t else_index = else_body.Finish(captures);
  const NodeId id = context.EmitControl(OpId::kIf, operands, types, &ids);
  auto& attributes = context.graph().nodes[id].attributes.as<ops::IfAttributes>();
  attributes.then_branch = then_index;
  attributes.else_branch = else_index;
  return ids;
}

Outputs ConvertLoop(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const GraphProto& graph = node.GraphOf("body");
  LoopInputs inputs;
  inputs.trip_count = context.OptionalInput(node, 0);
  inputs.condition = context.OptionalInput(node, 1);
  if (inputs.trip_count == kNone) inputs.trip_count = context.Int64(INT64_MAX);
  if (inputs.condition == kNone) inputs.condition = context.Bool(true);
  RequireScalar(context, inputs.trip_count, DType::kI64, "the trip count");
  RequireScalar(context, inputs.condition, DType::kBool, "the condition");
  SequenceLoop sequences(context, node);
  inputs.carried = sequences.Tensors();
  const auto trips = ConstantScalar(context.graph(), inputs.trip_count);
  if (trips.has_value() && *trips <= INT32_MAX) inputs.trip_dim = std::max<int64_t>(*trips, 0);
  const size_t expected = ops::kLoopFixedInputs + sequences.carried_count();
  if (graph.inputs.size() != expected) {
    throw ImportError(
        InvalidArgument("the body has %zu inputs, expected %zu", graph.inputs.size(), expected));
  }
  const std::vector<ValueId> values =
      EmitLoop(context, inputs,
               [&](Body& body, ValueId iteration, ValueId condition, std::span<const ValueId> carried) {
                 OnnxContext& inside = body.context();
                 inside.Bind(graph.inputs[0].name, iteration);
                 inside.Bind(graph.inputs[1].name, condition);
                 sequences.BindBody(graph, carried, &inside);
                 return sequences.TakeApart(
                     ConvertInner(graph, OutputNames(graph), &inside, TakesSequences::kYes), &inside);
               });
  return sequences.PutTogether(values);
}

}  // namespace mace::importers::onnx
