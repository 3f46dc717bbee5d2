// Lowering: from the nodes of a group to the steps of a CpuUnit. The driver (lowering.cc) decides storage and
// clusters (fusion.h), then calls the lowering function of each cluster's first operator (lowering_table.h);
// where there is none, or it declines, the nodes run on their reference kernels.
#ifndef MACE_BACKENDS_CPU_LOWERING_H_
#define MACE_BACKENDS_CPU_LOWERING_H_

#include <string_view>

#include "mace/backends/cpu/fusion.h"
#include "mace/backends/cpu/storage.h"
#include "mace/backends/cpu/unit_builder.h"
#include "mace/backends/packed_cache.h"
#include "mace/kernels/kernel_table.h"

namespace mace::cpu {

// Known elements, and the constant of the model that they are (kNone: folded for this plan only).
struct WeightSource {
  const TensorView* view = nullptr;  // null: not known
  int32_t constant = kNone;
};

// What distinguishes two packed forms of a constant, hashed (FNV-1a).
class FormatHash {
 public:
  explicit FormatHash(const char* kernel) {
    for (; *kernel != '\0'; ++kernel) Add(*kernel);
  }
  FormatHash& Add(int64_t number) {
    for (int i = 0; i < 8; ++i) {
      hash_ = (hash_ ^ (static_cast<uint64_t>(number) >> (8 * i) & 0xff)) * 0x100000001b3u;
    }
    return *this;
  }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325u;
};

class Lowering {
 public:
  Lowering(const PlanView& plan, const GroupView& group, const CompileOptions& options, CpuUnit* unit)
      : plan_(plan),
        group_(group),
        options_(options),
        allocator_(options.allocator != nullptr ? *options.allocator : SystemAllocator()),
        builder_(plan.graph, unit, options.num_threads, allocator_) {}

  Status Run();

  // --- What lowering functions use.
  const Node& node(NodeId id) const { return plan_.graph->nodes[id]; }
  const TensorType& type(ValueId value) const { return plan_.types[value]; }
  const Shape& shape(ValueId value) const { return plan_.types[value].shape; }
  bool IsF32(ValueId value) const { return value != kNone && type(value).dtype == DType::kF32; }
  const TensorView* known(ValueId value) const { return value == kNone ? nullptr : plan_.known[value]; }
  const PlanView& plan() const { return plan_; }
  const GroupView& group() const { return group_; }
  const kernels::KernelTable& kernels() const { return *options_.kernels; }
  UnitBuilder& builder() { return builder_; }
  StorageMap& storage() { return storage_; }
  const Fusion& fusion() const { return fusion_; }

  // The elements of a value as weights: a conversion from f16 to f32 is looked through.
  WeightSource Weights(ValueId value) const;
  // Weights in the form that pack(uint8_t*) writes, shared with other plans where `source` is a constant.
  template <typename Pack>
  Result<Operand> Packed(const WeightSource& source, uint64_t format, size_t bytes, const Pack& pack) {
    return PackedErased(
        source, format, bytes,
        [](const void* context, uint8_t* destination) {
          (*static_cast<const Pack*>(context))(destination);
          return Status::Ok();
        },
        &pack);
  }
  // "<kernel>_<isa>", or with the GEMM tile "<kernel>_<isa>_6x16". Lives as long as the unit.
  Result<const char*> KernelName(std::string_view kernel, Isa isa, int32_t tile_rows = 0,
                                 int32_t tile_columns = 0);

  // Makes what was put off: a step to come reads it. AddOperand does so itself; who reads through a part of
  // the value does not.
  Status Need(ValueId value);
  // Appends the operand of a value (an absent operand for kNone).
  Status AddOperand(StepSpec* spec, ValueId value);
  // Appends the operands of the cluster's post-ops, and fills `post_ops`.
  Status AddPostOps(const Cluster& cluster, StepSpec* spec, kernels::PostOps* post_ops);
  // Conversions and transpositions are put off until somebody needs their output. The node of operator `op`
  // that makes `value`, where it has been put off, else kNone.
  NodeId PutOffProducer(ValueId value, OpId op) const;
  // The node of operator `op` that alone reads `value`, where it has been put off, else kNone.
  NodeId OnlyPutOffReader(ValueId value, OpId op) const;
  // Says that another step does the work of a node that was put off. Returns the value it makes.
  ValueId TakeOver(NodeId id);
  // The post-ops of a cluster as steps of their own, on what its producer has stored.
  Status LowerPostOps(const Cluster& cluster);
  // Appends the step of a cluster.
  Status Emit(const Cluster& cluster, StepSpec spec);
  // A step that copies the bytes of `from` to `to`.
  Status EmitCopy(const Cluster& cluster, ValueId from, ValueId to, const char* reason);
  // In-place where nothing else needs `in`.
  bool TryInPlace(const Cluster& cluster, ValueId in, ValueId out);

 private:
  // When a node is lowered: when its turn comes; when somebody places its output; never (another node's step
  // does its work).
  enum class Turn : uint8_t { kInOrder, kOnDemand, kNever };
  Result<Operand> PackedErased(const WeightSource& source, uint64_t format, size_t bytes,
                               PackedCache::PackFunction pack, const void* context);
  Status PlanViews();
  Status LowerCluster(const Cluster& cluster);
  Status LowerUnfused(const Cluster& cluster, const char* reason);
  Status LowerByReference(NodeId id, const char* reason);
  Status CopyKnownOutputs();
  void CountReads(const Node& node, int32_t change);
  bool IsView(const Node& node) const;
  bool UsesReferenceOnly() const { return options_.reference_kernels || options_.kernels == nullptr; }

  const PlanView& plan_;
  const GroupView& group_;
  const CompileOptions& options_;
  const Allocator& allocator_;
  UnitBuilder builder_;
  StorageMap storage_;
  Fusion fusion_;
  Vector<bool> is_alias_;  // per node of the graph: a view that shares its input's bytes
  Vector<bool> is_live_;   // per node of the graph: in the group and no view
  Vector<Turn> turns_;     // per node of the graph
};

}  // namespace mace::cpu

#endif  // MACE_BACKENDS_CPU_LOWERING_H_
