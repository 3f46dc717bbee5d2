// ONNX's own attention operators.
#include "mace/importers/onnx/attention.h"
#include "mace/importers/onnx/onnx_import.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/open_rank.h"
#include "mace/ops/attention/linear_attention.h"
#include "mace/ops/attention/rotary_embedding.h"

namespace mace::importers::onnx {
namespace {

void CheckRank(const OnnxContext& context, ValueId value, int least, int most, const char* what) {
  const Shape& shape = context.TypeOf(value).shape;
  if (shape.rank < least || shape.rank > most) {
    throw ImportError(InvalidArgument("%s has the shape %s, expected rank %d to %d", what,
                                      ShapeText(shape).text, least, most));
  }
}

// An input as [B, heads, length, size].
ValueId HeadsOf(OnnxContext& context, OnnxNode& node, int input, const char* heads) {
  const int64_t count = node.Int(heads, 0);
  const ValueId value = context.WithRank(context.Input(node, input), count > 0 ? 3 : 4);
  CheckRank(context, value, 3, 4, "query, key or value");
  if (context.RankOf(value) == 4) return value;
  if (count < 1) throw ImportError(InvalidArgument("%s is missing", heads));
  return HeadsFirst(context, SplitHeads(context, value, count));
}

ValueId Appended(OnnxContext& context, ValueId past, ValueId fresh) {
  return past == kNone ? fresh : ConcatOf(context, {past, fresh}, 2);
}

// The mask as AttentionBias takes it: bool, or floats of the type that is computed with.
ValueId MaskOf(OnnxContext& context, ValueId mask, DType wide) {
  if (mask == kNone) return kNone;
  if (!context.TypeOf(mask).shape.HasRank()) mask = WithLeadingOnes(context, mask, 4);
  CheckRank(context, mask, 1, 4, "attn_mask");
  return context.TypeOf(mask).dtype == DType::kBool ? mask : ToType(context, mask, wide);
}

AttentionForm ReadForm(OnnxNode& node) {
  AttentionForm form;
  form.zero_where_all_hidden = true;
  form.bias.causal = node.Int("is_causal", 0) != 0;
  form.bias.left = node.Int("left_window_size", -1);
  form.bias.right = node.Int("right_window_size", -1);
  form.softcap = node.Float("softcap", 0);
  if (node.Has("scale")) form.scale = node.Float("scale", 1);
  node.Ignore("softmax_precision");  // float32 at least
  return form;
}

}  // namespace

// Q, K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen.
Outputs ConvertAttention(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const int rank = context.RankOf(context.Input(node, 0));
  const bool merged = rank == 3 || (rank < 0 && node.Int("q_num_heads", 0) > 0);
  const DType narrow = context.TypeOf(context.Input(node, 0)).dtype, wide = WideType(narrow);
  const AttentionForm form = ReadForm(node);
  const ValueId past_key = context.WithRank(context.OptionalInput(node, 4), 4);
  const ValueId past_value = context.WithRank(context.OptionalInput(node, 5), 4);
  if ((past_key == kNone) != (past_value == kNone)) {
    throw ImportError(InvalidArgument("past_key and past_value belong together"));
  }
  const ValueId key = Appended(context, past_key, HeadsOf(context, node, 1, "kv_num_heads"));
  const ValueId value = Appended(context, past_value, HeadsOf(context, node, 2, "kv_num_heads"));
  AttentionOperands operands;
  operands.query = ToType(context, HeadsOf(context, node, 0, "q_num_heads"), wide);
  operands.key = ToType(context, key, wide);
  operands.value = ToType(context, value, wide);
  operands.mask = MaskOf(context, context.OptionalInput(node, 3), wide);
  operands.lengths = context.OptionalInput(node, 6);
  const bool places = form.bias.causal || form.bias.left >= 0 || form.bias.right >= 0;
  if (places && past_key != kNone) {
    operands.starts = SizesOf(context, past_key, 2, 3);
  } else if (places && operands.lengths != kNone) {
    operands.starts = context.Emit(OpId::kSub, {operands.lengths, SizesOf(context, operands.query, 2, 3)});
  }
  const AttentionResults results = EmitAttention(context, operands, form);
  const ValueId y = merged ? MergeHeads(context, results.y) : results.y;
  Outputs outputs = {ToType(context, y, narrow), key, value};
  const int64_t mode = node.Int("qk_matmul_output_mode", 0);
  if (!node.HasOutput(3)) return outputs;
  if (mode < 0 || mode > 3) throw ImportError(InvalidArgument("qk_matmul_output_mode is not 0 to 3"));
  const ValueId stages[] = {results.scores, results.capped, results.biased, results.probabilities};
  ValueId stage = stages[mode];
  if (mode == 3) stage = ZeroWhereHidden(context, stage, results.visible);
  outputs.push_back(ToType(context, stage, narrow));
  return outputs;
}

namespace {

// What one of FlexAttention's graphs makes of `value`, in the node's place. The graph's operand has the
// element type `precision`.
ValueId Changed(OnnxContext& context, const GraphProto& graph, ValueId value, DType precision) {
  if (graph.inputs.size() != 1 || graph.outputs.size() != 1) {
    throw ImportError(InvalidArgument("a graph of %zu inputs and %zu outputs, expected one of each",
                                      graph.inputs.size(), graph.outputs.size()));
  }
  const TensorType type = context.TypeOf(value);
  const NameScope scope(&context, nullptr);
  context.BindOperand(graph.inputs[0].name, ToType(context, value, precision));
  const std::string_view output[] = {graph.outputs[0].name};
  const ValueId result = ConvertInner(graph, output, &context)[0];
  if (context.TypeOf(result).dtype != precision || context.RankOf(result) != type.shape.rank) {
    throw ImportError(InvalidArgument("a graph gives %s%s for %s%s", NameOf(context.TypeOf(result).dtype),
                                      ShapeText(context.TypeOf(result).shape).text, NameOf(precision),
                                      ShapeText(type.shape).text));
  }
  return ToType(context, result, type.dtype);
}

}  // namespace

// ai.onnx.preview: Q, K, V, and graphs that change scores and probabilities.
Outputs ConvertFlexAttention(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const DType narrow = context.TypeOf(context.Input(node, 0)).dtype, wide = WideType(narrow);
  const auto number = static_cast<int32_t>(node.Int("softmax_precision", 0));
  const DType precision = number == 0 ? wide : DTypeOfOnnx(number);
  if (!IsFloat(precision)) throw ImportError(Unsupported("softmax_precision=%d", number));
  AttentionOperands operands;
  ValueId* const places[] = {&operands.query, &operands.key, &operands.value};
  for (int i = 0; i < 3; ++i) {
    const ValueId input = context.WithRank(context.Input(node, i), 4);
    CheckRank(context, input, 4, 4, "query, key or value");
    *places[i] = ToType(context, input, wide);
  }
  AttentionForm form;
  if (node.Has("scale")) form.scale = node.Float("scale", 1);
  const auto change = [&](const char* attribute, std::function<ValueId(ValueId)>* function) {
    if (!node.Has(attribute)) return;
    *function = [&context, &graph = node.GraphOf(attribute), precision](ValueId value) {
      return Changed(context, graph, value, precision);
    };
  };
  change("score_mod", &form.change_scores);
  change("prob_mod", &form.change_probabilities);
  return {ToType(context, EmitAttention(context, operands, form).y, narrow)};
}

// X, cos_cache, sin_cache, position_ids.
Outputs ConvertRotaryEmbedding(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.WithRank(context.Input(node, 0), node.Int("num_heads", 0) > 0 ? 3 : 4);
  CheckRank(context, x, 3, 4, "X");
  const bool merged = context.RankOf(x) == 3;
  const int table_rank = node.HasInput(3) ? 2 : 3;
  const int64_t heads = node.Int("num_heads", 0), rotary = node.Int("rotary_embedding_dim", 0);
  const DType narrow = context.TypeOf(x).dtype, wide = WideType(narrow);
  ops::RotaryEmbeddingAttributes attributes;
  attributes.interleaved = node.Int("interleaved", 0) != 0;
  attributes.sequence_axis = merged ? 1 : 2;
  std::vector<ValueId> inputs = {ToType(context, merged ? SplitHeads(context, x, heads) : x, wide),
                                 ToType(context, context.WithRank(context.Input(node, 1), table_rank), wide),
                                 ToType(context, context.WithRank(context.Input(node, 2), table_rank), wide)};
  if (node.HasInput(3)) inputs.push_back(context.Input(node, 3));
  const Shape& table = context.TypeOf(inputs[1]).shape;
  const int64_t turned = rotary > 0 ? rotary : context.TypeOf(inputs[0]).shape[3];
  if (table.rank > 0 && table[table.rank - 1] >= 0 && turned >= 0 && table[table.rank - 1] != turned / 2) {
    throw ImportError(InvalidArgument("a cos_cache of %s for %lld elements of a head", ShapeText(table).text,
                                      static_cast<long long>(turned)));
  }
  ValueId y = context.EmitMany(OpId::kRotaryEmbedding, inputs, attributes, 1)[0];
  if (merged) {
    const int64_t size = context.TypeOf(x).shape[2];
    y = context.Reshape(y, {0, 0, size >= 0 ? size : -1});
  }
  return {ToType(context, y, narrow)};
}

// query, key, value, past_state, decay, beta.
Outputs ConvertLinearAttention(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const std::string rule = node.String("update_rule", "gated_delta");
  const bool decays = rule == "gated" || rule == "gated_delta",
             corrects = rule == "delta" || rule == "gated_delta";
  if (!decays && !corrects && rule != "linear") {
    throw ImportError(InvalidArgument("update_rule='%s' is not known", rule.c_str()));
  }
  if (node.HasInput(4) != decays || node.HasInput(5) != corrects) {
    throw ImportError(InvalidArgument("update_rule='%s' with other operands than it has", rule.c_str()));
  }
  node.Ignore("chunk_size");
  ops::LinearAttentionAttributes attributes;
  attributes.query_heads = node.Int("q_num_heads", 0);
  attributes.heads = node.Int("kv_num_heads", 0);
  attributes.scale = node.Float("scale", 0);
  const DType narrow = context.TypeOf(context.Input(node, 0)).dtype, wide = WideType(narrow);
  std::vector<ValueId> inputs;
  for (int i = 0; i < 6; ++i) {
    const ValueId input = i < 3 ? context.Input(node, i) : context.OptionalInput(node, i);
    inputs.push_back(input == kNone ? kNone : ToType(context, input, wide));
  }
  while (inputs.back() == kNone) inputs.pop_back();
  const DType state = node.HasInput(3) ? context.TypeOf(context.Input(node, 3)).dtype : narrow;
  const std::vector<ValueId> results = context.EmitMany(OpId::kLinearAttention, inputs, attributes, 2);
  return {ToType(context, results[0], narrow), ToType(context, results[1], state)};
}

}  // namespace mace::importers::onnx
