#include "mace/ops/evaluate.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "mace/ops/common.h"

namespace mace {

namespace {

// Integer tensors up to this size are computed while types are inferred: shapes, slice bounds, indices.
constexpr int64_t kMaxKnownElements = 64;

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
    if (present && (!IsValid(input_types[i].dtype) || input_types[i].shape.rank < 0 ||
                    input_types[i].shape.rank > kMaxRank)) {
      return InvalidArgument("input %lld has no type", static_cast<long long>(i));
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

// Room for `count` elements: on the stack for ordinary nodes, so that evaluating one allocates nothing.
template <typename T>
class SmallArray {
 public:
  Status Resize(size_t count) {
    if (count <= kInline) {
      data_ = inline_;
      return Status::Ok();
    }
    MACE_RETURN_IF_ERROR(heap_.Resize(count));
    data_ = heap_.data();
    return Status::Ok();
  }
  T& operator[](size_t i) { return data_[i]; }
  T* data() { return data_; }

 private:
  static constexpr size_t kInline = 16;
  T inline_[kInline] = {};
  Vector<T> heap_;
  T* data_ = nullptr;
};

}  // namespace

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
    return NameNode(Unsupported("has no reference kernel"), graph, node, *definition);
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

namespace {

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

// What InferGraphTypes knows while it walks the graph.
class TypeInference {
 public:
  explicit TypeInference(Graph* graph) : graph_(*graph) {}

  Status Run() {
    MACE_RETURN_IF_ERROR(known_.Resize(graph_.values.size()));
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      known_[i] = graph_.ConstantOf(static_cast<ValueId>(i));
    }
    for (const Node& node : graph_.nodes) MACE_RETURN_IF_ERROR(InferOne(node));
    return Status::Ok();
  }

 private:
  Status InferOne(const Node& node) {
    MACE_ASSIGN_OR_RETURN(const OpDefinition* definition, DefinitionOf(graph_, node));
    const size_t inputs = node.inputs.size();
    SmallArray<TensorType> types;
    SmallArray<const TensorView*> known;
    TensorType inferred[InferContext::kMaxOutputs];
    MACE_RETURN_IF_ERROR(types.Resize(inputs));
    MACE_RETURN_IF_ERROR(known.Resize(inputs));
    for (size_t i = 0; i < inputs; ++i) {
      types[i] = node.inputs[i] == kNone ? TensorType() : graph_.values[node.inputs[i]].type;
      known[i] = node.inputs[i] == kNone ? nullptr : known_[node.inputs[i]];
    }
    MACE_RETURN_IF_ERROR(InferNode(graph_, node, types.data(), known.data(), inferred));
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNone) continue;
      Value& value = graph_.values[node.outputs[i]];
      Status status = MergeType(inferred[i], &value.type);
      if (!status.ok()) {
        return NameNode(std::move(status).WithPrefix("output '%s'", value.name.c_str()), graph_, node,
                        *definition);
      }
    }
    return EvaluateSmall(node, *definition, types.data(), known.data());
  }

  static Status MergeType(const TensorType& inferred, TensorType* type) {
    if (type->dtype == DType::kInvalid) {
      type->dtype = inferred.dtype;
      type->shape = inferred.shape;
      return Status::Ok();
    }
    Shape merged = inferred.shape;
    bool agree = type->dtype == inferred.dtype && type->shape.rank == inferred.shape.rank;
    for (int i = 0; agree && i < merged.rank; ++i) {
      agree = ops::MergeDim(inferred.shape[i], type->shape[i], &merged[i]);
    }
    if (!agree) {
      return InvalidArgument("is declared as %s%s, but would be %s%s", NameOf(type->dtype),
                             ShapeText(type->shape).text, NameOf(inferred.dtype),
                             ShapeText(inferred.shape).text);
    }
    type->shape = merged;
    return Status::Ok();
  }

  // Computes small integer results whose inputs are all known, so that shapes computed from shapes become
  // types. Errors mean "not known": the run will report them.
  Status EvaluateSmall(const Node& node, const OpDefinition& definition, const TensorType* types,
                       const TensorView* const* known) {
    if (node.outputs.size() != 1) return Status::Ok();
    const TensorType& type = graph_.values[node.outputs[0]].type;
    const int64_t elements = type.shape.ElementCount();
    if ((type.dtype != DType::kI64 && type.dtype != DType::kI32 && type.dtype != DType::kBool) ||
        elements < 0 || elements > kMaxKnownElements) {
      return Status::Ok();
    }
    SmallArray<TensorView> inputs;
    MACE_RETURN_IF_ERROR(inputs.Resize(node.inputs.size()));
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNone) continue;
      if (known[i] != nullptr) {
        if (known[i]->elements() > kMaxKnownElements * kMaxKnownElements) return Status::Ok();
        inputs[i] = *known[i];
      } else if ((definition.flags & kOpShapeOnly) != 0 && types[i].shape.IsConcrete()) {
        inputs[i].dtype = types[i].dtype;
        inputs[i].shape = types[i].shape;
      } else {
        return Status::Ok();
      }
    }
    EvaluatedTensor result;
    MACE_RETURN_IF_ERROR(Allocate(type.dtype, type.shape, &result));
    Status status = EvaluateNode(graph_, node, inputs.data(), &result.view);
    if (!status.ok()) return status.code() == StatusCode::kOutOfMemory ? std::move(status) : Status::Ok();
    // A vector of pointers, so that views stay where they are while it grows.
    MACE_ASSIGN_OR_RETURN(auto stored, MakeUnique<EvaluatedTensor>());
    *stored = std::move(result);
    known_[node.outputs[0]] = &stored->view;
    return computed_.PushBack(std::move(stored));
  }

  Graph& graph_;
  Vector<const TensorView*> known_;
  Vector<std::unique_ptr<EvaluatedTensor>> computed_;
};

}  // namespace

Status InferGraphTypes(Graph* graph) { return TypeInference(graph).Run(); }

namespace {

// One evaluation of a whole graph with reference kernels.
class GraphEvaluation {
 public:
  explicit GraphEvaluation(const Graph& graph) : graph_(graph) {}

  Status Run(std::span<const TensorView> feeds, std::span<TensorView> states,
             Vector<EvaluatedTensor>* fetches) {
    MACE_RETURN_IF_ERROR(views_.Resize(graph_.values.size()));
    MACE_RETURN_IF_ERROR(buffers_.Resize(graph_.values.size()));
    MACE_RETURN_IF_ERROR(CountUses());
    MACE_RETURN_IF_ERROR(Bind(feeds, states));
    for (const Node& node : graph_.nodes) MACE_RETURN_IF_ERROR(RunNode(node));
    for (ValueId output : graph_.outputs) {
      EvaluatedTensor fetch;
      MACE_RETURN_IF_ERROR(Copy(views_[output], &fetch));
      MACE_RETURN_IF_ERROR(fetches->PushBack(std::move(fetch)));
    }
    return UpdateStates(states);
  }

 private:
  Status CountUses() {
    MACE_RETURN_IF_ERROR(uses_.Resize(graph_.values.size()));
    for (const Node& node : graph_.nodes) {
      for (ValueId input : node.inputs) {
        if (input != kNone) ++uses_[input];
      }
    }
    for (ValueId output : graph_.outputs) ++uses_[output];
    for (const State& state : graph_.states) ++uses_[state.write];
    return Status::Ok();
  }

  Status Bind(std::span<const TensorView> feeds, std::span<TensorView> states) {
    if (feeds.size() != graph_.inputs.size() || states.size() != graph_.states.size()) {
      return InvalidArgument("%zu feeds and %zu states, expected %zu and %zu", feeds.size(), states.size(),
                             graph_.inputs.size(), graph_.states.size());
    }
    Vector<int64_t> symbols;
    MACE_RETURN_IF_ERROR(symbols.Resize(graph_.symbols.size()));
    for (int64_t& symbol : symbols) symbol = kUnknownDim;
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const TensorView* constant = graph_.ConstantOf(static_cast<ValueId>(i));
      if (constant != nullptr) views_[i] = *constant;
    }
    for (size_t i = 0; i < states.size(); ++i) {
      MACE_RETURN_IF_ERROR(BindOne(graph_.states[i].read, states[i], &symbols));
    }
    for (size_t i = 0; i < feeds.size(); ++i) {
      const bool has_state = views_[graph_.inputs[i]].dtype != DType::kInvalid;
      if (has_state && feeds[i].dtype == DType::kInvalid) continue;
      MACE_RETURN_IF_ERROR(BindOne(graph_.inputs[i], feeds[i], &symbols));
    }
    return Status::Ok();
  }

  Status BindOne(ValueId id, const TensorView& view, Vector<int64_t>* symbols) {
    const Value& value = graph_.values[id];
    const Shape& shape = value.type.shape;
    bool fits = view.dtype == value.type.dtype && view.shape.rank == shape.rank && view.bytes() >= 0;
    for (int i = 0; fits && i < shape.rank; ++i) {
      int64_t expected = shape[i];
      if (IsSymbolDim(expected)) {
        int64_t& symbol = (*symbols)[SymbolOf(expected)];
        if (symbol == kUnknownDim) symbol = view.shape[i];
        expected = symbol;
      }
      fits = expected == kUnknownDim || expected == view.shape[i];
    }
    if (!fits) {
      return InvalidArgument("'%s' is given %s%s, expected %s%s", value.name.c_str(), NameOf(view.dtype),
                             ShapeText(view.shape).text, NameOf(value.type.dtype), ShapeText(shape).text);
    }
    views_[id] = view;
    return Status::Ok();
  }

  Status RunNode(const Node& node) {
    SmallArray<TensorView> inputs, outputs;
    SmallArray<TensorType> types, inferred;
    SmallArray<const TensorView*> known;
    MACE_RETURN_IF_ERROR(inputs.Resize(node.inputs.size()));
    MACE_RETURN_IF_ERROR(types.Resize(node.inputs.size()));
    MACE_RETURN_IF_ERROR(known.Resize(node.inputs.size()));
    MACE_RETURN_IF_ERROR(outputs.Resize(node.outputs.size()));
    MACE_RETURN_IF_ERROR(inferred.Resize(node.outputs.size()));
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNone) continue;
      inputs[i] = views_[node.inputs[i]];
      types[i] = TensorType{inputs[i].dtype, inputs[i].shape, kNone};
      known[i] = &inputs[i];
    }
    MACE_RETURN_IF_ERROR(InferNode(graph_, node, types.data(), known.data(), inferred.data()));
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const ValueId output = node.outputs[i];
      if (output == kNone) continue;
      MACE_RETURN_IF_ERROR(Allocate(inferred[i].dtype, inferred[i].shape, &buffers_[output]));
      outputs[i] = views_[output] = buffers_[output].view;
    }
    MACE_RETURN_IF_ERROR(EvaluateNode(graph_, node, inputs.data(), outputs.data()));
    for (ValueId input : node.inputs) {
      if (input != kNone && --uses_[input] == 0) buffers_[input].buffer.Reset();
    }
    return Status::Ok();
  }

  // All writes are copied before any is stored: one state may write what another one reads.
  Status UpdateStates(std::span<TensorView> states) {
    Vector<EvaluatedTensor> written;
    MACE_RETURN_IF_ERROR(written.Resize(states.size()));
    for (size_t i = 0; i < states.size(); ++i) {
      const TensorView& write = views_[graph_.states[i].write];
      if (write.dtype != states[i].dtype || !(write.shape == states[i].shape)) {
        return InvalidArgument("state '%s' is %s%s but %s%s is written to it", graph_.states[i].name.c_str(),
                               NameOf(states[i].dtype), ShapeText(states[i].shape).text, NameOf(write.dtype),
                               ShapeText(write.shape).text);
      }
      MACE_RETURN_IF_ERROR(Copy(write, &written[i]));
    }
    for (size_t i = 0; i < states.size(); ++i) {
      const int64_t bytes = written[i].view.bytes();
      if (bytes > 0) std::memcpy(states[i].data, written[i].view.data, static_cast<size_t>(bytes));
    }
    return Status::Ok();
  }

  const Graph& graph_;
  Vector<TensorView> views_;
  Vector<EvaluatedTensor> buffers_;
  Vector<int32_t> uses_;
};

}  // namespace

Status EvaluateGraph(const Graph& graph, std::span<const TensorView> feeds, std::span<TensorView> states,
                     Vector<EvaluatedTensor>* fetches) {
  return GraphEvaluation(graph).Run(feeds, states, fetches);
}

}  // namespace mace
