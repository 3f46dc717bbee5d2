// IF, WHILE, STABLEHLO_CASE: subgraphs become bodies of If and Loop nodes (mace/ops/control/control.h). A
// body sees what it is given as inputs, then the variables that it uses; what it assigns are outputs behind
// its own. CALL, STABLEHLO_COMPOSITE: the operators of the subgraph stand in the caller's place.
#include <algorithm>
#include <memory>
#include <unordered_set>
#include <utility>

#include "mace/graph/control_nodes.h"
#include "mace/importers/loop_types.h"
#include "mace/importers/tflite/tflite_emit.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/importers/tflite/tflite_subgraphs.h"
#include "mace/ops/common.h"

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
    if (outputs[i] < 0) continue;
    context.Bind(outputs[i], operands[i]);
    if (operands[i].handle != kNone) continue;
    RequireEqualQuantization(context, context.TypeOf(operands[i].value),
                             context.OutputType(static_cast<int>(i)));
  }
}

bool HaveEqualQuantization(const Graph& a, int32_t i, const Graph& b, int32_t j) {
  if (i == kNone || j == kNone) return i == j;
  const Quantization &first = a.quantizations[i], &second = b.quantizations[j];
  return first.axis == second.axis &&
         std::equal(first.scales.begin(), first.scales.end(), second.scales.begin(), second.scales.end()) &&
         std::equal(first.zero_points.begin(), first.zero_points.end(), second.zero_points.begin(),
                    second.zero_points.end());
}

// That output `i` of a body has the scale that whoever takes it reads it with.
void RequireScale(TfliteContext& context, const Body& body, size_t i, const TensorType& outside) {
  if (HaveEqualQuantization(*body.graph, body.OutputType(i).quantization, context.graph(),
                            outside.quantization)) {
    return;
  }
  context.Refuse("a subgraph whose output has another scale than what it becomes");
}

// What a value chooses from: one subgraph, or by the `index`, from `first` on, several. Both branches of an
// If capture the same values: the index too.
struct Branch {
  std::span<const int32_t> subgraphs;
  ValueId index = kNone;
  size_t first = 0;
};

std::vector<Operand> EmitCase(TfliteContext& context, const Branch& branch, std::span<const Operand> operands,
                              const VariableUse& use);

// One branch: the operands, then the variables that either branch uses.
std::vector<Operand> FillBranch(TfliteContext& context, const Branch& branch,
                                std::span<const Operand> operands, const VariableUse& use, Body* body,
                                std::vector<ValueId>* captures) {
  std::vector<Operand> inner(operands.begin(), operands.end());
  for (Operand& operand : inner) {
    if (operand.handle == kNone) operand.value = body->AddCapture(context, operand.value, captures);
  }
  for (int32_t variable : use.all) {
    body->scope.values[variable] = body->AddCapture(context, context.ReadVariable(variable), captures);
  }
  Branch within = branch;
  if (branch.index != kNone) within.index = body->AddCapture(context, branch.index, captures);
  std::vector<Operand> results;
  if (branch.subgraphs.size() == 1) {
    results = ConvertSubgraph(context, branch.subgraphs[0], inner, body->graph.get(), &body->scope);
  } else {
    TfliteContext inside(context.file(), body->graph.get(), &body->scope, context);
    inside.Begin(context.operator_index());
    results = EmitCase(inside, within, inner, use);
    for (const std::string& refusal : inside.refusals()) context.Refuse(refusal);
  }
  for (const Operand& result : results) {
    if (result.handle == kNone) body->AddOutput(context, result.value);
  }
  for (int32_t variable : use.assigned) body->AddOutput(context, body->scope.values[variable]);
  return results;
}

}  // namespace

std::vector<Operand> ConvertSubgraph(TfliteContext& context, int32_t subgraph,
                                     std::span<const Operand> inputs, Graph* graph, VariableScope* scope,
                                     const std::string& prefix) {
  std::vector<int32_t>& callers = context.work().callers;
  if (std::find(callers.begin(), callers.end(), subgraph) != callers.end()) {
    throw ImportError(StatusCode::kDataLoss, "subgraph " + std::to_string(subgraph) + " calls itself");
  }
  if (static_cast<int>(callers.size()) >= kMaxGraphDepth) {
    // Ends the import: a complaint would let each caller go on with the next of its subgraphs.
    throw ImportError(StatusCode::kResourceExhausted,
                      "subgraphs more than " + std::to_string(kMaxGraphDepth) + " deep");
  }
  constexpr int64_t kVisitBytes = 1024;  // so that subgraphs that call others often end
  context.Spend(kVisitBytes + static_cast<int64_t>(prefix.size()));
  const TfliteFile file(context.file(), subgraph);
  TfliteContext inner(file, graph, scope, context);
  inner.SetPrefix(prefix);
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

namespace {

// An If node, where `use` has the variables of both branches.
std::vector<Operand> EmitIf(TfliteContext& context, ValueId condition, const Branch& then_branch,
                            const Branch& else_branch, std::span<const Operand> operands,
                            const VariableUse& use) {
  Body then_body, else_body;
  std::vector<ValueId> inputs = {condition}, else_captures, ids;
  std::vector<Operand> results = FillBranch(context, then_branch, operands, use, &then_body, &inputs);
  const std::vector<Operand> others =
      FillBranch(context, else_branch, operands, use, &else_body, &else_captures);
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
  size_t at = 0;
  const auto outside = [&](const TensorType& type) {
    for (const Body* body : {&then_body, &else_body}) RequireScale(context, *body, at, type);
    types[at++].quantization = type.quantization;
  };
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].handle == kNone) outside(context.OutputType(static_cast<int>(i)));
  }
  for (int32_t variable : use.assigned) outside(context.TypeOf(context.ReadVariable(variable)));
  if (types.empty()) return results;  // nothing happens in either
  const int32_t then_index = then_body.Finish(context), else_index = else_body.Finish(context);
  const NodeId id = context.EmitControl(OpId::kIf, inputs, types, &ids);
  auto& attributes = context.graph().nodes[id].attributes.as<ops::IfAttributes>();
  attributes.then_branch = then_index;
  attributes.else_branch = else_index;
  at = 0;
  for (Operand& result : results) {
    if (result.handle == kNone) result.value = ids[at++];
  }
  for (int32_t variable : use.assigned) context.AssignVariable(variable, ids[at++]);
  return results;
}

// The one of two or more branches that the index names, the last one where it is too large. Halves, so that
// many branches do not nest deep.
std::vector<Operand> EmitCase(TfliteContext& context, const Branch& branch, std::span<const Operand> operands,
                              const VariableUse& use) {
  const size_t half = branch.subgraphs.size() / 2, border = branch.first + half;
  const ValueId is_below = context.EmitInner(
      OpId::kLess, {branch.index, Number(context, static_cast<double>(border), DType::kI32)},
      ops::RoundingAttributes{});
  return EmitIf(context, is_below, {branch.subgraphs.first(half), branch.index, branch.first},
                {branch.subgraphs.subspan(half), branch.index, border}, operands, use);
}

// The operators of a subgraph in place of the one that calls it; what they make is called as its outputs are.
std::vector<Operand> Inlined(TfliteContext& context, int32_t subgraph, std::span<const Operand> operands) {
  const auto first_new = static_cast<ValueId>(context.graph().values.size());
  std::vector<Operand> results =
      ConvertSubgraph(context, subgraph, operands, &context.graph(), &context.scope(), context.NodeName());
  const auto outputs = SpanOf(context.file().operation(context.operator_index()).outputs());
  for (size_t i = 0; i < results.size() && i < outputs.size(); ++i) {
    if (outputs[i] < 0 || results[i].value < first_new) continue;
    Value& value = context.graph().values[results[i].value];
    if (value.producer != kNone) {
      Check(value.name.Assign(context.Named(context.file().TensorName(outputs[i]))));
    }
  }
  return results;
}

VariableUse UseOf(TfliteContext& context, std::span<const int32_t> subgraphs,
                  std::span<const Operand> operands) {
  VariableUse use;
  for (int32_t subgraph : subgraphs) AddVariableUse(context, subgraph, HandlesOf(operands), &use);
  for (int32_t variable : use.all) context.ReadVariable(variable);  // so that it has a value
  return use;
}

}  // namespace

void ConvertIf(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::IfOptions>();
  const int32_t subgraphs[] = {options.then_subgraph(), options.else_subgraph()};
  const ValueId condition = context.Input(0);
  RequireCondition(context.TypeOf(condition));
  const std::vector<Operand> operands = OperandsOf(context, 1);
  if (const TensorView* known = context.graph().ConstantOf(condition); known != nullptr) {
    const int32_t taken = subgraphs[*known->as<uint8_t>() != 0 ? 0 : 1];
    return BindOutputs(context, Inlined(context, taken, operands));
  }
  const VariableUse use = UseOf(context, subgraphs, operands);
  const std::span<const int32_t> both(subgraphs);
  BindOutputs(context, EmitIf(context, condition, {both.first(1)}, {both.last(1)}, operands, use));
}

// Inputs: which branch, what each gets. An index that names none means the last one.
void ConvertStablehloCase(TfliteContext& context) {
  const auto subgraphs = SpanOf(context.RequiredOptions2<file::StablehloCaseOptions>().subgraphs());
  if (subgraphs.empty()) throw ImportError(StatusCode::kDataLoss, "no branches");
  ValueId index = context.Input(0);
  const TensorType type = context.TypeOf(index);
  const int64_t count = type.shape.ElementCount();
  if (type.dtype != DType::kI32 || (count >= 0 && count != 1)) {
    throw ImportError(StatusCode::kDataLoss, std::string("the index is ") + NameOf(type.dtype) +
                                                 ShapeText(type.shape).text + ", expected one int32");
  }
  const std::vector<Operand> operands = OperandsOf(context, 1);
  const auto last = static_cast<int32_t>(subgraphs.size()) - 1;
  if (const TensorView* known = context.graph().ConstantOf(index); known != nullptr) {
    const int32_t named = *known->as<int32_t>();
    const int32_t taken = subgraphs[static_cast<size_t>(named < 0 || named > last ? last : named)];
    return BindOutputs(context, Inlined(context, taken, operands));
  }
  if (last == 0) return BindOutputs(context, Inlined(context, subgraphs[0], operands));
  const VariableUse use = UseOf(context, subgraphs, operands);
  const ValueId is_negative =
      context.EmitInner(OpId::kLess, {index, Number(context, 0, DType::kI32)}, ops::RoundingAttributes{});
  index = Chosen(context, is_negative, Number(context, last, DType::kI32), index);
  BindOutputs(context, EmitCase(context, {subgraphs, index}, operands, use));
}

void ConvertCall(TfliteContext& context) {
  const uint32_t subgraph = context.RequiredOptions<file::CallOptions>().subgraph();
  if (subgraph > static_cast<uint32_t>(INT32_MAX)) {
    throw ImportError(StatusCode::kDataLoss, "subgraph " + std::to_string(subgraph));
  }
  BindOutputs(context, Inlined(context, static_cast<int32_t>(subgraph), OperandsOf(context, 0)));
}

void ConvertComposite(TfliteContext& context) {
  const auto& options = context.RequiredOptions2<file::CompositeOptions>();
  try {
    BindOutputs(context, Inlined(context, options.subgraph(), OperandsOf(context, 0)));
  } catch (const ImportError& error) {
    throw ImportError(error.code(),
                      "'" + std::string(TextOf(options.label()).substr(0, 100)) + "': " + error.what(),
                      error.stage());
  }
}

namespace {

ValueId ConditionOf(TfliteContext& context, int32_t subgraph, std::span<const Operand> operands, Graph* graph,
                    VariableScope* scope) {
  const std::vector<Operand> results =
      ConvertSubgraph(context, subgraph, operands, graph, scope, context.NodeName() + "/condition");
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
  const int32_t subgraphs[] = {loop.condition_subgraph, loop.body_subgraph};
  loop.use = UseOf(context, subgraphs, loop.operands);
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
    for (size_t i = 0; i < carried_count; ++i) RequireScale(context, body, 1 + i, types[i]);
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
