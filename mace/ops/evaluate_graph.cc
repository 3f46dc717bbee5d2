// Whole graphs with reference kernels, control nodes and operators of data-dependent size among them: the
// oracle of the tests.
#include <cstring>
#include <utility>

#include "mace/graph/control_nodes.h"
#include "mace/ops/control/control.h"
#include "mace/ops/evaluate_internal.h"

namespace mace {

using evaluate_internal::Allocate;
using evaluate_internal::Copy;
using evaluate_internal::DefinitionOf;
using evaluate_internal::NameNode;
using evaluate_internal::SmallArray;

namespace {

// Evaluates one node in a graph at `depth`. `limit`: bytes of one output of a data-sized operator.
Status EvaluateAt(int depth, const Graph& graph, const Node& node, const TensorView* inputs, int64_t limit,
                  Vector<EvaluatedTensor>* outputs);

// One evaluation of a whole graph with reference kernels.
class GraphEvaluation {
 public:
  GraphEvaluation(const Graph& graph, int depth) : graph_(graph), depth_(depth) {}

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
    bool fits = view.dtype == value.type.dtype && view.shape.HasRank() && view.bytes() >= 0;
    // A body takes what its node gives: symbols are of the outermost graph, which has checked its own.
    const bool check_shape = depth_ == 1 && shape.HasRank();
    if (check_shape) fits = fits && view.shape.rank == shape.rank;
    for (int i = 0; fits && check_shape && i < shape.rank; ++i) {
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
    SmallArray<TensorView> inputs;
    MACE_RETURN_IF_ERROR(inputs.Resize(node.inputs.size()));
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != kNone) inputs[i] = views_[node.inputs[i]];
    }
    Vector<EvaluatedTensor> outputs;
    MACE_RETURN_IF_ERROR(EvaluateAt(depth_, graph_, node, inputs.data(), INT64_MAX, &outputs));
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const ValueId output = node.outputs[i];
      if (output == kNone) continue;
      views_[output] = outputs[i].view;
      buffers_[output] = std::move(outputs[i].buffer);
    }
    for (ValueId input : node.inputs) {
      if (input != kNone && --uses_[input] == 0) buffers_[input].Reset();
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
  const int depth_;  // 1: the outermost graph
  Vector<TensorView> views_;
  Vector<Buffer> buffers_;
  Vector<int32_t> uses_;
};

// Memory for the outputs of a data-sized operator.
class OutputBuffers final : public OutputAllocator {
 public:
  OutputBuffers(const Node& node, int64_t limit, Vector<EvaluatedTensor>* outputs)
      : node_(node), limit_(limit), outputs_(*outputs) {}

  Result<TensorView> Allocate(int i, DType dtype, const Shape& shape) override {
    if (i < 0 || static_cast<size_t>(i) >= outputs_.size() || node_.outputs[i] == kNone ||
        outputs_[i].view.dtype != DType::kInvalid) {
      return Internal("the kernel asks for output %d", i);
    }
    if (ByteCount(dtype, shape) > limit_) {
      return ResourceExhausted("output %d would have the shape %s", i, ShapeText(shape).text);
    }
    MACE_RETURN_IF_ERROR(evaluate_internal::Allocate(dtype, shape, &outputs_[i]));
    return outputs_[i].view;
  }

 private:
  const Node& node_;
  const int64_t limit_;
  Vector<EvaluatedTensor>& outputs_;
};

Status RunDynamicKernel(const OpDefinition& definition, const Graph& graph, const Node& node,
                        const TensorView* inputs, const TensorType* inferred, int64_t limit,
                        Vector<EvaluatedTensor>* outputs) {
  OutputBuffers allocator(node, limit, outputs);
  const DynamicContext context = {
      graph,     node, inputs, static_cast<int>(node.inputs.size()), static_cast<int>(node.outputs.size()),
      &allocator};
  MACE_RETURN_IF_ERROR(definition.evaluate(context));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNone) continue;
    const TensorView& view = (*outputs)[i].view;
    bool fits = view.dtype == inferred[i].dtype;
    const Shape& expected = inferred[i].shape;
    if (expected.HasRank()) fits = fits && view.shape.rank == expected.rank;
    for (int axis = 0; fits && axis < expected.rank; ++axis) {
      fits = expected[axis] < 0 || expected[axis] == view.shape[axis];
    }
    if (!fits) {
      return Internal("output %zu is %s%s, expected %s%s", i, NameOf(view.dtype), ShapeText(view.shape).text,
                      NameOf(inferred[i].dtype), ShapeText(expected).text);
    }
  }
  return Status::Ok();
}

Status RunIf(int depth, const Graph& graph, const Node& node, const TensorView* inputs,
             Vector<EvaluatedTensor>* outputs) {
  bool condition = false;
  MACE_RETURN_IF_ERROR(ops::ReadCondition(inputs[0], &condition));
  const Graph& branch = *graph.subgraphs[BodiesOf(node).indices[condition ? 0 : 1]];
  Vector<EvaluatedTensor> results;
  MACE_RETURN_IF_ERROR(GraphEvaluation(branch, depth + 1)
                           .Run({inputs + ops::kIfFixedInputs, branch.inputs.size()}, {}, &results));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNone) (*outputs)[i] = std::move(results[i]);
  }
  return Status::Ok();
}

// What a loop collects of one output of its body.
struct Scan {
  TensorType element;
  Vector<uint8_t> bytes;

  Status Add(int64_t iteration, const TensorView& view) {
    if (iteration == 0) {
      element = TensorType{view.dtype, view.shape, kNone};
    } else if (element.dtype != view.dtype || !(element.shape == view.shape)) {
      return InvalidArgument("is %s%s in iteration %lld and was %s%s before", NameOf(view.dtype),
                             ShapeText(view.shape).text, static_cast<long long>(iteration),
                             NameOf(element.dtype), ShapeText(element.shape).text);
    }
    if (IsSubByte(view.dtype)) return Unsupported("elements of less than a byte cannot be scanned");
    const auto added = static_cast<size_t>(view.bytes());
    const size_t before = bytes.size();
    if (added == 0) return Status::Ok();
    if (before > SIZE_MAX / 4 - added) return Status::OutOfMemory();
    MACE_RETURN_IF_ERROR(bytes.Reserve(before + added <= before * 2 ? before * 2 : before + added));
    MACE_RETURN_IF_ERROR(bytes.Resize(before + added));
    std::memcpy(bytes.data() + before, view.data, added);
    return Status::Ok();
  }
};

class LoopRun {
 public:
  LoopRun(int depth, const Graph& graph, const Node& node, const TensorView* inputs)
      : depth_(depth),
        node_(node),
        inputs_(inputs),
        body_(*graph.subgraphs[BodiesOf(node).indices[0]]),
        carried_(static_cast<size_t>(node.attributes.as<ops::LoopAttributes>().carried_count)) {}

  Status Run(Vector<EvaluatedTensor>* outputs) {
    int64_t trip_count = 0, iteration = 0;
    bool condition = false;
    MACE_RETURN_IF_ERROR(ops::ReadTripCount(inputs_[0], &trip_count));
    MACE_RETURN_IF_ERROR(ops::ReadCondition(inputs_[1], &condition));
    MACE_RETURN_IF_ERROR(feeds_.Assign(inputs_, node_.inputs.size()));
    MACE_RETURN_IF_ERROR(state_.Resize(carried_));
    MACE_RETURN_IF_ERROR(scans_.Resize(body_.outputs.size() - 1 - carried_));
    feeds_[0] = TensorView{&iteration, DType::kI64, {}};
    feeds_[1] = TensorView{&condition, DType::kBool, {}};
    for (; iteration < trip_count && condition; ++iteration) {
      MACE_RETURN_IF_ERROR(Iterate(iteration, &condition));
    }
    return Finish(iteration, outputs);
  }

 private:
  Status Iterate(int64_t iteration, bool* condition) {
    Vector<EvaluatedTensor> made;
    MACE_RETURN_IF_ERROR(GraphEvaluation(body_, depth_ + 1).Run(feeds_.span(), {}, &made));
    MACE_RETURN_IF_ERROR(ops::ReadCondition(made[0].view, condition));
    for (size_t i = 0; i < carried_; ++i) {
      TensorView& feed = feeds_[ops::kLoopFixedInputs + i];
      if (made[i + 1].view.dtype != feed.dtype) {
        return InvalidArgument("carried value %zu is %s, the body makes it %s", i, NameOf(feed.dtype),
                               NameOf(made[i + 1].view.dtype));
      }
      state_[i] = std::move(made[i + 1]);
      feed = state_[i].view;
    }
    for (size_t i = 0; i < scans_.size(); ++i) {
      MACE_RETURN_IF_ERROR(
          scans_[i].Add(iteration, made[1 + carried_ + i].view).WithPrefix("scanned value %zu", i));
    }
    return Status::Ok();
  }

  Status Finish(int64_t iterations, Vector<EvaluatedTensor>* outputs) {
    for (size_t i = 0; i < node_.outputs.size(); ++i) {
      if (node_.outputs[i] == kNone) continue;
      EvaluatedTensor& output = (*outputs)[i];
      if (i < carried_) {
        MACE_RETURN_IF_ERROR(Copy(feeds_[ops::kLoopFixedInputs + i], &output));
        continue;
      }
      const Scan& scan = scans_[i - carried_];
      const TensorType& declared = body_.values[body_.outputs[i + 1]].type;
      const DType dtype = iterations > 0 ? scan.element.dtype : declared.dtype;
      const Shape element = iterations > 0 ? scan.element.shape : ops::UnscannedShape(declared.shape);
      Shape shape;
      MACE_RETURN_IF_ERROR(ops::ScannedShape(element, iterations, &shape));
      MACE_RETURN_IF_ERROR(Allocate(dtype, shape, &output));
      if (!scan.bytes.empty()) std::memcpy(output.view.data, scan.bytes.data(), scan.bytes.size());
    }
    return Status::Ok();
  }

  const int depth_;
  const Node& node_;
  const TensorView* inputs_;
  const Graph& body_;
  const size_t carried_;
  Vector<TensorView> feeds_;
  Vector<EvaluatedTensor> state_;
  Vector<Scan> scans_;
};

Status RunControl(int depth, const Graph& graph, const Node& node, const TensorView* inputs,
                  Vector<EvaluatedTensor>* outputs) {
  if (depth >= kMaxGraphDepth) {
    return ResourceExhausted("subgraphs are nested more than %d deep", kMaxGraphDepth);
  }
  MACE_RETURN_IF_ERROR(CheckBodies(graph, node));
  if (node.op == OpId::kIf) return RunIf(depth, graph, node, inputs, outputs);
  return LoopRun(depth, graph, node, inputs).Run(outputs);
}

Status EvaluateAt(int depth, const Graph& graph, const Node& node, const TensorView* inputs, int64_t limit,
                  Vector<EvaluatedTensor>* outputs) {
  MACE_ASSIGN_OR_RETURN(const OpDefinition* definition, DefinitionOf(graph, node));
  outputs->Clear();
  MACE_RETURN_IF_ERROR(outputs->Resize(node.outputs.size()));
  if ((definition->flags & kOpControl) != 0) {
    Status status = RunControl(depth, graph, node, inputs, outputs);
    return status.ok() ? Status::Ok() : NameNode(std::move(status), graph, node, *definition);
  }
  SmallArray<TensorType> types, inferred;
  SmallArray<const TensorView*> known;
  MACE_RETURN_IF_ERROR(types.Resize(node.inputs.size()));
  MACE_RETURN_IF_ERROR(known.Resize(node.inputs.size()));
  MACE_RETURN_IF_ERROR(inferred.Resize(node.outputs.size()));
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    types[i] = TensorType{inputs[i].dtype, inputs[i].shape, kNone};
    known[i] = inputs[i].dtype == DType::kInvalid ? nullptr : &inputs[i];
    if (known[i] != nullptr && inputs[i].bytes() < 0) {
      return NameNode(InvalidArgument("input %zu has the open shape %s", i, ShapeText(inputs[i].shape).text),
                      graph, node, *definition);
    }
  }
  MACE_RETURN_IF_ERROR(InferNode(graph, node, types.data(), known.data(), inferred.data()));
  if (definition->evaluate != nullptr) {
    Status status = RunDynamicKernel(*definition, graph, node, inputs, inferred.data(), limit, outputs);
    return status.ok() ? Status::Ok() : NameNode(std::move(status), graph, node, *definition);
  }
  SmallArray<TensorView> views;
  MACE_RETURN_IF_ERROR(views.Resize(node.outputs.size()));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNone) continue;
    MACE_RETURN_IF_ERROR(Allocate(inferred[i].dtype, inferred[i].shape, &(*outputs)[i]));
    views[i] = (*outputs)[i].view;
  }
  return EvaluateNode(graph, node, inputs, views.data());
}

}  // namespace

Status EvaluateDynamicNode(const Graph& graph, const Node& node, const TensorView* inputs,
                           Vector<EvaluatedTensor>* outputs, int64_t limit) {
  return EvaluateAt(1, graph, node, inputs, limit, outputs);
}

Status EvaluateGraph(const Graph& graph, std::span<const TensorView> feeds, std::span<TensorView> states,
                     Vector<EvaluatedTensor>* fetches) {
  return GraphEvaluation(graph, 1).Run(feeds, states, fetches);
}

}  // namespace mace
