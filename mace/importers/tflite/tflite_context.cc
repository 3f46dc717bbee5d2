#include "mace/importers/tflite/tflite_context.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include "mace/graph/op_definition.h"
#include "mace/importers/problems.h"
#include "mace/ops/common.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/output_scale.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/unary/unary.h"
#include "mace/passes/constants.h"

namespace mace::importers::tflite {
namespace {

constexpr size_t kMaxWarnings = 100;
// What the graph may take besides twice the file: nodes, names and constants that share bytes in the file.
constexpr int64_t kAllowance = int64_t{128} << 20;

}  // namespace

TfliteContext::TfliteContext(const TfliteFile& file, Graph* graph, ImportReport* report)
    : file_(file),
      graph_(*graph),
      report_(*report),
      work_(std::make_shared<SubgraphWork>()),
      values_(static_cast<size_t>(file.tensor_count()), kNone),
      states_(static_cast<size_t>(file.tensor_count()), kNone),
      quantizations_(static_cast<size_t>(file.tensor_count()), kNone),
      handles_(static_cast<size_t>(file.tensor_count()), kNone) {
  work_->allowance = kAllowance + 2 * static_cast<int64_t>(file.size());
  own_scope_.is_outermost = true;
}

TfliteContext::TfliteContext(const TfliteFile& file, Graph* graph, VariableScope* scope,
                             const TfliteContext& outside)
    : TfliteContext(file, graph, &outside.report_) {
  work_ = outside.work_;
  scope_ = scope;
  // Each visit looks at all of the subgraph.
  Spend(64 * (int64_t{file.tensor_count()} + file.operator_count()));
}

void TfliteContext::Spend(int64_t bytes) {
  work_->allowance -= bytes;
  if (work_->allowance < 0) {
    throw ImportError(StatusCode::kResourceExhausted,
                      "the model would need far more memory than its file has bytes");
  }
}

void TfliteContext::Warn(std::string message) {
  if (report_.warnings.size() < kMaxWarnings) report_.warnings.push_back(std::move(message));
}

void TfliteContext::Repaired(const std::string& reason, const std::string& action) {
  AddRepair(file_.DescribeOperator(operator_), reason, action, &report_);
}
void TfliteContext::WarnOnce(const std::string& message) {
  if (work_->said.insert(message).second) Warn(message);
}

// ---- the operator being converted

int TfliteContext::input_count() const {
  return static_cast<int>(SpanOf(file_.operation(operator_).inputs()).size());
}

bool TfliteContext::HasInput(int i) const {
  return i < input_count() &&
         SpanOf(file_.operation(operator_).inputs())[static_cast<size_t>(i)] != kAbsentTensor;
}

int TfliteContext::InputTensor(int i) const {
  if (!HasInput(i)) throw ImportError(StatusCode::kDataLoss, "input " + std::to_string(i) + " is missing");
  return SpanOf(file_.operation(operator_).inputs())[static_cast<size_t>(i)];
}

int TfliteContext::OutputTensor(int i) const {
  const auto outputs = SpanOf(file_.operation(operator_).outputs());
  if (static_cast<size_t>(i) >= outputs.size() || outputs[static_cast<size_t>(i)] == kAbsentTensor) {
    throw ImportError(StatusCode::kDataLoss, "output " + std::to_string(i) + " is missing");
  }
  return outputs[static_cast<size_t>(i)];
}

std::string TfliteContext::Named(std::string_view name) const {
  if (prefix_.empty() || name.empty()) return std::string(name);
  return prefix_ + "/" + std::string(name);
}

std::string TfliteContext::NodeName() const {
  const auto outputs = SpanOf(file_.operation(operator_).outputs());
  if (!outputs.empty() && outputs[0] >= 0 && !file_.TensorName(outputs[0]).empty()) {
    return Named(file_.TensorName(outputs[0]));
  }
  return Named(file_.OperatorName(operator_) + "#" + std::to_string(operator_));
}

// ---- values

int32_t TfliteContext::QuantizationOfTensor(int tensor, DType dtype) {
  int32_t& known = quantizations_[static_cast<size_t>(tensor)];
  const file::QuantizationRecord* record = file_.tensor(tensor).quantization();
  // Floats may carry what they were once quantized with; it means nothing.
  if (known != kNone || record == nullptr || !mace::IsInteger(dtype)) return known;
  const auto scales = SpanOf(record->scales());
  const std::vector<int64_t> zero_points = CopyOf(record->zero_points());
  if (scales.empty()) return kNone;
  const Shape shape = file_.TensorShape(tensor);
  const auto fail = [&](const std::string& what) {
    throw ImportError(StatusCode::kDataLoss, file_.DescribeTensor(tensor) + " has " + what);
  };
  for (float scale : scales) {
    if (std::isfinite(scale) && scale > 0) continue;
    // The scale of a bias follows from those of input and weights; some files leave it empty.
    if (dtype == DType::kI32 || dtype == DType::kI64) return kNone;
    fail("the scale " + std::to_string(scale));
  }
  const int32_t axis = scales.size() == 1 ? kNone : record->channel_axis();
  if (axis != kNone &&
      (axis < 0 || axis >= shape.rank || shape[axis] != static_cast<int64_t>(scales.size()))) {
    fail(std::to_string(scales.size()) + " scales on axis " + std::to_string(axis) + " of the shape " +
         ShapeText(shape).text);
  }
  if (zero_points.size() > 1 && zero_points.size() != scales.size()) {
    fail(std::to_string(scales.size()) + " scales and " + std::to_string(zero_points.size()) +
         " zero points");
  }
  Spend(static_cast<int64_t>(scales.size()) * 8 + 64);
  const ops::IntegerRange range = dtype == DType::kI4 ? ops::IntegerRange{-8, 7} : ops::RangeOf(dtype);
  std::vector<int32_t> points(scales.size(), 0);
  for (size_t i = 0; i < points.size() && !zero_points.empty(); ++i) {
    const int64_t point = zero_points[zero_points.size() == 1 ? 0 : i];
    if (point < range.low || point > range.high) fail("the zero point " + std::to_string(point));
    points[i] = static_cast<int32_t>(point);
  }
  return known = Unwrap(graph_.AddQuantization(scales, points, axis));
}

TensorType TfliteContext::TypeOfTensor(int tensor) {
  TensorType type;
  type.dtype = file_.TensorDType(tensor);
  type.shape = file_.TensorShape(tensor);
  type.quantization = QuantizationOfTensor(tensor, type.dtype);
  if (type.dtype == DType::kI4) type.dtype = DType::kI8;  // a byte for each element from here on
  return type;
}

void TfliteContext::WarnOfNonFinite(int tensor, const TensorView& view) {
  if (const char* what = passes::NonFiniteIn(view); what != nullptr) {
    Warn("constant " + file_.DescribeTensor(tensor) + " contains " + what);
  }
}

// Two elements share a byte, the first one in its lower half; signed.
ValueId TfliteContext::AddUnpacked(int tensor, const TensorType& type) {
  const auto data = file_.TensorData(tensor);
  const int64_t count = type.shape.ElementCount();
  if (count < 0 || static_cast<int64_t>(data.size()) != count / 2 + count % 2) {
    throw ImportError(StatusCode::kDataLoss, "constant " + file_.DescribeTensor(tensor) + " is i4" +
                                                 ShapeText(type.shape).text + " but has " +
                                                 std::to_string(data.size()) + " bytes");
  }
  const std::string name = Named(file_.TensorName(tensor));
  Spend(count + static_cast<int64_t>(sizeof(Value) + sizeof(Constant) + name.size()));
  const ValueId value = Unwrap(graph_.AddUninitializedConstant(name, DType::kI8, type.shape));
  auto* elements = static_cast<int8_t*>(graph_.constants.back().view.data);
  for (int64_t i = 0; i < count; ++i) {
    const int nibble = data[static_cast<size_t>(i / 2)] >> (i % 2 * 4) & 15;
    elements[i] = static_cast<int8_t>(nibble < 8 ? nibble : nibble - 16);
  }
  graph_.values[value].type.quantization = type.quantization;
  return value;
}

ValueId TfliteContext::AddConstantTensor(int tensor) {
  const TensorType type = TypeOfTensor(tensor);
  if (file_.tensor(tensor).sparsity() != nullptr) return AddDense(tensor, type, file_.TensorName(tensor));
  if (file_.TensorDType(tensor) == DType::kI4) return AddUnpacked(tensor, type);
  const auto data = file_.TensorData(tensor);
  const int64_t bytes = ByteCount(type.dtype, type.shape);
  if (bytes < 0 || static_cast<size_t>(bytes) != data.size()) {
    throw ImportError(StatusCode::kDataLoss, "constant " + file_.DescribeTensor(tensor) + " is " +
                                                 NameOf(type.dtype) + ShapeText(type.shape).text +
                                                 " but has " + std::to_string(data.size()) + " bytes");
  }
  const std::string name = Named(file_.TensorName(tensor));
  Spend(bytes + static_cast<int64_t>(sizeof(Value) + sizeof(Constant) + name.size()));
  TensorView view{const_cast<uint8_t*>(data.data()), type.dtype, type.shape};
  const ValueId value = Unwrap(graph_.AddConstant(name, view, /*copy=*/true));
  graph_.values[value].type.quantization = type.quantization;
  if (type.dtype == DType::kBool) {  // any byte is true here, only 1 there
    auto* elements = static_cast<uint8_t*>(graph_.constants.back().view.data);
    for (int64_t i = 0; i < bytes; ++i) elements[i] = elements[i] != 0;
  }
  WarnOfNonFinite(tensor, graph_.constants.back().view);
  return value;
}

ValueId TfliteContext::AddVariable(int tensor) {
  const TensorType type = TypeOfTensor(tensor);
  if (!type.shape.IsConcrete()) {
    throw ImportError(StatusCode::kUnsupported, "variable " + file_.DescribeTensor(tensor) +
                                                    " has the open shape " + ShapeText(type.shape).text);
  }
  if (!is_outermost()) throw ImportError(StatusCode::kUnsupported, "a variable tensor inside a subgraph");
  const std::string name = Named(file_.TensorName(tensor));
  Spend(static_cast<int64_t>(sizeof(Value) + sizeof(State) + 2 * name.size()));
  State state;
  Check(state.name.Assign(name));
  if (!file_.TensorData(tensor).empty()) {
    state.initial = graph_.values[AddConstantTensor(tensor)].constant;
  }
  const ValueId value = Unwrap(graph_.AddValue(name, type));
  state.read = state.write = value;
  Check(graph_.states.PushBack(std::move(state)));
  states_[static_cast<size_t>(tensor)] = static_cast<int32_t>(graph_.states.size()) - 1;
  return value;
}

ValueId TfliteContext::ValueOf(int tensor) {
  ValueId& value = values_[static_cast<size_t>(tensor)];
  if (value != kNone) return value;
  if (file_.tensor(tensor).is_variable()) return value = AddVariable(tensor);
  if (!file_.TensorData(tensor).empty() || file_.TensorShape(tensor).ElementCount() == 0) {
    return value = AddConstantTensor(tensor);
  }
  throw ImportError(StatusCode::kDataLoss,
                    file_.DescribeTensor(tensor) + " is read before anything writes it");
}

std::vector<int64_t> TfliteContext::ConstantInts(ValueId value, const char* what) const {
  const TensorView* view = graph_.ConstantOf(value);
  if (view == nullptr) {
    throw ImportError(StatusCode::kUnsupported,
                      std::string(what) + " is computed at run time, expected a constant");
  }
  if ((view->dtype != DType::kI32 && view->dtype != DType::kI64) || view->elements() > 64) {
    throw ImportError(StatusCode::kDataLoss, std::string(what) + " is " + NameOf(view->dtype) +
                                                 ShapeText(view->shape).text + ", expected a few integers");
  }
  std::vector<int64_t> elements(static_cast<size_t>(view->elements()));
  for (size_t i = 0; i < elements.size(); ++i) elements[i] = ops::ReadInt(*view, static_cast<int64_t>(i));
  return elements;
}

ValueId TfliteContext::AddInts(std::span<const int64_t> elements) {
  Spend(static_cast<int64_t>(sizeof(Value) + sizeof(Constant) + elements.size_bytes()));
  return Unwrap(passes::AddInt64Constant(&graph_, {}, elements));
}

ValueId TfliteContext::AddFloats(std::span<const float> elements) {
  Spend(static_cast<int64_t>(sizeof(Value) + sizeof(Constant) + elements.size_bytes()));
  return Unwrap(
      passes::AddFloatConstant(&graph_, {}, elements, Shape{static_cast<int64_t>(elements.size())}));
}

ValueId TfliteContext::AddBytes(std::span<const uint8_t> bytes) {
  Spend(static_cast<int64_t>(sizeof(Value) + sizeof(Constant) + bytes.size()));
  const TensorView view = {const_cast<uint8_t*>(bytes.data()), DType::kU8,
                           Shape{static_cast<int64_t>(bytes.size())}};
  return Unwrap(graph_.AddConstant({}, view, /*copy=*/true));
}

ValueId TfliteContext::Transposed(ValueId value, const IntList& perm) {
  const std::span<const int64_t> order(perm.values, static_cast<size_t>(perm.count));
  if (const TensorView* view = graph_.ConstantOf(value); view != nullptr) {
    Spend(view->bytes() + static_cast<int64_t>(sizeof(Value) + sizeof(Constant)));
    return Unwrap(passes::TransposedConstant(&graph_, value, order));
  }
  TensorType type = TypeOf(value);
  Shape shape = type.shape;
  for (int i = 0; i < perm.size(); ++i) shape[i] = type.shape[static_cast<int>(perm[i])];
  type.shape = shape;
  if (passes::IsWeightChain(graph_, value)) {
    const NodeId producer = graph_.values[value].producer;
    const OpId op = graph_.nodes[producer].op;
    const AttributeStorage attributes = graph_.nodes[producer].attributes;
    const ValueId source = Transposed(graph_.nodes[producer].inputs[0], perm);
    if (op == OpId::kCast) return Emit(op, {source}, attributes.as<ops::CastAttributes>(), type);
    return Emit(op, {source}, NoAttributes{}, type);
  }
  if (graph_.QuantizationOf(value) != nullptr && graph_.QuantizationOf(value)->axis != kNone) {
    throw ImportError(StatusCode::kUnsupported,
                      "weights quantized per channel that are computed at run time");
  }
  ops::TransposeAttributes attributes;
  attributes.perm = perm;
  return Emit(OpId::kTranspose, {value}, attributes, type);
}

ValueId TfliteContext::AsFloat(ValueId value) {
  if (value == kNone || DTypeOf(value) == DType::kF32) return value;
  TensorType type = TypeOf(value);
  type.dtype = DType::kF32;
  type.quantization = kNone;
  if (mace::IsFloat(DTypeOf(value))) {
    ops::CastAttributes attributes;
    attributes.to = DType::kF32;
    return Emit(OpId::kCast, {value}, attributes, type);
  }
  if (DTypeOf(value) == DType::kU8 && graph_.QuantizationOf(value) != nullptr) {
    // Weights of hybrid layers are symmetric: uint8 is how old files call the bytes of int8.
    const Quantization& stored = *graph_.QuantizationOf(value);
    const std::vector<float> scales(stored.scales.begin(), stored.scales.end());
    const std::vector<int32_t> points(scales.size(), 0);
    ops::BitCastAttributes attributes;
    attributes.to = DType::kI8;
    TensorType bytes = TypeOf(value);
    bytes.dtype = DType::kI8;
    Spend(static_cast<int64_t>(scales.size()) * 8 + 64);
    bytes.quantization = Unwrap(graph_.AddQuantization(scales, points, stored.axis));
    value = Emit(OpId::kBitCast, {value}, attributes, bytes);
  }
  WarnOnce("layers with float inputs and integer weights: the weights are dequantized, inputs stay float32");
  return Emit(OpId::kDequantize, {value}, NoAttributes{}, type);
}

// ---- nodes

namespace {

bool IsNarrowFloat(DType dtype) { return dtype == DType::kF16 || dtype == DType::kBF16; }

bool TakesNarrowFloats(OpId op) {
  constexpr uint32_t kTaking = kOpNarrowFloats | kOpView | kOpShapeOnly | kOpControl;
  return (FindOpDefinition(op)->flags & kTaking) != 0 || op == OpId::kCast || op == OpId::kIdentity;
}

}  // namespace

ValueId TfliteContext::Input(int i) {
  const ValueId value = ValueOf(InputTensor(i));
  if (!IsWords(InputTensor(i))) return value;
  ops::BitCastAttributes attributes;
  attributes.to = DType::kI64;
  attributes.regroup = true;
  return EmitInner(OpId::kBitCast, {value}, attributes);
}

TensorType TfliteContext::OutputType(int i) {
  TensorType type = TypeOfTensor(OutputTensor(i));
  if (!IsWords(OutputTensor(i))) return type;
  --type.shape.rank;
  type.dtype = DType::kI64;
  return type;
}

std::vector<ValueId> TfliteContext::EmitNode(OpId op, std::span<const ValueId> inputs, const void* attributes,
                                             size_t attribute_bytes, std::span<const TensorType> types,
                                             std::span<const std::string_view> names) {
  for (ValueId input : inputs) {
    if (input == kNone || !IsNarrowFloat(DTypeOf(input)) || TakesNarrowFloats(op)) continue;
    return EmitWide(op, inputs, DTypeOf(input), attributes, attribute_bytes, types, names);
  }
  const std::string node_name = NodeName();
  int64_t bytes =
      static_cast<int64_t>(2 * sizeof(Node) + 4 * (inputs.size() + types.size()) + node_name.size());
  for (std::string_view name : names) {
    bytes += static_cast<int64_t>(2 * sizeof(Value) + prefix_.size() + name.size());
  }
  Spend(bytes);
  std::vector<ValueId> outputs;
  for (size_t i = 0; i < types.size(); ++i) {
    outputs.push_back(Unwrap(graph_.AddValue(Named(names[i]), types[i])));
  }
  const NodeId id = Unwrap(graph_.AddNode(op, node_name, inputs, outputs));
  if (attribute_bytes > 0) std::memcpy(graph_.nodes[id].attributes.bytes, attributes, attribute_bytes);
  std::vector<TensorType> input_types(inputs.size());
  std::vector<const TensorView*> known(inputs.size(), nullptr);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] == kNone) continue;
    input_types[i] = graph_.values[inputs[i]].type;
    known[i] = graph_.ConstantOf(inputs[i]);
  }
  TensorType inferred[InferContext::kMaxOutputs];
  Check(InferNodeUnlabeled(graph_, graph_.nodes[id], input_types.data(), known.data(), inferred),
        ImportStage::kShape);
  for (size_t i = 0; i < outputs.size(); ++i) {
    TensorType& type = graph_.values[outputs[i]].type;
    if (type.dtype != DType::kInvalid && type.dtype != inferred[i].dtype) {
      throw ImportError(StatusCode::kDataLoss, std::string("its output is declared as ") +
                                                   NameOf(type.dtype) + ", but would be " +
                                                   NameOf(inferred[i].dtype));
    }
    // The format's runtime recomputes all shapes; what the file says fills the gaps only.
    Shape shape = inferred[i].shape;
    for (int d = 0; d < shape.rank && shape.rank == type.shape.rank; ++d) {
      if (!ops::MergeDim(shape[d], type.shape[d], &shape[d])) break;
    }
    type.dtype = inferred[i].dtype;
    type.shape = shape;
  }
  return outputs;
}

std::vector<ValueId> TfliteContext::EmitWide(OpId op, std::span<const ValueId> inputs, DType narrow,
                                             const void* attributes, size_t attribute_bytes,
                                             std::span<const TensorType> types,
                                             std::span<const std::string_view> names) {
  const auto cast = [&](ValueId value, DType to, std::string_view name) {
    ops::CastAttributes attributes_of_cast;
    attributes_of_cast.to = to;
    TensorType type = TypeOf(value);
    type.dtype = to;
    return Emit(OpId::kCast, {value}, attributes_of_cast, type, name);
  };
  std::vector<ValueId> wide(inputs.begin(), inputs.end());
  for (ValueId& input : wide) {
    if (input != kNone && IsNarrowFloat(DTypeOf(input))) input = cast(input, DType::kF32, {});
  }
  std::vector<TensorType> wide_types(types.begin(), types.end());
  for (TensorType& type : wide_types) {
    if (IsNarrowFloat(type.dtype)) type.dtype = DType::kF32;
  }
  const std::vector<std::string_view> no_names(types.size());
  std::vector<ValueId> outputs = EmitNode(op, wide, attributes, attribute_bytes, wide_types, no_names);
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (DTypeOf(outputs[i]) == DType::kF32) {
      outputs[i] = cast(outputs[i], IsNarrowFloat(types[i].dtype) ? types[i].dtype : narrow, names[i]);
    } else if (!names[i].empty()) {
      Check(graph_.values[outputs[i]].name.Assign(Named(names[i])));
    }
  }
  return outputs;
}

ValueId TfliteContext::EmitInner(OpId op, std::span<const ValueId> inputs, const void* attributes,
                                 size_t attribute_bytes, ValueId like) {
  TensorType type;
  type.shape = Shape::OfUnknownRank();
  if (like != kNone) type.quantization = graph_.values[like].type.quantization;
  const std::string_view no_name;
  const ValueId value = EmitNode(op, inputs, attributes, attribute_bytes, {&type, 1}, {&no_name, 1})[0];
  FoldLast(value);
  return value;
}

void TfliteContext::FoldLast(ValueId value) {
  const NodeId id = graph_.values[value].producer;
  if (id == kNone || graph_.nodes[id].op == OpId::kDequantize) return;
  passes::FoldLimits limits;
  limits.work = 1 << 14;
  limits.result_bytes = std::min<int64_t>(1 << 10, fold_allowance_);
  bool folded = false;
  Check(passes::FoldNode(&graph_, id, limits, &folded));
  if (!folded) return;
  fold_allowance_ -= graph_.ConstantOf(value)->bytes();
  graph_.nodes.PopBack();
}

NodeId TfliteContext::EmitControl(OpId op, std::span<const ValueId> inputs, std::span<const TensorType> types,
                                  std::vector<ValueId>* ids) {
  const std::string name = NodeName();
  Spend(static_cast<int64_t>(2 * sizeof(Node) + 4 * inputs.size() + 2 * sizeof(Value) * types.size() +
                             name.size()));
  ids->clear();
  for (const TensorType& type : types) ids->push_back(Unwrap(graph_.AddValue("", type)));
  return Unwrap(graph_.AddNode(op, name, inputs, *ids));
}

// Whether an activation can change a value of this type, and the bounds it clamps to.
bool TfliteContext::NeedsClamp(Activation activation, const TensorType& type, float* low, float* high) const {
  *low = activation == Activation::kReluMinus1To1 ? -1.0f : 0.0f;
  *high = activation == Activation::kRelu6 ? 6.0f : std::numeric_limits<float>::infinity();
  if (activation == Activation::kReluMinus1To1) *high = 1.0f;
  if (activation == Activation::kNone) return false;
  if (!mace::IsInteger(type.dtype) || type.quantization == kNone) return true;
  // A quantized output mostly ends where the activation does: nothing is left to clamp.
  const Quantization& quantization = graph_.quantizations[type.quantization];
  const ops::IntegerRange range = ops::RangeOf(type.dtype);
  const auto stored = [&](float bound) {
    return static_cast<int64_t>(ops::RoundToInt32(bound / quantization.scales[0], false)) +
           quantization.zero_points[0];
  };
  return stored(*low) > range.low || (std::isfinite(*high) && stored(*high) < range.high);
}

void TfliteContext::EmitOutput(OpId op, std::span<const ValueId> inputs, const void* attributes,
                               size_t attribute_bytes, int8_t activation) {
  if (activation < 0 || activation > static_cast<int8_t>(Activation::kTanh)) {
    Refuse("fused activation " + std::to_string(activation));
    activation = 0;
  }
  const auto kind = static_cast<Activation>(activation);
  TensorType type = OutputType(0);
  const std::string_view name = file_.TensorName(OutputTensor(0));
  float low = 0;
  float high = 0;
  if (!NeedsClamp(kind, type, &low, &high)) {
    BindOutput(0, EmitNode(op, inputs, attributes, attribute_bytes, {&type, 1}, {&name, 1})[0]);
    return;
  }
  const std::string_view no_name;
  const ValueId raw = EmitNode(op, inputs, attributes, attribute_bytes, {&type, 1}, {&no_name, 1})[0];
  if (kind == Activation::kTanh) {
    if (mace::IsInteger(type.dtype)) {
      Refuse("a fused TANH on integers");
      return BindOutput(0, raw);
    }
    BindOutput(0, Emit(OpId::kTanh, {raw}, NoAttributes{}, type, name));
  } else if (kind == Activation::kRelu) {
    BindOutput(0,
               Emit(OpId::kRelu, {raw}, ops::RoundingAttributes{ops::Rounding::kTfliteDouble}, type, name));
  } else {
    ops::ClipAttributes clip;
    clip.min = low;
    clip.max = high;
    clip.rounding = ops::Rounding::kTfliteDouble;
    BindOutput(0, Emit(OpId::kClip, {raw}, clip, type, name));
  }
}

void TfliteContext::BindOutput(int i, ValueId value) {
  if (IsWords(OutputTensor(i))) {
    ops::BitCastAttributes attributes;
    attributes.to = DType::kF32;
    attributes.regroup = true;
    Check(graph_.values[value].name.Assign(""));
    value = Emit(OpId::kBitCast, {value}, attributes, TypeOfTensor(OutputTensor(i)),
                 file_.TensorName(OutputTensor(i)));
  }
  values_[static_cast<size_t>(OutputTensor(i))] = value;
}

void TfliteContext::BindDeclaredOutputs() {
  for (int32_t tensor : SpanOf(file_.operation(operator_).outputs())) {
    if (tensor < 0 || file_.tensor(tensor).is_variable()) continue;
    Spend(static_cast<int64_t>(sizeof(Value)));
    values_[static_cast<size_t>(tensor)] = Unwrap(graph_.AddValue({}, TypeOfTensor(tensor)));
  }
}

void TfliteContext::WriteVariable(int tensor, ValueId value) {
  const int32_t state = states_[static_cast<size_t>(tensor)];
  if (state == kNone) {
    throw ImportError(StatusCode::kDataLoss,
                      file_.DescribeTensor(tensor) + " is written but is not a variable");
  }
  values_[static_cast<size_t>(tensor)] = value;
  graph_.states[static_cast<size_t>(state)].write = value;
}

}  // namespace mace::importers::tflite
