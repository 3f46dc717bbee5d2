#include "mace/runtime/execution.h"

#include <cstring>

namespace mace {

Result<std::unique_ptr<Execution>> Execution::Create(Program* program, Arena* arena, StateStore* states) {
  std::unique_ptr<Execution> execution(new (std::nothrow) Execution(program, arena, states));
  if (execution == nullptr) return Status::OutOfMemory();
  MACE_RETURN_IF_ERROR(execution->Init());
  return execution;
}

Status Execution::Init() {
  const size_t outputs = graph().outputs.size();
  MACE_RETURN_IF_ERROR(output_buffers_.Resize(outputs));
  MACE_RETURN_IF_ERROR(is_prepared_.Resize(outputs));
  MACE_RETURN_IF_ERROR(homes_.Resize(outputs));
  for (size_t i = 0; i < outputs; ++i) homes_[i] = &output_buffers_[i];
  MACE_RETURN_IF_ERROR(bodies_.Resize(graph().subgraphs.size()));
  if (states_ != nullptr) return Status::Ok();
  MACE_RETURN_IF_ERROR(body_inputs_.Resize(graph().inputs.size()));
  MACE_RETURN_IF_ERROR(body_outputs_.Resize(outputs));
  MACE_RETURN_IF_ERROR(body_key_.inputs.Resize(graph().inputs.size()));
  MACE_RETURN_IF_ERROR(body_key_.fed.Resize(graph().inputs.size()));
  for (uint8_t& fed : body_key_.fed) fed = 1;
  return Status::Ok();
}

// Appends the plan to the chain.
Status Execution::Install(Ref<Plan> plan) {
  if (slots_.size() < static_cast<size_t>(plan->slot_count)) {
    MACE_RETURN_IF_ERROR(slots_.Resize(plan->slot_count));
  }
  if (held_.size() < static_cast<size_t>(plan->held_count)) {
    MACE_RETURN_IF_ERROR(held_.Resize(plan->held_count));
  }
  MACE_RETURN_IF_ERROR(step_nanoseconds_.Resize(static_cast<size_t>(plan->first_step)));  // others went
  MACE_RETURN_IF_ERROR(step_nanoseconds_.Resize(static_cast<size_t>(plan->end_step())));
  if (unit_nanoseconds_.size() < static_cast<size_t>(plan->step_count)) {
    MACE_RETURN_IF_ERROR(unit_nanoseconds_.Resize(plan->step_count));
  }
  if (facts_.size() < plan->analysis.learned.size()) {
    MACE_RETURN_IF_ERROR(facts_.Resize(plan->analysis.learned.size()));
  }
  return stages_.PushBack(std::move(plan));
}

Status Execution::UsePlan(const PlanKey& key, RunContext* context) {
  if (HasPlanFor(key)) return Status::Ok();
  bool is_built = false;
  MACE_ASSIGN_OR_RETURN(Ref<Plan> plan, program_->FindOrBuildPlan(key, &is_built));
  if (is_built && context != nullptr) context->iterations_left -= kIterationsOfPlan;
  stages_.Clear();
  profiled_runs_ = 0;
  return Install(std::move(plan));
}

// The output's memory: the caller's, or its own.
Status Execution::PrepareOutput(size_t index, DType dtype, const Shape& shape, int64_t bytes) {
  RunTensor& output = outputs_[index];
  output.dtype = dtype;
  output.shape = shape;
  const auto size = static_cast<uint64_t>(bytes);
  if (output.data == nullptr) {
    if (index > 0 && index <= loop_.carried) {
      MACE_RETURN_IF_ERROR(CountGrowth(index - 1, bytes).WithPrefix("'%s'", program_->output_name(index)));
    }
    const Growth growth = states_ == nullptr ? Growth::kAmple : Growth::kExact;
    MACE_RETURN_IF_ERROR(GrowBuffer(runtime(), "an output", size, growth, SIZE_MAX, homes_[index]));
    output.data = homes_[index]->data();
  } else if (output.byte_size < size) {
    return InvalidArgument("output '%s': %s %s takes %llu bytes, the buffer has %llu",
                           program_->output_name(index), NameOf(dtype), ShapeText(shape).text,
                           static_cast<unsigned long long>(size),
                           static_cast<unsigned long long>(output.byte_size));
  }
  output.byte_size = size;
  is_prepared_[index] = 1;
  return Status::Ok();
}

Status Execution::PrepareOutputs(std::span<RunTensor> outputs) {
  const Plan& plan = *stages_[0];
  outputs_ = outputs;
  for (size_t i = 0; i < outputs.size(); ++i) {
    is_prepared_[i] = 0;
    if (plan.output_bytes[i] >= 0) {
      MACE_RETURN_IF_ERROR(
          PrepareOutput(i, plan.outputs[i].dtype, plan.outputs[i].shape, plan.output_bytes[i]));
      continue;
    }
    outputs[i].dtype = plan.outputs[i].dtype;
    outputs[i].shape = plan.outputs[i].shape;
    for (int axis = 0; axis < outputs[i].shape.rank; ++axis) outputs[i].shape[axis] = kUnknownDim;
    outputs[i].byte_size = 0;
  }
  return Status::Ok();
}

// The memory that the stage writes.
Status Execution::EnterStage(const Plan& plan) {
  MACE_RETURN_IF_ERROR(arena_->Ensure(static_cast<size_t>(plan.arena_bytes)));
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (plan.output_bytes[i] < 0 || is_prepared_[i] != 0) continue;
    MACE_RETURN_IF_ERROR(
        PrepareOutput(i, plan.outputs[i].dtype, plan.outputs[i].shape, plan.output_bytes[i]));
  }
  for (size_t i = 0; i < plan.next_state_bytes.size(); ++i) {
    if (plan.next_state_bytes[i] >= 0) {
      MACE_RETURN_IF_ERROR(states_->EnsureNext(i, plan.next_state_bytes[i]));
    }
  }
  for (const HeldBuffer& held : plan.held) {
    MACE_RETURN_IF_ERROR(GrowBuffer(runtime(), "intermediate results", static_cast<size_t>(held.bytes),
                                    Growth::kAmple, SIZE_MAX, &held_[held.index]));
  }
  return Status::Ok();
}

uint8_t* Execution::Resolve(const Plan& plan, const Location& location) {
  const auto index = static_cast<size_t>(location.index);
  switch (location.kind) {
    case Location::Kind::kArena:
      return arena_->data() + location.offset;
    case Location::Kind::kInput:
      return static_cast<uint8_t*>(inputs_[index].data);
    case Location::Kind::kOutput:
      return static_cast<uint8_t*>(outputs_[index].data);
    case Location::Kind::kState:
      return const_cast<uint8_t*>(states_->current(index));  // read only
    case Location::Kind::kNextState:
      return states_->next(index);
    case Location::Kind::kKnown:
      return static_cast<uint8_t*>(plan.analysis.known[index]->data);  // read only
    case Location::Kind::kHeld:
      return held_[index].data();
    case Location::Kind::kNowhere:
      break;
  }
  return nullptr;
}

Status Execution::RunUnits(const Plan& plan, RunContext* context) {
  void** slot = slots_.data();
  for (const PlannedUnit& planned : plan.units) {
    for (const Location& location : planned.slots) *slot++ = Resolve(plan, location);
  }
  UnitBindings bindings;
  bindings.pool = runtime().pool();
  bindings.stop = &context->stop;
  size_t first_slot = 0, step = 0;
  for (const PlannedUnit& planned : plan.units) {
    if (context->stop.ShouldStop()) return context->stop.ToStatus();
    bindings.slots = slots_.data() + first_slot;
    bindings.workspace = arena_->data() + planned.workspace_offset;
    bindings.step_nanoseconds = context->profile ? unit_nanoseconds_.data() + step : nullptr;
    MACE_ASSIGN_OR_RETURN(Event event, planned.unit->Enqueue(bindings, Event()));
    if (event.wait != nullptr) MACE_RETURN_IF_ERROR(event.wait(event.context));
    first_slot += planned.slots.size();
    step += planned.unit->steps().size();
  }
  return Status::Ok();
}

Status Execution::RunStage(const Plan& plan, RunContext* context) {
  if (context->profile) {
    for (int32_t i = 0; i < plan.step_count; ++i) unit_nanoseconds_[i] = 0;
  }
  MACE_RETURN_IF_ERROR(EnterStage(plan));
  MACE_RETURN_IF_ERROR(RunUnits(plan, context));
  for (const PlannedCopy& copy : plan.copies) {
    if (copy.bytes == 0) continue;
    std::memmove(Resolve(plan, copy.to), Resolve(plan, copy.from), static_cast<size_t>(copy.bytes));
  }
  if (context->profile) {
    // Bodies run many times.
    uint64_t* total = step_nanoseconds_.data() + plan.first_step;
    for (int32_t i = 0; i < plan.step_count; ++i) total[i] += unit_nanoseconds_[i];
  }
  return Status::Ok();
}

// Finds the plan of the stage behind `stage` for what that has told.
Status Execution::NextStage(size_t stage, RunContext* context) {
  const Plan& before = *stages_[stage];
  const std::span<const TensorView> facts = {facts_.data(), before.analysis.learned.size()};
  for (size_t i = 0; i < facts.size(); ++i) {
    const LearnedValue& learned = before.analysis.learned[i];
    if (!learned.elements || facts[i].bytes() <= kMaxLearnedBytes) continue;
    return Unsupported("sizes depend on the elements of '%s' %s, which are too many to plan for",
                       graph().values[learned.value].name.c_str(), ShapeText(facts[i].shape).text);
  }
  if (stage + 1 < stages_.size() && Program::IsPlanFor(*stages_[stage + 1], before, facts)) {
    return Status::Ok();
  }
  bool is_built = false;
  MACE_ASSIGN_OR_RETURN(Ref<Plan> plan, program_->FindOrBuildNext(before, facts, &is_built));
  if (is_built) context->iterations_left -= kIterationsOfPlan;
  while (stages_.size() > stage + 1) stages_.PopBack();
  return Install(std::move(plan));
}

Status Execution::Run(std::span<const RunTensor> inputs, std::span<RunTensor> outputs, RunContext* context) {
  inputs_ = inputs;
  outputs_ = outputs;
  for (uint8_t& flag : is_prepared_) flag = 0;
  for (size_t stage = 0;; ++stage) {
    const Plan& plan = *stages_[stage];
    MACE_RETURN_IF_ERROR(RunStage(plan, context));
    if (plan.IsLastStage()) break;
    MACE_RETURN_IF_ERROR(RunActions(plan, context));
    MACE_RETURN_IF_ERROR(NextStage(stage, context));
  }
  if (context->profile) ++profiled_runs_;
  return context->stop.ShouldStop() ? context->stop.ToStatus() : Status::Ok();
}

void Execution::ReleaseHeld() {
  for (Buffer& buffer : held_) buffer.Reset();
  for (Buffer& buffer : loop_.results) buffer.Reset();
  for (Buffer& buffer : loop_.others) buffer.Reset();
  for (int64_t& growth : loop_.growth) {
    arena_->loop_growth -= growth;
    growth = 0;
  }
  if (states_ == nullptr) {
    for (Buffer& buffer : output_buffers_) buffer.Reset();
  }
  for (std::unique_ptr<Execution>& body : bodies_) {
    if (body != nullptr) body->ReleaseHeld();
  }
}

void Execution::ClearProfile() {
  for (uint64_t& time : step_nanoseconds_) time = 0;
  profiled_runs_ = 0;
  for (std::unique_ptr<Execution>& body : bodies_) {
    if (body != nullptr) body->ClearProfile();
  }
}

}  // namespace mace
