#include <algorithm>
#include <optional>

#include "mace/ops/evaluate.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/constants.h"
#include "mace/passes/matching.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// Elements of a small integer tensor as far as they are known: a number, or a dimension's symbol (as in
// Shape::dims).
struct Element {
  bool is_symbol = false;
  int64_t value = 0;  // a number, or a symbolic dimension
};
using Elements = std::vector<Element>;

constexpr int kMostElements = 16;
constexpr int kMostSteps = 64;  // nodes looked at for one value: a file may nest any number

class Evaluator {
 public:
  explicit Evaluator(const GraphEditor& editor) : editor_(editor), graph_(editor.graph()) {}

  std::optional<Elements> Evaluate(ValueId value) {
    steps_ = 0;
    return Look(value);
  }

 private:
  std::optional<Elements> Look(ValueId value) {
    if (value == kNone || ++steps_ > kMostSteps) return std::nullopt;
    const DType dtype = editor_.DTypeOf(value);
    if ((dtype != DType::kI64 && dtype != DType::kI32) || editor_.QuantizationIndexOf(value) != kNone) {
      return std::nullopt;
    }
    if (const TensorView* view = graph_.ConstantOf(value); view != nullptr) return OfConstant(*view);
    const Node* node = ProducerOf(editor_, value);
    if (node == nullptr || node->inputs.empty() || node->inputs[0] == kNone ||
        !editor_.ShapeOf(node->inputs[0]).HasRank()) {
      return std::nullopt;
    }
    switch (node->op) {
      case OpId::kShape:
        return OfShape(*node);
      case OpId::kGather:
        return OfGather(*node);
      case OpId::kSlice:
        return OfSlice(*node);
      case OpId::kConcat:
        return OfConcat(*node);
      case OpId::kCast:
      case OpId::kIdentity:
        return Fitting(Look(node->inputs[0]), dtype);
      case OpId::kReshape:
      case OpId::kSqueeze:
      case OpId::kUnsqueeze:
      case OpId::kFlatten:
        return Look(node->inputs[0]);  // the same elements in the same order
      case OpId::kAdd:
      case OpId::kSub:
      case OpId::kMul:
        return OfArithmetic(*node);
      default:
        return std::nullopt;
    }
  }

  static std::optional<Elements> OfConstant(const TensorView& view) {
    if (view.elements() > kMostElements) return std::nullopt;
    Elements elements;
    for (int64_t i = 0; i < view.elements(); ++i) {
      elements.push_back({false, view.dtype == DType::kI64 ? view.as<int64_t>()[i] : view.as<int32_t>()[i]});
    }
    return elements;
  }
  // Numbers that a cast to 32 bits keeps. (A dimension that is open does not reach 2^31 in any real model;
  // where it did, the Reshape behind the cast would fail with or without this pass.)
  static std::optional<Elements> Fitting(std::optional<Elements> elements, DType dtype) {
    if (!elements || dtype != DType::kI32) return elements;
    for (const Element& element : *elements) {
      if (!element.is_symbol && (element.value > INT32_MAX || element.value < INT32_MIN)) return std::nullopt;
    }
    return elements;
  }
  std::optional<Elements> OfShape(const Node& node) const {
    const Shape& shape = editor_.ShapeOf(node.inputs[0]);
    const auto& attributes = node.attributes.as<ops::ShapeAttributes>();
    const auto clamp = [&](int64_t i) {
      return std::clamp<int64_t>(i < 0 ? i + shape.rank : i, 0, shape.rank);
    };
    Elements elements;
    for (int64_t i = clamp(attributes.start); i < clamp(attributes.end); ++i) {
      const int64_t dim = shape[static_cast<int>(i)];
      if (dim == kUnknownDim) return std::nullopt;
      elements.push_back({dim < 0, dim});
    }
    return elements;
  }
  std::optional<Elements> OfGather(const Node& node) {
    IntList indices;
    if (editor_.ShapeOf(node.inputs[0]).rank != 1 || !IntListConstant(graph_, node.inputs[1], &indices)) {
      return std::nullopt;
    }
    const std::optional<Elements> data = Look(node.inputs[0]);
    if (!data) return std::nullopt;
    Elements elements;
    for (int i = 0; i < indices.size(); ++i) {
      int index = 0;
      if (!NormalizeAxis(indices[i], static_cast<int>(data->size()), &index)) return std::nullopt;
      elements.push_back((*data)[index]);
    }
    return elements;
  }
  std::optional<Elements> OfSlice(const Node& node) {
    IntList lists[4];
    if (editor_.ShapeOf(node.inputs[0]).rank != 1) return std::nullopt;
    for (int i = 0; i < 4; ++i) {
      const bool present = static_cast<int>(node.inputs.size()) > 1 + i && node.inputs[1 + i] != kNone;
      if (present && !IntListConstant(graph_, node.inputs[1 + i], &lists[i])) return std::nullopt;
      if (!present) lists[i].Push(i == 2 ? 0 : 1);
      if (lists[i].size() != 1) return std::nullopt;
    }
    const std::optional<Elements> data = Look(node.inputs[0]);
    if (!data || lists[3][0] != 1) return std::nullopt;
    const auto size = static_cast<int64_t>(data->size());
    const auto clamp = [&](int64_t bound) {
      return std::clamp<int64_t>(bound < 0 ? std::max(bound, -size) + size : bound, 0, size);
    };
    const int64_t begin = clamp(lists[0][0]), end = std::max(clamp(lists[1][0]), begin);
    return Elements(data->begin() + begin, data->begin() + end);
  }
  std::optional<Elements> OfConcat(const Node& node) {
    Elements elements;
    for (ValueId input : node.inputs) {
      const std::optional<Elements> part = editor_.ShapeOf(input).rank == 1 ? Look(input) : std::nullopt;
      if (!part || elements.size() + part->size() > kMostElements) return std::nullopt;
      elements.insert(elements.end(), part->begin(), part->end());
    }
    return elements;
  }
  // Of numbers; a dimension times 1 or plus 0 stays.
  std::optional<Elements> OfArithmetic(const Node& node) {
    const std::optional<Elements> a = Look(node.inputs[0]);
    const std::optional<Elements> b = a ? Look(node.inputs[1]) : std::nullopt;
    if (!b || (a->size() != b->size() && a->size() != 1 && b->size() != 1)) return std::nullopt;
    if (editor_.ShapeOf(node.outputs[0]).rank > 1 || a->empty() || b->empty()) return std::nullopt;
    Elements elements;
    for (size_t i = 0; i < std::max(a->size(), b->size()); ++i) {
      const Element& x = (*a)[a->size() == 1 ? 0 : i];
      const Element& y = (*b)[b->size() == 1 ? 0 : i];
      const int64_t neutral = node.op == OpId::kMul ? 1 : 0;
      Element result;
      if (!y.is_symbol && y.value == neutral) {
        result = x;
      } else if (!x.is_symbol && x.value == neutral && node.op != OpId::kSub) {
        result = y;
      } else if (x.is_symbol || y.is_symbol) {
        return std::nullopt;
      } else {
        const bool overflows = node.op == OpId::kMul ? __builtin_mul_overflow(x.value, y.value, &result.value)
                               : node.op == OpId::kAdd
                                   ? __builtin_add_overflow(x.value, y.value, &result.value)
                                   : __builtin_sub_overflow(x.value, y.value, &result.value);
        if (overflows) return std::nullopt;
      }
      elements.push_back(result);
    }
    return Fitting(elements, editor_.DTypeOf(node.outputs[0]));
  }

  const GraphEditor& editor_;
  const Graph& graph_;
  int steps_ = 0;
};

// The `shape` attribute of a Reshape of `from` to these sizes: a symbol is copied from the same axis, or is
// the one dimension that is inferred.
bool AttributeOf(const Elements& elements, const Shape& from, IntList* shape) {
  if (elements.size() > static_cast<size_t>(kMaxRank)) return false;
  int inferred = 0;
  for (size_t i = 0; i < elements.size(); ++i) {
    const Element& element = elements[i];
    const int axis = static_cast<int>(i);
    if (element.is_symbol && axis < from.rank && from[axis] == element.value) {
      shape->Push(0);
    } else if (element.is_symbol || element.value == -1) {
      shape->Push(-1);
      ++inferred;
    } else if (element.value >= 0) {
      shape->Push(element.value);
    } else {
      return false;
    }
  }
  return inferred <= 1;
}

class Folder {
 public:
  explicit Folder(GraphEditor* editor) : editor_(*editor), graph_(editor->graph()), evaluator_(*editor) {}

  void Visit(NodeId id) {
    const Node& node = editor_.node(id);
    if (node.outputs.empty() || node.outputs[0] == kNone || node.inputs.empty()) return;
    if (node.op == OpId::kReshape) {
      FoldReshape(id);
    } else if (node.op == OpId::kExpand) {
      FoldExpand(id);
    } else if (node.outputs.size() == 1) {
      FoldNumbers(id);
    }
  }

 private:
  bool FoldReshape(NodeId id) {
    const Node& node = editor_.node(id);
    const ValueId x = node.inputs[0], y = node.outputs[0];
    if (node.inputs.size() < 2 || node.inputs[1] == kNone || editor_.IsConstant(node.inputs[1]) ||
        !editor_.ShapeOf(x).HasRank() || node.attributes.as<ops::ReshapeAttributes>().allow_zero) {
      return false;
    }
    const std::optional<Elements> elements = evaluator_.Evaluate(node.inputs[1]);
    ops::ReshapeAttributes attributes;
    if (!elements || !AttributeOf(*elements, editor_.ShapeOf(x), &attributes.shape)) return false;
    const ValueId reshaped =
        editor_.Emit(id, OpId::kReshape, {x}, attributes, editor_.QuantizationIndexOf(y));
    editor_.ReplaceUses(y, reshaped);
    editor_.Remove(id);
    return true;
  }
  // To the shape that it has.
  bool FoldExpand(NodeId id) {
    const Node& node = editor_.node(id);
    const ValueId x = node.inputs[0], y = node.outputs[0];
    const Shape& shape = editor_.ShapeOf(x);
    const std::optional<Elements> elements = evaluator_.Evaluate(node.inputs[1]);
    if (!elements || static_cast<int>(elements->size()) > shape.rank || NeedsNode(editor_, y, x))
      return false;
    for (size_t i = 0; i < elements->size(); ++i) {
      const int64_t dim = shape[shape.rank - static_cast<int>(elements->size() - i)];
      const Element& element = (*elements)[i];
      const bool same = element.value == dim && element.is_symbol == (dim < 0);
      if (!same && (element.is_symbol || element.value != 1)) return false;
    }
    editor_.ReplaceUses(y, x);
    editor_.Remove(id);
    return true;
  }
  // Arithmetic on shapes that only needs dimensions that are known: a constant.
  bool FoldNumbers(NodeId id) {
    const Node& node = editor_.node(id);
    const ValueId y = node.outputs[0];
    const Shape shape = editor_.ShapeOf(y);
    if (editor_.IsResult(y) || !shape.IsConcrete() || shape.rank > 1 || node.op == OpId::kShape) return false;
    const std::optional<Elements> elements = evaluator_.Evaluate(y);
    if (!elements || static_cast<int64_t>(elements->size()) != shape.ElementCount()) return false;
    if (std::any_of(elements->begin(), elements->end(), [](const Element& e) { return e.is_symbol; })) {
      return false;
    }
    const DType dtype = editor_.DTypeOf(y);
    const ValueId constant = Unwrap(graph_.AddUninitializedConstant("", dtype, shape));
    TensorView& view = graph_.constants[graph_.values[constant].constant].view;
    for (size_t i = 0; i < elements->size(); ++i) {
      if (dtype == DType::kI64) {
        view.as<int64_t>()[i] = (*elements)[i].value;
      } else {
        view.as<int32_t>()[i] = static_cast<int32_t>((*elements)[i].value);
      }
    }
    editor_.Track();
    editor_.ReplaceUses(y, constant);
    editor_.Remove(id);
    return true;
  }

  GraphEditor& editor_;
  Graph& graph_;
  Evaluator evaluator_;
};

}  // namespace

Status RunShapeFolding(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    Folder folder(&editor);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) folder.Visit(id);
    if (editor.changes() == 0) return;
    editor.Finish();
    // What a computed shape left open is known now.
    Check(InferGraphTypes(graph));
  });
}

}  // namespace mace::passes
