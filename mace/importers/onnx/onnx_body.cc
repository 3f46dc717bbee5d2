#include "mace/importers/onnx/onnx_body.h"

#include <algorithm>

#include "mace/graph/control_nodes.h"
#include "mace/importers/loop_types.h"

namespace mace::importers::onnx {
namespace {

// Whether the body lets the loop run on whatever it computes.
bool AlwaysRunsOn(const Graph& graph, ValueId result, ValueId condition) {
  while (result != condition && graph.values[result].producer != kNone) {
    const Node& node = graph.nodes[graph.values[result].producer];
    if (node.op != OpId::kIdentity) return false;
    result = node.inputs[0];
  }
  return result == condition || ConstantScalar(graph, result) == 1;
}

// One more dimension in front of what an iteration gives.
TensorType Stacked(const TensorType& element, int64_t count) {
  TensorType type = {element.dtype, Shape::OfUnknownRank(), kNone};
  if (!element.shape.HasRank()) return type;
  type.shape = Shape{count};
  for (int64_t dim : element.shape.span()) {
    if (!type.shape.Push(dim)) {
      throw ImportError(
          Unsupported("scanned values of rank %d (at most %d)", element.shape.rank, kMaxRank - 1));
    }
  }
  return type;
}

}  // namespace

std::optional<int64_t> ConstantScalar(const Graph& graph, ValueId value) {
  const TensorView* view = graph.ConstantOf(value);
  if (view == nullptr || view->elements() != 1) return std::nullopt;
  if (view->dtype == DType::kBool) return *view->as<uint8_t>();
  if (view->dtype == DType::kI64) return *view->as<int64_t>();
  return std::nullopt;
}

Body::Body(OnnxContext* outside)
    : outside_(*outside),
      graph_(std::make_unique<Graph>()),
      context_(&outside->work(), graph_.get(), outside) {}

ValueId Body::AddInput(std::string_view name, const TensorType& type) {
  const ValueId value = Unwrap(graph_->AddValue(name, type));
  Check(graph_->inputs.PushBack(value));
  context_.KeepType(value);
  return value;
}

void Body::AddOutput(ValueId value) {
  if (OnnxContext::IsSequence(value)) throw ImportError(Unsupported("a sequence that leaves a subgraph"));
  value = context_.WithQuantization(value, kNone);
  const auto& outputs = graph_->outputs;
  if (graph_->values[value].producer == kNone ||
      std::find(outputs.begin(), outputs.end(), value) != outputs.end()) {
    value = context_.EmitOutput("", value);
  }
  Check(graph_->outputs.PushBack(value));
}

void Body::ListCaptures(std::vector<ValueId>* outers) const {
  std::unordered_set<ValueId> seen(outers->begin(), outers->end());
  for (const auto& [outer, inner] : context_.captured()) {
    if (seen.insert(outer).second) outers->push_back(outer);
  }
}

int32_t Body::Finish(std::span<const ValueId> outers) {
  std::unordered_map<ValueId, ValueId> inners;
  for (const auto& [outer, inner] : context_.captured()) inners.emplace(outer, inner);
  for (ValueId outer : outers) {
    const auto found = inners.find(outer);
    Check(graph_->inputs.PushBack(
        found != inners.end() ? found->second : Unwrap(graph_->AddValue("", outside_.TypeOf(outer)))));
  }
  if (++outside_.work().subgraphs > kMaxSubgraphs) {
    throw ImportError(Status::Format(StatusCode::kResourceExhausted, "more than %lld subgraphs",
                                     static_cast<long long>(kMaxSubgraphs)));
  }
  auto& subgraphs = outside_.graph().subgraphs;
  Check(subgraphs.PushBack(std::move(graph_)));
  return static_cast<int32_t>(subgraphs.size() - 1);
}

std::vector<ValueId> EmitLoop(OnnxContext& context, const LoopInputs& inputs, const BodyWriter& write) {
  std::vector<ValueId> operands = {inputs.trip_count, inputs.condition};
  std::vector<TensorType> types;
  for (ValueId value : inputs.carried) {
    operands.push_back(context.WithQuantization(value, kNone));
    types.push_back(context.TypeOf(operands.back()));
  }
  const size_t carried_count = types.size();
  const size_t warnings = context.report().warnings.size(), repairs = context.report().repairs.size();
  for (int attempt = 0;; ++attempt) {
    context.report().warnings.resize(std::min(warnings, context.report().warnings.size()));
    context.report().repairs.resize(std::min(repairs, context.report().repairs.size()));
    Body body(&context);
    const ValueId iteration = body.AddInput("", {DType::kI64, Shape{}, kNone});
    const ValueId condition = body.AddInput("", {DType::kBool, Shape{}, kNone});
    std::vector<ValueId> carried;
    for (const TensorType& type : types) carried.push_back(body.AddInput("", type));
    const std::vector<ValueId> results = write(body, iteration, condition, carried);
    if (results.size() < 1 + carried_count) {
      throw ImportError(InvalidArgument("the body has %zu outputs, at least %zu are expected", results.size(),
                                        1 + carried_count));
    }
    if (OnnxContext::IsSequence(results[0]))
      throw ImportError(InvalidArgument("the condition is a sequence"));
    if (body.context().TypeOf(results[0]).dtype != DType::kBool) {
      throw ImportError(
          InvalidArgument("the body's condition is %s", NameOf(body.context().TypeOf(results[0]).dtype)));
    }
    const bool runs_on = ConstantScalar(context.graph(), inputs.condition) == 1 &&
                         AlwaysRunsOn(body.context().graph(), results[0], condition);
    for (ValueId result : results) body.AddOutput(result);
    std::vector<TensorType> made;
    for (size_t i = 0; i < carried_count; ++i) made.push_back(body.OutputType(1 + i));
    if (WidenLoopTypes(made, attempt, types)) continue;
    for (size_t i = 1 + carried_count; i < results.size(); ++i) {
      types.push_back(Stacked(body.OutputType(i), runs_on ? inputs.trip_dim : kUnknownDim));
    }
    std::vector<ValueId> captures;
    body.ListCaptures(&captures);
    const int32_t index = body.Finish(captures);
    operands.insert(operands.end(), captures.begin(), captures.end());
    std::vector<ValueId> ids;
    const NodeId node = context.EmitControl(OpId::kLoop, operands, types, &ids);
    auto& attributes = context.graph().nodes[node].attributes.as<ops::LoopAttributes>();
    attributes.body = index;
    attributes.carried_count = static_cast<int32_t>(carried_count);
    return ids;
  }
}

}  // namespace mace::importers::onnx
