// IF, WHILE: subgraphs become bodies of If and Loop nodes (mace/ops/control/control.h). A body sees what it
// is given as inputs, then the variables that it uses; what it assigns are outputs behind its own.
#include <algorithm>
#include <memory>
#include <unordered_set>
#include <utility>

#include "mace/graph/control_nodes.h"
#include "mace/importers/loop_types.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/importers/tflite/tflite_subgraphs.h"

namespace mace::importers::tflite {
namespace {

// A subgraph on its way into Graph::subgraphs.
struct Body {
  std::unique_ptr<Graph> graph = std::make_unique<Graph>();
  VariableScope scope;

  ValueId AddInput(TfliteContext& context, const TensorType& outer) {
    context.Spend(static_cast<int64_t>(2 * sizeof(Value)));
    TensorType type = outer;
    type.quantization = CopyQuantization(context.graph(), outer.quantization);
    const ValueId value = Unwrap(graph->AddValue("", type));
    Check(graph->inputs.PushBack(value));
    return value;
  }
  // What never changes while the body runs: a constant is copied into it, so that weights can be packed and
  // shapes be known; anything else is an input, and a capture of the node.
  ValueId AddCapture(TfliteContext& context, ValueId outer, std::vector<ValueId>* captures) {
    const TensorView* constant = context.graph().ConstantOf(outer);
    if (constant == nullptr) {
      captures->push_back(outer);
      return AddInput(context, context.TypeOf(outer));
    }
    context.Spend(constant->bytes() + static_cast<int64_t>(sizeof(Value) + sizeof(Constant)));
    const ValueId value = Unwrap(graph->AddConstant("", *constant, /*copy=*/true));
    graph->values[value].type.quantization =
        CopyQuantization(context.graph(), context.TypeOf(outer).quantization);
    return value;
  }
  // Each output is written by a node of the body: of others, and of ones that are there already, it is a
  // copy.
  void AddOutput(TfliteContext& context, ValueId value) {
    const auto& outputs = graph->outputs;
    if (graph->values[value].producer == kNone ||
        std::find(outputs.begin(), outputs.end(), value) != outputs.end()) {
      context.Spend(static_cast<int64_t>(sizeof(Value) + sizeof(Node)));
      const TensorType type = graph->values[value].type;
      const ValueId copy = Unwrap(graph->AddValue("", type));
      Unwrap(graph->AddNode(OpId::kIdentity, "", {&value, 1}, {&copy, 1}));
      value = copy;
    }
    Check(graph->outputs.PushBack(value));
  }
  const TensorType& OutputType(size_t i) const { return graph->values[graph->outputs[i]].type; }
  int32_t Finish(TfliteContext& context) {
    if (++context.work().bodies > kMaxSubgraphs) {
      throw ImportError(StatusCode::kResourceExhausted,
                        "more than " + std::to_string(kMaxSubgraphs) + " bodies");
    }
    Check(context.graph().subgraphs.PushBack(std::move(graph)));
    return static_cast<int32_t>(context.graph().subgraphs.size()) - 1;
  }

 private:
  int32_t CopyQuantization(const Graph& outer, int32_t index) {
    if (index == kNone) return kNone;
    const Quantization& from = outer.quantizations[index];
    return Unwrap(graph->AddQuantization({from.scales.data(), from.scales.size()},
                                         {from.zero_points.data(), from.zero_points.size()}, from.axis));
  }
};

// Names a subgraph as one that is being converted, whatever is thrown.
class CallerEntry {
 public:
  CallerEntry(std::vector<int32_t>* callers, int32_t subgraph) : callers_(*callers) {
    callers_.push_back(subgraph);
  }
  ~CallerEntry() { callers_.pop_back(); }
  CallerEntry(const CallerEntry&) = delete;
  CallerEntry& operator=(const CallerEntry&) = delete;

 private:
  std::vector<int32_t>& callers_;
};

std::vector<Operand> OperandsOf(TfliteContext& context, int first) {
  std::vector<Operand> operands;
  for (int i = first; i < context.input_count(); ++i) {
    operands.push_back(context.OperandOf(context.InputTensor(i)));
  }
  return operands;
}

std::vector<int32_t> HandlesOf(std::span<const Operand> operands) {
  std::vector<int32_t> handles;
  for (const Operand& operand : operands) handles.push_back(operand.handle);
  return handles;
}

// A tensor of one bool, as far as is known.
void RequireCondition(const TensorType& type) {
  const int64_t count = type.shape.ElementCount();
  if (type.dtype == DType::kBool && (count < 0 || count == 1)) return;
  throw ImportError(StatusCode::kDataLoss, std::string("the condition is ") + NameOf(type.dtype) +
                                               ShapeText(type.shape).text + ", expected one bool");
}

void RequireRank(const TensorType& type) {
  if (!type.shape.HasRank()) throw ImportError(StatusCode::kUnsupported, "a value whose rank changes");
}

void BindOutputs(TfliteContext& context, std::span<const Operand> operands) {
  const auto outputs = SpanOf(context.file().operation(context.operator_index()).outputs());
  if (outputs.size() != operands.size()) {
    throw ImportError(StatusCode::kDataLoss, "it has " + std::to_string(outputs.size()) +
                                                 " outputs, its subgraph " + std::to_string(operands.size()));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] >= 0) context.Bind(outputs[i], operands[i]);
  }
}

// One branch: the operands, then the variables that either branch uses.
std::vector<Operand> FillBranch(TfliteContext& context, int32_t subgraph, std::span<const Operand> operands,
                                const VariableUse& use, Body* body, std::vector<ValueId>* captures) {
  std::vector<Operand> inner(operands.begin(), operands.end());
  for (Operand& operand : inner) {
    if (operand.handle == kNone) operand.value = body->AddCapture(context, operand.value, captures);
  }
  for (int32_t variable : use.all) {
    body->scope.values[variable] = body->AddCapture(context, context.ReadVariable(variable), captures);
  }
  std::vector<Operand> results = ConvertSubgraph(context, subgraph, inner, body->graph.get(), &body->scope);
  for (const Operand& result : results) {
    if (result.handle == kNone) body->AddOutput(context, result.value);
  }
  for (int32_t variable : use.assigned) body->AddOutput(context, body->scope.values[variable]);
  return results;
}

}  // namespace

std::vector<Operand> ConvertSubgraph(TfliteContext& context, int32_t subgraph,
                                     std::span<const Operand> inputs, Graph* graph, VariableScope* scope) {
  std::vector<int32_t>& callers = context.work().callers;
  if (std::find(callers.begin(), callers.end(), subgraph) != callers.end()) {
    throw ImportError(StatusCode::kDataLoss, "subgraph " + std::to_string(subgraph) + " calls itself");
  }
  if (static_cast<int>(callers.size()) >= kMaxGraphDepth) {
    throw ImportError(StatusCode::kUnsupported,
                      "subgraphs more than " + std::to_string(kMaxGraphDepth) + " deep");
  }
  const TfliteFile file(context.file(), subgraph);
  TfliteContext inner(file, graph, scope, context);
  const auto tensors = SpanOf(file.subgraph().inputs());
  if (tensors.size() != inputs.size()) {
    throw ImportError(StatusCode::kDataLoss, "subgraph " + std::to_string(subgraph) + " has " +
                                                 std::to_string(tensors.size()) + " inputs, it gets " +
                                                 std::to_string(inputs.size()));
  }
  for (size_t i = 0; i < tensors.size(); ++i) inner.Bind(tensors[i], inputs[i]);
  const CallerEntry entry(&callers, subgraph);
  ConvertOperators(file, &inner);
  std::vector<Operand> outputs;
  for (int32_t tensor : SpanOf(file.subgraph().outputs())) outputs.push_back(inner.OperandOf(tensor));
  return outputs;
}

void ConvertIf(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::IfOptions>();
  const ValueId condition = context.Input(0);
  RequireCondition(context.TypeOf(condition));
  const std::vector<Operand> operands = OperandsOf(context, 1);
  if (const TensorView* known = context.graph().ConstantOf(condition); known != nullptr) {
    const int32_t taken = *known->as<uint8_t>() != 0 ? options.then_subgraph() : options.else_subgraph();
    return BindOutputs(context,
                       ConvertSubgraph(context, taken, operands, &context.graph(), &context.scope()));
  }
  VariableUse use;
  for (int32_t subgraph : {options.then_subgraph(), options.else_subgraph()}) {
    AddVariableUse(context, subgraph, HandlesOf(operands), &use);
  }
  Body then_body, else_body;
  std::vector<ValueId> inputs = {condition}, else_captures, ids;
  std::vector<Operand> results =
      FillBranch(context, options.then_subgraph(), operands, use, &then_body, &inputs);
  const std::vector<Operand> others =
      FillBranch(context, options.else_subgraph(), operands, use, &else_body, &else_captures);
  if (HandlesOf(results) != HandlesOf(others)) {
    throw ImportError(StatusCode::kUnsupported, "branches with other outputs or handles than each other");
  }
  std::vector<TensorType> types;
  for (size_t i = 0; i < then_body.graph->outputs.size(); ++i) {
    const TensorType &a = then_body.OutputType(i), &b = else_body.OutputType(i);
    if (a.dtype != b.dtype) {
      throw ImportError(StatusCode::kDataLoss, "output " + std::to_string(i) + " is " + NameOf(a.dtype) +
                                                   " in one branch, " + NameOf(b.dtype) + " in the other");
    }
    types.push_back({a.dtype, CommonShape(a.shape, b.shape), kNone});
    RequireRank(types.back());
  }
  for (size_t i = 0, at = 0; i < results.size(); ++i) {
    if (results[i].handle != kNone) continue;
    types[at++].quantization = context.OutputType(static_cast<int>(i)).quantization;
  }
  const int32_t then_index = then_body.Finish(context), else_index = else_body.Finish(context);
  const NodeId id = context.EmitControl(OpId::kIf, inputs, types, &ids);
  auto& attributes = context.graph().nodes[id].attributes.as<ops::IfAttributes>();
  attributes.then_branch = then_index;
  attributes.else_branch = else_index;
  size_t at = 0;
  for (Operand& result : results) {
    if (result.handle == kNone) result.value = ids[at++];
  }
  for (int32_t variable : use.assigned) context.AssignVariable(variable, ids[at++]);
  BindOutputs(context, results);
}

namespace {

ValueId ConditionOf(TfliteContext& context, int32_t subgraph, std::span<const Operand> operands, Graph* graph,
                    VariableScope* scope) {
  const std::vector<Operand> results = ConvertSubgraph(context, subgraph, operands, graph, scope);
  if (results.size() != 1 || results[0].value == kNone) {
    throw ImportError(StatusCode::kDataLoss, "a condition of " + std::to_string(results.size()) + " values");
  }
  RequireCondition(graph->values[results[0].value].type);
  return results[0].value;
}

// Which operands the body gives back as they are.
std::vector<bool> UnchangedOperands(const TfliteContext& context, int32_t subgraph, size_t count) {
  const TfliteFile body(context.file(), subgraph);
  const auto inputs = SpanOf(body.subgraph().inputs()), outputs = SpanOf(body.subgraph().outputs());
  if (inputs.size() != count || outputs.size() != count) {
    throw ImportError(StatusCode::kDataLoss, "a body of " + std::to_string(inputs.size()) + " inputs and " +
                                                 std::to_string(outputs.size()) + " outputs for " +
                                                 std::to_string(count) + " values");
  }
  std::unordered_set<int32_t> written;
  for (int j = 0; j < body.operator_count(); ++j) {
    const auto results = SpanOf(body.operation(j).outputs());
    written.insert(results.begin(), results.end());
  }
  std::vector<bool> unchanged;
  for (size_t i = 0; i < count; ++i) {
    unchanged.push_back(inputs[i] == outputs[i] && !written.contains(inputs[i]));
  }
  return unchanged;
}

struct While {
  int32_t condition_subgraph;
  int32_t body_subgraph;
  std::vector<Operand> operands;
  std::vector<bool> unchanged;
  VariableUse use;
};

// Writes the body for carried values of these types; gives the values that it captures.
std::vector<ValueId> FillLoop(TfliteContext& context, const While& loop, std::span<const TensorType> types,
                              Body* body) {
  body->AddInput(context, {DType::kI64, Shape{}, kNone});
  body->AddInput(context, {DType::kBool, Shape{}, kNone});
  std::vector<Operand> inner = loop.operands;
  size_t at = 0;
  for (size_t i = 0; i < inner.size(); ++i) {
    if (inner[i].handle == kNone && !loop.unchanged[i]) inner[i].value = body->AddInput(context, types[at++]);
  }
  for (int32_t variable : loop.use.all) {
    body->scope.values[variable] = body->AddInput(context, types[at++]);
  }
  std::vector<ValueId> captures;
  for (size_t i = 0; i < inner.size(); ++i) {
    if (inner[i].handle == kNone && loop.unchanged[i]) {
      inner[i].value = body->AddCapture(context, inner[i].value, &captures);
    }
  }
  Graph* graph = body->graph.get();
  const std::vector<Operand> results =
      ConvertSubgraph(context, loop.body_subgraph, inner, graph, &body->scope);
  if (HandlesOf(results) != HandlesOf(inner)) {
    throw ImportError(StatusCode::kUnsupported, "a loop that exchanges handles of variables");
  }
  body->AddOutput(context, ConditionOf(context, loop.condition_subgraph, results, graph, &body->scope));
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].handle == kNone && !loop.unchanged[i]) body->AddOutput(context, results[i].value);
  }
  for (int32_t variable : loop.use.all) body->AddOutput(context, body->scope.values[variable]);
  return captures;
}

}  // namespace

void ConvertWhile(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::WhileOptions>();
  While loop = {options.condition_subgraph(), options.body_subgraph(), OperandsOf(context, 0), {}, {}};
  const size_t count = loop.operands.size();
  context.Spend(static_cast<int64_t>(count) * 64);
  loop.unchanged = UnchangedOperands(context, loop.body_subgraph, count);
  for (int32_t subgraph : {loop.condition_subgraph, loop.body_subgraph}) {
    AddVariableUse(context, subgraph, HandlesOf(loop.operands), &loop.use);
  }
  for (int32_t variable : loop.use.all) context.ReadVariable(variable);  // so that it has a value
  const ValueId condition =
      ConditionOf(context, loop.condition_subgraph, loop.operands, &context.graph(), &context.scope());
  int64_t most = INT64_MAX;
  const ValueId trips =
      Unwrap(context.graph().AddConstant("", TensorView{&most, DType::kI64, Shape{}}, /*copy=*/true));
  std::vector<ValueId> inputs = {trips, condition};
  for (size_t i = 0; i < count; ++i) {
    if (loop.operands[i].handle == kNone && !loop.unchanged[i]) inputs.push_back(loop.operands[i].value);
  }
  for (int32_t variable : loop.use.all) inputs.push_back(context.ReadVariable(variable));
  std::vector<TensorType> types;
  for (size_t i = ops::kLoopFixedInputs; i < inputs.size(); ++i) types.push_back(context.TypeOf(inputs[i]));
  const size_t carried_count = types.size();
  for (int attempt = 0;; ++attempt) {
    Body body;
    const std::vector<ValueId> captures = FillLoop(context, loop, types, &body);
    std::vector<TensorType> made;
    for (size_t i = 0; i < carried_count; ++i) made.push_back(body.OutputType(1 + i));
    const bool changed = WidenLoopTypes(made, attempt, types);
    for (const TensorType& type : types) RequireRank(type);
    if (changed) continue;
    const int32_t index = body.Finish(context);
    inputs.insert(inputs.end(), captures.begin(), captures.end());
    std::vector<ValueId> ids;
    const NodeId id = context.EmitControl(OpId::kLoop, inputs, types, &ids);
    auto& attributes = context.graph().nodes[id].attributes.as<ops::LoopAttributes>();
    attributes.body = index;
    attributes.carried_count = static_cast<int32_t>(carried_count);
    size_t at = 0;
    std::vector<Operand> results = loop.operands;
    for (size_t i = 0; i < count; ++i) {
      if (results[i].handle == kNone && !loop.unchanged[i]) results[i].value = ids[at++];
    }
    for (int32_t variable : loop.use.all) context.AssignVariable(variable, ids[at++]);
    return BindOutputs(context, results);
  }
}

}  // namespace mace::importers::tflite
