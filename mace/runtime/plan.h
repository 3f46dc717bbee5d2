// Plan: how to run a graph for one set of input shapes, up to where sizes depend on data: one stage. What its
// run tells (Plan::analysis.learned) leads to the plan of the next stage. Immutable once built; owned by the
// graph's Program, shared by sessions (docs/design/03-objects.md, 25-control-flow.md).
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
    kHeld,       // buffer `index` of those that hold what later stages read
  };
  Kind kind = Kind::kNowhere;
  int32_t index = 0;
  int64_t offset = 0;
  friend bool operator==(const Location&, const Location&) = default;
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

// A node that runs behind the units and says how large its outputs are.
struct PlannedAction {
  NodeId node = kNone;
  // Per output of the node: index into ShapeAnalysis::learned, kNone where nothing needs the output.
  Vector<int32_t> learned;
};

// A buffer that a unit writes for later stages.
struct HeldBuffer {
  int32_t index = 0;
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
  uint64_t serial = 0;         // tells it from all others of the program, gone ones too
  uint64_t before_serial = 0;  // of the stage in front
  int32_t stage = 0;
  bool interprets = false;   // AnalyzeShapes
  int32_t repeats = 0;       // plans made in front of this one that differ from it in elements alone
  Vector<TensorView> facts;  // what was learned there, with elements of its own (fact_bytes)
  Buffer fact_bytes;
  ShapeAnalysis analysis;
  Vector<PlannedUnit> units;
  Vector<PlannedCopy> copies;
  Vector<PlannedAction> actions;
  Vector<HeldBuffer> held;           // written by this stage's units
  Vector<Location> locations;        // per value, where there is another stage: as behind the actions
  Vector<TensorType> outputs;        // in model order; concrete where output_bytes is not -1
  Vector<int64_t> output_bytes;      // -1: a later stage tells
  Vector<Shape> next_states;         // the shapes that the states will have after the run
  Vector<int64_t> state_bytes;       // of a state before the run
  Vector<int64_t> next_state_bytes;  // -1: a later stage tells
  Vector<NodeRefusal> refusals;
  int64_t arena_bytes = 0;
  int32_t first_step = 0;  // steps of the stages in front, their actions among them
  int32_t step_count = 0;  // of the units
  int32_t slot_count = 0;
  int32_t held_count = 0;  // buffers of this stage and those in front
  uint64_t hash = 0;       // of the choices: same file, options and machine give the same number

  ~Plan() override = default;
  bool IsLastStage() const { return analysis.IsLastStage(); }
  int32_t end_step() const { return first_step + step_count + static_cast<int32_t>(actions.size()); }
};

}  // namespace mace

#endif  // MACE_RUNTIME_PLAN_H_
