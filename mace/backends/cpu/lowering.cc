#include "mace/backends/cpu/lowering.h"

#include <cstdio>
#include <cstring>

#include "mace/backends/cpu/copy.h"
#include "mace/backends/cpu/lower_quantize.h"
#include "mace/backends/cpu/lowering_table.h"
#include "mace/backends/cpu/stride_planner.h"
#include "mace/graph/op_definition.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/movement/movement.h"

namespace mace::cpu {
namespace {

// A transposition that moves axes of size 1 only leaves the bytes where they are.
bool KeepsByteOrder(const Shape& shape, const IntList& perm) {
  int64_t last = -1;
  for (int i = 0; i < shape.rank; ++i) {
    const int64_t axis = perm.empty() ? shape.rank - 1 - i : perm[i];
    if (axis < 0 || axis >= shape.rank) return false;
    if (shape[static_cast<int>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

}  // namespace

bool Lowering::IsView(const Node& node) const {
  if (node.inputs.empty() || node.inputs[0] == kNone || node.outputs.empty() || node.outputs[0] == kNone) {
    return false;
  }
  if (node.op == OpId::kTranspose) {
    return KeepsByteOrder(type(node.inputs[0]).shape, node.attributes.as<ops::TransposeAttributes>().perm);
  }
  const OpDefinition* definition = FindOpDefinition(node.op);
  return definition != nullptr && (definition->flags & kOpView) != 0;
}

void Lowering::CountReads(const Node& node, int32_t change) {
  for (ValueId value : node.inputs) {
    if (value != kNone) storage_.Of(value).reads_left += change;
  }
}

// Views become aliases wherever their two sides are not tied to different places.
Status Lowering::PlanViews() {
  MACE_RETURN_IF_ERROR(is_live_.Resize(plan_.graph->nodes.size()));
  MACE_RETURN_IF_ERROR(is_alias_.Resize(plan_.graph->nodes.size()));
  MACE_RETURN_IF_ERROR(turns_.Resize(plan_.graph->nodes.size()));
  for (NodeId id : group_.nodes) {
    const Node& n = node(id);
    is_alias_[id] = IsView(n) && storage_.Join(n.inputs[0], n.outputs[0]);
    is_live_[id] = !is_alias_[id];
    if (is_live_[id]) CountReads(n, 1);
  }
  // Only now is it known which storages are outputs: a view may have tied one to its place after the node
  // that fills it, and nobody asks for an output.
  for (NodeId id : group_.nodes) {
    const Node& n = node(id);
    if (is_alias_[id]) continue;
    const bool may_be_looked_through =
        ((n.op == OpId::kCast || n.op == OpId::kDequantize) && known(n.inputs[0]) != nullptr) ||
        n.op == OpId::kTranspose;
    if (may_be_looked_through && !UsesReferenceOnly() &&
        storage_.Of(n.outputs[0]).kind == Storage::Kind::kInternal) {
      turns_[id] = Turn::kOnDemand;
    }
  }
  return Status::Ok();
}

NodeId Lowering::PutOffProducer(ValueId value, OpId op) const {
  const NodeId producer = plan_.graph->values[value].producer;
  if (producer == kNone || turns_[producer] != Turn::kOnDemand || node(producer).op != op) return kNone;
  return producer;
}

NodeId Lowering::OnlyPutOffReader(ValueId value, OpId op) const {
  const auto readers = fusion_.ConsumersOf(value);
  if (readers.size() != 1 || fusion_.LeavesGroup(value)) return kNone;
  return turns_[readers[0]] == Turn::kOnDemand && node(readers[0]).op == op ? readers[0] : kNone;
}

ValueId Lowering::TakeOver(NodeId id) {
  turns_[id] = Turn::kNever;
  return node(id).outputs[0];
}

// Layers that compute in floats with weights that the file keeps as integers: their values are made here,
// once for the plan, for packing; they go when the plan is made.
Status Lowering::DequantizeWeights() {
  MACE_RETURN_IF_ERROR(dequantized_.Resize(plan_.graph->nodes.size()));
  MACE_RETURN_IF_ERROR(dequantized_views_.Resize(plan_.graph->nodes.size()));
  if (UsesReferenceOnly()) return Status::Ok();
  for (NodeId id : group_.nodes) {
    const OpId op = node(id).op;
    if (op != OpId::kConv2d && op != OpId::kConvTranspose2d && op != OpId::kFullyConnected &&
        op != OpId::kMatMul && op != OpId::kGru && op != OpId::kLstm) {
      continue;
    }
    for (ValueId value : node(id).inputs) {
      const NodeId producer = value == kNone ? kNone : plan_.graph->values[value].producer;
      if (producer == kNone || node(producer).op != OpId::kDequantize ||
          dequantized_[producer].data() != nullptr) {
        continue;
      }
      const TensorView* stored = known(node(producer).inputs[0]);
      if (stored == nullptr || known(value) != nullptr || !IsF32(value)) continue;
      const int64_t bytes = ByteCount(DType::kF32, shape(value));
      MACE_ASSIGN_OR_RETURN(dequantized_[producer], Buffer::Allocate(static_cast<size_t>(bytes), allocator_));
      TensorView& view = dequantized_views_[producer];
      view = {dequantized_[producer].data(), DType::kF32, shape(value)};
      MACE_RETURN_IF_ERROR(EvaluateNode(*plan_.graph, node(producer), stored, &view));
    }
  }
  return Status::Ok();
}

WeightSource Lowering::Weights(ValueId value) const {
  if (value == kNone) return {};
  const Graph& graph = *plan_.graph;
  const NodeId producer = graph.values[value].producer;
  if (producer != kNone && graph.nodes[producer].op == OpId::kCast && IsF32(value)) {
    const ValueId input = graph.nodes[producer].inputs[0];
    const TensorView* view = graph.ConstantOf(input);
    if (view != nullptr && view->dtype == DType::kF16) return {view, graph.values[input].constant};
  }
  if (producer != kNone && dequantized_[producer].data() != nullptr) {
    // No constant: another value may see the same bytes with other scales.
    return {&dequantized_views_[producer], kNone};
  }
  return {known(value), graph.values[value].constant};
}

Result<Operand> Lowering::PackedErased(const WeightSource& source, uint64_t format, size_t bytes,
                                       PackedCache::PackFunction pack, const void* context) {
  if (source.constant != kNone && options_.packed != nullptr) {
    // Whatever else tells two forms apart, one of another size is another form.
    format = (format ^ bytes) * 0x100000001b3u;
    MACE_ASSIGN_OR_RETURN(const uint8_t* packed,
                          options_.packed->FindOrPack({source.constant, format}, bytes, pack, context));
    return Operand{kNone, 0, packed, static_cast<int64_t>(bytes)};
  }
  MACE_ASSIGN_OR_RETURN(uint8_t* owned, builder_.NewOwned(bytes));
  MACE_RETURN_IF_ERROR(pack(context, owned));
  return Operand{kNone, 0, owned, static_cast<int64_t>(bytes)};
}

const char* Lowering::FindLayerWeights(const Node& node, LayerWeights* found) const {
  if (!IsF32(node.inputs[0]) || !IsF32(node.outputs[0])) return "no fast kernel for these element types";
  found->weights = Weights(node.inputs[1]);
  if (!found->weights.IsF32OrF16()) return "the weights are not known when the plan is made";
  if (InputOf(node, 2) != kNone) {
    found->bias = Weights(node.inputs[2]);
    if (!found->bias.IsF32OrF16()) return "the bias is not known when the plan is made";
  }
  found->weights.PackWith(found->bias);
  return nullptr;
}

Status Lowering::NameKernel(const KernelChoice& kernel, StepSpec* spec) {
  char text[96];
  const bool has_tile = kernel.panels != nullptr && kernel.panels->run_count > 0;
  const int count = has_tile
                        ? std::snprintf(text, sizeof(text), "%s_%s_%dx%d", kernel.name, NameOf(kernel.isa),
                                        static_cast<int>(kernel.panels->runs[0].tile_rows),
                                        static_cast<int>(kernel.panels->runs[0].width))
                        : std::snprintf(text, sizeof(text), "%s_%s", kernel.name, NameOf(kernel.isa));
  const size_t bytes =
      count < 0 ? 1 : (static_cast<size_t>(count) < sizeof(text) ? count : sizeof(text) - 1) + 1;
  MACE_ASSIGN_OR_RETURN(uint8_t* memory, builder_.NewBytes(bytes));
  std::memcpy(memory, text, bytes - 1);
  memory[bytes - 1] = 0;
  spec->kernel = reinterpret_cast<const char*>(memory);
  return Status::Ok();
}

Status Lowering::Need(ValueId value) {
  // Views of what was put off need it as much as itself.
  NodeId producer = value == kNone ? kNone : plan_.graph->values[value].producer;
  while (producer != kNone && is_alias_[producer]) {
    producer = plan_.graph->values[node(producer).inputs[0]].producer;
  }
  if (producer != kNone && turns_[producer] == Turn::kOnDemand) {
    turns_[producer] = Turn::kNever;  // before it is lowered, which may ask for it again: it has one step
    MACE_RETURN_IF_ERROR(LowerCluster(SingleNode(producer)));
  }
  return Status::Ok();
}

Result<Operand> Lowering::OperandOf(ValueId value) {
  MACE_RETURN_IF_ERROR(Need(value));
  MACE_ASSIGN_OR_RETURN(Operand operand, storage_.Place(value));
  if (value != kNone) operand.bytes = ByteCount(type(value).dtype, type(value).shape);
  return operand;
}

Status Lowering::AddOperand(StepSpec* spec, ValueId value) {
  MACE_ASSIGN_OR_RETURN(const Operand operand, OperandOf(value));
  return spec->operands.PushBack(operand);
}

Status Lowering::AddPostOps(const Cluster& cluster, StepSpec* spec, kernels::PostOps* post_ops) {
  post_ops->count = cluster.op_count;
  for (int i = 0; i < cluster.op_count; ++i) {
    const FusedOp& fused = cluster.ops[i];
    kernels::PostOp& op = post_ops->ops[i];
    op.kind = fused.kind;
    op.a = fused.a;
    op.b = fused.b;
    if (fused.operand == kNone) continue;
    op.operand = static_cast<int32_t>(spec->operands.size());
    op.row_stride = fused.per_channel ? 0 : storage_.PixelStride(fused.operand) / 4;
    MACE_RETURN_IF_ERROR(AddOperand(spec, fused.operand));
  }
  return Status::Ok();
}

bool Lowering::TryInPlace(const Cluster& cluster, ValueId in, ValueId out) {
  int32_t reads = 0;
  for (int i = 0; i < cluster.node_count; ++i) {
    for (ValueId value : node(cluster.nodes[i]).inputs) {
      reads += value != kNone && storage_.SameStorage(value, in);
    }
  }
  for (int i = 0; i < cluster.op_count; ++i) {
    const ValueId operand = cluster.ops[i].operand;
    if (operand != kNone && storage_.SameStorage(operand, in)) return false;
  }
  return storage_.TryInPlace(in, out, reads);
}

Status Lowering::Emit(const Cluster& cluster, StepSpec spec) {
  int64_t bytes = 0;
  for (const Operand& operand : spec.operands) bytes += operand.bytes;
  MACE_ASSIGN_OR_RETURN(StepInfo * info, builder_.AddStep(std::move(spec)));
  info->bytes = bytes;
  return info->nodes.Assign(cluster.nodes, static_cast<size_t>(cluster.node_count));
}

Status Lowering::EmitWithOperands(const Cluster& cluster, StepSpec spec,
                                  std::initializer_list<ValueId> inputs, ValueId output,
                                  Placement placement) {
  for (ValueId input : inputs) MACE_RETURN_IF_ERROR(AddOperand(&spec, input));
  if (placement == Placement::kInPlace) TryInPlace(cluster, *inputs.begin(), output);
  MACE_RETURN_IF_ERROR(AddOperand(&spec, output));
  return Emit(cluster, std::move(spec));
}

Status Lowering::EmitBinary(const Cluster& cluster, StepSpec spec, ValueId a, ValueId b, ValueId out,
                            const Operand& extra) {
  MACE_RETURN_IF_ERROR(AddOperand(&spec, a));
  MACE_RETURN_IF_ERROR(AddOperand(&spec, b));
  const auto may_replace = [&](ValueId in) {
    return type(in).dtype == type(out).dtype && shape(in) == shape(out) && !storage_.SameStorage(a, b);
  };
  if (!may_replace(a) || !TryInPlace(cluster, a, out)) {
    if (may_replace(b)) TryInPlace(cluster, b, out);
  }
  MACE_RETURN_IF_ERROR(AddOperand(&spec, out));
  if (extra.pointer != nullptr) MACE_RETURN_IF_ERROR(spec.operands.PushBack(extra));
  return Emit(cluster, std::move(spec));
}

Status Lowering::EmitCopy(const Cluster& cluster, ValueId from, ValueId to, const char* reason) {
  MACE_ASSIGN_OR_RETURN(const Operand source, OperandOf(from));
  return EmitCopyOf(source, cluster, to, reason);
}

Status Lowering::EmitCopyOf(const Operand& source, const Cluster& cluster, ValueId to, const char* reason) {
  MACE_ASSIGN_OR_RETURN(CopyParams * params, builder_.NewParams<CopyParams>());
  params->bytes = ByteCount(type(to).dtype, type(to).shape);
  StepSpec spec;
  spec.kernel = "copy";
  spec.function = CopyBytes;
  spec.params = params;
  spec.tiles = CopyTiles(params->bytes);
  spec.reason = reason;
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(source));
  MACE_RETURN_IF_ERROR(AddOperand(&spec, to));
  return Emit(cluster, std::move(spec));
}

Status Lowering::LowerByReference(NodeId id, const char* reason) {
  const Node& n = node(id);
  MACE_ASSIGN_OR_RETURN(ReferenceCall * call, builder_.NewParams<ReferenceCall>());
  call->graph = plan_.graph;
  call->node = &n;
  call->input_count = static_cast<int32_t>(n.inputs.size());
  call->output_count = static_cast<int32_t>(n.outputs.size());
  const size_t count = n.inputs.size() + n.outputs.size();
  MACE_ASSIGN_OR_RETURN(uint8_t* memory, builder_.NewBytes(count * sizeof(TensorView)));
  TensorView* prototypes = reinterpret_cast<TensorView*>(memory);
  call->prototypes = prototypes;
  StepSpec spec;
  spec.kernel = "reference";
  spec.reference = call;
  spec.reason = reason;
  for (size_t i = 0; i < count; ++i) {
    const ValueId value = i < n.inputs.size() ? n.inputs[i] : n.outputs[i - n.inputs.size()];
    new (&prototypes[i]) TensorView();
    if (value != kNone) {
      prototypes[i].dtype = type(value).dtype;
      prototypes[i].shape = type(value).shape;
    }
    if (value != kNone && storage_.IsPadded(value)) {
      return Internal("node '%s' fell back to its reference kernel (%s), which knows no pixel strides",
                      plan_.graph->LabelOf(n), reason);
    }
    MACE_RETURN_IF_ERROR(AddOperand(&spec, value));
  }
  return Emit(SingleNode(id), std::move(spec));
}

Status Lowering::LowerRefused(NodeId id, const char* reason) {
  const char* refusal = nullptr;
  MACE_RETURN_IF_ERROR(LowerByTable(*this, SingleNode(id), &refusal));
  return refusal == nullptr ? Status::Ok() : LowerByReference(id, reason);
}

Status Lowering::LowerPostOps(const Cluster& cluster) {
  if (cluster.has_clamp) return LowerRefused(cluster.tail(), "no fast kernel for this element type");
  if (cluster.has_pool) {
    Cluster unpooled = cluster;
    unpooled.has_pool = false;
    --unpooled.node_count;
    unpooled.output = node(cluster.tail()).inputs[0];
    MACE_RETURN_IF_ERROR(LowerPostOps(unpooled));
    Cluster pool = SingleNode(cluster.tail());
    pool.has_producer = false;  // with the kernel that it has alone
    return LowerUnfused(pool, "");
  }
  if (cluster.op_count == 0) return Status::Ok();
  Cluster rest = cluster;
  rest.has_producer = false;
  rest.source = node(cluster.nodes[0]).outputs[0];
  rest.node_count = cluster.node_count - 1;
  for (int i = 0; i < rest.node_count; ++i) rest.nodes[i] = cluster.nodes[i + 1];
  const char* refusal = nullptr;
  MACE_RETURN_IF_ERROR(LowerElementwiseChain(*this, rest, &refusal));
  return refusal == nullptr ? Status::Ok() : LowerUnfused(rest, refusal);
}

Status Lowering::LowerUnfused(const Cluster& cluster, const char* reason) {
  if (cluster.has_producer) {
    MACE_RETURN_IF_ERROR(LowerRefused(cluster.nodes[0], reason));
    return LowerPostOps(cluster);
  }
  for (int i = 0; i < cluster.node_count; ++i) {
    Cluster single = SingleNode(cluster.nodes[i]);
    single.output = node(cluster.nodes[i]).outputs[0];
    const LoweringFunction lower = FindLowering(node(cluster.nodes[i]).op);
    const char* refusal = reason;
    if (lower != nullptr) {
      refusal = nullptr;
      MACE_RETURN_IF_ERROR(lower(*this, single, &refusal));
    }
    if (refusal != nullptr) MACE_RETURN_IF_ERROR(LowerRefused(cluster.nodes[i], refusal));
  }
  return Status::Ok();
}

Status Lowering::LowerCluster(const Cluster& cluster) {
  const Node& first = node(cluster.nodes[0]);
  if (IsView(first)) {
    MACE_RETURN_IF_ERROR(EmitCopy(cluster, first.inputs[0], first.outputs[0],
                                  "a view whose two sides lie in different buffers"));
  } else if (UsesReferenceOnly()) {
    MACE_RETURN_IF_ERROR(LowerByReference(cluster.nodes[0], "reference kernels were asked for"));
  } else {
    const LoweringFunction lower = cluster.is_table       ? LowerByTable
                                   : cluster.has_producer ? FindLowering(first.op)
                                                          : LowerElementwiseChain;
    const char* refusal = nullptr;
    if (lower == nullptr) {
      refusal = "the operator has a reference kernel only";
    } else {
      MACE_RETURN_IF_ERROR(lower(*this, cluster, &refusal));
    }
    if (refusal != nullptr) MACE_RETURN_IF_ERROR(LowerUnfused(cluster, refusal));
  }
  for (int i = 0; i < cluster.node_count; ++i) CountReads(node(cluster.nodes[i]), -1);
  return Status::Ok();
}

Status Lowering::CopyKnownOutputs() {
  for (ValueId value : group_.outputs) {
    const TensorView* data = known(value);
    if (data == nullptr) continue;
    MACE_RETURN_IF_ERROR(EmitCopyOf({kNone, 0, data->data, data->bytes()}, Cluster(), value,
                                    "an output that was known when the plan was made"));
  }
  return Status::Ok();
}

Status Lowering::Run() {
  MACE_RETURN_IF_ERROR(storage_.Init(plan_, group_, &builder_));
  MACE_RETURN_IF_ERROR(PlanViews());
  MACE_RETURN_IF_ERROR(DequantizeWeights());
  MACE_RETURN_IF_ERROR(CopyKnownOutputs());
  MACE_RETURN_IF_ERROR(
      fusion_.Plan(plan_, group_, is_live_.span(), UsesReferenceOnly(), builder_.num_threads()));
  if (!UsesReferenceOnly()) PlanStrides(*this);
  for (const Cluster& cluster : fusion_.clusters()) {
    if (turns_[cluster.nodes[0]] == Turn::kInOrder) MACE_RETURN_IF_ERROR(LowerCluster(cluster));
  }
  builder_.Finish();
  return Status::Ok();
}

}  // namespace mace::cpu
