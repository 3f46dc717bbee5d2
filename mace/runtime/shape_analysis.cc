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
  Analyzer(const Graph& graph, const PlanKey& key, const Allocator& allocator, ShapeAnalysis* result)
      : graph_(graph), key_(key), allocator_(allocator), result_(*result) {}

  Status Run() {
    MACE_RETURN_IF_ERROR(SetBoundaryTypes());
    MACE_RETURN_IF_ERROR(needed_.Resize(graph_.values.size()));
    MACE_RETURN_IF_ERROR(MarkNeeded());
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (live_[i] != 0) MACE_RETURN_IF_ERROR(InferAndEvaluate(graph_.nodes[i]));
    }
    // Once more: what fed only values that are known by now need not run.
    MACE_RETURN_IF_ERROR(MarkNeeded());
    return CollectLive();
  }

 private:
  Status SetBoundaryTypes();
  Status MarkNeeded();
  Status CollectLive();
  Status InferAndEvaluate(const Node& node);
  Status CheckType(const Node& node, ValueId value, const TensorType& type) const;
  bool MayEvaluate(const Node& node, const OpDefinition& definition, int64_t* cost) const;
  Status Evaluate(const Node& node);

  const Graph& graph_;
  const PlanKey& key_;
  const Allocator& allocator_;
  ShapeAnalysis& result_;
  Vector<uint8_t> needed_;  // per value
  Vector<uint8_t> live_;    // per node
  Vector<TensorType> input_types_;
  Vector<TensorType> output_types_;
  Vector<const TensorView*> known_inputs_;
  Vector<TensorView> input_views_;
  Vector<TensorView> output_views_;
  int64_t evaluated_bytes_ = 0;
};

Status Analyzer::SetBoundaryTypes() {
  const size_t count = graph_.values.size();
  MACE_RETURN_IF_ERROR(result_.types.Resize(count));
  MACE_RETURN_IF_ERROR(result_.known.Resize(count));
  MACE_RETURN_IF_ERROR(result_.uses.Resize(count));
  for (size_t i = 0; i < count; ++i) {
    result_.types[i] = graph_.values[i].type;
    const TensorView* constant = graph_.ConstantOf(static_cast<ValueId>(i));
    if (constant == nullptr) continue;
    result_.types[i].dtype = constant->dtype;
    result_.types[i].shape = constant->shape;
    result_.known[i] = constant;
  }
  for (size_t i = 0; i < graph_.states.size(); ++i) {
    result_.types[graph_.states[i].read].shape = key_.states[i];
  }
  for (size_t i = 0; i < graph_.inputs.size(); ++i) {
    result_.types[graph_.inputs[i]].shape = key_.inputs[i];
  }
  return Status::Ok();
}

// Walks backwards from outputs and states. Known values need no producer.
Status Analyzer::MarkNeeded() {
  MACE_RETURN_IF_ERROR(live_.Resize(graph_.nodes.size()));
  for (uint8_t& flag : needed_) flag = 0;
  for (uint8_t& flag : live_) flag = 0;
  for (ValueId output : graph_.outputs) needed_[output] = 1;
  for (const State& state : graph_.states) needed_[state.write] = 1;
  for (size_t i = graph_.nodes.size(); i-- > 0;) {
    const Node& node = graph_.nodes[i];
    for (ValueId output : node.outputs) {
      if (output != kNone && needed_[output] != 0 && result_.known[output] == nullptr) live_[i] = 1;
    }
    if (live_[i] == 0) continue;
    for (ValueId input : node.inputs) {
      if (input != kNone && result_.known[input] == nullptr) needed_[input] = 1;
    }
  }
  return Status::Ok();
}

Status Analyzer::CollectLive() {
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (live_[i] == 0) {
      ++result_.dead_nodes;
      continue;
    }
    MACE_RETURN_IF_ERROR(result_.nodes.PushBack(static_cast<NodeId>(i)));
    for (ValueId input : graph_.nodes[i].inputs) {
      if (input != kNone) ++result_.uses[input];
    }
  }
  result_.dead_nodes -= result_.evaluated_nodes;
  for (ValueId output : graph_.outputs) ++result_.uses[output];
  for (const State& state : graph_.states) ++result_.uses[state.write];
  return Status::Ok();
}

Status Analyzer::CheckType(const Node& node, ValueId value, const TensorType& type) const {
  const char* name = graph_.values[value].name.c_str();
  if (!type.shape.IsConcrete()) {
    return Unsupported("node '%s': the size of value '%s', %s, depends on the data", graph_.LabelOf(node),
                       name, ShapeText(type.shape).text);
  }
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

Status Analyzer::InferAndEvaluate(const Node& node) {
  const OpDefinition* definition = FindOpDefinition(node.op);
  if (definition == nullptr) return Unsupported("node '%s' has an unknown operator", graph_.LabelOf(node));
  MACE_RETURN_IF_ERROR(input_types_.Resize(node.inputs.size()));
  MACE_RETURN_IF_ERROR(known_inputs_.Resize(node.inputs.size()));
  MACE_RETURN_IF_ERROR(output_types_.Resize(node.outputs.size()));
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const ValueId input = node.inputs[i];
    input_types_[i] = input == kNone ? TensorType() : result_.types[input];
    known_inputs_[i] = input == kNone ? nullptr : result_.known[input];
  }
  for (TensorType& type : output_types_) type = TensorType();
  MACE_RETURN_IF_ERROR(
      InferNode(graph_, node, input_types_.data(), known_inputs_.data(), output_types_.data()));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const ValueId output = node.outputs[i];
    if (output == kNone) continue;
    MACE_RETURN_IF_ERROR(CheckType(node, output, output_types_[i]));
    result_.types[output].dtype = output_types_[i].dtype;
    result_.types[output].shape = output_types_[i].shape;
  }
  int64_t cost = 0;
  if (!MayEvaluate(node, *definition, &cost)) return Status::Ok();
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

Status AnalyzeShapes(const Graph& graph, const PlanKey& key, const Allocator& allocator,
                     ShapeAnalysis* analysis) {
  return Analyzer(graph, key, allocator, analysis).Run();
}

}  // namespace mace
