#include "mace/importers/onnx/onnx_context.h"

#include <algorithm>

#include "mace/graph/op_definition.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {
namespace {

// Folded while importing, so that shapes given by small integer computations are known.
constexpr passes::FoldLimits kImportFoldLimits = {4096, 4096};

bool SameQuantization(const Graph& graph, int32_t first, int32_t second) {
  if (first == second) return true;
  if (first == kNone || second == kNone) return false;
  const Quantization& a = graph.quantizations[first];
  const Quantization& b = graph.quantizations[second];
  if (a.axis != b.axis || a.block_size != b.block_size || a.scales.size() != b.scales.size()) return false;
  for (size_t i = 0; i < a.scales.size(); ++i) {
    if (a.scales[i] != b.scales[i] || a.zero_points[i] != b.zero_points[i]) return false;
  }
  return true;
}

}  // namespace

void OnnxContext::Begin(const OnnxNode& node, int64_t opset) {
  opset_ = opset;
  node_name_ = node.name();
  label_ = node.name();
  for (int i = 0; label_.empty() && i < node.output_count(); ++i) label_ = node.OutputName(i);
}

void OnnxContext::Warn(std::string message) {
  constexpr size_t kMaxWarnings = 200;
  if (report_.warnings.size() < kMaxWarnings) report_.warnings.push_back(std::move(message));
}

void OnnxContext::SpendNodes(int64_t count) {
  constexpr long long kAllowance = 2 * kMaxNodeInputs;
  node_allowance_ -= count;
  if (node_allowance_ >= 0) return;
  throw ImportError(Status::Format(StatusCode::kResourceExhausted,
                                   "the file's operators of many inputs have more than %lld inputs in all",
                                   kAllowance));
}

void OnnxContext::SpendCopy(int64_t bytes) {
  copy_allowance_ -= bytes;
  if (copy_allowance_ >= 0) return;
  throw ImportError(
      StatusCode::kResourceExhausted,
      "the file has so many readers of its constants and scales that copies of these would fill the memory");
}

void OnnxContext::AddInitializer(const Tensor& tensor) {
  if (tensor.name.empty()) throw ImportError(DataLoss("an initialiser has no name"));
  if (!initializers_.emplace(tensor.name, &tensor).second) {
    throw ImportError(DataLoss("two initialisers are named '%s'", Text(tensor.name).c_str()));
  }
}

void OnnxContext::Bind(std::string_view name, ValueId value) {
  if (initializers_.contains(name) || !values_.emplace(name, value).second) {
    throw ImportError(DataLoss("two values are named '%s'", Text(name).c_str()));
  }
  Value& target = graph_.values[value];
  if (target.name.empty()) Check(target.name.Assign(name));
}

ValueId OnnxContext::ValueOf(std::string_view name) {
  if (const auto found = values_.find(name); found != values_.end()) return found->second;
  const auto initializer = initializers_.find(name);
  if (initializer == initializers_.end()) {
    throw ImportError(DataLoss("value '%s' is used but nothing produces it", Text(name).c_str()));
  }
  const ValueId value = AddTensor(*initializer->second, name);
  values_.emplace(name, value);
  return value;
}

ValueId OnnxContext::OptionalInput(const OnnxNode& node, int i) {
  return node.HasInput(i) ? ValueOf(node.InputName(i)) : kNone;
}

ValueId OnnxContext::Input(const OnnxNode& node, int i) {
  if (!node.HasInput(i)) throw ImportError(InvalidArgument("input %d is missing", i));
  return ValueOf(node.InputName(i));
}

IntList OnnxContext::ConstantInts(ValueId value, const char* what) const {
  IntList list;
  if (!IsConstant(value)) throw ImportError(Unsupported("%s computed at run time are not supported", what));
  if (!passes::IntListConstant(graph_, value, &list)) {
    throw ImportError(InvalidArgument("%s must be an int64 list of at most %d", what, IntList::capacity()));
  }
  return list;
}

int OnnxContext::NormalizedAxis(int64_t axis, int rank) const {
  int normalized = 0;
  if (!NormalizeAxis(axis, rank, &normalized)) {
    throw ImportError(
        InvalidArgument("axis %lld is outside the rank %d", static_cast<long long>(axis), rank));
  }
  return normalized;
}

void OnnxContext::RefineInput(ValueId value, const Shape& demanded) {
  if (value == kNone || graph_.values[value].producer != kNone || IsConstant(value)) return;
  Shape& shape = graph_.values[value].type.shape;
  if (shape.rank != demanded.rank) return;  // the shape rule complains
  for (int i = 0; i < shape.rank; ++i) {
    if (shape[i] < 0 && demanded[i] != kUnknownDim) shape[i] = demanded[i];
  }
}

ValueId OnnxContext::WithQuantization(ValueId value, int32_t quantization) {
  const TensorType& type = graph_.values[value].type;
  if (SameQuantization(graph_, type.quantization, quantization)) return value;
  if (type.quantization == kNone && graph_.values[value].producer == kNone && !read_.contains(value)) {
    graph_.values[value].type.quantization = quantization;
    return value;
  }
  if (const TensorView* view = graph_.ConstantOf(value); view != nullptr) {
    // A constant of its own, so that weights stay weights.
    SpendCopy(view->bytes());
    const ValueId copy = Unwrap(graph_.AddConstant("", TensorView(*view), /*copy=*/true));
    graph_.values[copy].type.quantization = quantization;
    return copy;
  }
  return EmitQuantized(OpId::kIdentity, {value}, NoAttributes{}, quantization);
}

std::vector<ValueId> OnnxContext::Bare(OpId op, std::span<const ValueId> inputs) {
  std::vector<ValueId> bare(inputs.begin(), inputs.end());
  if ((FindOpDefinition(op)->flags & kOpShapeOnly) != 0) return bare;
  for (ValueId& input : bare) {
    if (input != kNone) input = WithQuantization(input, kNone);
  }
  return bare;
}

int32_t OnnxContext::SharedQuantization(std::span<const ValueId> values) const {
  if (values.empty()) return kNone;
  const int32_t first = TypeOf(values[0]).quantization;
  if (first == kNone || graph_.quantizations[first].axis != kNone) return kNone;
  for (ValueId value : values) {
    if (!SameQuantization(graph_, first, TypeOf(value).quantization)) return kNone;
  }
  return first;
}

NodeId OnnxContext::AppendNode(OpId op, std::span<const ValueId> inputs, int outputs,
                               std::vector<ValueId>* ids) {
  read_.insert(inputs.begin(), inputs.end());
  for (int i = 0; i < outputs; ++i) ids->push_back(Unwrap(graph_.AddValue("", TensorType{})));
  return Unwrap(graph_.AddNode(op, node_name_, inputs, *ids));
}

ValueId OnnxContext::EmitOutput(std::string_view name, ValueId value) {
  const int32_t quantization = graph_.values[value].type.quantization;
  std::vector<ValueId> ids = {Unwrap(graph_.AddValue(name, TensorType{}))};
  const NodeId id = Unwrap(graph_.AddNode(OpId::kIdentity, name, {&value, 1}, ids));
  graph_.values[ids[0]].type.quantization = quantization;
  InferTypes(id);
  return ids[0];
}

void OnnxContext::InferTypes(NodeId id) {
  const Node& node = graph_.nodes[id];
  std::vector<TensorType> types;
  std::vector<const TensorView*> known;
  for (ValueId input : node.inputs) {
    types.push_back(input == kNone ? TensorType{} : graph_.values[input].type);
    known.push_back(graph_.ConstantOf(input));
  }
  std::vector<TensorType> inferred(std::max<size_t>(node.outputs.size(), 1));
  Check(InferNodeUnlabeled(graph_, node, types.data(), known.data(), inferred.data()), ImportStage::kShape);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    TensorType& type = graph_.values[node.outputs[i]].type;
    type.dtype = inferred[i].dtype;
    type.shape = inferred[i].shape;
  }
}

// Of constants that are numbers: others were warned of when they came.
void OnnxContext::WarnOfComputedNan(const Node& node) {
  if (node.op == OpId::kConstantOfShape) return;
  for (ValueId input : node.inputs) {
    const TensorView* view = graph_.ConstantOf(input);
    if (view != nullptr && passes::NonFiniteIn(*view) != nullptr) return;
  }
  for (ValueId output : node.outputs) {
    const TensorView* view = graph_.ConstantOf(output);
    const char* what = view == nullptr ? nullptr : passes::NonFiniteIn(*view);
    if (what == nullptr) continue;
    Warn("node '" + Text(label_) + "' (" + FindOpDefinition(node.op)->name + ") computes " + what +
         " from constants");
    return;
  }
}

void OnnxContext::FinishNode(NodeId id) {
  InferTypes(id);
  // The integers behind a Dequantize are what quantized_fusion looks for.
  if (graph_.nodes[id].op == OpId::kDequantize && RankOf(graph_.nodes[id].outputs[0]) > 0) return;
  passes::FoldLimits limits = kImportFoldLimits;
  limits.result_bytes = std::min(limits.result_bytes, fold_allowance_);
  bool folded = false;
  Check(passes::FoldNode(&graph_, id, limits, &folded));
  if (!folded) return;
  for (ValueId output : graph_.nodes.back().outputs) fold_allowance_ -= graph_.ConstantOf(output)->bytes();
  WarnOfComputedNan(graph_.nodes.back());
  graph_.nodes.PopBack();
}

ValueId OnnxContext::RepeatChain(ValueId chain, ValueId constant) {
  const NodeId producer = graph_.values[chain].producer;
  if (producer == kNone) return constant;
  std::vector<ValueId> ids;
  const NodeId id = AppendNode(graph_.nodes[producer].op, {&constant, 1}, 1, &ids);
  graph_.nodes[id].attributes = graph_.nodes[producer].attributes;
  FinishNode(id);
  return ids[0];
}

ValueId OnnxContext::Transpose(ValueId value, const IntList& perm) {
  if (TypeOf(value).shape.HasRank() && RankOf(value) != perm.size()) {
    throw ImportError(InvalidArgument("expected a tensor of rank %d, got %s", perm.size(),
                                      ShapeText(TypeOf(value).shape).text));
  }
  if (passes::IsWeightChain(graph_, value)) {
    const NodeId producer = graph_.values[value].producer;
    const ValueId constant = producer == kNone ? value : graph_.nodes[producer].inputs[0];
    if (BytesOf(TypeOf(constant).dtype) != 0) {
      const auto [known, is_new] = transposed_.try_emplace(
          {constant, TypeOf(constant).quantization, {perm.begin(), perm.end()}}, kNone);
      if (is_new) {
        SpendCopy(graph_.ConstantOf(constant)->bytes());
        known->second = Unwrap(
            passes::TransposedConstant(&graph_, constant, {perm.values, static_cast<size_t>(perm.count)}));
      }
      return RepeatChain(value, known->second);
    }
  }
  ops::TransposeAttributes attributes;
  attributes.perm = perm;
  return EmitMoved(OpId::kTranspose, {value}, attributes);
}

ValueId OnnxContext::Reshape(ValueId value, const IntList& shape) {
  ops::ReshapeAttributes attributes;
  attributes.shape = shape;
  return EmitMoved(OpId::kReshape, {value}, attributes);
}

ValueId OnnxContext::Unsqueeze(ValueId value, const IntList& axes) {
  ops::UnsqueezeAttributes attributes;
  attributes.axes = axes;
  return EmitMoved(OpId::kUnsqueeze, {value}, attributes);
}

ValueId OnnxContext::Squeeze(ValueId value, const IntList& axes) {
  ops::SqueezeAttributes attributes;
  attributes.axes = axes;
  return EmitMoved(OpId::kSqueeze, {value}, attributes);
}

ValueId OnnxContext::Int64s(std::span<const int64_t> elements) {
  return Unwrap(passes::AddInt64Constant(&graph_, "", elements));
}

ValueId OnnxContext::Float(float element, DType dtype) {
  double wide = element;
  void* data = &element;
  if (dtype == DType::kF64) {
    data = &wide;
  } else if (dtype != DType::kF32) {
    throw ImportError(Unsupported("a constant of %s", NameOf(dtype)));
  }
  return Unwrap(graph_.AddConstant("", TensorView{data, dtype, Shape{}}, true));
}

}  // namespace mace::importers::onnx
