// Resource variables: VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE, and CALL_ONCE, which gives them their first
// values.
#include "mace/importers/tflite/tflite_variables.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "mace/importers/tflite/tflite_operators.h"
#include "mace/importers/tflite/tflite_subgraphs.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {
namespace {

constexpr int32_t kIf = 118, kWhile = 119, kCall = 31, kComposite = 206, kCase = 209;

// Learns the variable's type from a tensor that is read from it or assigned to it.
void Learn(const TfliteFile& file, int32_t tensor, Variable* variable) {
  if (tensor < 0 || variable->dtype != DType::kInvalid) return;
  variable->dtype = file.TensorDType(tensor);
  variable->shape = file.TensorShape(tensor);
  const file::QuantizationRecord* record = file.tensor(tensor).quantization();
  if (!mace::IsInteger(variable->dtype) || record == nullptr || SpanOf(record->scales()).empty()) return;
  variable->is_quantized = true;
  variable->scale = SpanOf(record->scales())[0];
  variable->has_several_scales = SpanOf(record->scales()).size() > 1;
  const auto* zero_points = record->zero_points();
  variable->zero_point = zero_points == nullptr || zero_points->size() == 0 ? 0 : zero_points->Get(0);
}

// That a tensor that holds the variable's value reads its bits as all others do.
void RequireScaleOf(TfliteContext& context, const Variable& variable, const TensorType& type) {
  const Quantization* scales =
      type.quantization == kNone ? nullptr : &context.graph().quantizations[type.quantization];
  const bool agree = scales == nullptr ? !variable.is_quantized
                                       : variable.is_quantized && scales->scales.size() == 1 &&
                                             scales->scales[0] == variable.scale &&
                                             scales->zero_points[0] == variable.zero_point;
  if (agree && !variable.has_several_scales) return;
  throw ImportError(StatusCode::kUnsupported,
                    "a variable with several scales, or read and assigned with different ones");
}

int32_t HandleAt(std::span<const int32_t> handles, std::span<const int32_t> tensors, size_t i) {
  return i < tensors.size() && tensors[i] >= 0 ? handles[static_cast<size_t>(tensors[i])] : kNone;
}

// The bytes of a value of the initialiser's graph, which has no inputs. Its operators may compute a little.
void KeepInitial(TfliteContext& context, Graph* graph, ValueId value, Variable* variable) {
  constexpr int64_t kMostElements = 1 << 16;  // of all that is computed: the reference kernels are slow
  Vector<EvaluatedTensor> results;
  TensorView view;
  if (const TensorView* constant = graph->ConstantOf(value); constant != nullptr) {
    view = *constant;
  } else {
    int64_t elements = 0;
    for (const Value& each : graph->values) {
      if (each.producer == kNone) continue;
      const int64_t count = each.type.shape.ElementCount();
      elements += count < 0 || count > kMostElements ? kMostElements + 1 : count;
    }
    if (elements > kMostElements || !graph->subgraphs.empty() || !graph->states.empty()) {
      throw ImportError(StatusCode::kUnsupported, "variable '" + variable->name.substr(0, 100) +
                                                      "' begins with a value that takes much computing");
    }
    graph->outputs.Clear();
    Check(graph->outputs.PushBack(value));
    Check(EvaluateGraph(*graph, {}, {}, &results));
    view = results[0].view;
  }
  context.Spend(view.bytes());
  variable->dtype = view.dtype;
  variable->shape = view.shape;
  variable->has_initial = true;
  variable->initial.assign(static_cast<size_t>(view.bytes()) / sizeof(uint64_t) + 1, 0);
  if (view.bytes() > 0) std::memcpy(variable->initial.data(), view.data, static_cast<size_t>(view.bytes()));
}

}  // namespace

int32_t FindOrAddVariable(SubgraphWork* work, const file::OperatorRecord& record) {
  const auto* options = record.options_as<file::VariableOptions>();
  if (options == nullptr) throw ImportError(StatusCode::kDataLoss, "its options are missing");
  std::string key(TextOf(options->container()));
  key += '\0';
  key += TextOf(options->shared_name());
  const auto [found, is_new] =
      work->variable_indices.emplace(key, static_cast<int32_t>(work->variables.size()));
  if (is_new) {
    work->allowance -= static_cast<int64_t>(2 * key.size() + sizeof(Variable));
    work->variables.emplace_back();
    work->variables.back().name = TextOf(options->shared_name());
  }
  return found->second;
}

std::vector<int32_t> AddVariableUse(TfliteContext& context, int32_t subgraph,
                                    std::span<const int32_t> input_handles, VariableUse* use, int depth) {
  if (depth > kMaxGraphDepth) {
    throw ImportError(StatusCode::kDataLoss, "subgraphs that call each other more than " +
                                                 std::to_string(kMaxGraphDepth) + " deep, or themselves");
  }
  const TfliteFile file(context.file(), subgraph);
  context.Spend(64 * (4 + int64_t{file.tensor_count()} + file.operator_count()));
  std::vector<int32_t> handles(static_cast<size_t>(file.tensor_count()), kNone);
  const auto inputs = SpanOf(file.subgraph().inputs());
  for (size_t i = 0; i < inputs.size() && i < input_handles.size(); ++i) {
    handles[static_cast<size_t>(inputs[i])] = input_handles[i];
  }
  for (int i = 0; i < file.operator_count(); ++i) {
    const file::OperatorRecord& record = file.operation(i);
    const auto reads = SpanOf(record.inputs()), writes = SpanOf(record.outputs());
    const auto visit = [&](int32_t inner, size_t skipped) {
      std::vector<int32_t> passed;
      for (size_t j = skipped; j < reads.size(); ++j) passed.push_back(HandleAt(handles, reads, j));
      const std::vector<int32_t> given = AddVariableUse(context, inner, passed, use, depth + 1);
      for (size_t j = 0; j < given.size() && j < writes.size(); ++j) {
        if (writes[j] >= 0) handles[static_cast<size_t>(writes[j])] = given[j];
      }
    };
    if (const int32_t drawn = FindOrAddRandomVariable(&context.work(), file, subgraph, i); drawn != kNone) {
      use->all.insert(drawn);
      use->assigned.insert(drawn);
    }
    const int32_t number = file.OperatorNumber(i);
    const int32_t handle = HandleAt(handles, reads, 0);
    if (number == kVarHandle && !writes.empty() && writes[0] >= 0) {
      handles[static_cast<size_t>(writes[0])] = FindOrAddVariable(&context.work(), record);
    } else if (number == kReadVariable && handle != kNone && !writes.empty()) {
      use->all.insert(handle);
      Learn(file, writes[0], &context.work().variables[static_cast<size_t>(handle)]);
    } else if (number == kAssignVariable && handle != kNone && reads.size() == 2) {
      use->all.insert(handle);
      use->assigned.insert(handle);
      Learn(file, reads[1], &context.work().variables[static_cast<size_t>(handle)]);
    } else if (const auto* branches = record.options_as<file::IfOptions>(); number == kIf && branches) {
      visit(branches->then_subgraph(), 1);
      visit(branches->else_subgraph(), 1);
    } else if (const auto* loop = record.options_as<file::WhileOptions>(); number == kWhile && loop) {
      visit(loop->condition_subgraph(), 0);
      visit(loop->body_subgraph(), 0);
    } else if (const auto* call = record.options_as<file::CallOptions>(); number == kCall && call) {
      visit(static_cast<int32_t>(std::min<uint32_t>(call->subgraph(), INT32_MAX)), 0);
    } else if (const auto* composite = record.options2_as<file::CompositeOptions>();
               number == kComposite && composite) {
      visit(composite->subgraph(), 0);
    } else if (const auto* chosen = record.options2_as<file::StablehloCaseOptions>();
               number == kCase && chosen) {
      for (int32_t branch : SpanOf(chosen->subgraphs())) visit(branch, 1);
    }
  }
  std::vector<int32_t> given;
  for (int32_t tensor : SpanOf(file.subgraph().outputs())) {
    given.push_back(handles[static_cast<size_t>(tensor)]);
  }
  return given;
}

// ---- TfliteContext

int32_t TfliteContext::VariableOf(int tensor) const {
  if (!IsHandle(tensor)) {
    throw ImportError(StatusCode::kUnsupported, file_.DescribeTensor(tensor) + " is no handle of a variable");
  }
  return handles_[static_cast<size_t>(tensor)];
}

void TfliteContext::Bind(int tensor, const Operand& operand) {
  if (operand.value != kNone) {
    if (file_.IsComplex(tensor)) {
      throw ImportError(StatusCode::kUnsupported, file_.DescribeTensor(tensor) + " is " +
                                                      file_.TensorTypeName(tensor) +
                                                      ", which subgraphs do not take");
    }
    const DType declared = file_.TensorDType(tensor), given = DTypeOf(operand.value);
    if (declared != given && declared != DType::kI4) {
      throw ImportError(StatusCode::kDataLoss, file_.DescribeTensor(tensor) + " is declared as " +
                                                   NameOf(declared) + ", but would be " + NameOf(given));
    }
  }
  values_[static_cast<size_t>(tensor)] = operand.value;
  handles_[static_cast<size_t>(tensor)] = operand.handle;
}

Operand TfliteContext::OperandOf(int tensor) {
  if (IsHandle(tensor)) return {kNone, handles_[static_cast<size_t>(tensor)]};
  return {ValueOf(tensor), kNone};
}

ValueId TfliteContext::ReadVariable(int32_t variable) {
  if (const auto found = scope_->values.find(variable); found != scope_->values.end()) return found->second;
  const Variable& known = work_->variables[static_cast<size_t>(variable)];
  const std::string name = "variable '" + known.name.substr(0, 100) + "'";
  if (!is_outermost()) {
    throw ImportError(StatusCode::kUnsupported, name + " is read by the subgraph that initialises");
  }
  if (known.dtype == DType::kInvalid || !known.shape.IsConcrete()) {
    throw ImportError(StatusCode::kUnsupported, name + " has the open shape " + ShapeText(known.shape).text);
  }
  Spend(static_cast<int64_t>(sizeof(Value) + sizeof(State) + 2 * known.name.size()));
  State state;
  Check(state.name.Assign(known.name));
  if (known.has_initial) {
    const TensorView view{const_cast<uint64_t*>(known.initial.data()), known.dtype, known.shape};
    state.initial = graph_.values[Unwrap(graph_.AddConstant("", view, /*copy=*/true))].constant;
  } else {
    WarnOnce(name + " is read before anything assigned it: it begins with zeros");
  }
  TensorType type = {known.dtype, known.shape, kNone};
  if (known.is_quantized) {
    const auto zero_point = static_cast<int32_t>(std::clamp<int64_t>(known.zero_point, INT32_MIN, INT32_MAX));
    type.quantization = Unwrap(graph_.AddQuantization({&known.scale, 1}, {&zero_point, 1}, kNone));
  }
  const ValueId value = Unwrap(graph_.AddValue(known.name, type));
  state.read = state.write = value;
  Check(graph_.states.PushBack(std::move(state)));
  scope_->states[variable] = static_cast<int32_t>(graph_.states.size()) - 1;
  return scope_->values[variable] = value;
}

void TfliteContext::FinishVariables() {
  for (const auto& [variable, index] : scope_->states) {
    ValueId value = scope_->values[variable];
    const Variable& known = work_->variables[static_cast<size_t>(variable)];
    if (TypeOf(value).shape == known.shape) {
      graph_.states[static_cast<size_t>(index)].write = value;
      continue;
    }
    const Shape shape = ShapeOf(value);
    bool may_agree = shape.rank == known.shape.rank;
    for (int i = 0; may_agree && i < shape.rank; ++i) may_agree = shape[i] < 0 || shape[i] == known.shape[i];
    if (!may_agree) {
      throw ImportError(StatusCode::kUnsupported,
                        "variable '" + known.name.substr(0, 100) + "' changes its shape from " +
                            ShapeText(known.shape).text + " to " + ShapeText(shape).text);
    }
    ops::ReshapeAttributes attributes;
    for (int64_t dim : known.shape.span()) attributes.shape.Push(dim);
    attributes.allow_zero = true;
    value = Emit(OpId::kReshape, {value}, attributes,
                 {known.dtype, known.shape, graph_.values[value].type.quantization});
    graph_.states[static_cast<size_t>(index)].write = value;
  }
}

// ---- operators

void ConvertVarHandle(TfliteContext& context) {
  const auto& record = context.file().operation(context.operator_index());
  context.Bind(context.OutputTensor(0), {kNone, FindOrAddVariable(&context.work(), record)});
}

void ConvertReadVariable(TfliteContext& context) {
  const int32_t index = context.VariableOf(context.InputTensor(0));
  Variable& variable = context.work().variables[static_cast<size_t>(index)];
  Learn(context.file(), context.OutputTensor(0), &variable);
  RequireScaleOf(context, variable, context.OutputType(0));
  context.Bind(context.OutputTensor(0), {context.ReadVariable(index), kNone});
}

void ConvertAssignVariable(TfliteContext& context) {
  const int32_t index = context.VariableOf(context.InputTensor(0));
  const ValueId value = context.Input(1);
  Variable& variable = context.work().variables[static_cast<size_t>(index)];
  Learn(context.file(), context.InputTensor(1), &variable);
  const TensorType type = context.TypeOf(value);
  RequireScaleOf(context, variable, type);
  if (type.dtype != variable.dtype) {
    throw ImportError(StatusCode::kDataLoss,
                      std::string("a variable of ") + NameOf(variable.dtype) + " gets " + NameOf(type.dtype));
  }
  context.AssignVariable(index, value);
}

// The subgraph runs once in the life of the model: what it assigns is what the states begin with.
void ConvertCallOnce(TfliteContext& context) {
  const int32_t subgraph = context.RequiredOptions<file::CallOnceOptions>().subgraph();
  if (!context.is_outermost()) throw ImportError(StatusCode::kUnsupported, "initialising inside a body");
  Graph graph;
  VariableScope scope;
  ConvertSubgraph(context, subgraph, {}, &graph, &scope);
  for (const auto& [index, value] : scope.values) {
    Variable& variable = context.work().variables[static_cast<size_t>(index)];
    if (context.scope().values.contains(index)) {
      throw ImportError(StatusCode::kUnsupported,
                        "variable '" + variable.name.substr(0, 100) + "' is initialised after its first use");
    }
    KeepInitial(context, &graph, value, &variable);
  }
}

}  // namespace mace::importers::tflite
