#include "mace/runtime/shape_analysis.h"

#include "mace/graph/op_definition.h"
#include "mace/ops/evaluate.h"

namespace mace {
namespace {

// Values up to this size are computed while planning where their inputs are known.
constexpr int64_t kMaxKnownBytes = 64 * 1024;
// Bounds on the work of one plan, which a file from anywhere may drive: bytes read by one evaluation, and
// bytes read and written by all.
constexpr int64_t kMaxEvaluationInputBytes = 1 << 20;
constexpr int64_t kMaxEvaluationTotalBytes = 256 << 20;
// A float constant with at least this many bytes and two dimensions is a weight: what prepares it (a Cast
// from float16, a Transpose) is left to the backend, which packs it once for all plans.
constexpr int64_t kMinWeightBytes = 1024;

class Analyzer {
 public:
  Analyzer(const Graph& graph, bool interprets, const Allocator& allocator, ShapeAnalysis* result)
      : graph_(graph), interprets_(interprets), allocator_(allocator), result_(*result) {}

  Status RunFirst(const PlanKey& key) {
    MACE_RETURN_IF_ERROR(SetBoundaryTypes(key));
    MACE_RETURN_IF_ERROR(candidates_.Resize(graph_.nodes.size()));
    for (size_t i = 0; i < candidates_.size(); ++i) candidates_[i] = static_cast<NodeId>(i);
    return Run();
  }
  Status RunNext(const ShapeAnalysis& before, std::span<const TensorView> facts) {
    MACE_RETURN_IF_ERROR(TakeOver(before));
    for (size_t i = 0; i < facts.size(); ++i) MACE_RETURN_IF_ERROR(Learn(before.learned[i], &facts[i]));
    return Run();
  }

 private:
  Status Run();
  Status SetBoundaryTypes(const PlanKey& key);
  Status TakeOver(const ShapeAnalysis& before);
  Status Learn(const LearnedValue& learned, const TensorView* fact);
  void MarkNeeded();
  Status CollectLive();
  Status CollectActions();
  Status CollectLearned();
  Status InferAndEvaluate(NodeId id);
  Status FinishNode(const Node& node, const OpDefinition& definition);
  Status CheckType(const Node& node, ValueId value, const TensorType& type) const;
  bool MayEvaluate(const Node& node, const OpDefinition& definition, int64_t* cost) const;
  Status Evaluate(const Node& node);
  bool InputsAreResolved(const Node& node) const {
    for (ValueId input : node.inputs) {
      if (input != kNone && result_.resolved[input] == 0) return false;
    }
    return true;
  }
  // Its run tells its sizes, if it does not run whole graphs.
  static bool IsAction(const OpDefinition& definition) {
    return definition.evaluate != nullptr || (definition.flags & kOpControl) != 0;
  }
  bool IsInterpreted(const OpDefinition& definition) const {
    return interprets_ && (definition.flags & kOpCheap) != 0 && definition.reference != nullptr;
  }
  bool HasUnknown(const Node& node, uint32_t mask) const {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (Wants(mask, i) && node.inputs[i] != kNone && result_.known[node.inputs[i]] == nullptr) return true;
    }
    return false;
  }
  static bool Wants(uint32_t mask, size_t input) {
    return mask == kAllContent || (input < 32 && (mask >> input & 1) != 0);
  }

  const Graph& graph_;
  const bool interprets_;
  const Allocator& allocator_;
  ShapeAnalysis& result_;
  Vector<NodeId> candidates_;  // nodes that no stage before has run
  Vector<uint8_t> needed_;     // per value
  Vector<uint8_t> live_;       // per node
  Vector<uint8_t> wants_all_;  // per node: its rule needs elements, of which input it does not say
  Vector<TensorType> input_types_;
  Vector<TensorType> output_types_;
  Vector<const TensorView*> known_inputs_;
  Vector<TensorView> input_views_;
  Vector<TensorView> output_views_;
  int64_t evaluated_bytes_ = 0;
};

Status Analyzer::Run() {
  MACE_RETURN_IF_ERROR(needed_.Resize(graph_.values.size()));
  MACE_RETURN_IF_ERROR(live_.Resize(graph_.nodes.size()));
  MACE_RETURN_IF_ERROR(wants_all_.Resize(graph_.nodes.size()));
  MarkNeeded();
  for (NodeId id : candidates_) {
    if (live_[id] != 0) MACE_RETURN_IF_ERROR(InferAndEvaluate(id));
  }
  // Once more: what fed only values that are known by now need not run.
  MarkNeeded();
  MACE_RETURN_IF_ERROR(CollectLive());
  MACE_RETURN_IF_ERROR(CollectActions());
  return CollectLearned();
}

Status Analyzer::SetBoundaryTypes(const PlanKey& key) {
  const size_t count = graph_.values.size();
  MACE_RETURN_IF_ERROR(result_.types.Resize(count));
  MACE_RETURN_IF_ERROR(result_.known.Resize(count));
  MACE_RETURN_IF_ERROR(result_.uses.Resize(count));
  MACE_RETURN_IF_ERROR(result_.resolved.Resize(count));
  for (size_t i = 0; i < count; ++i) {
    result_.types[i] = graph_.values[i].type;
    const TensorView* constant = graph_.ConstantOf(static_cast<ValueId>(i));
    if (constant == nullptr) continue;
    result_.types[i].dtype = constant->dtype;
    result_.types[i].shape = constant->shape;
    result_.known[i] = constant;
    result_.resolved[i] = 1;
  }
  for (size_t i = 0; i < graph_.states.size(); ++i) {
    result_.types[graph_.states[i].read].shape = key.states[i];
    result_.resolved[graph_.states[i].read] = 1;
  }
  for (size_t i = 0; i < graph_.inputs.size(); ++i) {
    result_.types[graph_.inputs[i]].shape = key.inputs[i];
    result_.resolved[graph_.inputs[i]] = 1;
  }
  return Status::Ok();
}

// What the stage before has found.
Status Analyzer::TakeOver(const ShapeAnalysis& before) {
  const size_t count = graph_.values.size();
  MACE_RETURN_IF_ERROR(result_.types.Assign(before.types.data(), count));
  MACE_RETURN_IF_ERROR(result_.known.Assign(before.known.data(), count));
  MACE_RETURN_IF_ERROR(result_.resolved.Assign(before.resolved.data(), count));
  MACE_RETURN_IF_ERROR(result_.uses.Resize(count));
  for (NodeId id : before.actions) {
    for (ValueId output : graph_.nodes[id].outputs) {
      if (output != kNone) result_.resolved[output] = 1;
    }
  }
  return candidates_.Assign(before.pending.data(), before.pending.size());
}

// What its run has told.
Status Analyzer::Learn(const LearnedValue& learned, const TensorView* fact) {
  TensorType& type = result_.types[learned.value];
  type.dtype = fact->dtype;
  type.shape = fact->shape;
  const NodeId producer = graph_.values[learned.value].producer;
  if (producer != kNone) {
    MACE_RETURN_IF_ERROR(CheckType(graph_.nodes[producer], learned.value, type));
  }
  if (learned.elements) result_.known[learned.value] = fact;
  return Status::Ok();
}

// Walks backwards from outputs and states. Known values need no producer.
void Analyzer::MarkNeeded() {
  for (uint8_t& flag : needed_) flag = 0;
  for (uint8_t& flag : live_) flag = 0;
  for (ValueId output : graph_.outputs) needed_[output] = 1;
  for (const State& state : graph_.states) needed_[state.write] = 1;
  for (size_t i = candidates_.size(); i-- > 0;) {
    const NodeId id = candidates_[i];
    const Node& node = graph_.nodes[id];
    for (ValueId output : node.outputs) {
      if (output != kNone && needed_[output] != 0 && result_.known[output] == nullptr) live_[id] = 1;
    }
    if (live_[id] == 0) continue;
    for (ValueId input : node.inputs) {
      if (input != kNone && result_.known[input] == nullptr) needed_[input] = 1;
    }
  }
}

// A node that could not be inferred, and all behind it, runs later.
Status Analyzer::CollectLive() {
  MACE_RETURN_IF_ERROR(result_.kept.Resize(graph_.values.size()));
  for (NodeId id : candidates_) {
    if (live_[id] == 0) {
      ++result_.dead_nodes;
      continue;
    }
    const Node& node = graph_.nodes[id];
    bool is_resolved = true;
    for (ValueId output : node.outputs) is_resolved &= output == kNone || result_.resolved[output] != 0;
    MACE_RETURN_IF_ERROR((is_resolved ? result_.nodes : result_.pending).PushBack(id));
    for (ValueId input : node.inputs) {
      if (input == kNone) continue;
      ++result_.uses[input];
      if (!is_resolved) result_.kept[input] = 1;
    }
  }
  result_.dead_nodes -= result_.evaluated_nodes;
  for (ValueId output : graph_.outputs) {
    ++result_.uses[output];
    result_.kept[output] = 1;
  }
  for (const State& state : graph_.states) {
    ++result_.uses[state.write];
    result_.kept[state.write] = 1;
  }
  return Status::Ok();
}

// Of what is pending: what can run as soon as this stage's nodes have.
Status Analyzer::CollectActions() {
  size_t left = 0;
  for (NodeId id : result_.pending) {
    const Node& node = graph_.nodes[id];
    const OpDefinition* definition = FindOpDefinition(node.op);
    if ((IsAction(*definition) || IsInterpreted(*definition)) && InputsAreResolved(node)) {
      MACE_RETURN_IF_ERROR(result_.actions.PushBack(id));
    } else {
      result_.pending[left++] = id;
    }
  }
  while (result_.pending.size() > left) result_.pending.PopBack();
  return Status::Ok();
}

// The shapes of what actions make, and the elements that shape rules wait for.
Status Analyzer::CollectLearned() {
  if (result_.IsLastStage()) return Status::Ok();
  Vector<uint8_t> is_made;  // per value: by an action of this stage
  MACE_RETURN_IF_ERROR(is_made.Resize(graph_.values.size()));
  for (NodeId id : result_.actions) {
    for (ValueId output : graph_.nodes[id].outputs) {
      if (output == kNone || needed_[output] == 0) continue;
      is_made[output] = 1;
      MACE_RETURN_IF_ERROR(result_.learned.PushBack({output, false}));
    }
  }
  Vector<uint8_t> is_wanted;
  MACE_RETURN_IF_ERROR(is_wanted.Resize(graph_.values.size()));
  for (NodeId id : result_.pending) {
    const Node& node = graph_.nodes[id];
    const OpDefinition* definition = FindOpDefinition(node.op);
    if (IsAction(*definition)) continue;
    const uint32_t mask = wants_all_[id] != 0 ? kAllContent : definition->content_inputs;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId input = node.inputs[i];
      if (!Wants(mask, i) || input == kNone || result_.known[input] != nullptr || is_wanted[input] != 0) {
        continue;
      }
      if (is_made[input] == 0 && result_.resolved[input] == 0) continue;  // a later stage's
      is_wanted[input] = 1;
      if (is_made[input] == 0) MACE_RETURN_IF_ERROR(result_.learned.PushBack({input, true}));
    }
  }
  for (LearnedValue& learned : result_.learned) learned.elements = is_wanted[learned.value] != 0;
  if (result_.actions.empty() && result_.learned.empty()) {
    const Node& node = graph_.nodes[result_.pending[0]];
    return Internal("node '%s' waits for nothing that a run could tell", graph_.LabelOf(node));
  }
  return Status::Ok();
}

Status Analyzer::CheckType(const Node& node, ValueId value, const TensorType& type) const {
  const char* name = graph_.values[value].name.c_str();
  if (ByteCount(type.dtype, type.shape) < 0) {
    return ResourceExhausted("node '%s': value '%s' %s %s is too large", graph_.LabelOf(node), name,
                             NameOf(type.dtype), ShapeText(type.shape).text);
  }
  const TensorType& declared = graph_.values[value].type;
  if (IsValid(declared.dtype) && declared.dtype != type.dtype) {
    return InvalidArgument("node '%s': value '%s' is %s, the model says %s", graph_.LabelOf(node), name,
                           NameOf(type.dtype), NameOf(declared.dtype));
  }
  const Quantization* quantization = graph_.QuantizationOf(value);
  if (quantization != nullptr && quantization->scales.size() > 1 && quantization->block_size == 0 &&
      (quantization->axis < 0 || quantization->axis >= type.shape.rank ||
       type.shape[quantization->axis] != static_cast<int64_t>(quantization->scales.size()))) {
    return InvalidArgument("node '%s': value '%s' %s has %zu scales along axis %d", graph_.LabelOf(node),
                           name, ShapeText(type.shape).text, quantization->scales.size(), quantization->axis);
  }
  return Status::Ok();
}

Status Analyzer::InferAndEvaluate(NodeId id) {
  const Node& node = graph_.nodes[id];
  const OpDefinition* definition = FindOpDefinition(node.op);
  if (definition == nullptr) return Unsupported("node '%s' has an unknown operator", graph_.LabelOf(node));
  if (!InputsAreResolved(node)) return Status::Ok();
  const bool is_action = IsAction(*definition);
  if (!is_action && HasUnknown(node, definition->content_inputs)) return Status::Ok();
  MACE_RETURN_IF_ERROR(input_types_.Resize(node.inputs.size()));
  MACE_RETURN_IF_ERROR(known_inputs_.Resize(node.inputs.size()));
  MACE_RETURN_IF_ERROR(output_types_.Resize(node.outputs.size()));
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const ValueId input = node.inputs[i];
    input_types_[i] = input == kNone ? TensorType() : result_.types[input];
    known_inputs_[i] = input == kNone ? nullptr : result_.known[input];
  }
  for (TensorType& type : output_types_) type = TensorType();
  // Of an action too: the rule checks what the run relies on.
  MACE_RETURN_IF_ERROR(
      InferNode(graph_, node, input_types_.data(), known_inputs_.data(), output_types_.data()));
  if (is_action) return Status::Ok();
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNone || output_types_[i].shape.IsConcrete()) continue;
    // What the rule asks for in vain may be elements that only a run tells.
    if (HasUnknown(node, kAllContent)) {
      wants_all_[id] = 1;
      return Status::Ok();
    }
    return Unsupported("node '%s': the size of value '%s', %s, depends on the data", graph_.LabelOf(node),
                       graph_.values[node.outputs[i]].name.c_str(), ShapeText(output_types_[i].shape).text);
  }
  return FinishNode(node, *definition);
}

// The types of its outputs are known.
Status Analyzer::FinishNode(const Node& node, const OpDefinition& definition) {
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const ValueId output = node.outputs[i];
    if (output == kNone) continue;
    MACE_RETURN_IF_ERROR(CheckType(node, output, output_types_[i]));
    result_.types[output].dtype = output_types_[i].dtype;
    result_.types[output].shape = output_types_[i].shape;
    result_.resolved[output] = 1;
  }
  int64_t cost = 0;
  if (!MayEvaluate(node, definition, &cost)) return Status::Ok();
  evaluated_bytes_ += cost;
  return Evaluate(node);
}

bool Analyzer::MayEvaluate(const Node& node, const OpDefinition& definition, int64_t* cost) const {
  const bool shape_only = (definition.flags & kOpShapeOnly) != 0;
  if (definition.reference == nullptr || (definition.flags & kOpCheap) == 0) return false;
  int64_t input_bytes = 0, output_bytes = 0;
  for (ValueId input : node.inputs) {
    if (input == kNone || shape_only) continue;
    if (result_.known[input] == nullptr) return false;
    const TensorType& type = result_.types[input];
    const int64_t bytes = ByteCount(type.dtype, type.shape);
    if (IsFloat(type.dtype) && type.shape.rank >= 2 && bytes >= kMinWeightBytes) return false;
    if (bytes > kMaxEvaluationInputBytes - input_bytes) return false;
    input_bytes += bytes;
  }
  for (ValueId output : node.outputs) {
    if (output == kNone) continue;
    const int64_t bytes = ByteCount(result_.types[output].dtype, result_.types[output].shape);
    if (bytes > kMaxKnownBytes - output_bytes) return false;
    output_bytes += bytes;
  }
  *cost = input_bytes + output_bytes + 256;
  return *cost <= kMaxEvaluationTotalBytes - evaluated_bytes_;
}

// Computes the outputs of `node`. Where the reference kernel cannot, they stay unknown: the backend will say
// more when it runs the node.
Status Analyzer::Evaluate(const Node& node) {
  MACE_RETURN_IF_ERROR(input_views_.Resize(node.inputs.size()));
  MACE_RETURN_IF_ERROR(output_views_.Resize(node.outputs.size()));
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const ValueId input = node.inputs[i];
    input_views_[i] = TensorView();
    if (input == kNone) continue;
    if (result_.known[input] != nullptr) {
      input_views_[i] = *result_.known[input];
    } else {  // of a shape-only operator
      input_views_[i] = {nullptr, result_.types[input].dtype, result_.types[input].shape};
    }
  }
  // One block: a view for each output, then the elements of each.
  const auto round_up = [](size_t bytes) { return (bytes + kBufferAlignment - 1) & ~(kBufferAlignment - 1); };
  const size_t header = round_up(node.outputs.size() * sizeof(TensorView));
  size_t total = header;
  for (ValueId output : node.outputs) {
    if (output == kNone) continue;
    total += round_up(ByteCount(result_.types[output].dtype, result_.types[output].shape)) + kBufferAlignment;
  }
  MACE_ASSIGN_OR_RETURN(Buffer block, Buffer::Allocate(total, allocator_));
  auto* views = reinterpret_cast<TensorView*>(block.data());
  size_t offset = header;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    new (views + i) TensorView();
    const ValueId output = node.outputs[i];
    if (output != kNone) {
      views[i] = {block.data() + offset, result_.types[output].dtype, result_.types[output].shape};
      offset += round_up(views[i].bytes()) + kBufferAlignment;
    }
    output_views_[i] = views[i];
  }
  Status status = EvaluateNode(graph_, node, input_views_.data(), output_views_.data());
  if (status.code() == StatusCode::kOutOfMemory) return status;
  if (!status.ok()) return Status::Ok();
  MACE_RETURN_IF_ERROR(result_.owned.PushBack(std::move(block)));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNone) result_.known[node.outputs[i]] = &views[i];
  }
  ++result_.evaluated_nodes;
  return Status::Ok();
}

}  // namespace

bool operator==(const PlanKey& a, const PlanKey& b) {
  if (a.inputs.size() != b.inputs.size() || a.states.size() != b.states.size()) return false;
  for (size_t i = 0; i < a.inputs.size(); ++i) {
    if (a.fed[i] != b.fed[i] || !(a.inputs[i] == b.inputs[i])) return false;
  }
  for (size_t i = 0; i < a.states.size(); ++i) {
    if (!(a.states[i] == b.states[i])) return false;
  }
  return true;
}

Status PlanKey::CopyFrom(const PlanKey& other) {
  MACE_RETURN_IF_ERROR(inputs.Assign(other.inputs.data(), other.inputs.size()));
  MACE_RETURN_IF_ERROR(fed.Assign(other.fed.data(), other.fed.size()));
  return states.Assign(other.states.data(), other.states.size());
}

Status AnalyzeShapes(const Graph& graph, const PlanKey& key, bool interprets, const Allocator& allocator,
                     ShapeAnalysis* analysis) {
  return Analyzer(graph, interprets, allocator, analysis).RunFirst(key);
}

Status AnalyzeNextStage(const Graph& graph, const ShapeAnalysis& before, std::span<const TensorView> facts,
                        bool interprets, const Allocator& allocator, ShapeAnalysis* analysis) {
  return Analyzer(graph, interprets, allocator, analysis).RunNext(before, facts);
}

}  // namespace mace
