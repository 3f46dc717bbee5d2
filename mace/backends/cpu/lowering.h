// Lowering: from the nodes of a group to the steps of a CpuUnit. The driver (lowering.cc) decides storage and
// clusters, then calls the lowering function of each cluster's first operator (lowering_table.cc); where
// there is none, or it declines, the nodes run on their reference kernels.
#ifndef MACE_BACKENDS_CPU_LOWERING_H_
#define MACE_BACKENDS_CPU_LOWERING_H_

#include "mace/backends/cpu/storage.h"
#include "mace/backends/cpu/unit_builder.h"

namespace mace::cpu {

inline constexpr int kMaxClusterNodes = 16;

// Nodes that become one step: a producer, and what runs on its output.
struct Cluster {
  int32_t count = 0;
  NodeId nodes[kMaxClusterNodes] = {};  // nodes[0] is the producer; topological order
};

class Lowering {
 public:
  Lowering(const PlanView& plan, const GroupView& group, const CompileOptions& options, CpuUnit* unit)
      : plan_(plan),
        group_(group),
        options_(options),
        allocator_(options.allocator != nullptr ? *options.allocator : SystemAllocator()),
        builder_(unit, options.num_threads, allocator_) {}

  Status Run();

  // What lowering functions use.
  const Node& node(NodeId id) const { return plan_.graph->nodes[id]; }
  const TensorType& type(ValueId value) const { return plan_.types[value]; }
  const TensorView* known(ValueId value) const { return value == kNone ? nullptr : plan_.known[value]; }
  const PlanView& plan() const { return plan_; }
  const CompileOptions& options() const { return options_; }
  UnitBuilder& builder() { return builder_; }
  StorageMap& storage() { return storage_; }

  // Appends the operand of a value (an absent operand for kNone).
  Status AddOperand(StepSpec* spec, ValueId value);
  // Appends the step of a cluster.
  Status Emit(const Cluster& cluster, StepSpec spec);
  // A step that copies the bytes of `from` to `to`.
  Status EmitCopy(const Cluster& cluster, ValueId from, ValueId to, const char* reason);

 private:
  enum class NodeState : uint8_t { kOutside, kLive, kView, kLowered };
  Status PlanViews();
  Status LowerCluster(const Cluster& cluster);
  Status LowerByReference(NodeId id, const char* reason);
  Status CopyKnownOutputs();
  void CountReads(const Node& node, int32_t change);
  bool IsView(const Node& node) const;

  const PlanView& plan_;
  const GroupView& group_;
  const CompileOptions& options_;
  const Allocator& allocator_;
  UnitBuilder builder_;
  StorageMap storage_;
  Vector<NodeState> states_;  // per node of the graph
};

}  // namespace mace::cpu

#endif  // MACE_BACKENDS_CPU_LOWERING_H_
