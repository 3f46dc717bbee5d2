#include "mace/passes/constants.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "mace/graph/op_definition.h"
#include "mace/ops/detection/roi_align.h"
#include "mace/ops/evaluate.h"

namespace mace::passes {
namespace {

// Strides in elements of a contiguous tensor.
std::vector<int64_t> StridesOf(const Shape& shape) {
  std::vector<int64_t> strides(shape.rank, 1);
  for (int i = shape.rank - 2; i >= 0; --i) strides[i] = strides[i + 1] * shape.dims[i + 1];
  return strides;
}

template <typename T>
void TransposeElements(const T* from, const Shape& from_shape, std::span<const int64_t> perm, T* to,
                       const Shape& to_shape) {
  const int rank = from_shape.rank;
  const std::vector<int64_t> from_strides = StridesOf(from_shape);
  const int64_t count = to_shape.ElementCount();
  if (count == 0) return;
  std::vector<int64_t> index(rank, 0);
  const int64_t inner = rank == 0 ? 1 : to_shape.dims[rank - 1];
  const int64_t inner_stride = rank == 0 ? 1 : from_strides[perm[rank - 1]];
  for (int64_t done = 0; done < count; done += inner) {
    int64_t offset = 0;
    for (int i = 0; i + 1 < rank; ++i) offset += index[i] * from_strides[perm[i]];
    for (int64_t k = 0; k < inner; ++k) to[done + k] = from[offset + k * inner_stride];
    for (int i = rank - 2; i >= 0 && ++index[i] == to_shape.dims[i]; --i) index[i] = 0;
  }
}

Result<int32_t> WithAxis(Graph* graph, const Quantization& quantization, int32_t axis) {
  return graph->AddQuantization(
      std::vector<float>(quantization.scales.begin(), quantization.scales.end()),
      std::vector<int32_t>(quantization.zero_points.begin(), quantization.zero_points.end()), axis);
}

// Where `axis` of `from` is in `to`, a shape of as many elements; kUnsupported where it is split or joined.
Result<int32_t> ReshapedAxis(const Shape& from, int axis, const Shape& to) {
  for (int i = 0; i < to.rank; ++i) {
    if (to[i] == from[axis] && to.Product(0, i) == from.Product(0, axis)) return i;
  }
  return Unsupported("reshaping a constant that is quantized along an axis which that changes");
}

// Operators whose work may be more than a few steps an element; folded only while small.
bool IsHeavy(OpId op) {
  switch (op) {
    case OpId::kSoftmax:
    case OpId::kLogSoftmax:
    case OpId::kLayerNormalization:
    case OpId::kBatchNormalization:
      return false;
    // Marked as cheap for shape arithmetic, or by their family.
    case OpId::kBlockMatMul:
    case OpId::kDet:
    case OpId::kInverse:
    case OpId::kLocalResponseNormalization:
      return true;
    default:
      return (FindOpDefinition(op)->flags & (kOpElementwise | kOpView | kOpCheap | kOpShapeOnly)) == 0;
  }
}

// Steps for one element of the result that neither inputs nor result tell: a small file may ask for many.
int64_t StepsOfElement(const Node& node, const std::vector<TensorView>& inputs) {
  if (node.op == OpId::kRoiAlign) {
    constexpr int64_t kMost = 1 << 10;  // along an axis; 0: the boxes decide
    const int64_t ratio = node.attributes.as<ops::RoiAlignAttributes>().sampling_ratio;
    return ratio > 0 && ratio < kMost ? ratio * ratio : kMost * kMost;
  }
  if (node.op == OpId::kResizeNd) return int64_t{1} << (2 * inputs[0].shape.rank);  // 4 taps along each axis
  return 1;
}

Status MakeConstant(Graph* graph, ValueId value, Buffer buffer, const TensorView& view) {
  Constant constant;
  constant.view = view;
  constant.owned = std::move(buffer);
  MACE_RETURN_IF_ERROR(graph->constants.PushBack(std::move(constant)));
  Value& target = graph->values[value];
  target.constant = static_cast<int32_t>(graph->constants.size()) - 1;
  target.producer = kNone;
  target.type.dtype = view.dtype;
  target.type.shape = view.shape;
  return Status::Ok();
}

// Shape of a value of known shape needs no elements.
Status FoldShape(Graph* graph, const Node& node, bool* folded) {
  const Shape& shape = graph->values[node.inputs[0]].type.shape;
  if (!shape.IsConcrete()) return Status::Ok();
  TensorView input{nullptr, graph->values[node.inputs[0]].type.dtype, shape};
  const ValueId output = node.outputs[0];
  const Shape& out_shape = graph->values[output].type.shape;
  if (!out_shape.IsConcrete()) return Status::Ok();
  MACE_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Allocate(out_shape.ElementCount() * 8));
  TensorView view{buffer.data(), DType::kI64, out_shape};
  MACE_RETURN_IF_ERROR(EvaluateNode(*graph, node, &input, &view));
  MACE_RETURN_IF_ERROR(MakeConstant(graph, output, std::move(buffer), view));
  *folded = true;
  return Status::Ok();
}

// Above so many elements the work of a data-sized operator, which may be their square, is not for folding.
constexpr int64_t kMaxDataSizedElements = 1 << 14;

Status FoldDataSized(Graph* graph, NodeId id, const std::vector<TensorView>& inputs, const FoldLimits& limits,
                     bool* folded) {
  for (const TensorView& input : inputs) {
    if (input.dtype != DType::kInvalid && input.elements() > kMaxDataSizedElements) return Status::Ok();
  }
  Vector<EvaluatedTensor> results;
  Status status = EvaluateDynamicNode(*graph, graph->nodes[id], inputs.data(), &results, limits.result_bytes);
  if (status.code() == StatusCode::kResourceExhausted) return Status::Ok();
  MACE_RETURN_IF_ERROR(std::move(status));
  for (size_t i = 0; i < results.size(); ++i) {
    const ValueId output = graph->nodes[id].outputs[i];
    if (output == kNone) continue;
    MACE_RETURN_IF_ERROR(MakeConstant(graph, output, std::move(results[i].buffer), results[i].view));
  }
  *folded = true;
  return Status::Ok();
}

}  // namespace

Result<ValueId> AddFloatConstant(Graph* graph, std::string_view name, std::span<const float> elements,
                                 const Shape& shape) {
  const TensorView view{const_cast<float*>(elements.data()), DType::kF32, shape};
  return graph->AddConstant(name, view, true);
}

Result<ValueId> AddInt64Constant(Graph* graph, std::string_view name, std::span<const int64_t> elements) {
  const TensorView view{const_cast<int64_t*>(elements.data()), DType::kI64,
                        Shape{static_cast<int64_t>(elements.size())}};
  return graph->AddConstant(name, view, true);
}

Result<ValueId> TransposedConstant(Graph* graph, ValueId value, std::span<const int64_t> perm) {
  const TensorView source = *graph->ConstantOf(value);
  if (BytesOf(source.dtype) == 0) return Unsupported("a 4-bit constant cannot be transposed");
  if (static_cast<int>(perm.size()) != source.shape.rank) {
    return Internal("a permutation of %d axes for %d", static_cast<int>(perm.size()), source.shape.rank);
  }
  Shape shape;
  shape.rank = source.shape.rank;
  for (int i = 0; i < shape.rank; ++i) shape.dims[i] = source.shape.dims[perm[i]];
  String name;
  MACE_RETURN_IF_ERROR(name.Assign(graph->values[value].name.view()));
  MACE_ASSIGN_OR_RETURN(const ValueId result,
                        graph->AddUninitializedConstant(name.view(), source.dtype, shape));
  const TensorView target = *graph->ConstantOf(result);
  switch (BytesOf(source.dtype)) {
    case 1:
      TransposeElements(source.as<uint8_t>(), source.shape, perm, static_cast<uint8_t*>(target.data), shape);
      break;
    case 2:
      TransposeElements(source.as<uint16_t>(), source.shape, perm, static_cast<uint16_t*>(target.data),
                        shape);
      break;
    case 4:
      TransposeElements(source.as<uint32_t>(), source.shape, perm, static_cast<uint32_t*>(target.data),
                        shape);
      break;
    default:
      TransposeElements(source.as<uint64_t>(), source.shape, perm, static_cast<uint64_t*>(target.data),
                        shape);
  }
  if (const Quantization* quantization = graph->QuantizationOf(value); quantization != nullptr) {
    if (quantization->axis == kNone) {
      graph->values[result].type.quantization = graph->values[value].type.quantization;
    } else {
      const int32_t axis =
          static_cast<int32_t>(std::find(perm.begin(), perm.end(), quantization->axis) - perm.begin());
      MACE_ASSIGN_OR_RETURN(graph->values[result].type.quantization, WithAxis(graph, *quantization, axis));
    }
  }
  return result;
}

Result<ValueId> ReshapedConstant(Graph* graph, ValueId value, const Shape& shape) {
  TensorView view = *graph->ConstantOf(value);
  if (view.shape.ElementCount() != shape.ElementCount()) {
    return Internal("constant %s cannot be reshaped to %s", ShapeText(view.shape).text,
                    ShapeText(shape).text);
  }
  int32_t quantization_index = graph->values[value].type.quantization;
  const Quantization* quantization = graph->QuantizationOf(value);
  if (quantization != nullptr && quantization->axis != kNone) {
    MACE_ASSIGN_OR_RETURN(const int32_t axis, ReshapedAxis(view.shape, quantization->axis, shape));
    MACE_ASSIGN_OR_RETURN(quantization_index, WithAxis(graph, *quantization, axis));
  }
  view.shape = shape;
  String name;
  MACE_RETURN_IF_ERROR(name.Assign(graph->values[value].name.view()));
  MACE_ASSIGN_OR_RETURN(const ValueId result, graph->AddConstant(name.view(), view, true));
  graph->values[result].type.quantization = quantization_index;
  return result;
}

bool IsWeightChain(const Graph& graph, ValueId value) {
  if (value == kNone) return false;
  if (graph.ConstantOf(value) != nullptr) return true;
  const NodeId producer = graph.values[value].producer;
  if (producer == kNone) return false;
  const Node& node = graph.nodes[producer];
  return (node.op == OpId::kCast || node.op == OpId::kDequantize) && node.inputs.size() == 1 &&
         graph.ConstantOf(node.inputs[0]) != nullptr;
}

bool ScalarConstant(const Graph& graph, ValueId value, double* element) {
  const TensorView* view = graph.ConstantOf(value);
  if (view == nullptr || view->elements() != 1 || graph.QuantizationOf(value) != nullptr) return false;
  switch (view->dtype) {
    case DType::kF32:
      *element = *view->as<float>();
      return true;
    case DType::kF64:
      *element = *view->as<double>();
      return true;
    case DType::kI32:
      *element = *view->as<int32_t>();
      return true;
    case DType::kI64:
      *element = static_cast<double>(*view->as<int64_t>());
      return true;
    case DType::kI8:
      *element = *view->as<int8_t>();
      return true;
    case DType::kU8:
      *element = *view->as<uint8_t>();
      return true;
    case DType::kI16:
      *element = *view->as<int16_t>();
      return true;
    default:
      return false;
  }
}

bool IntListConstant(const Graph& graph, ValueId value, IntList* list) {
  const TensorView* view = graph.ConstantOf(value);
  if (view == nullptr || view->shape.rank > 1 || view->elements() > IntList::capacity()) return false;
  if (view->dtype != DType::kI64 && view->dtype != DType::kI32) return false;
  *list = IntList();
  for (int64_t i = 0; i < view->elements(); ++i) {
    list->Push(view->dtype == DType::kI64 ? view->as<int64_t>()[i] : view->as<int32_t>()[i]);
  }
  return true;
}

const char* NonFiniteIn(const TensorView& view) {
  // NaN counts more than infinity, wherever it stands.
  const auto look = [&]<typename T>(const T* elements, auto is_nan, auto is_infinite) -> const char* {
    const T* end = elements + view.elements();
    if (std::any_of(elements, end, is_nan)) return "NaN";
    return std::any_of(elements, end, is_infinite) ? "infinity" : nullptr;
  };
  const auto look_at_bits = [&](int infinity) {
    return look(
        view.as<uint16_t>(), [=](uint16_t bits) { return (bits & 0x7FFF) > infinity; },
        [=](uint16_t bits) { return (bits & 0x7FFF) == infinity; });
  };
  switch (view.dtype) {
    case DType::kF32:
      return look(
          view.as<float>(), [](float v) { return std::isnan(v); }, [](float v) { return std::isinf(v); });
    case DType::kF64:
      return look(
          view.as<double>(), [](double v) { return std::isnan(v); }, [](double v) { return std::isinf(v); });
    case DType::kF16:
      return look_at_bits(0x7C00);
    case DType::kBF16:
      return look_at_bits(0x7F80);
    default:
      return nullptr;
  }
}

Status FoldNode(Graph* graph, NodeId node_id, const FoldLimits& limits, bool* folded) {
  *folded = false;
  const Node& node = graph->nodes[node_id];
  if (node.op == OpId::kShape) return FoldShape(graph, node, folded);
  if ((FindOpDefinition(node.op)->flags & kOpRandom) != 0) return Status::Ok();
  std::vector<TensorView> inputs;
  int64_t input_elements = 1;
  for (ValueId input : node.inputs) {
    if (input == kNone) {
      inputs.emplace_back();
      continue;
    }
    const TensorView* view = graph->ConstantOf(input);
    if (view == nullptr) return Status::Ok();
    inputs.push_back(*view);
    const int64_t count = view->elements();
    input_elements =
        IsHeavy(node.op) ? input_elements * std::min<int64_t>(count + 1, 1 << 20) : input_elements + count;
    if (count > limits.work || input_elements > limits.work) return Status::Ok();
  }
  const OpDefinition& definition = *FindOpDefinition(node.op);
  if ((definition.flags & kOpControl) != 0) return Status::Ok();
  if (definition.evaluate != nullptr) return FoldDataSized(graph, node_id, inputs, limits, folded);
  std::vector<TensorView> outputs;
  std::vector<Buffer> buffers;
  for (ValueId output : node.outputs) {
    if (output == kNone) {
      outputs.emplace_back();
      buffers.emplace_back();
      continue;
    }
    const TensorType& type = graph->values[output].type;
    const int64_t bytes = ByteCount(type.dtype, type.shape);
    if (bytes < 0 || bytes > limits.result_bytes) return Status::Ok();
    const int64_t work = limits.work / input_elements / StepsOfElement(node, inputs);
    if (IsHeavy(node.op) && type.shape.ElementCount() + 1 > work) return Status::Ok();
    MACE_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Allocate(bytes));
    outputs.push_back({buffer.data(), type.dtype, type.shape});
    buffers.push_back(std::move(buffer));
  }
  MACE_RETURN_IF_ERROR(EvaluateNode(*graph, node, inputs.data(), outputs.data()));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNone) continue;
    MACE_RETURN_IF_ERROR(MakeConstant(graph, node.outputs[i], std::move(buffers[i]), outputs[i]));
  }
  *folded = true;
  return Status::Ok();
}

}  // namespace mace::passes
