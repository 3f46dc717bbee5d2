// Builds the Plan of a graph for one set of input shapes, or of the next stage for what a run learned: shape
// analysis, partition, compilation, locations of all values, arena.
#ifndef MACE_RUNTIME_PLAN_BUILDER_H_
#define MACE_RUNTIME_PLAN_BUILDER_H_

#include "mace/runtime/partition.h"
#include "mace/runtime/plan.h"
#include "mace/runtime/program.h"

namespace mace {

class PlanBuilder {
 public:
  // The caller holds the program's build lock.
  PlanBuilder(Program* program, const PlanKey& key) : program_(program), key_(key) {}
  // Of the stage behind `before`, whose run has learned `facts`.
  PlanBuilder(Program* program, const Plan& before, std::span<const TensorView> facts)
      : program_(program), key_(before.key), before_(&before), facts_(facts) {}
  Result<Ref<Plan>> Build();

 private:
  const Graph& graph() const { return program_->graph(); }
  Status Analyze();
  Status CopyFacts();
  // The type of the value became known in this stage.
  bool IsNew(ValueId value) const {
    return plan_->analysis.resolved[value] != 0 &&
           (before_ == nullptr || before_->analysis.resolved[value] == 0);
  }
  Status Describe();
  Status DescribeState(const State& state);
  Status Compile();
  Status CompileUnit(const PartitionUnit& group, PlannedUnit* planned, Status* failure);
  Status Locate();
  Status PlaceResult(ValueId value, Location wanted, int64_t bytes);
  Status PlaceActions();
  Status HoldKept();
  int32_t NextHeld();
  Status FinishStage();
  Status PlanArena();
  Status CheckUnit(const PlannedUnit& planned) const;
  Status Hash();

  Program* program_;
  const PlanKey& key_;
  const Plan* before_ = nullptr;
  std::span<const TensorView> facts_;
  Plan* plan_ = nullptr;
  Vector<PartitionUnit> groups_;
  Vector<Location> locations_;  // per value
  Vector<uint8_t> held_taken_;  // per held buffer: what it holds is still needed
};

}  // namespace mace

#endif  // MACE_RUNTIME_PLAN_BUILDER_H_
