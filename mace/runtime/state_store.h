// StateStore: what a session keeps between runs (docs/design/08-state.md). Each state has two buffers: a run
// reads one and writes the other, and all step forward together when it has succeeded.
#ifndef MACE_RUNTIME_STATE_STORE_H_
#define MACE_RUNTIME_STATE_STORE_H_

#include "mace/runtime/arena.h"
#include "mace/runtime/plan.h"

namespace mace {

class StateStore {
 public:
  StateStore(const Graph& graph, Runtime* runtime) : graph_(graph), runtime_(runtime) {}
  Status Init() { return states_.Resize(graph_.states.size()); }

  // Nothing has been written since the last reset.
  bool is_initial(size_t state) const { return states_[state].is_initial; }
  const Shape& shape(size_t state) const { return states_[state].shape; }  // where it is not initial
  const uint8_t* current(size_t state) const { return states_[state].buffers[states_[state].current].data(); }
  uint8_t* next(size_t state) { return states_[state].buffers[1 - states_[state].current].data(); }

  // The current buffers are large enough for `plan`; initial ones hold the initial value.
  Status PrepareCurrent(const Plan& plan);
  Status EnsureNext(size_t state, int64_t bytes);
  // After the run whose last stage was `plan`.
  void StepForward(const Plan& plan);
  void Reset();

 private:
  struct Entry {
    Buffer buffers[2];
    int32_t current = 0;
    Shape shape;  // of buffers[current]
    bool is_initial = true;
    bool is_filled = false;  // buffers[current] holds the initial value
  };
  void FillInitial(size_t index, int64_t bytes);

  const Graph& graph_;
  Runtime* runtime_;
  Vector<Entry> states_;
};

}  // namespace mace

#endif  // MACE_RUNTIME_STATE_STORE_H_
