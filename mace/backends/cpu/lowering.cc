#include "mace/backends/cpu/lowering.h"

#include "mace/backends/cpu/copy.h"
#include "mace/graph/op_definition.h"
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
  MACE_RETURN_IF_ERROR(states_.Resize(plan_.graph->nodes.size()));
  for (NodeId id : group_.nodes) {
    const Node& n = node(id);
    const bool is_alias = IsView(n) && storage_.Join(n.inputs[0], n.outputs[0]);
    states_[id] = is_alias ? NodeState::kView : NodeState::kLive;
    if (!is_alias) CountReads(n, 1);
  }
  return Status::Ok();
}

Status Lowering::AddOperand(StepSpec* spec, ValueId value) {
  MACE_ASSIGN_OR_RETURN(Operand operand, storage_.Place(value));
  return spec->operands.PushBack(operand);
}

Status Lowering::Emit(const Cluster& cluster, StepSpec spec) {
  int64_t bytes = 0;
  for (int i = 0; i < cluster.count; ++i) {
    const Node& n = node(cluster.nodes[i]);
    for (size_t input = 0; input < n.inputs.size(); ++input) {
      const bool is_inner = i > 0 && n.inputs[input] == node(cluster.nodes[i - 1]).outputs[0];
      if (n.inputs[input] == kNone || is_inner) continue;
      bytes += ByteCount(type(n.inputs[input]).dtype, type(n.inputs[input]).shape);
    }
    if (i + 1 < cluster.count) continue;
    for (ValueId output : n.outputs) {
      if (output != kNone) bytes += ByteCount(type(output).dtype, type(output).shape);
    }
  }
  MACE_ASSIGN_OR_RETURN(StepInfo * info, builder_.AddStep(std::move(spec)));
  info->bytes = bytes;
  return info->nodes.Assign(cluster.nodes, static_cast<size_t>(cluster.count));
}

Status Lowering::EmitCopy(const Cluster& cluster, ValueId from, ValueId to, const char* reason) {
  MACE_ASSIGN_OR_RETURN(CopyParams * params, builder_.NewParams<CopyParams>());
  params->bytes = ByteCount(type(to).dtype, type(to).shape);
  StepSpec spec;
  spec.kernel = "copy";
  spec.function = CopyBytes;
  spec.params = params;
  spec.tiles = CopyTiles(params->bytes);
  spec.reason = reason;
  MACE_RETURN_IF_ERROR(AddOperand(&spec, from));
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
    MACE_RETURN_IF_ERROR(AddOperand(&spec, value));
  }
  return Emit({1, {id}}, std::move(spec));
}

Status Lowering::LowerCluster(const Cluster& cluster) {
  const NodeId id = cluster.nodes[0];
  const Node& n = node(id);
  if (IsView(n)) {
    MACE_RETURN_IF_ERROR(
        EmitCopy(cluster, n.inputs[0], n.outputs[0], "a view whose two sides lie in different buffers"));
  } else {
    MACE_RETURN_IF_ERROR(LowerByReference(id, "reference kernels were asked for"));
  }
  CountReads(n, -1);
  return Status::Ok();
}

Status Lowering::CopyKnownOutputs() {
  for (ValueId value : group_.outputs) {
    const TensorView* data = known(value);
    if (data == nullptr) continue;
    MACE_ASSIGN_OR_RETURN(CopyParams * params, builder_.NewParams<CopyParams>());
    params->bytes = data->bytes();
    StepSpec spec;
    spec.kernel = "copy";
    spec.function = CopyBytes;
    spec.params = params;
    spec.tiles = CopyTiles(params->bytes);
    spec.reason = "an output that was known when the plan was made";
    MACE_RETURN_IF_ERROR(spec.operands.PushBack(Operand{kNone, 0, data->data}));
    MACE_RETURN_IF_ERROR(AddOperand(&spec, value));
    MACE_RETURN_IF_ERROR(Emit({}, std::move(spec)));
  }
  return Status::Ok();
}

Status Lowering::Run() {
  MACE_RETURN_IF_ERROR(storage_.Init(plan_, group_, &builder_));
  MACE_RETURN_IF_ERROR(PlanViews());
  MACE_RETURN_IF_ERROR(CopyKnownOutputs());
  for (NodeId id : group_.nodes) {
    if (states_[id] != NodeState::kLive) continue;
    MACE_RETURN_IF_ERROR(LowerCluster({1, {id}}));
    states_[id] = NodeState::kLowered;
  }
  builder_.Finish();
  return Status::Ok();
}

}  // namespace mace::cpu
