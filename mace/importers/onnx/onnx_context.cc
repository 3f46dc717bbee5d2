#include "mace/importers/onnx/onnx_context.h"

#include <algorithm>

#include "mace/graph/op_definition.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {
namespace {

// Folded while importing, so that shapes given by small integer computations are known.
constexpr passes::FoldLimits kImportFoldLimits = {4096, 4096};

// The type that operators compute with in place of `narrow`; kInvalid where they take it as it is.
DType WideTypeOf(DType narrow) {
  switch (narrow) {
    case DType::kF16:
    case DType::kBF16:
      return DType::kF32;
    case DType::kI4:
    case DType::kI2:
      return DType::kI8;
    case DType::kU4:
    case DType::kU2:
      return DType::kU8;
    default:
      return DType::kInvalid;
  }
}

// Views and what owns or converts elements; others move whole bytes.
bool TakesSubBytes(OpId op, uint32_t flags) {
  return (flags & (kOpView | kOpShapeOnly | kOpControl)) != 0 || op == OpId::kCast || op == OpId::kBitCast ||
         op == OpId::kQuantize || op == OpId::kDequantize;
}

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
  const std::string prefix = names_->call == nullptr ? "" : names_->call->prefix;
  opset_ = opset;
  std::string_view label = node.name();
  for (int i = 0; label.empty() && i < node.output_count(); ++i) label = node.OutputName(i);
  node_name_ = node.name().empty() ? "" : prefix + std::string(node.name());
  label_ = prefix + std::string(label);
}

void OnnxContext::Warn(std::string message) {
  constexpr size_t kMaxWarnings = 200;
  if (work_.report.warnings.size() < kMaxWarnings) work_.report.warnings.push_back(std::move(message));
}

void OnnxContext::SpendNodes(int64_t count) {
  constexpr long long kAllowance = 2 * kMaxNodeInputs;
  work_.node_allowance -= count;
  if (work_.node_allowance >= 0) return;
  throw ImportError(Status::Format(StatusCode::kResourceExhausted,
                                   "the file's operators of many inputs have more than %lld inputs in all",
                                   kAllowance));
}

void OnnxContext::SpendInner(size_t nodes) {
  constexpr long long kAllowance = 2 * kMaxNodeInputs;
  work_.inner_allowance -= static_cast<int64_t>(nodes) + 1;
  if (work_.inner_allowance >= 0) return;
  throw ImportError(Status::Format(StatusCode::kResourceExhausted,
                                   "the file's functions and subgraphs expand to more than %lld nodes",
                                   kAllowance));
}

void OnnxContext::SpendCopy(int64_t bytes) {
  work_.copy_allowance -= bytes;
  if (work_.copy_allowance >= 0) return;
  throw ImportError(
      StatusCode::kResourceExhausted,
      "the file has so many readers of its constants and scales that copies of these would fill the memory");
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
  if (!IsConstant(value)) {
    throw ImportError(Unsupported("%s computed at run time are not supported", what))
        .WithAction(ActionForComputedOperand());
  }
  if (!passes::IntListConstant(graph_, value, &list)) {
    throw ImportError(InvalidArgument("%s must be an int64 list of at most %d", what, IntList::capacity()));
  }
  return list;
}

ValueId OnnxContext::AnyInput(const OnnxNode& node, int i) {
  if (!node.HasInput(i)) throw ImportError(InvalidArgument("input %d is missing", i));
  return AnyValueOf(node.InputName(i));
}

ValueId OnnxContext::AddSequence(Sequence sequence) {
  sequences_.push_back(std::move(sequence));
  return kNone - static_cast<ValueId>(sequences_.size());
}

int OnnxContext::NormalizedAxis(int64_t axis, int rank) const {
  if (rank < 0) throw ImportError(Unsupported("a tensor whose rank is not known"));
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

NodeId OnnxContext::EmitControl(OpId op, std::span<const ValueId> inputs, std::span<const TensorType> types,
                                std::vector<ValueId>* ids) {
  const NodeId id = AppendNode(op, inputs, static_cast<int>(types.size()), ids);
  for (size_t i = 0; i < types.size(); ++i) graph_.values[(*ids)[i]].type = types[i];
  return id;
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
  Check(InferNodeTypes(&graph_, node, types.data(), known.data(), inferred.data()), ImportStage::kShape);
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
  limits.result_bytes = std::min(limits.result_bytes, work_.fold_allowance);
  bool folded = false;
  Check(passes::FoldNode(&graph_, id, limits, &folded));
  if (!folded) return;
  for (ValueId output : graph_.nodes.back().outputs)
    work_.fold_allowance -= graph_.ConstantOf(output)->bytes();
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
  const ValueId result = EmitMoved(OpId::kTranspose, {value}, attributes);
  Shape& shape = graph_.values[result].type.shape;
  if (!shape.HasRank()) {  // that of the operand is not known, but it has no other
    shape = Shape{};
    for (int i = 0; i < perm.size(); ++i) shape.Push(kUnknownDim);
  }
  return result;
}

ValueId OnnxContext::Reshape(ValueId value, const IntList& shape) {
  ops::ReshapeAttributes attributes;
  attributes.shape = shape;
  return EmitMoved(OpId::kReshape, {value}, attributes);
}

ValueId OnnxContext::WithRank(ValueId value, int rank) {
  if (value == kNone || rank < 0 || TypeOf(value).shape.HasRank()) return value;
  IntList copied;
  for (int i = 0; i < rank; ++i) copied.Push(0);
  return Reshape(value, copied);
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

ValueId OnnxContext::Int64(int64_t element) {
  return Unwrap(graph_.AddConstant("", TensorView{&element, DType::kI64, Shape{}}, true));
}

ValueId OnnxContext::Bool(bool element) {
  auto byte = static_cast<uint8_t>(element);
  return Unwrap(graph_.AddConstant("", TensorView{&byte, DType::kBool, Shape{}}, true));
}

ValueId OnnxContext::Float(double element, DType dtype) {
  float single = static_cast<float>(element);
  if (dtype == DType::kF64) {
    return Unwrap(graph_.AddConstant("", TensorView{&element, dtype, Shape{}}, true));
  }
  const ValueId value = Unwrap(graph_.AddConstant("", TensorView{&single, DType::kF32, Shape{}}, true));
  return Cast(value, dtype);
}

ValueId OnnxContext::Cast(ValueId value, DType to) {
  if (TypeOf(value).dtype == to) return value;
  ops::CastAttributes attributes;
  attributes.to = to;
  return Emit(OpId::kCast, {value}, attributes);
}

ValueId OnnxContext::Widened(ValueId value) {
  const DType wide_type = value == kNone ? DType::kInvalid : WideTypeOf(TypeOf(value).dtype);
  if (wide_type == DType::kInvalid) return value;
  if (const auto known = wide_.find(value); known != wide_.end()) return known->second;
  const ValueId wide = Cast(value, wide_type);
  wide_.emplace(value, wide);
  return wide;
}

DType OnnxContext::WidenOperands(OpId op, std::vector<ValueId>* operands) {
  DType first = DType::kInvalid;
  const uint32_t flags = FindOpDefinition(op)->flags;
  for (ValueId& operand : *operands) {
    if (operand == kNone) continue;
    const DType dtype = TypeOf(operand).dtype;
    if (IsSubByte(dtype) ? TakesSubBytes(op, flags) : (flags & kOpNarrowFloats) != 0) continue;
    if (first == DType::kInvalid && (IsFloat(dtype) || IsSubByte(dtype))) first = dtype;
    operand = Widened(operand);
  }
  return first;
}

void OnnxContext::NarrowResults(DType narrow, std::vector<ValueId>* results) {
  const DType wide_type = WideTypeOf(narrow);
  if (wide_type == DType::kInvalid) return;
  for (ValueId& result : *results) {
    if (TypeOf(result).dtype == wide_type) result = Narrowed(result, narrow);
  }
}

ValueId OnnxContext::Narrowed(ValueId value, DType narrow) {
  const ValueId result = Cast(value, narrow);
  if (TypeOf(value).dtype == WideTypeOf(narrow)) wide_.emplace(result, value);
  return result;
}

}  // namespace mace::importers::onnx
