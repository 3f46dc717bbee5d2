// Attention operators of com.microsoft, as onnxruntime's CPU kernels compute them.
#include <cmath>

#include "mace/importers/onnx/attention.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/attention/relative_position_bias.h"
#include "mace/ops/attention/rotary_embedding.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"

namespace mace::importers::onnx {
namespace {

const Shape& ShapeWithRank(const OnnxContext& context, ValueId value, const char* what) {
  const Shape& shape = context.TypeOf(value).shape;
  if (!shape.HasRank())
    throw ImportError(Unsupported("%s whose rank is not known before data are there", what));
  return shape;
}

void RefuseInputs(const OnnxNode& node, std::initializer_list<int> inputs, const char* what) {
  for (int i : inputs) {
    if (node.HasInput(i)) throw ImportError(Unsupported("%s (input %d) is not supported", what, i));
  }
}

int64_t HeadCount(OnnxNode& node, std::string_view attribute) {
  const int64_t heads = node.Int(attribute, 0);
  constexpr int64_t kMostHeads = int64_t{1} << 20;
  if (heads < 1 || heads > kMostHeads) {
    throw ImportError(InvalidArgument("%s is missing or out of range", Text(attribute).c_str()));
  }
  return heads;
}

// A scale of 0 says that there is none.
std::optional<float> ScaleOf(OnnxNode& node) {
  const float scale = node.Float("scale", 0);
  return scale == 0 ? std::nullopt : std::optional<float>(scale);
}

AttentionForm ReadForm(OnnxNode& node) {
  AttentionForm form;
  form.scale = ScaleOf(node);
  form.bias.causal = node.Int("unidirectional", 0) != 0;
  form.bias.hidden = node.Float("mask_filter_value", -10000.0f);
  return form;
}

// Parts of the given sizes of `axis`.
std::vector<ValueId> SplitInto(OnnxContext& context, ValueId value, int64_t axis, const IntList& sizes) {
  const ValueId inputs[] = {value, context.Int64s(sizes)};
  return context.EmitMany(OpId::kSplit, inputs, ops::SplitAttributes{.axis = axis}, sizes.size());
}

// The parts of an axis of `count`, without that axis.
std::vector<ValueId> Unpacked(OnnxContext& context, ValueId value, int64_t axis, int count) {
  IntList ones;
  for (int i = 0; i < count; ++i) ones.Push(1);
  std::vector<ValueId> parts = SplitInto(context, value, axis, ones);
  for (ValueId& part : parts) part = context.Squeeze(part, {axis});
  return parts;
}

// Elements `end` - `begin` (or what follows `begin`) of a bias, added to [B, S, heads, size].
ValueId WithBias(OnnxContext& context, ValueId value, ValueId bias, int64_t begin, int64_t end) {
  if (bias == kNone) return value;
  const Shape shape = context.TypeOf(value).shape;
  return context.Emit(OpId::kAdd,
                      {value, context.Reshape(SliceOf(context, bias, 0, begin, end), {shape[2], -1})});
}

// The mask of int32 that says which keys are there: [B] (their number), [B, T] or [B, S, T].
void ReadMask(OnnxContext& context, ValueId mask, ValueId query, AttentionOperands* operands) {
  if (mask == kNone) return;
  const Shape shape = ShapeWithRank(context, mask, "the mask");
  const int64_t batch = context.TypeOf(query).shape[0];
  if (shape.rank == 1) {
    if (shape[0] >= 0 && batch >= 0 && shape[0] != batch) {
      throw ImportError(Unsupported("a mask of %lld numbers for a batch of %lld (only one number each)",
                                    static_cast<long long>(shape[0]), static_cast<long long>(batch)));
    }
    operands->lengths = mask;
  } else if (shape.rank == 2 || shape.rank == 3) {
    const IntList axes = shape.rank == 2 ? IntList{1, 2} : IntList{1};
    operands->mask = context.Unsqueeze(ToType(context, mask, DType::kBool), axes);
  } else {
    throw ImportError(Unsupported("a mask of rank %d (only 1 to 3)", shape.rank));
  }
}

// Emits the attention, with places counted from the past's end; [B, S, heads * size] of `narrow`.
ValueId Attended(OnnxContext& context, AttentionOperands operands, const AttentionForm& form, ValueId past,
                 DType narrow) {
  const DType wide = WideType(narrow);
  if (form.bias.causal && past != kNone) operands.starts = SizesOf(context, past, 2, 3);
  for (ValueId* operand : {&operands.query, &operands.key, &operands.value}) {
    *operand = ToType(context, *operand, wide);
  }
  if (operands.added != kNone) operands.added = ToType(context, operands.added, wide);
  return ToType(context, MergeHeads(context, EmitAttention(context, operands, form).y), narrow);
}

// What follows the projection: [B, S, query + key + value sizes] to the results of Attention and QAttention.
Outputs AttendProjected(OnnxContext& context, OnnxNode& node, ValueId projected, const IntList& sizes,
                        ValueId mask, ValueId past, ValueId added) {
  const int64_t heads = HeadCount(node, "num_heads");
  node.RequireInt("do_rotary", 0);
  node.RequireInt("past_present_share_buffer", 0);
  node.Ignore("rotary_embedding_dim");
  const DType narrow = context.TypeOf(projected).dtype;
  std::vector<ValueId> parts = SplitInto(context, projected, 2, sizes);
  for (ValueId& part : parts) part = HeadsFirst(context, SplitHeads(context, part, heads));
  AttentionOperands operands;
  operands.query = parts[0];
  operands.key = parts[1];
  operands.value = parts[2];
  operands.added = added;
  ReadMask(context, mask, parts[0], &operands);
  ValueId past_key = kNone;
  if (past != kNone) {
    const std::vector<ValueId> states = Unpacked(context, past, 0, 2);
    past_key = states[0];
    operands.key = ConcatOf(context, {states[0], operands.key}, 2);
    operands.value = ConcatOf(context, {states[1], operands.value}, 2);
  }
  Outputs outputs = {Attended(context, operands, ReadForm(node), past_key, narrow)};
  if (node.HasOutput(1)) {
    outputs.push_back(
        ConcatOf(context, {context.Unsqueeze(operands.key, {0}), context.Unsqueeze(operands.value, {0})}, 0));
  }
  return outputs;
}

// The sizes of query, key and value in the last axis of the weights.
IntList ProjectedSizes(OnnxContext& context, OnnxNode& node, ValueId weights) {
  if (const auto given = node.Ints("qkv_hidden_sizes"); given.has_value() && !given->empty()) {
    if (given->size() != 3) throw ImportError(InvalidArgument("qkv_hidden_sizes are not three"));
    return *given;
  }
  const Shape& shape = ShapeWithRank(context, weights, "the weights");
  if (shape.rank != 2 || shape[1] < 0 || shape[1] % 3 != 0) {
    throw ImportError(
        InvalidArgument("weights %s do not hold those of query, key and value", ShapeText(shape).text));
  }
  return {shape[1] / 3, shape[1] / 3, shape[1] / 3};
}

}  // namespace

// input, weights, bias, mask_index, past, attention_bias, past_sequence_length.
Outputs ConvertMicrosoftAttention(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  RefuseInputs(node, {6}, "past_sequence_length");
  const ValueId x = context.Input(node, 0), weights = context.Input(node, 1);
  if (ShapeWithRank(context, x, "the input").rank != 3)
    throw ImportError(InvalidArgument("the input's rank is not 3"));
  const IntList sizes = ProjectedSizes(context, node, weights);
  ValueId projected = context.Emit(OpId::kMatMul, {x, weights}, ops::MatMulAttributes{});
  if (node.HasInput(2)) projected = context.Emit(OpId::kAdd, {projected, context.Input(node, 2)});
  return AttendProjected(context, node, projected, sizes, context.OptionalInput(node, 3),
                         context.OptionalInput(node, 4), context.OptionalInput(node, 5));
}

// input, weight (bytes), bias, their scales, mask_index, their zero points, past.
Outputs ConvertQAttention(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0), weights = context.Input(node, 1);
  if (ShapeWithRank(context, x, "the input").rank != 3)
    throw ImportError(InvalidArgument("the input's rank is not 3"));
  const IntList sizes = ProjectedSizes(context, node, weights);
  IntegerProduct product;
  product.a = x;
  product.b = weights;
  product.a_scale = context.Input(node, 3);
  product.b_scale = context.Input(node, 4);
  product.a_zero_point = context.OptionalInput(node, 6);
  product.b_zero_point = context.OptionalInput(node, 7);
  product.bias = context.Input(node, 2);
  return AttendProjected(context, node, EmitIntegerProduct(context, product), sizes,
                         context.OptionalInput(node, 5), context.OptionalInput(node, 8), kNone);
}

namespace {

// Query, key and value with heads first, from one of the forms of MultiHeadAttention.
struct Projections {
  ValueId query = kNone;
  ValueId key = kNone;
  ValueId value = kNone;
};

// [B, S, heads, size] each, with the parts of the bias added, heads first.
Projections WithBiases(OnnxContext& context, const Projections& projections, ValueId bias) {
  int64_t size = 0, twice = 0;
  const Shape& split = context.TypeOf(projections.query).shape;
  if (bias != kNone && (!CheckedMultiply(split[2], split[3], &size) || !CheckedAdd(size, size, &twice))) {
    throw ImportError(Unsupported("a bias for a query of unknown size"));
  }
  return {HeadsFirst(context, WithBias(context, projections.query, bias, 0, size)),
          HeadsFirst(context, WithBias(context, projections.key, bias, size, twice)),
          HeadsFirst(context, WithBias(context, projections.value, bias, twice, INT64_MAX))};
}

// Keys and values that are there already, with heads first: of the bias only the query's part counts.
Projections OfCache(OnnxContext& context, ValueId query, ValueId key, ValueId value, ValueId bias,
                    int64_t heads) {
  const int64_t size = context.TypeOf(query).shape[2];
  if (bias != kNone && size < 0) throw ImportError(Unsupported("a bias for a query of unknown size"));
  const ValueId split = SplitHeads(context, query, heads);
  return {HeadsFirst(context, WithBias(context, split, bias, 0, size)), key, value};
}

Projections ReadProjections(OnnxContext& context, OnnxNode& node, int64_t heads) {
  // Of unknown rank is what is packed as the absence of others says; keys may not be those of a cache.
  const ValueId query = context.WithRank(context.Input(node, 0), node.HasInput(1) ? 3 : 5);
  const ValueId key = context.WithRank(context.OptionalInput(node, 1), node.HasInput(2) ? 3 : 5);
  const ValueId value =
      context.WithRank(context.OptionalInput(node, 2), key == kNone ? 3 : context.RankOf(key));
  const ValueId bias = context.OptionalInput(node, 3);
  const int query_rank = context.RankOf(query), key_rank = key == kNone ? 0 : context.RankOf(key);
  Projections result;
  if (query_rank == 5) {  // [B, S, heads, 3, size]
    const std::vector<ValueId> parts = Unpacked(context, query, 3, 3);
    result = {parts[0], parts[1], parts[2]};
  } else if (query_rank == 3 && key_rank == 5) {  // [B, T, heads, 2, size]
    const std::vector<ValueId> parts = Unpacked(context, key, 3, 2);
    result = {SplitHeads(context, query, heads), parts[0], parts[1]};
  } else if (query_rank == 3 && key_rank == 3 && value != kNone) {
    if (context.RankOf(value) != 3) throw ImportError(InvalidArgument("value's rank is not 3"));
    result = {SplitHeads(context, query, heads), SplitHeads(context, key, heads),
              SplitHeads(context, value, heads)};
  } else if (query_rank == 3 && key_rank == 4 && value != kNone) {  // [B, heads, T, size]
    return OfCache(context, query, key, value, bias, heads);
  } else {
    throw ImportError(Unsupported("a query of rank %d with a key of rank %d", query_rank, key_rank));
  }
  return WithBiases(context, result, bias);
}

}  // namespace

// query, key, value, bias, key_padding_mask, attention_bias, past_key, past_value, past_sequence_length,
// cache_indirection.
Outputs ConvertMultiHeadAttention(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  RefuseInputs(node, {8, 9}, "a shared buffer of past and present");
  const int64_t heads = HeadCount(node, "num_heads");
  const DType narrow = context.TypeOf(context.Input(node, 0)).dtype;
  const Projections projections = ReadProjections(context, node, heads);
  AttentionOperands operands;
  operands.query = projections.query;
  operands.key = projections.key;
  operands.value = projections.value;
  operands.added = context.OptionalInput(node, 5);
  ReadMask(context, context.OptionalInput(node, 4), projections.query, &operands);
  const ValueId past_key = context.OptionalInput(node, 6), past_value = context.OptionalInput(node, 7);
  if ((past_key == kNone) != (past_value == kNone)) {
    throw ImportError(InvalidArgument("past_key and past_value belong together"));
  }
  if (past_key != kNone) {
    operands.key = ConcatOf(context, {past_key, operands.key}, 2);
    operands.value = ConcatOf(context, {past_value, operands.value}, 2);
  }
  return {Attended(context, operands, ReadForm(node), past_key, narrow), operands.key, operands.value};
}

namespace {

ValueId Int64List(OnnxContext& context, ValueId value) {
  return context.Reshape(ToType(context, value, DType::kI64), {-1});
}

}  // namespace

// query (one token; query, key and value side by side where there is no key), key, value, mask_index,
// attention_bias, past_key, past_value, past_sequence_length, beam_width, cache_indirection, bias.
Outputs ConvertDecoderMaskedMultiHeadAttention(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  RefuseInputs(node, {8, 9}, "a search of several beams");
  node.RequireInt("output_qk", 0);
  const int64_t heads = HeadCount(node, "num_heads");
  const bool shares_buffer = node.Int("past_present_share_buffer", 0) != 0;
  const ValueId query = context.WithRank(context.Input(node, 0), 3), key = context.OptionalInput(node, 1);
  const ValueId bias = context.OptionalInput(node, 10);
  if (context.RankOf(query) != 3) throw ImportError(InvalidArgument("query's rank is not 3"));
  const DType narrow = context.TypeOf(query).dtype;
  const bool is_cross = key != kNone && ShapeWithRank(context, key, "key").rank == 4;
  Projections projections;
  if (is_cross) {
    projections = OfCache(context, query, key, context.Input(node, 2), bias, heads);
  } else if (key != kNone) {
    const ValueId value = context.Input(node, 2);
    projections = WithBiases(context,
                             {SplitHeads(context, query, heads), SplitHeads(context, key, heads),
                              SplitHeads(context, value, heads)},
                             bias);
  } else {
    const std::vector<ValueId> parts =
        SplitInto(context, SplitHeads(context, query, 3 * heads), 2, {heads, heads, heads});
    projections = WithBiases(context, {parts[0], parts[1], parts[2]}, bias);
  }
  AttentionOperands operands;
  operands.query = projections.query;
  operands.key = projections.key;
  operands.value = projections.value;
  operands.added = context.OptionalInput(node, 4);
  ReadMask(context, context.OptionalInput(node, 3), projections.query, &operands);
  if (!is_cross && node.HasInput(5)) {
    ValueId* const states[] = {&operands.key, &operands.value};
    ValueId starts = kNone, total = kNone;
    if (shares_buffer) {
      starts = Int64List(context, context.Input(node, 7));
      total = context.Emit(OpId::kAdd, {starts, context.Int64s(IntList{1})});
      operands.lengths = total;
      if (operands.added != kNone) {  // it ends where the keys do, before the buffer's end
        if (operands.mask != kNone) throw ImportError(Unsupported("a mask and a bias for a shared buffer"));
        operands.mask = ToType(context, operands.added, WideType(narrow));
        operands.added = kNone;
      }
    }
    for (int i = 0; i < 2; ++i) {
      const ValueId past = context.Input(node, 5 + i);
      *states[i] = shares_buffer ? context.Emit(OpId::kAppendCache, {past, *states[i], starts, total})
                                 : ConcatOf(context, {past, *states[i]}, 2);
    }
  }
  return {Attended(context, operands, ReadForm(node), kNone, narrow), operands.key, operands.value};
}

// input, position_ids, cos_cache, sin_cache.
Outputs ConvertMicrosoftRotaryEmbedding(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  node.RequireInt("is_packed_batching", 0);
  const float scale = node.Float("scale", 1);
  if (scale != 1) throw ImportError(Unsupported("scale=%g is not supported", static_cast<double>(scale)));
  const int64_t rotary = node.Int("rotary_embedding_dim", 0), heads = node.Int("num_heads", 0);
  const ValueId x = context.WithRank(context.Input(node, 0), heads > 0 ? 3 : kNone);
  const Shape shape = ShapeWithRank(context, x, "the input");
  const DType narrow = context.TypeOf(x).dtype, wide = WideType(narrow);
  ValueId split = ToType(context, x, wide);
  const ValueId cos = ToType(context, context.WithRank(context.Input(node, 2), 2), wide);
  const ValueId sin = ToType(context, context.WithRank(context.Input(node, 3), 2), wide);
  ops::RotaryEmbeddingAttributes attributes;
  attributes.interleaved = node.Int("interleaved", 0) != 0;
  if (shape.rank == 3) {
    attributes.sequence_axis = 1;
    const Shape& table = context.TypeOf(cos).shape;
    if (rotary > 0 || table.rank != 2 || table[1] < 0) {
      split = SplitHeads(context, split, heads);
    } else {
      int64_t size = 0;
      if (!CheckedAdd(table[1], table[1], &size)) throw ImportError(InvalidArgument("a table is too large"));
      split = context.Reshape(split, {0, 0, -1, size});
    }
  }
  ValueId y = context.Emit(OpId::kRotaryEmbedding, {split, cos, sin, context.Input(node, 1)}, attributes);
  if (shape.rank == 3) y = context.Reshape(y, {0, 0, shape[2] >= 0 ? shape[2] : -1});
  return {ToType(context, y, narrow)};
}

namespace {

// [B, S, (heads + 2 * kv heads) * size], or three inputs, as [B, S, heads, size] each.
Projections ReadGroupedProjections(OnnxContext& context, OnnxNode& node, int64_t heads, int64_t kv_heads) {
  const ValueId query = context.WithRank(context.Input(node, 0), 3);
  if (context.RankOf(query) != 3) throw ImportError(InvalidArgument("query's rank is not 3"));
  if (node.HasInput(1) != node.HasInput(2))
    throw ImportError(InvalidArgument("key and value belong together"));
  if (node.HasInput(1)) {
    const ValueId key = context.WithRank(context.Input(node, 1), 3);
    const ValueId value = context.WithRank(context.Input(node, 2), 3);
    if (context.RankOf(key) != 3 || context.RankOf(value) != 3) {
      throw ImportError(InvalidArgument("the rank of key or value is not 3"));
    }
    return {SplitHeads(context, query, heads), SplitHeads(context, key, kv_heads),
            SplitHeads(context, value, kv_heads)};
  }
  const std::vector<ValueId> parts =
      SplitInto(context, SplitHeads(context, query, heads + 2 * kv_heads), 2, {heads, kv_heads, kv_heads});
  return {parts[0], parts[1], parts[2]};
}

// Where in its sequence each query block begins: 0 where all of it is new, else behind what seqlens_k leaves.
ValueId StartsOf(OnnxContext& context, ValueId query, ValueId last_keys, ValueId total) {
  const ValueId length = SizesOf(context, query, 1, 2);
  const ValueId keys = context.Emit(OpId::kAdd, {last_keys, context.Int64s(IntList{1})});
  const ValueId behind = context.Emit(OpId::kSub, {keys, length});
  const ValueId is_prompt = context.Emit(OpId::kEqual, {total, length});
  return context.Emit(OpId::kWhere, {is_prompt, context.Int64s(IntList{0}), behind});
}

void Rotate(OnnxContext& context, OnnxNode& node, ValueId starts, Projections* projections) {
  const bool interleaved = node.Int("rotary_interleaved", 0) != 0;
  if (node.Int("do_rotary", 0) == 0) return;
  RefuseInputs(node, {9}, "position_ids");
  const ValueId tables[] = {context.Input(node, 7), context.Input(node, 8)};
  for (ValueId* value : {&projections->query, &projections->key}) {
    const DType narrow = context.TypeOf(*value).dtype, wide = WideType(narrow);
    ops::RotaryEmbeddingAttributes attributes;
    attributes.interleaved = interleaved;
    attributes.sequence_axis = 1;
    const ValueId turned = context.Emit(OpId::kRotaryEmbedding,
                                        {ToType(context, *value, wide), ToType(context, tables[0], wide),
                                         ToType(context, tables[1], wide), starts},
                                        attributes);
    *value = ToType(context, turned, narrow);
  }
}

AttentionForm ReadGroupedForm(OnnxNode& node) {
  AttentionForm form;
  form.scale = ScaleOf(node);
  form.softcap = node.Float("softcap", 0);
  form.bias.causal = node.Int("causal", 1) != 0;
  const int64_t window = node.Int("local_window_size", -1);  // keys, the query's own among them
  if (window == 0 || window < -1) throw ImportError(InvalidArgument("local_window_size is out of range"));
  if (window > 0) form.bias.left = window - 1;
  return form;
}

void RefuseQuantizedCache(OnnxNode& node) {
  node.RequireInt("sliding_window_cache", 0);
  node.RequireInt("kv_cache_bit_width", 0);
  for (const char* attribute : {"k_quant_type", "v_quant_type"}) {
    if (node.String(attribute, "NONE") != "NONE") throw ImportError(Unsupported("a quantized cache"));
  }
  for (const char* attribute : {"qk_norm_epsilon", "q_norm_epsilon", "k_norm_epsilon"})
    node.Ignore(attribute);
  RefuseInputs(node, {12, 13}, "a quantized cache");
  RefuseInputs(node, {14, 15}, "normalised queries and keys");
  RefuseInputs(node, {16}, "query_seqlens");
}

}  // namespace

// query, key, value, past_key, past_value, seqlens_k, total_sequence_length, cos_cache, sin_cache,
// position_ids, attention_bias, head_sink. The caches may be longer than what is in them: then present has
// their size.
Outputs ConvertGroupQueryAttention(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  RefuseQuantizedCache(node);
  const int64_t heads = HeadCount(node, "num_heads"), kv_heads = HeadCount(node, "kv_num_heads");
  AttentionForm form = ReadGroupedForm(node);
  const ValueId last_keys = Int64List(context, context.Input(node, 5));
  const ValueId total = Int64List(context, context.Input(node, 6));
  const DType narrow = context.TypeOf(context.Input(node, 0)).dtype, wide = WideType(narrow);
  AttentionOperands operands;
  operands.starts = StartsOf(context, context.Input(node, 0), last_keys, total);
  if (!form.bias.causal) {
    operands.lengths = context.Emit(OpId::kAdd, {last_keys, context.Int64s(IntList{1})});
  }
  Projections projections = ReadGroupedProjections(context, node, heads, kv_heads);
  Rotate(context, node, operands.starts, &projections);
  Outputs outputs = {kNone};
  const ValueId fresh[] = {projections.key, projections.value};
  for (int i = 0; i < 2; ++i) {
    const ValueId heads_first = HeadsFirst(context, fresh[i]), past = context.OptionalInput(node, 3 + i);
    outputs.push_back(past == kNone
                          ? heads_first
                          : context.Emit(OpId::kAppendCache, {past, heads_first, operands.starts, total}));
  }
  operands.query = ToType(context, HeadsFirst(context, projections.query), wide);
  operands.key = ToType(context, outputs[1], wide);
  operands.value = ToType(context, outputs[2], wide);
  if (node.HasInput(10)) operands.mask = ToType(context, context.Input(node, 10), wide);
  if (node.HasInput(11)) {
    operands.sink = ToType(context, context.Input(node, 11), wide);
  } else if (node.Int("smooth_softmax", 0) == 1) {
    operands.sink = context.Float(0, wide);
  }
  node.Ignore("smooth_softmax");
  const AttentionResults results = EmitAttention(context, operands, form);
  outputs[0] = ToType(context, MergeHeads(context, results.y), narrow);
  const int64_t stage = node.Int("qk_output", 0);
  if (stage == 1 || stage == 2) {
    outputs.push_back(ToType(context, stage == 1 ? results.biased : results.probabilities, narrow));
  }
  return outputs;
}

// bias_table, query_length, key_length.
Outputs ConvertRelativePositionBias(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::RelativePositionBiasAttributes attributes;
  attributes.max_distance = node.Int("max_distance", 0);
  attributes.bidirectional = node.Int("is_bidirectional", 0) != 0;
  return {context.Emit(OpId::kRelativePositionBias,
                       {context.Input(node, 0), context.Input(node, 1), context.Input(node, 2)}, attributes)};
}

}  // namespace mace::importers::onnx
