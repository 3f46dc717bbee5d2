// Execution: the runs of one graph in one session: the chain of plans of its stages, and the memory that
// lives longer than a stage. Bodies of If and Loop nodes have executions of their own, kept over iterations
// and runs (docs/design/25-control-flow.md).
#ifndef MACE_RUNTIME_EXECUTION_H_
#define MACE_RUNTIME_EXECUTION_H_

#include <memory>
#include <span>

#include "mace/runtime/arena.h"
#include "mace/runtime/program.h"
#include "mace/runtime/state_store.h"

namespace mace {

// A tensor that the caller gives or wants. Of inputs: what is there. Of outputs: `data` and `byte_size` of
// the buffer (null: the session's); the rest is filled in.
struct RunTensor {
  DType dtype = DType::kInvalid;
  Shape shape;
  void* data = nullptr;
  uint64_t byte_size = 0;
};

// Bounds on what a file from anywhere may drive by a trip count: iterations of all loops of one run (a plan
// that is made meanwhile counts as so many), and, where the runtime has no memory limit, bytes by which what
// all loops of a session carry and scan outgrows what they began with.
inline constexpr int64_t kMaxLoopIterations = 1 << 20;
inline constexpr int64_t kIterationsOfPlan = 32;
inline constexpr int64_t kMaxLoopBytes = 128 << 20;
// The planner compares elements that it has learned with those of other plans at every run.
inline constexpr int64_t kMaxLearnedBytes = 1 << 20;

// One run, all bodies included.
struct RunContext {
  StopCheck stop;
  bool profile = false;
  int64_t iterations_left = kMaxLoopIterations;
};

class Execution {
 public:
  // All outlive it. `states` is null for bodies.
  static Result<std::unique_ptr<Execution>> Create(Program* program, Arena* arena, StateStore* states);

  // The plan of the first stage for these shapes. `context` of the run that a body is part of, or null.
  Status UsePlan(const PlanKey& key, RunContext* context = nullptr);
  bool HasPlanFor(const PlanKey& key) const { return IsUpToDate() && stages_[0]->key == key; }
  // Fills in what the first stage tells of the outputs, and gives those without a buffer one of its own.
  // What it does not tell has dimensions -1.
  Status PrepareOutputs(std::span<RunTensor> outputs);
  // Behind UsePlan.
  Status Run(std::span<const RunTensor> inputs, std::span<RunTensor> outputs, RunContext* context);
  // Frees what is held between stages; outputs stay.
  void ReleaseHeld();
  void ClearProfile();

  const Program& program() const { return *program_; }
  // Of the last run, or what it got to; the first one alone after UsePlan.
  std::span<const Ref<Plan>> stages() const { return stages_.span(); }
  // Per step of all stages, actions after the units of theirs.
  std::span<const uint64_t> step_nanoseconds() const { return step_nanoseconds_.span(); }
  int64_t profiled_runs() const { return profiled_runs_; }
  // Null where it has not run yet.
  const Execution* body(size_t subgraph) const {
    return subgraph < bodies_.size() ? bodies_[subgraph].get() : nullptr;
  }

 private:
  // Of a body that is a Loop's.
  struct LoopState {
    int64_t iteration = 0;
    size_t carried = 0;  // 0 where it is a branch
    uint8_t condition = 0;
    Vector<Buffer> results;  // per output of the node that cannot be written in its place
    Vector<Buffer> others;   // per carried value: it is read from one buffer and written to the other
    Vector<Buffer*> targets;
    Vector<RunTensor> scanned;
    Vector<int64_t> initial;  // bytes per result, before the first iteration
    Vector<int64_t> growth;   // bytes per result beyond these, the most there have been
  };
  class ActionOutputs;

  Execution(Program* program, Arena* arena, StateStore* states)
      : program_(program), arena_(arena), states_(states) {}
  Runtime& runtime() const { return program_->runtime(); }
  const Graph& graph() const { return program_->graph(); }
  bool IsUpToDate() const { return !stages_.empty() && stages_[0]->interprets == program_->interprets(); }
  Status Init();
  Status Install(Ref<Plan> plan);
  Status EnterStage(const Plan& plan);
  Status PrepareOutput(size_t index, DType dtype, const Shape& shape, int64_t bytes);
  uint8_t* Resolve(const Plan& plan, const Location& location);
  Status RunStage(const Plan& plan, RunContext* context);
  Status RunUnits(const Plan& plan, RunContext* context);
  Status NextStage(size_t stage, RunContext* context);

  // execution_actions.cc
  TensorView View(const Plan& plan, ValueId value);
  Status RunActions(const Plan& plan, RunContext* context);
  Status RunAction(const Plan& plan, const PlannedAction& action, RunContext* context);
  Status RunDataSized(const Plan& plan, const PlannedAction& action);
  Status RunInterpreted(const Plan& plan, const PlannedAction& action);
  Result<void*> ProvideOutput(const Plan& plan, const PlannedAction& action, size_t output, DType dtype,
                              const Shape& shape);
  Buffer* HomeOf(const Location& location);
  Status AcceptOutput(const Plan& plan, const PlannedAction& action, size_t output, const RunTensor& result);
  Result<Execution*> BodyAt(int32_t subgraph);
  Status FeedBody(const Plan& plan, const Node& node, size_t first_operand, size_t first_input,
                  Execution* body);
  Status RunBody(RunContext* context);
  Status CheckBodyInputs() const;
  Status RunIf(const Plan& plan, const PlannedAction& action, RunContext* context);

  // execution_loop.cc
  Status RunLoop(const Plan& plan, const PlannedAction& action, RunContext* context);
  Status BeginLoop(const Plan& plan, const PlannedAction& action, Execution* body);
  Status Iterate(const Node& node, int64_t trip_count, Execution* body, RunContext* context);
  Status AppendScanned(const RunTensor& row, int64_t iteration, size_t result);
  Status CountGrowth(size_t result, int64_t bytes);
  Status FinishLoop(const Plan& plan, const PlannedAction& action, int64_t iterations, Execution* body);

  Program* program_;
  Arena* arena_;
  StateStore* states_;
  Vector<Ref<Plan>> stages_;
  Vector<void*> slots_;                // of the units of a stage, one after the other
  Vector<Buffer> held_;                // Location::Kind::kHeld
  Vector<TensorView> facts_;           // what a stage has learned
  Vector<TensorView> views_;           // operands of an action
  Vector<TensorType> types_;           // the same
  Vector<const TensorView*> known_;    // the same
  std::span<const RunTensor> inputs_;  // of the run
  std::span<RunTensor> outputs_;
  // Where outputs without a buffer of the caller's go: a body's to where the node's belong.
  Vector<Buffer*> homes_;
  Vector<Buffer> output_buffers_;
  Vector<uint8_t> is_prepared_;                // per output, in this run
  Vector<std::unique_ptr<Execution>> bodies_;  // per subgraph
  // Of a body.
  PlanKey body_key_;
  Vector<RunTensor> body_inputs_;
  Vector<RunTensor> body_outputs_;
  LoopState loop_;
  // Of profiled runs.
  Vector<uint64_t> step_nanoseconds_;
  Vector<uint64_t> unit_nanoseconds_;
  int64_t profiled_runs_ = 0;
};

}  // namespace mace

#endif  // MACE_RUNTIME_EXECUTION_H_
