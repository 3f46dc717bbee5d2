#include "mace/importers/onnx/attention.h"

#include <cmath>

#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::onnx {

ValueId ToType(OnnxContext& context, ValueId value, DType dtype) {
  if (context.TypeOf(value).dtype == dtype) return value;
  return context.Emit(OpId::kCast, {value}, ops::CastAttributes{.to = dtype});
}

ValueId SplitHeads(OnnxContext& context, ValueId value, int64_t heads) {
  const int64_t size = context.TypeOf(value).shape[2];
  if (heads < 1 || (size >= 0 && size % heads != 0)) {
    throw ImportError(InvalidArgument("%lld heads do not share %s", static_cast<long long>(heads),
                                      ShapeText(context.TypeOf(value).shape).text));
  }
  return context.Reshape(value, {0, 0, heads, size >= 0 ? size / heads : -1});
}

ValueId HeadsFirst(OnnxContext& context, ValueId value) { return context.Transpose(value, {0, 2, 1, 3}); }

ValueId MergeHeads(OnnxContext& context, ValueId value) {
  const Shape shape = context.TypeOf(value).shape;
  int64_t size = -1;
  if (!CheckedMultiply(shape[1], shape[3], &size)) size = -1;
  return context.Reshape(HeadsFirst(context, value), {0, 0, size});
}

ValueId ZeroWhereHidden(OnnxContext& context, ValueId value, ValueId visible) {
  if (visible == kNone) return value;
  return context.Emit(OpId::kWhere, {visible, value, context.Float(0, context.TypeOf(value).dtype)});
}

namespace {

ValueId Scaled(OnnxContext& context, ValueId query, const std::optional<float>& scale) {
  const DType dtype = context.TypeOf(query).dtype;
  const int64_t size = context.TypeOf(query).shape[3];
  ValueId factor = kNone;
  if (scale.has_value()) {
    factor = context.Float(*scale, dtype);
  } else if (size > 0) {
    factor = context.Float(static_cast<float>(1 / std::sqrt(static_cast<double>(size))), dtype);
  } else {
    factor = context.Emit(OpId::kRsqrt, {ToType(context, SizesOf(context, query, 3, 4), dtype)});
  }
  return context.Emit(OpId::kMul, {query, factor});
}

// [B, m, r, c] as [B, heads of `like`, m * r / these, c]: several heads of the query that share one of the
// key are the rows of one matrix, without a copy of the key.
ValueId WithHeadsOf(OnnxContext& context, ValueId value, ValueId like) {
  const int64_t heads = context.TypeOf(like).shape[1];
  if (heads > 0) return context.Reshape(value, {0, heads, -1, 0});
  const ValueId shape = ConcatOf(
      context, {context.Int64s(IntList{0}), SizesOf(context, like, 1, 2), context.Int64s({-1, 0})}, 0);
  return context.EmitMoved(OpId::kReshape, {value, shape}, ops::ReshapeAttributes{});
}

// Whether queries and keys have different numbers of heads, or may have.
bool SharesHeads(const OnnxContext& context, const AttentionOperands& operands) {
  const Shape& query = context.TypeOf(operands.query).shape;
  const Shape& key = context.TypeOf(operands.key).shape;
  for (ValueId value : {operands.query, operands.key, operands.value}) {
    if (context.RankOf(value) != 4) throw ImportError(InvalidArgument("expected heads in rank 4"));
  }
  if (query[1] == key[1] && query[1] != kUnknownDim) return false;
  if (query[1] >= 0 && key[1] >= 0 && (key[1] == 0 || query[1] % key[1] != 0)) {
    throw ImportError(InvalidArgument("%lld heads of queries for %lld of keys",
                                      static_cast<long long>(query[1]), static_cast<long long>(key[1])));
  }
  return true;
}

// Adds what the mask, the places and the lengths say to results->biased.
void AddBias(OnnxContext& context, const AttentionOperands& operands, const AttentionForm& form,
             AttentionResults* results) {
  ops::AttentionBiasAttributes attributes = form.bias;
  attributes.dtype = context.TypeOf(operands.query).dtype;
  const bool windowed = attributes.left >= 0 || attributes.right >= 0;
  const bool listed = operands.mask != kNone || operands.lengths != kNone;
  if (!attributes.causal && !windowed && !listed) return;
  // A query at a place >= 0 sees at least the first key where nothing but keys behind it are hidden.
  const bool may_hide_all = listed || attributes.left >= 0;
  std::vector<ValueId> inputs = {operands.query, operands.key, operands.mask, operands.starts,
                                 operands.lengths};
  while (inputs.back() == kNone) inputs.pop_back();
  const int outputs = form.zero_where_all_hidden && may_hide_all ? 2 : 1;
  const std::vector<ValueId> bias = context.EmitMany(OpId::kAttentionBias, inputs, attributes, outputs);
  results->biased = context.Emit(OpId::kAdd, {results->biased, bias[0]});
  if (outputs == 2) results->visible = bias[1];
}

// The probabilities of the keys beside one more that has the score `sink`.
ValueId SoftmaxBesideSink(OnnxContext& context, ValueId scores, ValueId sink,
                          const ops::SoftmaxAttributes& attributes) {
  const ValueId shape = ConcatOf(context, {SizesOf(context, scores, 0, 3), context.Int64s(IntList{1})}, 0);
  const ValueId last = context.Emit(OpId::kExpand, {context.Reshape(sink, {1, -1, 1, 1}), shape});
  const ValueId all = ConcatOf(context, {scores, last}, 3);
  return SliceOf(context, context.Emit(OpId::kSoftmax, {all}, attributes), 3, 0, -1);
}

}  // namespace

AttentionResults EmitAttention(OnnxContext& context, const AttentionOperands& operands,
                               const AttentionForm& form) {
  AttentionResults results;
  const bool shares = SharesHeads(context, operands);
  const auto grouped = [&](ValueId value, ValueId like) {
    return shares ? WithHeadsOf(context, value, like) : value;
  };
  ops::MatMulAttributes by_key;
  by_key.transpose_b = true;
  const ValueId query = grouped(Scaled(context, operands.query, form.scale), operands.key);
  results.scores = grouped(context.Emit(OpId::kMatMul, {query, operands.key}, by_key), operands.query);
  results.capped = results.scores;
  if (form.softcap > 0) {
    const ValueId cap = context.Float(form.softcap, context.TypeOf(query).dtype);
    const ValueId bounded = context.Emit(OpId::kTanh, {context.Emit(OpId::kDiv, {results.scores, cap})});
    results.capped = context.Emit(OpId::kMul, {bounded, cap});
  }
  results.biased = results.capped;
  if (operands.added != kNone) results.biased = context.Emit(OpId::kAdd, {results.biased, operands.added});
  AddBias(context, operands, form, &results);
  if (form.change_scores) results.biased = form.change_scores(results.biased);
  const ops::SoftmaxAttributes last_axis = {.axis = 3};
  results.probabilities = operands.sink == kNone
                              ? context.Emit(OpId::kSoftmax, {results.biased}, last_axis)
                              : SoftmaxBesideSink(context, results.biased, operands.sink, last_axis);
  if (form.change_probabilities) results.probabilities = form.change_probabilities(results.probabilities);
  const ValueId weighted = context.Emit(
      OpId::kMatMul, {grouped(results.probabilities, operands.key), operands.value}, ops::MatMulAttributes{});
  results.y = ZeroWhereHidden(context, grouped(weighted, operands.query), results.visible);
  return results;
}

}  // namespace mace::importers::onnx
