// Einsum of one or two operands: sums of products, as a MatMul between Transposes and Reshapes.
#include <algorithm>

#include "mace/importers/tensorflow/tensorflow_registry.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tensorflow {
namespace {

struct Term {
  std::string labels;  // one for each axis, different
  ValueId value = kNone;
};

// The axes of an ellipsis get capital letters that the equation does not use, counted from the end.
std::string Expanded(std::string_view text, int rank) {
  const size_t dots = text.find("...");
  if (dots == text.npos) return std::string(text);
  const int hidden = rank - static_cast<int>(text.size() - 3);
  if (hidden < 0 || hidden > kMaxRank) throw ImportError(DataLoss("operands that do not fit the equation"));
  std::string labels(text.substr(0, dots));
  for (int i = hidden; i > 0; --i) labels += static_cast<char>('0' + i);
  return labels + std::string(text.substr(dots + 3));
}

bool Holds(const std::string& labels, char label) { return labels.find(label) != labels.npos; }

// Sums over the axes whose label nobody else has.
void SumAlone(Call& call, Term* term, const std::string& others) {
  ops::ReduceAttributes attributes;
  attributes.keep_dims = false;
  std::string kept;
  for (size_t i = 0; i < term->labels.size(); ++i) {
    if (Holds(others, term->labels[i])) {
      kept += term->labels[i];
    } else {
      attributes.axes.Push(static_cast<int64_t>(i));
    }
  }
  if (attributes.axes.empty()) return;
  term->value = call.g.Emit(OpId::kReduce, {term->value}, attributes);
  term->labels = kept;
}

ValueId Ordered(Call& call, const Term& term, const std::string& order) {
  if (term.labels == order) return term.value;
  std::vector<int64_t> perm;
  for (char label : order) perm.push_back(static_cast<int64_t>(term.labels.find(label)));
  return call.g.Transposed(term.value, perm);
}

// The product of the sizes that these labels have in `term`, as a list of one.
ValueId SizeOf(Call& call, const Term& term, const std::string& labels) {
  GraphBuilder& g = call.g;
  const ValueId shape = ShapeValue(call, term.value);
  ValueId size = g.Int64s({1});
  for (char label : labels) {
    const auto axis = static_cast<int64_t>(term.labels.find(label));
    size = g.Emit(OpId::kMul, {size, SliceAxis(call, shape, 0, axis, axis + 1)});
  }
  return size;
}

// Sizes one by one.
std::vector<ValueId> SizesOf(Call& call, const Term& term, const std::string& labels) {
  std::vector<ValueId> sizes;
  for (char label : labels) sizes.push_back(SizeOf(call, term, std::string(1, label)));
  return sizes;
}

ValueId ReshapedTo(Call& call, ValueId value, const std::vector<ValueId>& sizes) {
  ops::ReshapeAttributes exact;
  exact.allow_zero = true;
  if (sizes.empty()) return call.g.Reshaped(value, std::span<const int64_t>{});
  const ValueId shape =
      sizes.size() == 1 ? sizes[0] : call.g.EmitMany(OpId::kConcat, sizes, ops::ConcatAttributes{}, 1)[0];
  return call.g.Emit(OpId::kReshape, {value, shape}, exact);
}

ValueId Product(Call& call, const Term& a, const Term& b, const std::string& result) {
  std::string batch, a_free, b_free, shared;
  for (char label : a.labels) {
    if (Holds(b.labels, label)) {
      (Holds(result, label) ? batch : shared) += label;
    } else {
      a_free += label;
    }
  }
  for (char label : b.labels) {
    if (!Holds(a.labels, label)) b_free += label;
  }
  std::vector<ValueId> a_sizes = SizesOf(call, a, batch), b_sizes = a_sizes, y_sizes = a_sizes;
  a_sizes.push_back(SizeOf(call, a, a_free));
  a_sizes.push_back(SizeOf(call, a, shared));
  b_sizes.push_back(SizeOf(call, b, shared));
  b_sizes.push_back(SizeOf(call, b, b_free));
  const ValueId left = ReshapedTo(call, Ordered(call, a, batch + a_free + shared), a_sizes);
  const ValueId right = ReshapedTo(call, Ordered(call, b, batch + shared + b_free), b_sizes);
  const ValueId y = call.g.Emit(OpId::kMatMul, {left, right}, ops::MatMulAttributes{});
  for (ValueId size : SizesOf(call, a, a_free)) y_sizes.push_back(size);
  for (ValueId size : SizesOf(call, b, b_free)) y_sizes.push_back(size);
  return Ordered(call, {batch + a_free + b_free, ReshapedTo(call, y, y_sizes)}, result);
}

}  // namespace

Results ConvertEinsum(Call& call, const TensorflowOp& entry) {
  std::string equation(call.String("equation", ""));
  std::erase(equation, ' ');
  const size_t arrow = equation.find("->");
  if (arrow == equation.npos) throw ImportError(Unsupported("the equation '%s'", Text(equation).c_str()));
  const std::string left = equation.substr(0, arrow), right = equation.substr(arrow + 2);
  std::vector<Term> terms;
  size_t begin = 0, hidden = 0;
  for (size_t i = 0; i < call.count(); ++i) {
    const size_t end = std::min(left.find(',', begin), left.size());
    if (begin > left.size()) throw ImportError(DataLoss("more operands than the equation has"));
    const std::string text = left.substr(begin, end - begin);
    const int rank = call.Rank(i);
    terms.push_back({Expanded(text, rank), call.In(i)});
    if (static_cast<int>(terms[i].labels.size()) != rank)
      throw ImportError(DataLoss("operands that do not fit"));
    if (text.find("...") != text.npos) hidden = std::max(hidden, terms[i].labels.size() - (text.size() - 3));
    begin = end + 1;
  }
  const std::string result = Expanded(right, static_cast<int>(right.size() - 3 + hidden));
  for (const Term& term : terms) {
    for (char label : term.labels) {
      if (std::ranges::count(term.labels, label) > 1)
        throw ImportError(Unsupported("a label that is there twice"));
    }
  }
  std::string known;
  for (const Term& term : terms) known += term.labels;
  for (char label : result) {
    if (!Holds(known, label) || std::ranges::count(result, label) > 1) {
      throw ImportError(DataLoss("the equation '%s'", Text(equation).c_str()));
    }
  }
  if (terms.size() == 1) {
    SumAlone(call, &terms[0], result);
    return {Ordered(call, terms[0], result)};
  }
  if (terms.size() != 2) throw ImportError(Unsupported("%zu operands", terms.size()));
  SumAlone(call, &terms[0], result + terms[1].labels);
  SumAlone(call, &terms[1], result + terms[0].labels);
  return {Product(call, terms[0], terms[1], result)};
}

}  // namespace mace::importers::tensorflow
