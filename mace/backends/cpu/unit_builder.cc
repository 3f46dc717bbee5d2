#include "mace/backends/cpu/unit_builder.h"

namespace mace::cpu {
namespace {

int64_t Aligned(int64_t bytes) {
  constexpr int64_t kAlignment = kBufferAlignment;
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

Result<int32_t> UnitBuilder::AddSlot(ValueId value, int64_t bytes) {
  UnitSlot slot;
  slot.value = value;
  slot.bytes = bytes;
  slot.first_step = -1;  // until a step names it
  slot.last_step = -1;
  MACE_RETURN_IF_ERROR(unit_->slots_.PushBack(slot));
  return static_cast<int32_t>(unit_->slots_.size() - 1);
}

Result<StepInfo*> UnitBuilder::AddStep(StepSpec spec) {
  const int32_t index = step_count();
  Step step;
  step.function = spec.function;
  step.params = spec.params;
  step.reference = spec.reference;
  step.operand_begin = static_cast<int32_t>(unit_->operands_.size());
  step.operand_count = static_cast<int32_t>(spec.operands.size());
  step.tiles = spec.tiles;
  for (const Operand& operand : spec.operands) {
    MACE_RETURN_IF_ERROR(unit_->operands_.PushBack(operand));
    if (operand.slot < 0) continue;
    UnitSlot& slot = unit_->slots_[operand.slot];
    if (slot.first_step < 0) slot.first_step = index;
    slot.last_step = index;
  }
  MACE_RETURN_IF_ERROR(unit_->program_.PushBack(step));
  StepInfo info;
  info.kernel = spec.kernel;
  info.is_reference = spec.reference != nullptr;
  info.multiply_adds = spec.multiply_adds;
  MACE_RETURN_IF_ERROR(info.reason.Assign(spec.reason));
  MACE_RETURN_IF_ERROR(unit_->steps_.PushBack(std::move(info)));

  if (step.operand_count > most_operands_) most_operands_ = step.operand_count;
  if (spec.reference != nullptr && step.operand_count > most_views_) most_views_ = step.operand_count;
  const int64_t worker_bytes = Aligned(spec.workspace_bytes);
  if (worker_bytes > unit_->worker_bytes_) unit_->worker_bytes_ = worker_bytes;
  return &unit_->steps_.back();
}

Result<uint8_t*> UnitBuilder::NewOwned(size_t bytes) {
  MACE_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Allocate(bytes, allocator_));
  MACE_RETURN_IF_ERROR(unit_->owned_.PushBack(std::move(buffer)));
  return unit_->owned_.back().data();
}

void UnitBuilder::Finish() {
  for (UnitSlot& slot : unit_->slots_) {  // never named: an unread output
    if (slot.first_step < 0) slot.first_step = slot.last_step = 0;
  }
  unit_->views_offset_ = Aligned(most_operands_ * static_cast<int64_t>(sizeof(void*)));
  unit_->workers_offset_ =
      unit_->views_offset_ + Aligned(most_views_ * static_cast<int64_t>(sizeof(TensorView)));
  unit_->workspace_bytes_ =
      unit_->workers_offset_ + unit_->worker_bytes_ * static_cast<int64_t>(unit_->num_threads_);
}

}  // namespace mace::cpu
