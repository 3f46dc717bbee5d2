#include "mace/runtime/explain.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "mace/graph/control_nodes.h"
#include "mace/graph/op_definition.h"
#include "mace/runtime/json_writer.h"
#include "mace/runtime/session.h"
#include "mace/runtime/work.h"

namespace mace {
namespace {

const char* OpName(const Node& node) {
  const OpDefinition* definition = FindOpDefinition(node.op);
  return definition == nullptr ? "unknown" : definition->name;
}

void WriteType(const TensorType& type, JsonWriter* json) {
  json->Key("dtype").Text(NameOf(type.dtype)).Key("shape").BeginArray();
  if (!type.shape.HasRank()) json->Text("...");  // as Python's TensorInfo
  for (int64_t dim : type.shape.span()) json->Integer(dim < 0 ? kUnknownDim : dim);
  json->EndArray();
}

template <typename T>
T ReadAt(const AttributeStorage& attributes, size_t offset) {
  T value;
  std::memcpy(&value, attributes.bytes + offset, sizeof(T));
  return value;
}

// One value of an attribute; enumerations are their numbers.
void WriteField(const AttributeStorage& attributes, const FieldInfo& field, JsonWriter* json) {
  switch (field.kind) {
    case FieldKind::kInt64:
      json->Integer(ReadAt<int64_t>(attributes, field.offset));
      return;
    case FieldKind::kInt32:
    case FieldKind::kEnum:
      json->Integer(ReadAt<int32_t>(attributes, field.offset));
      return;
    case FieldKind::kFloat:
      json->Float(ReadAt<float>(attributes, field.offset));
      return;
    case FieldKind::kBool:
      json->Boolean(ReadAt<uint8_t>(attributes, field.offset) != 0);
      return;
    case FieldKind::kDType:
      json->Text(NameOf(ReadAt<DType>(attributes, field.offset)));
      return;
    case FieldKind::kIntList:
      json->BeginArray();
      for (int64_t value : ReadAt<IntList>(attributes, field.offset)) json->Integer(value);
      json->EndArray();
      return;
    case FieldKind::kFloatList:
      json->BeginArray();
      for (float value : ReadAt<FloatList>(attributes, field.offset)) json->Float(value);
      json->EndArray();
      return;
  }
}

void WriteAttributes(const Node& node, JsonWriter* json) {
  const OpDefinition* definition = FindOpDefinition(node.op);
  json->Key("attributes").BeginObject();
  for (int32_t i = 0; definition != nullptr && i < definition->attributes.field_count; ++i) {
    const FieldInfo& field = definition->attributes.fields[i];
    json->Key(field.name);
    WriteField(node.attributes, field, json);
  }
  json->EndObject();
}

// The types of all values, as far as they are known.
const Vector<TensorType>& TypesOf(const Execution& execution) {
  return execution.stages().back()->analysis.types;
}

// Absent optional values have no entry.
void WriteValues(const Graph& graph, const Vector<TensorType>& types, const Vector<ValueId>& values,
                 JsonWriter* json) {
  json->BeginArray();
  for (ValueId value : values) {
    if (value == kNone) continue;
    json->BeginObject().Key("name").Text(graph.values[value].name.view());
    WriteType(types[value], json);
    json->EndObject();
  }
  json->EndArray();
}

void WriteNode(const Graph& graph, const Vector<TensorType>& types, NodeId id, JsonWriter* json) {
  const Node& node = graph.nodes[id];
  json->BeginObject()
      .Key("index")
      .Integer(id)
      .Key("name")
      .Text(node.name.view())
      .Key("op")
      .Text(OpName(node));
  WriteAttributes(node, json);
  json->Key("inputs");
  WriteValues(graph, types, node.inputs, json);
  json->Key("outputs");
  WriteValues(graph, types, node.outputs, json);
  json->EndObject();
}

bool IsConversion(const Node& node) { return node.op == OpId::kQuantize || node.op == OpId::kDequantize; }

// An input of the model, or what is quantized of one.
bool IsInputEdge(const Graph& graph, ValueId value) {
  NodeId producer = graph.values[value].producer;
  for (; producer != kNone && IsConversion(graph.nodes[producer]); producer = graph.values[value].producer) {
    value = graph.nodes[producer].inputs[0];
  }
  return producer == kNone && graph.ConstantOf(value) == nullptr;
}

// An output of the model, or what only has to be dequantized to be one.
bool IsOutputEdge(const Graph& graph, ValueId value) {
  for (ValueId output : graph.outputs) {
    if (output == value) return true;
    const NodeId producer = graph.values[output].producer;
    if (producer != kNone && IsConversion(graph.nodes[producer]) &&
        graph.nodes[producer].inputs[0] == value) {
      return true;
    }
  }
  return false;
}

struct TransposeCounts {
  int32_t all = 0;
  int32_t inner = 0;
};

void CountTransposes(const Graph& graph, const StepInfo& step, TransposeCounts* counts) {
  for (NodeId id : step.nodes) {
    const Node& node = graph.nodes[id];
    if (node.op != OpId::kTranspose) continue;
    ++counts->all;
    counts->inner += !IsInputEdge(graph, node.inputs[0]) && !IsOutputEdge(graph, node.outputs[0]);
  }
}

// Of the body at `place` in BodiesOf the node.
const char* BodyName(const Node& node, int place) {
  if (node.op != OpId::kIf) return "body";
  return place == 0 ? "then_branch" : "else_branch";
}

// Null where it has not run.
const Execution* BodyThatRan(const Execution& execution, int32_t subgraph) {
  const Execution* body = execution.body(static_cast<size_t>(subgraph));
  return body != nullptr && !body->stages().empty() ? body : nullptr;
}

// A data-sized operator has a plain kernel, and no other.
bool IsReference(const Node& node) { return node.op != OpId::kIf && node.op != OpId::kLoop; }

struct Totals {
  int64_t units = 0;
  int64_t steps = 0;
  int64_t copies = 0;
  int64_t evaluated_nodes = 0;
  int64_t dead_nodes = 0;
  int64_t arena_bytes = 0;  // all bodies share the arena
  int64_t multiply_adds = 0;
  int64_t integer_multiply_adds = 0;
  int32_t reference_steps = 0;
  TransposeCounts transposes;
};

void AddPlan(const Graph& graph, const Plan& plan, Totals* totals) {
  for (const PlannedUnit& planned : plan.units) {
    for (const StepInfo& step : planned.unit->steps()) {
      const StepWork work = WorkOf(graph, plan.analysis.types.data(), step);
      totals->multiply_adds += work.multiply_adds;
      if (work.is_integer) totals->integer_multiply_adds += work.multiply_adds;
      totals->reference_steps += step.is_reference;
      CountTransposes(graph, step, &totals->transposes);
    }
  }
  totals->units += static_cast<int64_t>(plan.units.size());
  totals->steps += plan.step_count + static_cast<int64_t>(plan.actions.size());
  totals->copies += static_cast<int64_t>(plan.copies.size());
  totals->evaluated_nodes += plan.analysis.evaluated_nodes;
  totals->dead_nodes += plan.analysis.dead_nodes;
  if (plan.arena_bytes > totals->arena_bytes) totals->arena_bytes = plan.arena_bytes;
}

// Bodies that have run count once, whatever the number of their runs.
void Summarize(const Execution& execution, Totals* totals) {
  const Graph& graph = execution.program().graph();
  for (const Ref<Plan>& plan : execution.stages()) {
    AddPlan(graph, *plan, totals);
    for (const PlannedAction& action : plan->actions) {
      totals->reference_steps += IsReference(graph.nodes[action.node]);
      for (int32_t subgraph : BodiesOf(graph.nodes[action.node])) {
        const Execution* body = BodyThatRan(execution, subgraph);
        if (body != nullptr) Summarize(*body, totals);
      }
    }
  }
}

void WritePlan(const Model& model, const Execution& execution, JsonWriter* json) {
  Totals totals;
  Summarize(execution, &totals);
  char hash[20];
  std::snprintf(hash, sizeof(hash), "%016" PRIx64, execution.stages().back()->hash);
  json->Key("plan").BeginObject();
  json->Key("hash").Text(hash);
  json->Key("threads").Integer(model.runtime().num_threads());
  json->Key("stages").Integer(static_cast<int64_t>(execution.stages().size()));
  json->Key("complete").Boolean(execution.stages().back()->IsLastStage());
  json->Key("units").Integer(totals.units);
  json->Key("steps").Integer(totals.steps);
  json->Key("reference_steps").Integer(totals.reference_steps);
  json->Key("transpose_steps").Integer(totals.transposes.all);
  json->Key("inner_transpose_steps").Integer(totals.transposes.inner);
  json->Key("copies").Integer(totals.copies);
  json->Key("evaluated_nodes").Integer(totals.evaluated_nodes);
  json->Key("dead_nodes").Integer(totals.dead_nodes);
  json->Key("multiply_adds").Integer(totals.multiply_adds);
  json->Key("integer_multiply_adds").Integer(totals.integer_multiply_adds);
  json->Key("float_multiply_adds").Integer(totals.multiply_adds - totals.integer_multiply_adds);
  json->Key("arena_bytes").Integer(totals.arena_bytes);
  json->Key("packed_bytes").Unsigned(model.packed_bytes());
  json->Key("file_bytes").Unsigned(model.file_bytes());
  json->EndObject();
}

void WriteTensors(const Model& model, const Plan& plan, JsonWriter* json) {
  json->Key("inputs").BeginArray();
  for (size_t i = 0; i < plan.key.inputs.size(); ++i) {
    json->BeginObject().Key("name").Text(model.input_name(i));
    TensorType type = model.graph().values[model.graph().inputs[i]].type;
    type.shape = plan.key.inputs[i];
    WriteType(type, json);
    json->Key("fed").Boolean(plan.key.fed[i] != 0).EndObject();
  }
  json->EndArray().Key("outputs").BeginArray();
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    json->BeginObject().Key("name").Text(model.output_name(i));
    WriteType(plan.outputs[i], json);
    json->EndObject();
  }
  json->EndArray().Key("states").BeginArray();
  for (size_t i = 0; i < model.graph().states.size(); ++i) {
    const State& state = model.graph().states[i];
    json->BeginObject().Key("name").Text(state.name.view());
    WriteType(plan.analysis.types[state.read], json);
    json->EndObject();
  }
  json->EndArray();
}

void WriteUnits(const Execution& execution, JsonWriter* json) {
  json->Key("units").BeginArray();
  for (const Ref<Plan>& plan : execution.stages()) {
    for (const PlannedUnit& planned : plan->units) {
      json->BeginObject().Key("backend").Text(planned.unit->backend_name());
      json->Key("nodes").Integer(static_cast<int64_t>(planned.nodes.size()));
      json->Key("steps").Integer(static_cast<int64_t>(planned.unit->steps().size()));
      json->Key("predicted_milliseconds").Number(static_cast<double>(planned.predicted_milliseconds));
      json->EndObject();
    }
  }
  json->EndArray();
}

void WriteUnitSteps(const Execution& execution, const Plan& plan, int64_t first_unit, JsonWriter* json) {
  const Graph& graph = execution.program().graph();
  int64_t index = plan.first_step;
  for (size_t u = 0; u < plan.units.size(); ++u) {
    const Unit& unit = *plan.units[u].unit;
    for (const StepInfo& step : unit.steps()) {
      const StepWork work = WorkOf(graph, plan.analysis.types.data(), step);
      json->BeginObject().Key("index").Integer(index++);
      json->Key("unit").Integer(first_unit + static_cast<int64_t>(u));
      json->Key("backend").Text(unit.backend_name()).Key("kernel").Text(step.kernel);
      json->Key("is_reference").Boolean(step.is_reference).Key("is_integer").Boolean(work.is_integer);
      json->Key("reason").Text(step.reason.view());
      json->Key("bytes").Integer(step.bytes).Key("multiply_adds").Integer(work.multiply_adds);
      json->Key("main_node").Integer(work.main_node);
      json->Key("nodes").BeginArray();
      for (NodeId id : step.nodes) WriteNode(graph, TypesOf(execution), id, json);
      json->EndArray().EndObject();
    }
  }
}

void WriteSteps(const Execution& execution, JsonWriter* json);

// Steps that run behind the units of their stage, with the steps of their bodies.
void WriteActions(const Execution& execution, const Plan& plan, JsonWriter* json) {
  const Graph& graph = execution.program().graph();
  int64_t index = plan.first_step + plan.step_count;
  for (const PlannedAction& action : plan.actions) {
    const Node& node = graph.nodes[action.node];
    const Bodies bodies = BodiesOf(node);
    json->BeginObject().Key("index").Integer(index++).Key("unit").Integer(kNone);
    json->Key("backend").Text("runtime").Key("kernel").Text(OpName(node));
    json->Key("is_reference").Boolean(IsReference(node)).Key("is_integer").Boolean(false);
    json->Key("reason").Text(bodies.count > 0 ? "runs the graphs it owns"
                                              : "its output sizes depend on the data");
    json->Key("bytes").Integer(0).Key("multiply_adds").Integer(0).Key("main_node").Integer(0);
    json->Key("nodes").BeginArray();
    WriteNode(graph, TypesOf(execution), action.node, json);
    json->EndArray();
    if (bodies.count > 0) json->Key("bodies").BeginArray();
    for (int i = 0; i < bodies.count; ++i) {
      const Execution* body = BodyThatRan(execution, bodies.indices[i]);
      if (body == nullptr) continue;
      json->BeginObject().Key("name").Text(BodyName(node, i));
      json->Key("stages").Integer(static_cast<int64_t>(body->stages().size()));
      WriteSteps(*body, json);
      json->EndObject();
    }
    if (bodies.count > 0) json->EndArray();
    json->EndObject();
  }
}

void WriteSteps(const Execution& execution, JsonWriter* json) {
  json->Key("steps").BeginArray();
  int64_t first_unit = 0;
  for (const Ref<Plan>& plan : execution.stages()) {
    WriteUnitSteps(execution, *plan, first_unit, json);
    WriteActions(execution, *plan, json);
    first_unit += static_cast<int64_t>(plan->units.size());
  }
  json->EndArray();
}

void WriteRefusals(const Execution& execution, JsonWriter* json) {
  const Program& program = execution.program();
  json->Key("refusals").BeginArray();
  for (const Ref<Plan>& plan : execution.stages()) {
    for (const NodeRefusal& refusal : plan->refusals) {
      const Node& node = program.graph().nodes[refusal.node];
      json->BeginObject().Key("backend").Text(program.runtime().backends()[refusal.backend]->name());
      json->Key("index").Integer(refusal.node).Key("node").Text(node.name.view());
      json->Key("op").Text(OpName(node)).Key("reason").Text(refusal.reason.view()).EndObject();
    }
  }
  json->EndArray();
}

void WriteTimes(const Execution& execution, JsonWriter* json);

void WriteActionTimes(const Execution& execution, const Plan& plan, JsonWriter* json) {
  const Graph& graph = execution.program().graph();
  int64_t index = plan.first_step + plan.step_count;
  for (const PlannedAction& action : plan.actions) {
    const Node& node = graph.nodes[action.node];
    const Bodies bodies = BodiesOf(node);
    json->BeginObject().Key("index").Integer(index);
    json->Key("nanoseconds").Unsigned(execution.step_nanoseconds()[static_cast<size_t>(index++)]);
    json->Key("kernel").Text(OpName(node)).Key("op").Text(OpName(node)).Key("node").Text(node.name.view());
    json->Key("multiply_adds").Integer(0).Key("bytes").Integer(0).Key("gmacs_per_second").Number(0);
    if (bodies.count > 0) json->Key("bodies").BeginArray();
    for (int i = 0; i < bodies.count; ++i) {
      const Execution* body = BodyThatRan(execution, bodies.indices[i]);
      if (body == nullptr) continue;
      json->BeginObject().Key("name").Text(BodyName(node, i)).Key("runs").Integer(body->profiled_runs());
      WriteTimes(*body, json);
      json->EndObject();
    }
    if (bodies.count > 0) json->EndArray();
    json->EndObject();
  }
}

void WriteTimes(const Execution& execution, JsonWriter* json) {
  const Graph& graph = execution.program().graph();
  json->Key("steps").BeginArray();
  for (const Ref<Plan>& plan : execution.stages()) {
    auto index = static_cast<size_t>(plan->first_step);
    for (const PlannedUnit& planned : plan->units) {
      for (const StepInfo& step : planned.unit->steps()) {
        const uint64_t time = execution.step_nanoseconds()[index];
        const int64_t multiply_adds = WorkOf(graph, plan->analysis.types.data(), step).multiply_adds;
        json->BeginObject().Key("index").Integer(static_cast<int64_t>(index++));
        json->Key("nanoseconds").Unsigned(time).Key("kernel").Text(step.kernel);
        json->Key("op").Text(step.nodes.empty() ? "" : OpName(graph.nodes[step.nodes[0]]));
        json->Key("node").Text(step.nodes.empty() ? "" : graph.nodes[step.nodes[0]].name.view());
        json->Key("multiply_adds").Integer(multiply_adds).Key("bytes").Integer(step.bytes);
        json->Key("gmacs_per_second")
            .Number(time == 0 ? 0.0 : static_cast<double>(multiply_adds) / static_cast<double>(time));
        json->EndObject();
      }
    }
    WriteActionTimes(execution, *plan, json);
  }
  json->EndArray();
}

}  // namespace

Status ExplainPlan(const Model& model, const Execution& execution, String* text) {
  MACE_RETURN_IF_ERROR(text->Assign(""));
  JsonWriter json(text);
  json.BeginObject().Key("model").Text(model.graph().name.view());
  WritePlan(model, execution, &json);
  WriteTensors(model, *execution.stages().back(), &json);
  WriteUnits(execution, &json);
  WriteSteps(execution, &json);
  WriteRefusals(execution, &json);
  json.EndObject();
  return json.TakeStatus();
}

Status DescribeProfile(const Execution& execution, uint64_t run_nanoseconds, String* text) {
  MACE_RETURN_IF_ERROR(text->Assign(""));
  JsonWriter json(text);
  json.BeginObject().Key("run_nanoseconds").Unsigned(run_nanoseconds);
  WriteTimes(execution, &json);
  json.EndObject();
  return json.TakeStatus();
}

Result<const char*> Session::ExplainJson() {
  if (execution_->stages().empty()) {
    return Status::Format(StatusCode::kFailedPrecondition, "there is no plan yet: prepare or run first");
  }
  MACE_RETURN_IF_ERROR(ExplainPlan(*model_, *execution_, &text_));
  return text_.c_str();
}

Result<const char*> Session::ProfileJson() {
  if (!has_profile_) {
    return Status::Format(StatusCode::kFailedPrecondition, "there was no run with profile set");
  }
  MACE_RETURN_IF_ERROR(DescribeProfile(*execution_, run_nanoseconds_, &text_));
  return text_.c_str();
}

}  // namespace mace
