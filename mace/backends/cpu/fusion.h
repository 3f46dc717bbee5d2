// Fusion (docs/design/12-fusion.md): which nodes become one step. A producer takes the elementwise nodes that
// follow it, as long as nobody else reads what lies between; elementwise nodes without a producer join to
// chains of their own. Decided before anything is lowered.
#ifndef MACE_BACKENDS_CPU_FUSION_H_
#define MACE_BACKENDS_CPU_FUSION_H_

#include "mace/backends/backend.h"
#include "mace/kernels/elementwise/post_ops.h"

namespace mace::cpu {

// A post-op whose operand is still a value: lowering places it.
struct FusedOp {
  kernels::PostOpKind kind = kernels::PostOpKind::kClip;
  float a = 0.0f;
  float b = 0.0f;
  ValueId operand = kNone;
  bool per_channel = false;  // the operand is one row, the same for all rows
};

// Nodes that become one step. With a producer, nodes[0] is it and the ops run on its output 0; without, the
// ops run on a copy of `source`. A quantized producer has no ops, but perhaps a clamp: a Clip or Relu of the
// same scale, nodes[1], which is the range that the producer saturates to (FindBounds in lower_quantize.h).
// Where has_pool, the last node is a MaxPool2d of what the ops give, which then is stored nowhere.
// Where is_table, the nodes together are a function of the byte `source`, for LowerByTable.
struct Cluster {
  static constexpr int kMaxNodes = 24;
  int32_t node_count = 0;
  NodeId nodes[kMaxNodes] = {};  // topological order, but for the producer that may stand before others
  bool has_producer = true;
  bool has_clamp = false;
  bool has_pool = false;
  bool is_table = false;
  ValueId source = kNone;
  ValueId output = kNone;  // what the last op makes, or the pool
  int32_t op_count = 0;
  FusedOp ops[kernels::kMaxPostOps] = {};

  NodeId tail() const { return nodes[node_count - 1]; }
};

inline Cluster SingleNode(NodeId id) {
  Cluster cluster;
  cluster.node_count = 1;
  cluster.nodes[0] = id;
  return cluster;
}

class Fusion {
 public:
  // `is_live` has one entry per node of the graph: it is in the group and no view. Where `reference_only`,
  // every node is a cluster of its own.
  Status Plan(const PlanView& plan, const GroupView& group, std::span<const bool> is_live,
              bool reference_only, int32_t num_threads);

  // In the order to lower them: each after all that it reads.
  std::span<const Cluster> clusters() const { return clusters_.span(); }
  // The group's nodes that read `value`, one entry per operand.
  std::span<const NodeId> ConsumersOf(ValueId value) const;
  // The cluster of a node; null for views and nodes outside the group.
  const Cluster* ClusterOf(NodeId id) const {
    return cluster_of_[id] == kNone ? nullptr : &open_[cluster_of_[id]];
  }
  const Cluster* ClusterThatMakes(ValueId value) const {
    const NodeId producer = plan_->graph->values[value].producer;
    return producer == kNone ? nullptr : ClusterOf(producer);
  }
  bool LeavesGroup(ValueId value) const { return leaves_group_[value]; }

  // Null where a table can do the work of `node`: a function of one narrow integer or of two bytes, of which
  // one may be known.
  static const char* WhyNoTable(const PlanView& plan, const Node& node);

 private:
  struct Match {
    int32_t node_count = 0;
    NodeId nodes[8] = {};
    int32_t op_count = 0;
    FusedOp ops[4] = {};
    ValueId output = kNone;
  };
  Status FindConsumers(const GroupView& group);
  bool IsFree(NodeId id) const { return is_live_[static_cast<size_t>(id)] && cluster_of_[id] == kNone; }
  NodeId OnlyConsumer(ValueId value) const;
  bool MatchActivation(const Node& node, FusedOp* op) const;
  bool MatchBinary(const Node& node, ValueId chain, Match* match) const;
  bool MatchNode(NodeId id, ValueId chain, Match* match) const;
  bool MatchGate(NodeId first, ValueId chain, Match* match) const;
  bool MatchNext(ValueId chain, Match* match) const;
  bool IsProducer(const Node& node) const;
  void JoinClamp(Cluster* cluster) const;
  bool PaysToPool(const Node& convolution, const Node& pool) const;
  NodeId MatchMaxPool(const Cluster& cluster) const;
  bool MatchByteFunction(NodeId last, Cluster* cluster) const;
  Status Extend(Cluster* cluster);
  Status Close(const Cluster& cluster);
  bool IsF32(ValueId value) const;

  const PlanView* plan_ = nullptr;
  std::span<const bool> is_live_;
  int32_t num_threads_ = 1;
  Vector<int32_t> consumer_begin_;  // per value, into consumers_
  Vector<NodeId> consumers_;        // one entry per operand that reads the value
  Vector<bool> leaves_group_;       // per value: a group output
  Vector<int32_t> cluster_of_;      // per node
  Vector<Cluster> open_;            // in the order they were found
  Vector<Cluster> clusters_;        // in the order of their tails
};

}  // namespace mace::cpu

#endif  // MACE_BACKENDS_CPU_FUSION_H_
