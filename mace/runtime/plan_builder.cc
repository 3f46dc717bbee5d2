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
  MACE_RETURN_IF_ERROR(AnalyzeShapes(model_->graph(), key_, model_->runtime().allocator(), &plan->analysis));
  MACE_RETURN_IF_ERROR(Describe());
  MACE_RETURN_IF_ERROR(Compile());
  MACE_RETURN_IF_ERROR(Locate());
  MACE_RETURN_IF_ERROR(PlanArena());
  MACE_RETURN_IF_ERROR(Hash());
  return plan;
}

// What the caller and the session have to know: outputs and states.
Status PlanBuilder::Describe() {
  const Graph& graph = model_->graph();
  const Vector<TensorType>& types = plan_->analysis.types;
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const TensorType& type = types[graph.outputs[i]];
    const int64_t bytes = ByteCount(type.dtype, type.shape);
    if (bytes < 0) {
      return InvalidArgument("output '%s' %s %s has no size for these inputs", model_->output_name(i),
                             NameOf(type.dtype), ShapeText(type.shape).text);
    }
    MACE_RETURN_IF_ERROR(plan_->outputs.PushBack(type));
    MACE_RETURN_IF_ERROR(plan_->output_bytes.PushBack(bytes));
  }
  for (const State& state : graph.states) {
    const TensorType& read = types[state.read];
    const TensorType& write = types[state.write];
    const int64_t read_bytes = ByteCount(read.dtype, read.shape);
    const int64_t write_bytes = ByteCount(write.dtype, write.shape);
    if (read.dtype != write.dtype || read.shape.rank != write.shape.rank || read_bytes < 0 ||
        write_bytes < 0) {
      return InvalidArgument("state '%s' is read as %s %s and written as %s %s", state.name.c_str(),
                             NameOf(read.dtype), ShapeText(read.shape).text, NameOf(write.dtype),
                             ShapeText(write.shape).text);
    }
    MACE_RETURN_IF_ERROR(plan_->state_bytes.PushBack(read_bytes));
    MACE_RETURN_IF_ERROR(plan_->next_state_bytes.PushBack(write_bytes));
    MACE_RETURN_IF_ERROR(plan_->next_states.PushBack(write.shape));
  }
  return Status::Ok();
}

// Partitions and compiles until every unit compiles: nodes of a unit that does not are kept from its backend.
Status PlanBuilder::Compile() {
  const Graph& graph = model_->graph();
  const auto backends = model_->runtime().backends();
  const PlanView view = plan_->analysis.View(graph);
  Vector<uint8_t> refused;
  MACE_RETURN_IF_ERROR(refused.Resize(backends.size() * graph.nodes.size()));
  Vector<NodeRefusal> failures;  // of compilations, over all rounds
  Vector<PlannedUnit> done;      // of earlier rounds: what is still wanted is not compiled again
  for (;;) {
    groups_.Clear();
    plan_->refusals.Clear();
    MACE_RETURN_IF_ERROR(PartitionNodes(view, plan_->analysis.nodes.span(), backends, refused.span(),
                                        &groups_, &plan_->refusals));
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
          model_->runtime().LogMessage(LogLevel::kWarning, failure.message());
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
  Runtime& runtime = model_->runtime();
  Backend& backend = *runtime.backends()[group.backend];
  CompileOptions options;
  options.num_threads = runtime.num_threads();
  options.reference_kernels = model_->options().reference_kernels;
  options.low_memory = model_->options().low_memory;
  options.kernels = options.reference_kernels ? nullptr : &runtime.kernels();
  options.packed = &model_->packed_;
  options.allocator = &runtime.allocator();

  uint64_t key = HashText(0, backend.name());
  key = HashMore(key, group.nodes.data(), group.nodes.size() * sizeof(NodeId));
  const Graph& graph = model_->graph();
  for (ValueId value : group.inputs) key = HashShape(key, plan_->analysis.types[value].shape);
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
  for (const Model::Blob& blob : model_->blobs_) {
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
    if (model_->blobs_.size() >= kMaxBlobs) model_->blobs_.Clear();
    MACE_RETURN_IF_ERROR(model_->blobs_.PushBack({key, std::move(blob)}));
  }
  return CheckUnit(*planned);
}

// What the arena planner and the run rely on.
Status PlanBuilder::CheckUnit(const PlannedUnit& planned) const {
  const Unit& unit = *planned.unit;
  const auto steps = static_cast<int32_t>(unit.steps().size());
  const auto values = static_cast<int64_t>(model_->graph().values.size());
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
  const Graph& graph = model_->graph();
  MACE_RETURN_IF_ERROR(locations_.Resize(graph.values.size()));
  for (size_t i = 0; i < graph.states.size(); ++i) {
    locations_[graph.states[i].read] = {Location::Kind::kState, static_cast<int32_t>(i), 0};
  }
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    if (key_.fed[i] != 0) {
      locations_[graph.inputs[i]] = {Location::Kind::kInput, static_cast<int32_t>(i), 0};
    }
  }
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    MACE_RETURN_IF_ERROR(PlaceResult(graph.outputs[i], {Location::Kind::kOutput, static_cast<int32_t>(i), 0},
                                     plan_->output_bytes[i]));
  }
  for (size_t i = 0; i < graph.states.size(); ++i) {
    MACE_RETURN_IF_ERROR(PlaceResult(graph.states[i].write,
                                     {Location::Kind::kNextState, static_cast<int32_t>(i), 0},
                                     plan_->next_state_bytes[i]));
  }
  return Status::Ok();
}

// One line of time over all units: unit u has the moments begin .. begin + steps - 1. Internal slots live
// there as their unit says, values between units from the begin of the writer to the end of the last reader.
Status PlanBuilder::PlanArena() {
  Vector<MemoryRequest> requests;
  Vector<int32_t> begins;
  Vector<int32_t> request_of;  // per value between units
  MACE_RETURN_IF_ERROR(request_of.Resize(model_->graph().values.size()));
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
  uint64_t hash = 0;
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
