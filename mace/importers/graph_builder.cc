#include "mace/importers/graph_builder.h"

#include <algorithm>

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/constants.h"

namespace mace::importers {
namespace {

constexpr passes::FoldLimits kFoldLimits = {.result_bytes = int64_t{64} << 10, .work = int64_t{1} << 20};
constexpr size_t kMaxWarnings = 100;
constexpr size_t kMaxRepairs = 1000;

IntList ListOf(std::span<const int64_t> elements, const char* what) {
  IntList list;
  if (elements.size() > size_t{8}) {
    throw ImportError(Unsupported("%s has %zu elements, more than 8", what, elements.size()));
  }
  for (int64_t element : elements) list.Push(element);
  return list;
}

}  // namespace

GraphBuilder::GraphBuilder(Graph* graph, ImportReport* report, size_t file_bytes)
    : graph_(*graph),
      report_(*report),
      own_bytes_left_((int64_t{64} << 20) + 32 * static_cast<int64_t>(std::min(file_bytes, size_t{1} << 50))),
      bytes_left_(&own_bytes_left_),
      fold_allowance_(&own_fold_allowance_) {}

GraphBuilder::GraphBuilder(Graph* graph, GraphBuilder* outside)
    : graph_(*graph),
      report_(outside->report_),
      bytes_left_(outside->bytes_left_),
      fold_allowance_(outside->fold_allowance_) {}

void GraphBuilder::Spend(int64_t bytes) {
  *bytes_left_ -= bytes;
  if (*bytes_left_ < 0) {
    throw ImportError(StatusCode::kResourceExhausted,
                      "the model would need far more memory than its file has bytes");
  }
}

void GraphBuilder::Warn(std::string message) {
  std::vector<std::string>& warnings = report_.warnings;
  if (warnings.size() >= kMaxWarnings) return;
  if (std::find(warnings.begin(), warnings.end(), message) == warnings.end()) {
    warnings.push_back(std::move(message));
  }
}

void GraphBuilder::Repaired(std::string reason, std::string action) {
  if (report_.repairs.size() >= kMaxRepairs) return;
  report_.repairs.push_back({node_name_, std::move(reason), std::move(action)});
}

ValueId GraphBuilder::AddConstant(std::string_view name, const TensorView& view) {
  Spend(view.bytes() + static_cast<int64_t>(sizeof(Value) + sizeof(Constant) + name.size()));
  return Unwrap(graph_.AddConstant(name, view, /*copy=*/true));
}

ValueId GraphBuilder::Floats(std::span<const float> elements, const Shape& shape) {
  Spend(static_cast<int64_t>(elements.size_bytes() + sizeof(Value) + sizeof(Constant)));
  return Unwrap(passes::AddFloatConstant(&graph_, {}, elements, shape));
}

ValueId GraphBuilder::Int64s(std::span<const int64_t> elements) {
  Spend(static_cast<int64_t>(elements.size_bytes() + sizeof(Value) + sizeof(Constant)));
  return Unwrap(passes::AddInt64Constant(&graph_, {}, elements));
}

ValueId GraphBuilder::Scalar(double element, DType dtype) {
  double number = element;
  const ValueId wide = AddConstant({}, TensorView{&number, DType::kF64, Shape{}});
  return Cast(wide, dtype);
}

std::vector<int64_t> GraphBuilder::ConstantInts(ValueId value, const char* what, int64_t most) const {
  const TensorView* view = graph_.ConstantOf(value);
  if (view == nullptr)
    throw ImportError(Unsupported("%s is computed at run time, expected a constant", what));
  if ((view->dtype != DType::kI32 && view->dtype != DType::kI64) || view->elements() > most) {
    throw ImportError(DataLoss("%s is %s%s, expected a few integers", what, NameOf(view->dtype),
                               ShapeText(view->shape).text));
  }
  std::vector<int64_t> elements(static_cast<size_t>(view->elements()));
  for (size_t i = 0; i < elements.size(); ++i) elements[i] = ops::ReadInt(*view, static_cast<int64_t>(i));
  return elements;
}

double GraphBuilder::ConstantNumber(ValueId value, const char* what) const {
  double number = 0;
  if (!IsConstant(value)) {
    throw ImportError(Unsupported("%s is computed at run time, expected a constant", what));
  }
  if (!passes::ScalarConstant(graph_, value, &number)) {
    throw ImportError(DataLoss("%s is %s%s, expected one number", what, NameOf(DTypeOf(value)),
                               ShapeText(ShapeOf(value)).text));
  }
  return number;
}

int GraphBuilder::NormalizedAxis(int64_t axis, int rank) {
  if (rank < 0) throw ImportError(Unsupported("the rank of its input is not known"));
  if (axis < -rank || axis >= rank) {
    throw ImportError(
        DataLoss("there is no axis %lld in a tensor of rank %d", static_cast<long long>(axis), rank));
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

ValueId GraphBuilder::Transposed(ValueId value, std::span<const int64_t> perm) {
  if (const TensorView* view = graph_.ConstantOf(value); view != nullptr) {
    if (view->shape.rank != static_cast<int>(perm.size())) {
      throw ImportError(
          DataLoss("expected a tensor of rank %zu, got %s", perm.size(), ShapeText(view->shape).text));
    }
    Spend(view->bytes() + static_cast<int64_t>(sizeof(Value) + sizeof(Constant)));
    return Unwrap(passes::TransposedConstant(&graph_, value, perm));
  }
  ops::TransposeAttributes attributes;
  attributes.perm = ListOf(perm, "the permutation");
  return Emit(OpId::kTranspose, {value}, attributes);
}

ValueId GraphBuilder::Reshaped(ValueId value, std::span<const int64_t> shape) {
  ops::ReshapeAttributes attributes;
  attributes.shape = ListOf(shape, "the shape");
  return Emit(OpId::kReshape, {value}, attributes);
}

ValueId GraphBuilder::Cast(ValueId value, DType to) {
  if (DTypeOf(value) == to) return value;
  ops::CastAttributes attributes;
  attributes.to = to;
  return Emit(OpId::kCast, {value}, attributes);
}

ValueId GraphBuilder::Named(ValueId value, std::string_view name) {
  if (!graph_.values[value].name.empty()) value = Emit(OpId::kIdentity, {value});
  Spend(static_cast<int64_t>(name.size()));
  Check(graph_.values[value].name.Assign(name));
  return value;
}

NodeId GraphBuilder::EmitTyped(OpId op, std::span<const ValueId> inputs, std::span<const TensorType> types,
                               std::vector<ValueId>* ids) {
  const NodeId id = Append(op, inputs, static_cast<int>(types.size()), ids);
  for (size_t i = 0; i < types.size(); ++i) graph_.values[(*ids)[i]].type = types[i];
  return id;
}

DType GraphBuilder::WidenOperands(OpId op, std::vector<ValueId>* operands) {
  if ((FindOpDefinition(op)->flags & (kOpNarrowFloats | kOpView | kOpShapeOnly)) != 0 || op == OpId::kCast) {
    return DType::kInvalid;
  }
  DType narrow = DType::kInvalid;
  for (ValueId& operand : *operands) {
    if (operand == kNone) continue;
    const DType dtype = DTypeOf(operand);
    if (dtype != DType::kF16 && dtype != DType::kBF16) continue;
    narrow = dtype;
    operand = Cast(operand, DType::kF32);
  }
  return narrow;
}

void GraphBuilder::NarrowResults(DType narrow, std::vector<ValueId>* results) {
  for (ValueId& result : *results) {
    if (DTypeOf(result) == DType::kF32) result = Cast(result, narrow);
  }
}

NodeId GraphBuilder::Append(OpId op, std::span<const ValueId> inputs, int outputs,
                            std::vector<ValueId>* ids) {
  Spend(static_cast<int64_t>(2 * sizeof(Node) + sizeof(ValueId) * inputs.size() +
                             2 * sizeof(Value) * static_cast<size_t>(outputs) + node_name_.size()));
  for (int i = 0; i < outputs; ++i) ids->push_back(Unwrap(graph_.AddValue({}, TensorType{})));
  return Unwrap(graph_.AddNode(op, node_name_, inputs, *ids));
}

void GraphBuilder::Finish(NodeId id) {
  const Node& node = graph_.nodes[id];
  std::vector<TensorType> types;
  std::vector<const TensorView*> known;
  for (ValueId input : node.inputs) {
    types.push_back(input == kNone ? TensorType{} : TypeOf(input));
    known.push_back(graph_.ConstantOf(input));
  }
  std::vector<TensorType> inferred(std::max<size_t>(node.outputs.size(), 1));
  Check(InferNodeTypes(&graph_, node, types.data(), known.data(), inferred.data()), ImportStage::kShape);
  for (size_t i = 0; i < graph_.nodes[id].outputs.size(); ++i) {
    TensorType& type = graph_.values[graph_.nodes[id].outputs[i]].type;
    type.dtype = inferred[i].dtype;
    type.shape = inferred[i].shape;
  }
  passes::FoldLimits limits = kFoldLimits;
  limits.result_bytes = std::min(limits.result_bytes, *fold_allowance_);
  bool folded = false;
  Check(passes::FoldNode(&graph_, id, limits, &folded));
  if (!folded) return;
  for (ValueId output : graph_.nodes.back().outputs) *fold_allowance_ -= graph_.ConstantOf(output)->bytes();
  graph_.nodes.PopBack();
}

}  // namespace mace::importers
