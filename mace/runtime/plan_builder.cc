#include "mace/runtime/plan_builder.h"

#include <algorithm>
#include <cstring>

#include "mace/core/tensor_view.h"
#include "mace/graph/op_definition.h"
#include "mace/model/hash.h"
#include "mace/runtime/memory_planner.h"

namespace mace {
namespace {

// Blobs that backends ask to keep are bounded: shapes that never come back must not fill the memory.
constexpr size_t kMaxBlobs = 64;

uint64_t HashMore(uint64_t seed, const void* data, size_t bytes) {
  return Hash64({static_cast<const uint8_t*>(data), bytes}, seed);
}

uint64_t HashText(uint64_t seed, const char* text) { return HashMore(seed, text, std::strlen(text)); }

uint64_t HashShape(uint64_t seed, const Shape& shape) {
  return HashMore(HashMore(seed, &shape.rank, sizeof(shape.rank)), shape.dims, sizeof(int64_t) * shape.rank);
}

bool SameGroup(const PlannedUnit& unit, const PartitionUnit& group) {
  return unit.unit != nullptr && unit.backend == group.backend && unit.nodes.size() == group.nodes.size() &&
         std::equal(unit.nodes.begin(), unit.nodes.end(), group.nodes.begin());
}

}  // namespace

Result<Ref<Plan>> PlanBuilder::Build() {
  plan_ = new (std::nothrow) Plan();
  if (plan_ == nullptr) return Status::OutOfMemory();
  Ref<Plan> plan = Ref<Plan>::Adopt(plan_);
  MACE_RETURN_IF_ERROR(plan->key.CopyFrom(key_));
  MACE_RETURN_IF_ERROR(Analyze());
  MACE_RETURN_IF_ERROR(Describe());
  MACE_RETURN_IF_ERROR(Compile());
  MACE_RETURN_IF_ERROR(Locate());
  MACE_RETURN_IF_ERROR(PlanArena());
  MACE_RETURN_IF_ERROR(FinishStage());
  MACE_RETURN_IF_ERROR(Hash());
  return plan;
}

Status PlanBuilder::Analyze() {
  const Allocator& allocator = program_->runtime().allocator();
  plan_->interprets = before_ == nullptr ? program_->interprets() : before_->interprets;
  if (before_ == nullptr) {
    return AnalyzeShapes(graph(), key_, plan_->interprets, allocator, &plan_->analysis);
  }
  plan_->before_serial = before_->serial;
  plan_->stage = before_->stage + 1;
  plan_->first_step = before_->end_step();
  plan_->held_count = before_->held_count;
  MACE_RETURN_IF_ERROR(CopyFacts());
  return AnalyzeNextStage(graph(), before_->analysis, plan_->facts.span(), plan_->interprets, allocator,
                          &plan_->analysis);
}

// The plan outlives the buffers that the elements are in now.
Status PlanBuilder::CopyFacts() {
  const Vector<LearnedValue>& learned = before_->analysis.learned;
  const auto round_up = [](int64_t bytes) {
    return (static_cast<size_t>(bytes) + kBufferAlignment - 1) & ~(kBufferAlignment - 1);
  };
  size_t total = 0;
  for (size_t i = 0; i < facts_.size(); ++i) {
    if (learned[i].elements) total += round_up(facts_[i].bytes()) + kBufferAlignment;
  }
  MACE_ASSIGN_OR_RETURN(plan_->fact_bytes, Buffer::Allocate(total, program_->runtime().allocator()));
  MACE_RETURN_IF_ERROR(plan_->facts.Assign(facts_.data(), facts_.size()));
  size_t offset = 0;
  for (size_t i = 0; i < facts_.size(); ++i) {
    TensorView& fact = plan_->facts[i];
    fact.data = nullptr;
    if (!learned[i].elements) continue;
    fact.data = plan_->fact_bytes.data() + offset;
    const auto bytes = static_cast<size_t>(fact.bytes());
    if (bytes > 0) std::memcpy(fact.data, facts_[i].data, bytes);
    offset += round_up(fact.bytes()) + kBufferAlignment;
  }
  return Status::Ok();
}

// What the caller and the session have to know: outputs and states.
Status PlanBuilder::Describe() {
  const Graph& graph = this->graph();
  const ShapeAnalysis& analysis = plan_->analysis;
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const TensorType& type = analysis.types[graph.outputs[i]];
    const bool is_resolved = analysis.resolved[graph.outputs[i]] != 0;
    const int64_t bytes = is_resolved ? ByteCount(type.dtype, type.shape) : -1;
    if (is_resolved && bytes < 0) {
      return InvalidArgument("output '%s' %s %s has no size for these inputs", program_->output_name(i),
                             NameOf(type.dtype), ShapeText(type.shape).text);
    }
    MACE_RETURN_IF_ERROR(plan_->outputs.PushBack(type));
    MACE_RETURN_IF_ERROR(plan_->output_bytes.PushBack(bytes));
  }
  for (const State& state : graph.states) MACE_RETURN_IF_ERROR(DescribeState(state));
  return Status::Ok();
}

Status PlanBuilder::DescribeState(const State& state) {
  const ShapeAnalysis& analysis = plan_->analysis;
  const TensorType& read = analysis.types[state.read];
  const TensorType& write = analysis.types[state.write];
  const bool is_resolved = analysis.resolved[state.write] != 0;
  const int64_t read_bytes = ByteCount(read.dtype, read.shape);
  const int64_t write_bytes = is_resolved ? ByteCount(write.dtype, write.shape) : -1;
  if (read_bytes < 0 || (is_resolved && (read.dtype != write.dtype || write_bytes < 0 ||
                                         read.shape.rank != write.shape.rank))) {
    return InvalidArgument("state '%s' is read as %s %s and written as %s %s", state.name.c_str(),
                           NameOf(read.dtype), ShapeText(read.shape).text, NameOf(write.dtype),
                           ShapeText(write.shape).text);
  }
  MACE_RETURN_IF_ERROR(plan_->state_bytes.PushBack(read_bytes));
  MACE_RETURN_IF_ERROR(plan_->next_state_bytes.PushBack(write_bytes));
  return plan_->next_states.PushBack(write.shape);
}

// Partitions and compiles until every unit compiles: nodes of a unit that does not are kept from its backend.
Status PlanBuilder::Compile() {
  const Graph& graph = this->graph();
  const auto backends = program_->runtime().backends();
  const PlanView view = plan_->analysis.View(graph);
  Vector<uint8_t> refused;
  MACE_RETURN_IF_ERROR(refused.Resize(backends.size() * graph.nodes.size()));
  Vector<NodeRefusal> failures;  // of compilations, over all rounds
  Vector<PlannedUnit> done;      // of earlier rounds: what is still wanted is not compiled again
  for (;;) {
    groups_.Clear();
    plan_->refusals.Clear();
    MACE_RETURN_IF_ERROR(PartitionNodes(view, plan_->analysis.nodes.span(), backends, refused.span(),
                                        plan_->analysis.kept.span(), &groups_, &plan_->refusals));
    bool again = false;
    plan_->units.Clear();
    for (const PartitionUnit& group : groups_) {
      PlannedUnit planned;
      auto old = std::find_if(done.begin(), done.end(), [&](PlannedUnit& u) { return SameGroup(u, group); });
      if (old != done.end()) {
        planned = std::move(*old);
      } else {
        Status failure;
        MACE_RETURN_IF_ERROR(CompileUnit(group, &planned, &failure));
        if (!failure.ok()) {
          if (static_cast<size_t>(group.backend) + 1 == backends.size()) return failure;
          program_->runtime().LogMessage(LogLevel::kWarning, failure.message());
          for (NodeId id : group.nodes) {
            refused[group.backend * graph.nodes.size() + id] = 1;
            NodeRefusal refusal{group.backend, id, {}};
            MACE_RETURN_IF_ERROR(refusal.reason.AppendFormat("compilation failed: %s", failure.message()));
            MACE_RETURN_IF_ERROR(failures.PushBack(std::move(refusal)));
          }
          again = true;
          continue;
        }
      }
      MACE_RETURN_IF_ERROR(plan_->units.PushBack(std::move(planned)));
    }
    if (!again) break;
    for (PlannedUnit& unit : plan_->units) MACE_RETURN_IF_ERROR(done.PushBack(std::move(unit)));
  }
  for (NodeRefusal& failure : failures) MACE_RETURN_IF_ERROR(plan_->refusals.PushBack(std::move(failure)));
  return Status::Ok();
}

// `failure`: the backend cannot, which another one may mend. The returned Status: nobody can go on.
Status PlanBuilder::CompileUnit(const PartitionUnit& group, PlannedUnit* planned, Status* failure) {
  Runtime& runtime = program_->runtime();
  Backend& backend = *runtime.backends()[group.backend];
  CompileOptions options;
  options.num_threads = runtime.num_threads();
  options.reference_kernels = program_->options().reference_kernels;
  options.low_memory = program_->options().low_memory;
  options.kernels = options.reference_kernels ? nullptr : &runtime.kernels();
  options.packed = &program_->packed_;
  options.allocator = &runtime.allocator();

  uint64_t key = HashText(0, backend.name());
  key = HashMore(key, group.nodes.data(), group.nodes.size() * sizeof(NodeId));
  const Graph& graph = this->graph();
  for (ValueId value : group.inputs) key = HashShape(key, plan_->analysis.types[value].shape);
  // Which results leave the unit depends on what reads them, which plans of equal shapes may differ in.
  key = HashMore(key, group.outputs.data(), group.outputs.size() * sizeof(ValueId));
  for (NodeId id : group.nodes) {
    // What was computed while planning may differ between plans of equal shapes. Constants of the model may
    // not.
    for (ValueId value : graph.nodes[id].inputs) {
      const TensorView* known = value == kNone ? nullptr : plan_->analysis.known[value];
      if (known == nullptr || graph.ConstantOf(value) != nullptr) continue;
      key = HashMore(HashShape(key, known->shape), known->data, static_cast<size_t>(known->bytes()));
    }
    for (ValueId value : graph.nodes[id].outputs) {
      if (value != kNone) key = HashShape(key, plan_->analysis.types[value].shape);
    }
  }
  std::span<const uint8_t> cached;
  for (const Program::Blob& blob : program_->blobs_) {
    if (blob.key == key) cached = blob.bytes.span();
  }
  Vector<uint8_t> blob;
  auto unit = backend.Compile(plan_->analysis.View(graph), group.View(), options, cached, &blob);
  if (!unit.ok()) {
    *failure = unit.TakeStatus().WithPrefix("backend %s", backend.name());
    return failure->code() == StatusCode::kOutOfMemory ? Status::OutOfMemory() : Status::Ok();
  }
  planned->unit = std::move(*unit);
  planned->backend = group.backend;
  planned->predicted_milliseconds = group.predicted_milliseconds;
  MACE_RETURN_IF_ERROR(planned->nodes.Assign(group.nodes.data(), group.nodes.size()));
  if (!blob.empty() && cached.empty()) {
    if (program_->blobs_.size() >= kMaxBlobs) program_->blobs_.Clear();
    MACE_RETURN_IF_ERROR(program_->blobs_.PushBack({key, std::move(blob)}));
  }
  return CheckUnit(*planned);
}

// What the arena planner and the run rely on.
Status PlanBuilder::CheckUnit(const PlannedUnit& planned) const {
  const Unit& unit = *planned.unit;
  const auto steps = static_cast<int32_t>(unit.steps().size());
  const auto values = static_cast<int64_t>(graph().values.size());
  for (const UnitSlot& slot : unit.slots()) {
    const bool sound = slot.value == kNone
                           ? slot.bytes >= 0 && slot.first_step >= 0 && slot.first_step <= slot.last_step &&
                                 slot.last_step < std::max(steps, 1)
                           : slot.value >= 0 && slot.value < values;
    if (!sound) {
      return Internal("backend %s made a slot of value %d, %lld bytes, steps %d to %d of %d",
                      unit.backend_name(), slot.value, static_cast<long long>(slot.bytes), slot.first_step,
                      slot.last_step, steps);
    }
  }
  if (unit.workspace_bytes() < 0)
    return Internal("backend %s wants a negative workspace", unit.backend_name());
  return Status::Ok();
}

// The value is wanted at `wanted`: written there by its unit where it has no other place, else copied.
Status PlanBuilder::PlaceResult(ValueId value, Location wanted, int64_t bytes) {
  Location& location = locations_[value];
  if (location == wanted) return Status::Ok();  // an action of the stage in front wrote it there
  if (location.kind == Location::Kind::kNowhere) {
    if (plan_->analysis.known[value] == nullptr) {
      location = wanted;
      return Status::Ok();
    }
    location = {Location::Kind::kKnown, value, 0};
  }
  return plan_->copies.PushBack({location, wanted, bytes});
}

Status PlanBuilder::Locate() {
  const Graph& graph = this->graph();
  if (before_ == nullptr) {
    MACE_RETURN_IF_ERROR(locations_.Resize(graph.values.size()));
    for (size_t i = 0; i < graph.states.size(); ++i) {
      locations_[graph.states[i].read] = {Location::Kind::kState, static_cast<int32_t>(i), 0};
    }
    for (size_t i = 0; i < graph.inputs.size(); ++i) {
      if (key_.fed[i] != 0) {
        locations_[graph.inputs[i]] = {Location::Kind::kInput, static_cast<int32_t>(i), 0};
      }
    }
  } else {
    MACE_RETURN_IF_ERROR(locations_.Assign(before_->locations.data(), before_->locations.size()));
  }
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    if (!IsNew(graph.outputs[i])) continue;
    MACE_RETURN_IF_ERROR(PlaceResult(graph.outputs[i], {Location::Kind::kOutput, static_cast<int32_t>(i), 0},
                                     plan_->output_bytes[i]));
  }
  for (size_t i = 0; i < graph.states.size(); ++i) {
    if (!IsNew(graph.states[i].write)) continue;
    MACE_RETURN_IF_ERROR(PlaceResult(graph.states[i].write,
                                     {Location::Kind::kNextState, static_cast<int32_t>(i), 0},
                                     plan_->next_state_bytes[i]));
  }
  if (plan_->IsLastStage()) return Status::Ok();
  MACE_RETURN_IF_ERROR(HoldKept());
  return PlaceActions();
}

// A held buffer that holds nothing any more.
int32_t PlanBuilder::NextHeld() {
  for (size_t i = 0; i < held_taken_.size(); ++i) {
    if (held_taken_[i] != 0) continue;
    held_taken_[i] = 1;
    return static_cast<int32_t>(i);
  }
  return kNone;  // cannot be: there is one for each value that may want one
}

// What this stage's nodes make and others read gets a buffer that outlives the arena.
Status PlanBuilder::HoldKept() {
  const ShapeAnalysis& analysis = plan_->analysis;
  size_t wanted = static_cast<size_t>(plan_->held_count);
  for (NodeId id : analysis.nodes) wanted += graph().nodes[id].outputs.size();
  for (NodeId id : analysis.actions) wanted += graph().nodes[id].outputs.size();
  MACE_RETURN_IF_ERROR(held_taken_.Resize(wanted));
  for (size_t value = 0; value < locations_.size(); ++value) {
    const Location& location = locations_[value];
    if (location.kind == Location::Kind::kHeld && analysis.uses[value] > 0) held_taken_[location.index] = 1;
  }
  for (NodeId id : analysis.nodes) {
    for (ValueId value : graph().nodes[id].outputs) {
      if (value == kNone || analysis.kept[value] == 0 || analysis.known[value] != nullptr ||
          locations_[value].kind != Location::Kind::kNowhere) {
        continue;
      }
      const TensorType& type = analysis.types[value];
      const int32_t index = NextHeld();
      locations_[value] = {Location::Kind::kHeld, index, 0};
      MACE_RETURN_IF_ERROR(plan_->held.PushBack({index, ByteCount(type.dtype, type.shape)}));
      plan_->held_count = std::max(plan_->held_count, index + 1);
    }
  }
  return Status::Ok();
}

// Where the actions' results go.
Status PlanBuilder::PlaceActions() {
  const Graph& graph = this->graph();
  const ShapeAnalysis& analysis = plan_->analysis;
  Vector<int32_t> learned;  // per value
  MACE_RETURN_IF_ERROR(learned.Resize(graph.values.size()));
  for (int32_t& index : learned) index = kNone;
  for (size_t i = 0; i < analysis.learned.size(); ++i) {
    learned[analysis.learned[i].value] = static_cast<int32_t>(i);
  }
  // The first place where one is wanted; copies of the next stage fill the others.
  for (NodeId id : analysis.actions) {
    PlannedAction action;
    action.node = id;
    for (ValueId value : graph.nodes[id].outputs) {
      MACE_RETURN_IF_ERROR(action.learned.PushBack(value == kNone ? kNone : learned[value]));
      if (value == kNone) continue;
      Location& location = locations_[value];
      for (size_t i = graph.states.size(); i-- > 0;) {
        if (graph.states[i].write == value)
          location = {Location::Kind::kNextState, static_cast<int32_t>(i), 0};
      }
      for (size_t i = graph.outputs.size(); i-- > 0;) {
        if (graph.outputs[i] == value) location = {Location::Kind::kOutput, static_cast<int32_t>(i), 0};
      }
      if (location.kind != Location::Kind::kNowhere) continue;
      location = {Location::Kind::kHeld, NextHeld(), 0};
      plan_->held_count = std::max(plan_->held_count, location.index + 1);
    }
    MACE_RETURN_IF_ERROR(plan_->actions.PushBack(std::move(action)));
  }
  return Status::Ok();
}

// What the next stage goes on from: the arena is its own by then.
Status PlanBuilder::FinishStage() {
  if (plan_->IsLastStage()) return Status::Ok();
  for (size_t value = 0; value < locations_.size(); ++value) {
    Location& location = locations_[value];
    if (location.kind == Location::Kind::kArena) location = Location();
    if (location.kind == Location::Kind::kNowhere && plan_->analysis.known[value] != nullptr) {
      location = {Location::Kind::kKnown, static_cast<int32_t>(value), 0};
    }
  }
  plan_->locations = std::move(locations_);
  return Status::Ok();
}

// One line of time over all units: unit u has the moments begin .. begin + steps - 1. Internal slots live
// there as their unit says, values between units from the begin of the writer to the end of the last reader.
Status PlanBuilder::PlanArena() {
  Vector<MemoryRequest> requests;
  Vector<int32_t> begins;
  Vector<int32_t> request_of;  // per value between units
  MACE_RETURN_IF_ERROR(request_of.Resize(graph().values.size()));
  for (int32_t& request : request_of) request = kNone;
  int32_t time = 0;
  for (const PlannedUnit& planned : plan_->units) {
    MACE_RETURN_IF_ERROR(begins.PushBack(time));
    const auto steps = static_cast<int32_t>(planned.unit->steps().size());
    plan_->step_count += steps;
    plan_->slot_count += static_cast<int32_t>(planned.unit->slots().size());
    time += std::max(steps, 1);
  }
  MACE_RETURN_IF_ERROR(begins.PushBack(time));
  for (size_t u = 0; u < groups_.size(); ++u) {
    for (ValueId value : groups_[u].outputs) {
      if (locations_[value].kind != Location::Kind::kNowhere) continue;
      const TensorType& type = plan_->analysis.types[value];
      request_of[value] = static_cast<int32_t>(requests.size());
      MACE_RETURN_IF_ERROR(
          requests.PushBack({ByteCount(type.dtype, type.shape), begins[u], begins[u + 1] - 1, 0}));
    }
    for (ValueId value : groups_[u].inputs) {
      if (request_of[value] != kNone) requests[request_of[value]].last = begins[u + 1] - 1;
    }
  }
  for (size_t u = 0; u < groups_.size(); ++u) {
    const Unit& unit = *plan_->units[u].unit;
    for (const UnitSlot& slot : unit.slots()) {
      if (slot.value != kNone) continue;
      MACE_RETURN_IF_ERROR(
          requests.PushBack({slot.bytes, begins[u] + slot.first_step, begins[u] + slot.last_step, 0}));
    }
    MACE_RETURN_IF_ERROR(requests.PushBack({unit.workspace_bytes(), begins[u], begins[u + 1] - 1, 0}));
  }
  MACE_RETURN_IF_ERROR(PlanMemory(requests.span(), &plan_->arena_bytes));

  for (size_t value = 0; value < request_of.size(); ++value) {
    if (request_of[value] == kNone) continue;
    locations_[value] = {Location::Kind::kArena, 0, requests[request_of[value]].offset};
  }
  size_t next = 0;
  for (int32_t request : request_of) next += request != kNone;
  for (PlannedUnit& planned : plan_->units) {
    for (const UnitSlot& slot : planned.unit->slots()) {
      Location location = slot.value == kNone ? Location{Location::Kind::kArena, 0, requests[next++].offset}
                                              : locations_[slot.value];
      if (location.kind == Location::Kind::kNowhere) {
        return Internal("backend %s has a slot of value %d, which is not at its edge",
                        planned.unit->backend_name(), slot.value);
      }
      MACE_RETURN_IF_ERROR(planned.slots.PushBack(location));
    }
    planned.workspace_offset = requests[next++].offset;
  }
  return Status::Ok();
}

Status PlanBuilder::Hash() {
  uint64_t hash = before_ == nullptr ? 0 : before_->hash;
  for (const Shape& shape : key_.inputs) hash = HashShape(hash, shape);
  for (const Shape& shape : key_.states) hash = HashShape(hash, shape);
  hash = HashMore(hash, key_.fed.data(), key_.fed.size());
  for (const PlannedUnit& planned : plan_->units) {
    hash = HashText(hash, planned.unit->backend_name());
    for (const StepInfo& step : planned.unit->steps()) {
      hash = HashText(hash, step.kernel);
      hash = HashMore(hash, step.nodes.data(), step.nodes.size() * sizeof(NodeId));
    }
    for (const Location& location : planned.slots) {
      hash = HashMore(hash, &location.offset, sizeof(location.offset));
    }
  }
  plan_->hash = HashMore(hash, &plan_->arena_bytes, sizeof(plan_->arena_bytes));
  return Status::Ok();
}

}  // namespace mace
