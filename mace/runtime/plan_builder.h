// Builds the Plan of a model for one set of input shapes: shape analysis, partition, compilation, locations
// of all values, arena.
#ifndef MACE_RUNTIME_PLAN_BUILDER_H_
#define MACE_RUNTIME_PLAN_BUILDER_H_

#include "mace/runtime/model.h"
#include "mace/runtime/partition.h"
#include "mace/runtime/plan.h"

namespace mace {

class PlanBuilder {
 public:
  // The caller holds the model's build lock.
  PlanBuilder(Model* model, const PlanKey& key) : model_(model), key_(key) {}
  Result<Ref<Plan>> Build();

 private:
  Status Describe();
  Status Compile();
  Status CompileUnit(const PartitionUnit& group, PlannedUnit* planned, Status* failure);
  Status Locate();
  Status PlaceResult(ValueId value, Location wanted, int64_t bytes);
  Status PlanArena();
  Status CheckUnit(const PlannedUnit& planned) const;
  Status Hash();

  Model* model_;
  const PlanKey& key_;
  Plan* plan_ = nullptr;
  Vector<PartitionUnit> groups_;
  Vector<Location> locations_;  // per value
};

}  // namespace mace

#endif  // MACE_RUNTIME_PLAN_BUILDER_H_
