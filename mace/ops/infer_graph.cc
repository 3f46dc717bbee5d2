// Types of a whole graph: shape rules in order, small integers computed on the way, bodies of control nodes,
// and nodes of whose inputs not even the rank is known.
#include <algorithm>
#include <memory>
#include <utility>

#include "mace/graph/control_nodes.h"
#include "mace/ops/common.h"
#include "mace/ops/evaluate_internal.h"

namespace mace {

using evaluate_internal::Allocate;
using evaluate_internal::DefinitionOf;
using evaluate_internal::InferChecked;
using evaluate_internal::NameNode;
using evaluate_internal::SmallArray;

namespace {

// Integer tensors up to this size are computed while types are inferred: shapes, slice bounds, indices.
constexpr int64_t kMaxKnownElements = 64;
// How often the body of a loop is inferred before values that still change shape are given up.
constexpr int kMaxLoopRounds = 4;
// What a hostile graph may ask for, in all.
struct WorkLeft {
  // Loops in loops multiply their rounds. After so many nodes and values of bodies a loop gets one round,
  // with nothing known of what it carries.
  int64_t bodies = int64_t{1} << 21;
  // Runs of shape rules with guessed ranks; few nodes of a real model need any, and most of these two.
  int64_t guesses = int64_t{1} << 21;
};

// Runs the shape rule of a node some of whose inputs have no known rank with guesses in their place. What the
// outputs have in common under every guess that the rule accepts holds of them.
class RankGuesses {
 public:
  RankGuesses(const OpDefinition& definition, const Graph& graph, const Node& node, TensorType* types,
              const TensorView* const* known, int64_t* guesses_left)
      : definition_(definition),
        graph_(graph),
        node_(node),
        types_(types),
        known_(known),
        guesses_left_(*guesses_left) {}

  Status Run(TensorType* output_types) {
    for (size_t i = 0; i < node_.inputs.size(); ++i) {
      if (types_[i].dtype != DType::kInvalid && !types_[i].shape.HasRank()) {
        MACE_RETURN_IF_ERROR(open_.PushBack(static_cast<int>(i)));
      }
    }
    // One or two open inputs: every combination. More: all the same rank, and the first or the last another.
    const size_t count = open_.size();
    for (int rank = 0; rank <= kMaxRank && !done_; ++rank) {
      SetRanks(0, count, rank);
      MACE_RETURN_IF_ERROR(Try());
    }
    const int ends = count < 2 ? 0 : count == 2 ? 1 : 2;
    for (int end = 0; end < ends; ++end) {
      const size_t single = end == 0 ? 0 : count - 1;
      for (int first = 0; first <= kMaxRank && !done_; ++first) {
        SetRanks(0, count, first);
        for (int other = 0; other <= kMaxRank && !done_; ++other) {
          if (other == first) continue;
          SetRanks(single, single + 1, other);
          MACE_RETURN_IF_ERROR(Try());
        }
      }
    }
    if (!accepted_) return std::move(refusal_).WithPrefix("whatever the ranks of its inputs");
    for (size_t i = 0; i < node_.outputs.size(); ++i) {
      output_types[i] = common_[i];
      if (count > 2) output_types[i].shape = Shape::OfUnknownRank();  // not every combination was tried
    }
    return Status::Ok();
  }

 private:
  void SetRanks(size_t begin, size_t end, int rank) {
    for (size_t k = begin; k < end; ++k) {
      Shape& shape = types_[open_[k]].shape;
      shape = Shape();
      for (int axis = 0; axis < rank; ++axis) shape.Push(kUnknownDim);
    }
  }
  Status Try() {
    if (--guesses_left_ < 0) return ResourceExhausted("too many nodes have inputs of unknown rank");
    Status status = InferChecked(definition_, graph_, node_, types_, known_, inferred_);
    if (status.code() == StatusCode::kOutOfMemory) return status;
    if (!status.ok()) {
      refusal_ = std::move(status);
      return Status::Ok();
    }
    bool any_rank = false;
    for (size_t i = 0; i < node_.outputs.size(); ++i) {
      if (node_.outputs[i] == kNone) continue;
      if (!accepted_) {
        common_[i] = inferred_[i];
      } else if (common_[i].dtype != inferred_[i].dtype) {
        return InvalidArgument("output %zu has an element type that depends on a rank", i);
      } else {
        common_[i].shape = CommonShape(common_[i].shape, inferred_[i].shape);
      }
      any_rank = any_rank || common_[i].shape.HasRank();
    }
    accepted_ = true;
    done_ = !any_rank || open_.size() > 2;
    return Status::Ok();
  }

  const OpDefinition& definition_;
  const Graph& graph_;
  const Node& node_;
  TensorType* types_;
  const TensorView* const* known_;
  int64_t& guesses_left_;
  Vector<int> open_;
  TensorType inferred_[InferContext::kMaxOutputs];
  TensorType common_[InferContext::kMaxOutputs];
  Status refusal_;
  bool accepted_ = false;
  bool done_ = false;
};

// What is known while a graph is walked. Known elements are those of constants and of small integers computed
// from shapes.
class TypeInference {
 public:
  TypeInference(Graph* graph, int depth, WorkLeft* work) : graph_(*graph), depth_(depth), work_left_(*work) {}

  // `known_inputs` (may be empty): one entry per input of the graph.
  Status Run(std::span<const TensorView* const> known_inputs) {
    if (depth_ > 1) work_left_.bodies -= static_cast<int64_t>(graph_.values.size() + graph_.nodes.size()) + 1;
    MACE_RETURN_IF_ERROR(known_.Resize(graph_.values.size()));
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      known_[i] = graph_.ConstantOf(static_cast<ValueId>(i));
    }
    for (size_t i = 0; i < known_inputs.size(); ++i) known_[graph_.inputs[i]] = known_inputs[i];
    for (const Node& node : graph_.nodes) MACE_RETURN_IF_ERROR(InferOne(node));
    return Status::Ok();
  }

  // The types of the outputs of one node, and those of its bodies.
  Status InferTypes(const OpDefinition& definition, const Node& node, const TensorType* types,
                    const TensorView* const* known, TensorType* inferred) {
    if ((definition.flags & kOpControl) != 0) {
      MACE_RETURN_IF_ERROR(InferBodies(node, types, known));
      return InferChecked(definition, graph_, node, types, known, inferred);
    }
    const size_t inputs = node.inputs.size();
    const bool open = std::any_of(types, types + inputs, [](const TensorType& type) {
      return IsValid(type.dtype) && !type.shape.HasRank();
    });
    if (!open) return InferChecked(definition, graph_, node, types, known, inferred);
    SmallArray<TensorType> guessed;
    MACE_RETURN_IF_ERROR(guessed.Resize(inputs));
    std::copy(types, types + inputs, guessed.data());
    // On the heap: bodies in bodies take stack enough.
    MACE_ASSIGN_OR_RETURN(auto guesses, MakeUnique<RankGuesses>(definition, graph_, node, guessed.data(),
                                                                known, &work_left_.guesses));
    return guesses->Run(inferred);
  }

 private:
  Status InferOne(const Node& node) {
    MACE_ASSIGN_OR_RETURN(const OpDefinition* definition, DefinitionOf(graph_, node));
    const size_t inputs = node.inputs.size();
    SmallArray<TensorType> types;
    SmallArray<const TensorView*> known;
    SmallArray<TensorType> inferred;
    MACE_RETURN_IF_ERROR(types.Resize(inputs));
    MACE_RETURN_IF_ERROR(known.Resize(inputs));
    MACE_RETURN_IF_ERROR(inferred.Resize(node.outputs.size()));
    for (size_t i = 0; i < inputs; ++i) {
      types[i] = node.inputs[i] == kNone ? TensorType() : graph_.values[node.inputs[i]].type;
      known[i] = node.inputs[i] == kNone ? nullptr : known_[node.inputs[i]];
    }
    Status status = InferTypes(*definition, node, types.data(), known.data(), inferred.data());
    if (!status.ok()) return NameNode(std::move(status), graph_, node, *definition);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNone) continue;
      Value& value = graph_.values[node.outputs[i]];
      known_[node.outputs[i]] = nullptr;
      status = MergeType(inferred[i], &value.type);
      if (!status.ok()) {
        return NameNode(std::move(status).WithPrefix("output '%s'", value.name.c_str()), graph_, node,
                        *definition);
      }
    }
    return EvaluateSmall(node, *definition, types.data(), known.data());
  }

  // Shapes in bodies are inferred anew: what was found for other operands, or declared for the first
  // iteration of a loop, need not hold.
  Status MergeType(const TensorType& inferred, TensorType* type) const {
    if (type->dtype == DType::kInvalid || (depth_ > 1 && type->dtype == inferred.dtype)) {
      type->dtype = inferred.dtype;
      type->shape = inferred.shape;
      return Status::Ok();
    }
    bool agree = type->dtype == inferred.dtype;
    Shape merged = inferred.shape;
    if (!inferred.shape.HasRank()) {
      merged = type->shape;
    } else if (type->shape.HasRank()) {
      agree = agree && type->shape.rank == merged.rank;
      for (int i = 0; agree && i < merged.rank; ++i) {
        agree = ops::MergeDim(inferred.shape[i], type->shape[i], &merged[i]);
      }
    }
    if (!agree) {
      return InvalidArgument("is declared as %s%s, but would be %s%s", NameOf(type->dtype),
                             ShapeText(type->shape).text, NameOf(inferred.dtype),
                             ShapeText(inferred.shape).text);
    }
    type->shape = merged;
    return Status::Ok();
  }

  Status InferBodies(const Node& node, const TensorType* types, const TensorView* const* known) {
    if (depth_ >= kMaxGraphDepth) {
      return ResourceExhausted("subgraphs are nested more than %d deep", kMaxGraphDepth);
    }
    MACE_RETURN_IF_ERROR(CheckBodies(graph_, node));
    Vector<TensorType> inputs;
    Vector<const TensorView*> known_inputs;
    const int offset = BodyInputOffset(node);
    for (size_t i = offset; i < node.inputs.size(); ++i) {
      MACE_RETURN_IF_ERROR(inputs.PushBack(types[i]));
      MACE_RETURN_IF_ERROR(known_inputs.PushBack(known == nullptr ? nullptr : known[i]));
    }
    if (node.op == OpId::kLoop) {
      return InferLoopBody(node.attributes.as<ops::LoopAttributes>(), inputs.span(), known_inputs.span());
    }
    for (int32_t index : BodiesOf(node)) {
      MACE_RETURN_IF_ERROR(InferBody(graph_.subgraphs[index].get(), inputs.span(), known_inputs.span()));
    }
    return Status::Ok();
  }

  Status InferBody(Graph* body, std::span<const TensorType> inputs,
                   std::span<const TensorView* const> known) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      Value& value = body->values[body->inputs[i]];
      if (value.type.dtype != DType::kInvalid && value.type.dtype != inputs[i].dtype) {
        return InvalidArgument("input '%s' of the body is %s, but would be %s", value.name.c_str(),
                               NameOf(value.type.dtype), NameOf(inputs[i].dtype));
      }
      value.type.dtype = inputs[i].dtype;
      value.type.shape = inputs[i].shape;
    }
    return TypeInference(body, depth_ + 1, &work_left_).Run(known);
  }

  // What a loop carries may change its shape: the body is inferred again for what its inputs and what it
  // made of them have in common, until nothing changes.
  Status InferLoopBody(const ops::LoopAttributes& attributes, std::span<TensorType> inputs,
                       std::span<const TensorView*> known) {
    inputs[0] = TensorType{DType::kI64, {}};
    inputs[1] = TensorType{DType::kBool, {}};
    const size_t captures = static_cast<size_t>(ops::kLoopFixedInputs) + attributes.carried_count;
    for (size_t i = 0; i < captures; ++i) known[i] = nullptr;
    Graph* body = graph_.subgraphs[attributes.body].get();
    for (int round = 0;; ++round) {
      const bool last = round >= kMaxLoopRounds || work_left_.bodies < 0;
      if (last) {
        for (size_t i = ops::kLoopFixedInputs; i < captures; ++i) inputs[i].shape = Shape::OfUnknownRank();
      }
      MACE_RETURN_IF_ERROR(InferBody(body, inputs, known));
      bool changed = false;
      for (size_t i = ops::kLoopFixedInputs; i < captures; ++i) {
        const Shape& made = body->values[body->outputs[i - 1]].type.shape;
        const Shape common = CommonShape(inputs[i].shape, made);
        changed = changed || !(common == inputs[i].shape);
        inputs[i].shape = common;
      }
      if (last || !changed) return Status::Ok();
    }
  }

  Status EvaluateSmall(const Node& node, const OpDefinition& definition, const TensorType* types,
                       const TensorView* const* known);

  Graph& graph_;
  const int depth_;  // 1: the outermost graph
  WorkLeft& work_left_;
  Vector<const TensorView*> known_;
  Vector<std::unique_ptr<EvaluatedTensor>> computed_;
};

// Computes small integer results whose inputs are all known, so that shapes computed from shapes become
// types. Errors mean "not known": the run will report them.
Status TypeInference::EvaluateSmall(const Node& node, const OpDefinition& definition, const TensorType* types,
                                    const TensorView* const* known) {
  if (node.outputs.size() != 1 || node.outputs[0] == kNone || definition.reference == nullptr) {
    return Status::Ok();
  }
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

}  // namespace

Status InferNodeTypes(Graph* graph, const Node& node, const TensorType* input_types,
                      const TensorView* const* known, TensorType* output_types) {
  MACE_ASSIGN_OR_RETURN(const OpDefinition* definition, DefinitionOf(*graph, node));
  WorkLeft work;
  return TypeInference(graph, 1, &work).InferTypes(*definition, node, input_types, known, output_types);
}

Status InferGraphTypes(Graph* graph) {
  WorkLeft work;
  return TypeInference(graph, 1, &work).Run({});
}

}  // namespace mace
