#include "mace/ops/evaluate.h"

#include <cstring>
#include <utility>

#include "mace/ops/evaluate_internal.h"

namespace mace {

namespace evaluate_internal {

Status InferChecked(const OpDefinition& definition, const Graph& graph, const Node& node,
                    const TensorType* input_types, const TensorView* const* known, TensorType* output_types) {
  const auto inputs = static_cast<int64_t>(node.inputs.size());
  const auto outputs = static_cast<int64_t>(node.outputs.size());
  if (inputs < definition.min_inputs ||
      inputs > (definition.max_inputs < 0 ? kMaxNodeInputs : definition.max_inputs)) {
    return InvalidArgument("has %lld inputs", static_cast<long long>(inputs));
  }
  if (outputs < definition.min_outputs ||
      outputs > (definition.max_outputs < 0 ? InferContext::kMaxOutputs : definition.max_outputs)) {
    return InvalidArgument("has %lld outputs", static_cast<long long>(outputs));
  }
  MACE_RETURN_IF_ERROR(VerifyAttributes(definition.attributes, node.attributes));
  for (int64_t i = 0; i < inputs; ++i) {
    const bool present = node.inputs[i] != kNone;
    if (!present && (i < definition.min_inputs || definition.max_inputs < 0)) {
      return InvalidArgument("lacks input %lld", static_cast<long long>(i));
    }
    if (!present) continue;
    // Rules rely on ranks; only those of control nodes, which pass types on, do not.
    const Shape& shape = input_types[i].shape;
    if (!IsValid(input_types[i].dtype) || shape.rank < kUnknownRank || shape.rank > kMaxRank) {
      return InvalidArgument("input %lld has no type", static_cast<long long>(i));
    }
    if (!shape.HasRank() && (definition.flags & kOpControl) == 0) {
      return InvalidArgument("input %lld has no known rank", static_cast<long long>(i));
    }
  }
  InferContext context(graph, node);
  context.input_types_ = input_types;
  context.known_ = known;
  MACE_RETURN_IF_ERROR(definition.infer(context));
  for (int i = 0; i < outputs; ++i) {
    const TensorType& type = context.output(i);
    if (node.outputs[i] != kNone) {
      if (!IsValid(type.dtype)) return Internal("the shape rule set no type for output %d", i);
      if (type.shape.IsConcrete() && ByteCount(type.dtype, type.shape) < 0) {
        return InvalidArgument("output %d would have the shape %s, which does not fit into 63 bits", i,
                               ShapeText(type.shape).text);
      }
    }
    output_types[i].dtype = type.dtype;
    output_types[i].shape = type.shape;
  }
  return Status::Ok();
}

Status NameNode(Status status, const Graph& graph, const Node& node, const OpDefinition& definition) {
  return std::move(status).WithPrefix("node '%s' (%s)", graph.LabelOf(node), definition.name);
}

Result<const OpDefinition*> DefinitionOf(const Graph& graph, const Node& node) {
  const OpDefinition* definition = FindOpDefinition(node.op);
  if (definition == nullptr) {
    return Unsupported("node '%s': operator %d is not known to this build", graph.LabelOf(node),
                       static_cast<int>(node.op));
  }
  return definition;
}

Status Allocate(DType dtype, const Shape& shape, EvaluatedTensor* tensor) {
  tensor->view.dtype = dtype;
  tensor->view.shape = shape;
  const int64_t bytes = tensor->view.bytes();
  if (bytes < 0) return InvalidArgument("%s%s has no size", NameOf(dtype), ShapeText(shape).text);
  MACE_ASSIGN_OR_RETURN(tensor->buffer, Buffer::Allocate(static_cast<size_t>(bytes)));
  tensor->view.data = tensor->buffer.data();
  return Status::Ok();
}

Status Copy(const TensorView& source, EvaluatedTensor* copy) {
  MACE_RETURN_IF_ERROR(Allocate(source.dtype, source.shape, copy));
  const int64_t bytes = source.bytes();
  if (bytes > 0) std::memcpy(copy->view.data, source.data, static_cast<size_t>(bytes));
  return Status::Ok();
}

}  // namespace evaluate_internal

using evaluate_internal::DefinitionOf;
using evaluate_internal::InferChecked;
using evaluate_internal::NameNode;
using evaluate_internal::SmallArray;

Status InferNode(const Graph& graph, const Node& node, const TensorType* input_types,
                 const TensorView* const* known, TensorType* output_types) {
  MACE_ASSIGN_OR_RETURN(const OpDefinition* definition, DefinitionOf(graph, node));
  Status status = InferChecked(*definition, graph, node, input_types, known, output_types);
  return status.ok() ? Status::Ok() : NameNode(std::move(status), graph, node, *definition);
}

Status InferNodeUnlabeled(const Graph& graph, const Node& node, const TensorType* input_types,
                          const TensorView* const* known, TensorType* output_types) {
  MACE_ASSIGN_OR_RETURN(const OpDefinition* definition, DefinitionOf(graph, node));
  return InferChecked(*definition, graph, node, input_types, known, output_types);
}

Status EvaluateNode(const Graph& graph, const Node& node, const TensorView* inputs, TensorView* outputs) {
  MACE_ASSIGN_OR_RETURN(const OpDefinition* definition, DefinitionOf(graph, node));
  // The shape rule runs again, with everything known: a reference kernel may rely on what it has checked.
  SmallArray<TensorType> types;
  SmallArray<const TensorView*> known;
  SmallArray<TensorType> expected;
  MACE_RETURN_IF_ERROR(types.Resize(node.inputs.size()));
  MACE_RETURN_IF_ERROR(known.Resize(node.inputs.size()));
  MACE_RETURN_IF_ERROR(expected.Resize(node.outputs.size()));
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    types[i] = TensorType{inputs[i].dtype, inputs[i].shape, kNone};
    known[i] = inputs[i].dtype == DType::kInvalid ? nullptr : &inputs[i];
    if (known[i] != nullptr && inputs[i].bytes() < 0) {
      return NameNode(InvalidArgument("input %zu has the open shape %s", i, ShapeText(inputs[i].shape).text),
                      graph, node, *definition);
    }
  }
  MACE_RETURN_IF_ERROR(InferNode(graph, node, types.data(), known.data(), expected.data()));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (outputs[i].dtype == DType::kInvalid) continue;
    if (outputs[i].dtype != expected[i].dtype || !(outputs[i].shape == expected[i].shape)) {
      return NameNode(InvalidArgument("output %zu is %s%s, expected %s%s", i, NameOf(outputs[i].dtype),
                                      ShapeText(outputs[i].shape).text, NameOf(expected[i].dtype),
                                      ShapeText(expected[i].shape).text),
                      graph, node, *definition);
    }
  }
  if (definition->reference == nullptr) {
    return NameNode(Unsupported("has sizes that only running it tells"), graph, node, *definition);
  }
  const ReferenceContext context = {graph,
                                    node,
                                    inputs,
                                    outputs,
                                    static_cast<int>(node.inputs.size()),
                                    static_cast<int>(node.outputs.size())};
  Status status = definition->reference(context);
  return status.ok() ? Status::Ok() : NameNode(std::move(status), graph, node, *definition);
}

}  // namespace mace
