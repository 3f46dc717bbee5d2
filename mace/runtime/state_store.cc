#include "mace/runtime/state_store.h"

#include <cstring>

namespace mace {

Status StateStore::PrepareCurrent(const Plan& plan) {
  for (size_t i = 0; i < states_.size(); ++i) {
    Entry& state = states_[i];
    if (!state.is_initial) continue;
    Buffer& current = state.buffers[state.current];
    const auto bytes = static_cast<size_t>(plan.state_bytes[i]);
    if (current.size() < bytes) {
      state.is_filled = false;
      MACE_RETURN_IF_ERROR(GrowBuffer(*runtime_, "a state", bytes, Growth::kExact, 0, &current));
    }
    if (!state.is_filled || !(state.shape == plan.key.states[i])) {
      FillInitial(i, plan.state_bytes[i]);
      state.shape = plan.key.states[i];
      state.is_filled = true;
    }
  }
  return Status::Ok();
}

Status StateStore::EnsureNext(size_t state, int64_t bytes) {
  Entry& entry = states_[state];
  return GrowBuffer(*runtime_, "a state", static_cast<size_t>(bytes), Growth::kExact, 0,
                    &entry.buffers[1 - entry.current]);
}

void StateStore::FillInitial(size_t index, int64_t bytes) {
  const State& state = graph_.states[index];
  uint8_t* data = states_[index].buffers[states_[index].current].data();
  if (bytes == 0) return;
  if (state.initial != kNone) {
    std::memcpy(data, graph_.constants[state.initial].view.data, static_cast<size_t>(bytes));
    return;
  }
  std::memset(data, 0, static_cast<size_t>(bytes));
  const Quantization* quantization = graph_.QuantizationOf(state.read);
  if (quantization == nullptr || quantization->zero_points.size() != 1) return;
  const int32_t zero_point = quantization->zero_points[0];
  const int size = BytesOf(graph_.values[state.read].type.dtype);
  for (int64_t i = 0; size > 0 && i + size <= bytes; i += size) {
    std::memcpy(data + i, &zero_point, size < 4 ? size : 4);  // little endian
  }
}

void StateStore::StepForward(const Plan& plan) {
  for (size_t i = 0; i < states_.size(); ++i) {
    states_[i].current = 1 - states_[i].current;
    states_[i].shape = plan.next_states[i];
    states_[i].is_initial = false;
  }
}

void StateStore::Reset() {
  for (Entry& state : states_) {
    state.is_initial = true;
    state.is_filled = false;
  }
}

}  // namespace mace
