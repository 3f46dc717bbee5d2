// Plan: how to run a model for one set of input shapes. Immutable once built; owned by the model, shared by
// its sessions (docs/design/03-objects.md).
#ifndef MACE_RUNTIME_PLAN_H_
#define MACE_RUNTIME_PLAN_H_

#include <memory>

#include "mace/backends/backend.h"
#include "mace/runtime/ref.h"
#include "mace/runtime/shape_analysis.h"

namespace mace {

// Where the bytes of a value are during a run.
struct Location {
  enum class Kind : uint8_t {
    kNowhere,
    kArena,      // at `offset`
    kInput,      // the caller's input `index`
    kOutput,     // the buffer of output `index`: the caller's or the session's
    kState,      // what the session holds of state `index`
    kNextState,  // what it will hold after the run
    kKnown,      // computed while planning, or a constant: of value `index`
  };
  Kind kind = Kind::kNowhere;
  int32_t index = 0;
  int64_t offset = 0;
};

struct PlannedUnit {
  std::unique_ptr<Unit> unit;
  int32_t backend = 0;  // index into Runtime::backends()
  float predicted_milliseconds = 0;
  Vector<NodeId> nodes;    // topological order
  Vector<Location> slots;  // one per Unit::slots()
  int64_t workspace_offset = 0;
};

// After the units: results that no unit writes where they are wanted (an output that is also an input, a
// constant, a state, or another output).
struct PlannedCopy {
  Location from;
  Location to;
  int64_t bytes = 0;
};

// Why a backend did not take a node.
struct NodeRefusal {
  int32_t backend = 0;
  NodeId node = kNone;
  String reason;
};

struct Plan final : public RefCounted {
  PlanKey key;
  ShapeAnalysis analysis;
  Vector<PlannedUnit> units;
  Vector<PlannedCopy> copies;
  Vector<TensorType> outputs;    // concrete, in model order
  Vector<int64_t> output_bytes;  // the same
  Vector<Shape> next_states;     // the shapes that the states will have after the run
  Vector<int64_t> state_bytes;   // of a state before the run
  Vector<int64_t> next_state_bytes;
  Vector<NodeRefusal> refusals;
  int64_t arena_bytes = 0;
  int32_t step_count = 0;
  int32_t slot_count = 0;
  uint64_t hash = 0;  // of the choices: same file, options and machine give the same number

  ~Plan() override = default;
};

}  // namespace mace

#endif  // MACE_RUNTIME_PLAN_H_
