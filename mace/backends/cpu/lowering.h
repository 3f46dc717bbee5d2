// Lowering: from the nodes of a group to the steps of a CpuUnit. The driver (lowering.cc) decides storage and
// clusters (fusion.h), then calls the lowering function of each cluster's first operator (lowering_table.h);
// where there is none, or it declines, the nodes run on their reference kernels.
#ifndef MACE_BACKENDS_CPU_LOWERING_H_
#define MACE_BACKENDS_CPU_LOWERING_H_

#include <initializer_list>
#include <type_traits>

#include "mace/backends/cpu/fusion.h"
#include "mace/backends/cpu/storage.h"
#include "mace/backends/cpu/unit_builder.h"
#include "mace/backends/packed_cache.h"
#include "mace/kernels/gemm/gemm_panels.h"
#include "mace/kernels/kernel_table.h"

namespace mace::cpu {

// Input or output `i` of a node, kNone where it is absent.
inline ValueId InputOf(const Node& node, size_t i) { return i < node.inputs.size() ? node.inputs[i] : kNone; }
inline ValueId OutputOf(const Node& node, size_t i) {
  return i < node.outputs.size() ? node.outputs[i] : kNone;
}

// Known elements, and the constant of the model that they are (kNone: folded for this plan only).
struct WeightSource {
  const TensorView* view = nullptr;  // null: not known
  int32_t constant = kNone;

  const void* data() const { return view == nullptr ? nullptr : view->data; }
  DType dtype() const { return view == nullptr ? DType::kF32 : view->dtype; }
  bool IsF32OrF16() const {
    return view != nullptr && (view->dtype == DType::kF32 || view->dtype == DType::kF16);
  }
  // A form packed of this and `other` is shared with other plans only where both are constants of the model.
  void PackWith(const WeightSource& other) {
    if (other.view != nullptr && other.constant == kNone) constant = kNone;
  }
};

// Of a convolution or a fully connected layer.
struct LayerWeights {
  WeightSource weights;
  WeightSource bias;
};

// A kernel as steps name it.
struct KernelChoice {
  const char* name;
  kernels::KernelFunction function;
  Isa isa;
  const kernels::GemmPanels* panels = nullptr;  // whose tile the name tells
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
  FormatHash& AddPanels(const kernels::GemmPanels& panels) {
    Add(panels.columns).Add(panels.padded_columns).Add(panels.run_count);
    for (int i = 0; i < panels.run_count; ++i) Add(panels.runs[i].width).Add(panels.runs[i].count);
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
  // `pack` returns nothing, or a Status.
  template <typename Pack>
  Result<Operand> Packed(const WeightSource& source, uint64_t format, size_t bytes, const Pack& pack) {
    return PackedErased(
        source, format, bytes,
        [](const void* context, uint8_t* destination) {
          const Pack& write = *static_cast<const Pack*>(context);
          if constexpr (std::is_same_v<decltype(write(destination)), Status>) {
            return write(destination);
          } else {
            write(destination);
            return Status::Ok();
          }
        },
        &pack);
  }
  // Finds the weights (input 1) and the bias (input 2, may be absent) of a layer. Null where they can be
  // packed, else the reason why not.
  const char* FindLayerWeights(const Node& node, LayerWeights* found) const;

  // Makes what was put off (see Turn): a step to come reads it. OperandOf does so itself; who reads through
  // a part of the value does not.
  Status Need(ValueId value);
  // Where a step finds a value (an absent operand for kNone).
  Result<Operand> OperandOf(ValueId value);
  // Appends OperandOf(value).
  Status AddOperand(StepSpec* spec, ValueId value);
  // Appends the operands of the cluster's post-ops, and fills `post_ops`.
  Status AddPostOps(const Cluster& cluster, StepSpec* spec, kernels::PostOps* post_ops);
  // The node of operator `op` that makes `value`, where it has been put off, else kNone.
  NodeId PutOffProducer(ValueId value, OpId op) const;
  // The node of operator `op` that alone reads `value`, where it has been put off, else kNone.
  NodeId OnlyPutOffReader(ValueId value, OpId op) const;
  // Says that another step does the work of a node that was put off. Returns the value it makes.
  ValueId TakeOver(NodeId id);
  // The post-ops of a cluster as steps of their own, on what its producer has stored.
  Status LowerPostOps(const Cluster& cluster);
  // Says what the step runs: a kernel with its prepared params, which outlive the unit's steps.
  template <typename Params>
  Status SetKernel(const KernelChoice& kernel, const Params* params, StepSpec* spec) {
    spec->params = params;
    spec->tiles = params->tile_count;
    if constexpr (requires { params->workspace_bytes; }) spec->workspace_bytes = params->workspace_bytes;
    spec->function = kernel.function;
    return NameKernel(kernel, spec);
  }
  // Appends the step of a cluster.
  Status Emit(const Cluster& cluster, StepSpec spec);
  // The step of a kernel whose operands are `inputs`, then `output`. In place: `output` takes the bytes of
  // the first input where nothing else needs them.
  enum class Placement : uint8_t { kApart, kInPlace };
  template <typename Params>
  Status EmitKernel(const Cluster& cluster, const KernelChoice& kernel, const Params* params,
                    std::initializer_list<ValueId> inputs, ValueId output,
                    Placement placement = Placement::kApart, const char* reason = "") {
    StepSpec spec;
    spec.reason = reason;
    MACE_RETURN_IF_ERROR(SetKernel(kernel, params, &spec));
    return EmitWithOperands(cluster, std::move(spec), inputs, output, placement);
  }
  // The step of an elementwise kernel of two operands, which may put its output where an operand of its shape
  // and type was. `extra`: a fourth operand; not there where its pointer is null.
  Status EmitBinary(const Cluster& cluster, StepSpec spec, ValueId a, ValueId b, ValueId out,
                    const Operand& extra = {});
  // A step that copies the bytes of `from` to `to`.
  Status EmitCopy(const Cluster& cluster, ValueId from, ValueId to, const char* reason);
  // False where the plan's tables (lower_quantize.cc) would take more memory than a network needs: a small
  // file can ask for any number.
  bool TakeTableBytes(int64_t bytes) {
    constexpr int64_t kMostTableBytes = int64_t{16} << 20;
    if (table_bytes_ + bytes > kMostTableBytes) return false;
    table_bytes_ += bytes;
    return true;
  }
  // In-place where nothing else needs `in`.
  bool TryInPlace(const Cluster& cluster, ValueId in, ValueId out);

 private:
  // When a node is lowered. Most are when their turn comes (kInOrder). Conversions of known values and
  // transpositions are put off (kOnDemand), because a step nearby can often do their work: a GEMM packs f16
  // weights and reads or writes through the strides of a transposition, a convolution reads NCHW. Whoever can
  // asks PutOffProducer or OnlyPutOffReader for such a node, and reads what it reads, or says by TakeOver
  // that it writes what the node would. Whoever cannot places the node's output by OperandOf, whose call of
  // Need lowers the node then and there. What has been lowered or taken over is done with (kNever); what
  // nobody needs never becomes a step.
  enum class Turn : uint8_t { kInOrder, kOnDemand, kNever };
  Result<Operand> PackedErased(const WeightSource& source, uint64_t format, size_t bytes,
                               PackedCache::PackFunction pack, const void* context);
  // "<kernel>_<isa>", or with the GEMM tile "<kernel>_<isa>_6x16". Lives as long as the unit.
  Status NameKernel(const KernelChoice& kernel, StepSpec* spec);
  Status EmitWithOperands(const Cluster& cluster, StepSpec spec, std::initializer_list<ValueId> inputs,
                          ValueId output, Placement placement);
  Status EmitCopyOf(const Operand& source, const Cluster& cluster, ValueId to, const char* reason);
  Status PlanViews();
  Status DequantizeWeights();
  Status LowerCluster(const Cluster& cluster);
  Status LowerUnfused(const Cluster& cluster, const char* reason);
  Status LowerByReference(NodeId id, const char* reason);
  // A node that has no kernel of its own for its types: by a table where it is a function of one narrow
  // integer, else by its reference kernel.
  Status LowerRefused(NodeId id, const char* reason);
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
  int64_t table_bytes_ = 0;
  Vector<bool> is_alias_;  // per node of the graph: a view that shares its input's bytes
  Vector<bool> is_live_;   // per node of the graph: in the group and no view
  Vector<Turn> turns_;     // per node of the graph
  // Per node of the graph: what a Dequantize of known weights gives.
  Vector<Buffer> dequantized_;
  Vector<TensorView> dequantized_views_;
};

}  // namespace mace::cpu

#endif  // MACE_BACKENDS_CPU_LOWERING_H_
