// Einsum, taken apart into transpositions, matrix products, products and sums: what has fast kernels.
#include <algorithm>
#include <map>

#include "mace/importers/onnx/emit_norm.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::onnx {
namespace {

// A letter, or kEllipsis + n for the axis of an ellipsis that stands n places before its last.
using Label = int;
using Labels = std::vector<Label>;
constexpr Label kEllipsis = 256;

bool Contains(const Labels& labels, Label label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

struct Term {
  ValueId value = kNone;
  Labels labels;  // of its axes
};

// A term or the result of an equation: the labels in front of an ellipsis and behind it.
struct Subscripts {
  Labels front, behind;
  bool has_ellipsis = false;
};

struct Equation {
  std::vector<Subscripts> terms;
  Subscripts result;
  bool has_result = false;  // "->" is there
};

Subscripts ParseSubscripts(std::string_view text) {
  Subscripts subscripts;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      (subscripts.has_ellipsis ? subscripts.behind : subscripts.front).push_back(c);
    } else if (text.substr(i, 3) == "..." && !subscripts.has_ellipsis) {
      subscripts.has_ellipsis = true;
      i += 2;
    } else {
      throw ImportError(InvalidArgument("'%s' in the equation", Text(text.substr(i)).c_str()));
    }
  }
  return subscripts;
}

Equation ParseEquation(std::string text) {
  std::erase(text, ' ');
  Equation equation;
  std::string_view rest = text;
  if (const size_t arrow = rest.find("->"); arrow != std::string_view::npos) {
    equation.has_result = true;
    equation.result = ParseSubscripts(rest.substr(arrow + 2));
    rest = rest.substr(0, arrow);
  }
  for (;;) {
    const size_t comma = rest.find(',');
    equation.terms.push_back(ParseSubscripts(rest.substr(0, comma)));
    if (comma == std::string_view::npos) return equation;
    rest = rest.substr(comma + 1);
  }
}

class Einsum {
 public:
  explicit Einsum(OnnxContext& context) : context_(context) {}

  ValueId Convert(const Equation& equation, std::span<const ValueId> inputs) {
    for (size_t i = 0; i < inputs.size(); ++i) AddTerm(equation.terms[i], inputs[i]);
    result_ = equation.has_result ? ResultLabels(equation.result) : ImpliedLabels(equation);
    for (Term& term : terms_) TakeDiagonals(&term);
    DropBroadcastAxes();
    Term product = terms_[0];
    SumOut(&product, 1);
    for (size_t i = 1; i < terms_.size(); ++i) {
      SumOut(&terms_[i], i + 1, &product.labels);
      product = Contract(product, terms_[i], i + 1);
    }
    for (Label label : result_) {
      if (!Contains(product.labels, label)) throw ImportError(InvalidArgument("a label of no operand"));
    }
    return Arranged(product, result_).value;
  }

 private:
  void AddTerm(const Subscripts& subscripts, ValueId value) {
    const auto named = static_cast<int>(subscripts.front.size() + subscripts.behind.size());
    if (!subscripts.has_ellipsis && named <= kMaxRank) value = context_.WithRank(value, named);
    const int rank = context_.RankOf(value);
    if (rank < 0) {
      throw ImportError(
          Unsupported("an ellipsis for an operand whose rank is not known before data are there"));
    }
    const int open = rank - named;
    if (open < 0 || (open > 0 && !subscripts.has_ellipsis)) {
      throw ImportError(
          InvalidArgument("%d labels for %s", named, ShapeText(context_.TypeOf(value).shape).text));
    }
    Term term = {value, subscripts.front};
    for (int i = open - 1; i >= 0; --i) term.labels.push_back(kEllipsis + i);
    term.labels.insert(term.labels.end(), subscripts.behind.begin(), subscripts.behind.end());
    ellipsis_rank_ = std::max(ellipsis_rank_, open);
    terms_.push_back(term);
  }

  Labels EllipsisLabels() const {
    Labels labels;
    for (int i = ellipsis_rank_ - 1; i >= 0; --i) labels.push_back(kEllipsis + i);
    return labels;
  }

  Labels ResultLabels(const Subscripts& subscripts) const {
    Labels labels = subscripts.front;
    if (subscripts.has_ellipsis) {
      const Labels ellipsis = EllipsisLabels();
      labels.insert(labels.end(), ellipsis.begin(), ellipsis.end());
    }
    labels.insert(labels.end(), subscripts.behind.begin(), subscripts.behind.end());
    for (size_t i = 0; i < labels.size(); ++i) {
      if (std::count(labels.begin(), labels.end(), labels[i]) > 1) {
        throw ImportError(InvalidArgument("a label stands in the result twice"));
      }
    }
    return labels;
  }

  // Without "->": the axes of the ellipsis, then in alphabetical order the labels that occur once.
  Labels ImpliedLabels(const Equation& equation) const {
    std::map<Label, int> counts;
    for (const Subscripts& term : equation.terms) {
      for (Label label : term.front) ++counts[label];
      for (Label label : term.behind) ++counts[label];
    }
    Labels labels = EllipsisLabels();
    for (const auto& [label, count] : counts) {
      if (count == 1) labels.push_back(label);
    }
    return labels;
  }

  int64_t Dim(const Term& term, size_t axis) const {
    return context_.TypeOf(term.value).shape[static_cast<int>(axis)];
  }

  // The size of an axis as a vector of one element.
  ValueId DimValue(const Term& term, size_t axis) {
    if (const int64_t dim = Dim(term, axis); dim >= 0) return context_.Int64s(IntList{dim});
    ops::ShapeAttributes attributes;
    attributes.start = static_cast<int64_t>(axis);
    attributes.end = attributes.start + 1;
    return context_.Emit(OpId::kShape, {term.value}, attributes);
  }

  static size_t AxisOfLabel(const Term& term, Label label) {
    return static_cast<size_t>(std::find(term.labels.begin(), term.labels.end(), label) -
                               term.labels.begin());
  }

  // An axis of a term, for the shapes of others.
  struct Axis {
    const Term* term;
    size_t axis;
  };

  // `value` in a shape each of whose dimensions is the product of some axes.
  ValueId Reshaped(ValueId value, const std::vector<std::vector<Axis>>& dims) {
    if (dims.size() > static_cast<size_t>(kMaxRank)) {
      throw ImportError(Unsupported("a product of %zu axes", dims.size()));
    }
    IntList shape;
    int open = 0;
    bool is_empty = false;
    for (const std::vector<Axis>& factors : dims) {
      int64_t product = 1;
      for (const Axis& factor : factors) {
        const int64_t dim = Dim(*factor.term, factor.axis);
        if (product < 0 || dim < 0) {
          product = -1;
        } else if (!CheckedMultiply(product, dim, &product)) {
          throw ImportError(InvalidArgument("the shapes do not fit into 63 bits"));
        }
      }
      open += product < 0 ? 1 : 0;
      is_empty = is_empty || product == 0;
      shape.Push(product);
    }
    ops::ReshapeAttributes attributes;
    attributes.allow_zero = true;
    if (open <= 1 && !(open == 1 && is_empty)) {
      attributes.shape = shape;
      return context_.Emit(OpId::kReshape, {value}, attributes);
    }
    std::vector<ValueId> parts;
    for (const std::vector<Axis>& factors : dims) {
      ValueId part = factors.empty() ? context_.Int64s(IntList{1}) : kNone;
      for (const Axis& factor : factors) {
        const ValueId dim = DimValue(*factor.term, factor.axis);
        part = part == kNone ? dim : context_.Emit(OpId::kMul, {part, dim});
      }
      parts.push_back(part);
    }
    const ValueId target = context_.EmitMany(OpId::kConcat, parts, ops::ConcatAttributes{}, 1)[0];
    return context_.Emit(OpId::kReshape, {value, target}, attributes);
  }

  // The term with its axes in this order.
  Term Arranged(const Term& term, const Labels& order) {
    if (order == term.labels) return term;
    IntList perm;
    for (Label label : order) perm.Push(static_cast<int64_t>(AxisOfLabel(term, label)));
    return {context_.Transpose(term.value, perm), order};
  }

  // A label that stands on two axes: only elements where both have the same index are left. Of the last two
  // axes [n, n], seen as one, these lie n + 1 apart.
  void TakeDiagonals(Term* term) {
    for (size_t first = 0; first < term->labels.size(); ++first) {
      for (size_t second = first + 1; second < term->labels.size(); ++second) {
        if (term->labels[first] != term->labels[second]) continue;
        TakeDiagonal(term, first, second);
        return TakeDiagonals(term);
      }
    }
  }
  void TakeDiagonal(Term* term, size_t first, size_t second) {
    const int64_t a = Dim(*term, first), b = Dim(*term, second);
    int64_t merged = 0;
    if (a >= 0 && b >= 0 && a != b) {
      throw ImportError(InvalidArgument("a label of axes of %lld and %lld elements",
                                        static_cast<long long>(a), static_cast<long long>(b)));
    }
    merged = a >= 0 ? a : b;
    IntList perm;
    Term last = {kNone, {}};
    for (size_t axis = 0; axis < term->labels.size(); ++axis) {
      if (axis == first || axis == second) continue;
      perm.Push(static_cast<int64_t>(axis));
      last.labels.push_back(term->labels[axis]);
    }
    perm.Push(static_cast<int64_t>(first));
    perm.Push(static_cast<int64_t>(second));
    last.value = context_.Transpose(term->value, perm);
    const size_t kept = last.labels.size();
    std::vector<std::vector<Axis>> dims;
    for (size_t axis = 0; axis < kept; ++axis) dims.push_back({{&last, axis}});
    dims.push_back({{&last, kept}, {&last, kept + 1}});
    const ValueId flat = Reshaped(last.value, dims);
    const ValueId one = context_.Int64s(IntList{1});
    const ValueId step = merged >= 0 ? context_.Int64s(IntList{std::min(merged, INT64_MAX - 1) + 1})
                                     : context_.Emit(OpId::kAdd, {DimValue(last, kept), one});
    last.labels.push_back(term->labels[first]);
    last.value =
        context_.Emit(OpId::kSlice, {flat, context_.Int64s(IntList{0}), context_.Int64s(IntList{INT64_MAX}),
                                     context_.Int64s(IntList{static_cast<int64_t>(kept)}), step});
    *term = last;
  }

  // Axes of one element that another term has more of: they only repeat what is there.
  void DropBroadcastAxes() {
    const std::vector<Term> given = terms_;
    for (size_t i = 0; i < terms_.size(); ++i) {
      IntList axes;
      Labels left;
      for (size_t axis = 0; axis < given[i].labels.size(); ++axis) {
        const Label label = given[i].labels[axis];
        const bool is_longer_elsewhere = std::any_of(given.begin(), given.end(), [&](const Term& other) {
          return Contains(other.labels, label) && Dim(other, AxisOfLabel(other, label)) != 1;
        });
        if (Dim(given[i], axis) == 1 && is_longer_elsewhere) {
          axes.Push(static_cast<int64_t>(axis));
        } else {
          left.push_back(label);
        }
      }
      if (!axes.empty()) terms_[i] = {context_.Squeeze(given[i].value, axes), left};
    }
  }

  // Whether the result or a term from number `next` on has this label.
  bool IsNeeded(Label label, size_t next) const {
    if (Contains(result_, label)) return true;
    for (size_t i = next; i < terms_.size(); ++i) {
      if (Contains(terms_[i].labels, label)) return true;
    }
    return false;
  }

  // Sums over the axes that nothing else has.
  void SumOut(Term* term, size_t next, const Labels* partner = nullptr) {
    IntList axes;
    Labels left;
    for (size_t axis = 0; axis < term->labels.size(); ++axis) {
      const Label label = term->labels[axis];
      if (IsNeeded(label, next) || (partner != nullptr && Contains(*partner, label))) {
        left.push_back(label);
      } else {
        axes.Push(static_cast<int64_t>(axis));
      }
    }
    if (axes.empty()) return;
    *term = {EmitReduce(context_, ops::ReduceKind::kSum, term->value, axes, false), left};
  }

  // The product of two terms, summed over what neither the result nor a term from `next` on has.
  Term Contract(Term a, Term b, size_t next) {
    SumOut(&a, next, &b.labels);
    SumOut(&b, next, &a.labels);
    Labels batch, summed, only_a, only_b;
    for (Label label : a.labels) {
      const bool is_needed = IsNeeded(label, next);
      (!Contains(b.labels, label) ? only_a : is_needed ? batch : summed).push_back(label);
    }
    for (Label label : b.labels) {
      if (!Contains(a.labels, label)) only_b.push_back(label);
    }
    return summed.empty() ? Multiply(a, b, batch, only_a, only_b)
                          : MultiplyMatrices(a, b, batch, summed, only_a, only_b);
  }

  static Labels Joined(std::initializer_list<Labels> lists) {
    Labels all;
    for (const Labels& list : lists) all.insert(all.end(), list.begin(), list.end());
    return all;
  }

  Term Multiply(const Term& a, const Term& b, const Labels& batch, const Labels& only_a,
                const Labels& only_b) {
    const Labels labels = Joined({batch, only_a, only_b});
    if (labels.size() > static_cast<size_t>(kMaxRank)) {
      throw ImportError(Unsupported("a product of %zu axes", labels.size()));
    }
    IntList behind_a, behind_batch;
    for (size_t i = 0; i < only_b.size(); ++i) {
      behind_a.Push(static_cast<int64_t>(batch.size() + only_a.size() + i));
    }
    for (size_t i = 0; i < only_a.size(); ++i) behind_batch.Push(static_cast<int64_t>(batch.size() + i));
    ValueId left = Arranged(a, Joined({batch, only_a})).value;
    ValueId right = Arranged(b, Joined({batch, only_b})).value;
    if (!behind_a.empty()) left = context_.Unsqueeze(left, behind_a);
    if (!behind_batch.empty()) right = context_.Unsqueeze(right, behind_batch);
    return {context_.Emit(OpId::kMul, {left, right}), labels};
  }

  // [batch..., only_a, summed] by [batch..., summed, only_b], each of the last three as one axis.
  Term MultiplyMatrices(const Term& a, const Term& b, const Labels& batch, const Labels& summed,
                        const Labels& only_a, const Labels& only_b) {
    if (batch.size() + 2 > static_cast<size_t>(kMaxRank)) {
      throw ImportError(Unsupported("a product of %zu batch axes", batch.size()));
    }
    const Term left = Arranged(a, Joined({batch, only_a, summed}));
    const Term right = Arranged(b, Joined({batch, summed, only_b}));
    const ValueId product = context_.Emit(
        OpId::kMatMul,
        {AsMatrices(left, batch.size(), only_a.size()), AsMatrices(right, batch.size(), summed.size())},
        ops::MatMulAttributes{});
    const Labels labels = Joined({batch, only_a, only_b});
    if (only_a.size() == 1 && only_b.size() == 1) return {product, labels};
    const Term matrices = {product, {}};
    std::vector<std::vector<Axis>> dims;
    for (size_t i = 0; i < batch.size(); ++i) dims.push_back({{&matrices, i}});
    for (size_t i = 0; i < only_a.size(); ++i) dims.push_back({{&left, batch.size() + i}});
    for (size_t i = 0; i < only_b.size(); ++i) dims.push_back({{&right, batch.size() + summed.size() + i}});
    return {Reshaped(product, dims), labels};
  }

  // The axes behind `batch` as two: the first `rows` of them, and the others.
  ValueId AsMatrices(const Term& term, size_t batch, size_t rows) {
    const size_t rank = term.labels.size();
    if (rows == 1 && rank == batch + 2) return term.value;
    std::vector<std::vector<Axis>> dims(batch + 2);
    for (size_t i = 0; i < batch; ++i) dims[i] = {{&term, i}};
    for (size_t i = batch; i < rank; ++i) dims[i < batch + rows ? batch : batch + 1].push_back({&term, i});
    return Reshaped(term.value, dims);
  }

  OnnxContext& context_;
  std::vector<Term> terms_;
  Labels result_;
  int ellipsis_rank_ = 0;
};

// The type that products are computed in: narrow integers wrap in a wider one as they would themselves.
DType ProductTypeOf(DType dtype) {
  if (dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16 || dtype == DType::kU16) {
    return DType::kI32;
  }
  return WideTypeOf(dtype);
}

}  // namespace

Outputs ConvertEinsum(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const std::string text = node.String("equation", "");
  constexpr size_t kLongest = 199;  // longer texts are cut
  if (text.size() > kLongest)
    throw ImportError(Unsupported("an equation of more than %zu letters", kLongest));
  const Equation equation = ParseEquation(text);
  if (static_cast<int>(equation.terms.size()) != node.input_count()) {
    throw ImportError(InvalidArgument("the equation has %zu operands, the node %d", equation.terms.size(),
                                      node.input_count()));
  }
  context.SpendNodes(node.input_count());
  context.Repaired("Einsum has no kernel", "transpositions, matrix products, products and sums");
  std::vector<ValueId> inputs;
  for (int i = 0; i < node.input_count(); ++i) inputs.push_back(context.Input(node, i));
  const DType dtype = context.TypeOf(inputs[0]).dtype;
  for (ValueId& input : inputs) input = context.Cast(input, ProductTypeOf(context.TypeOf(input).dtype));
  const ValueId result = Einsum(context).Convert(equation, inputs);
  const bool is_input = std::find(inputs.begin(), inputs.end(), result) != inputs.end();
  return {context.Cast(is_input ? context.Emit(OpId::kIdentity, {result}) : result, dtype)};
}

}  // namespace mace::importers::onnx
