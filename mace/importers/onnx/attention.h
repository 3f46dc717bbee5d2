// What the converters of attention operators share: softmax(query key^T * scale + bias) value on operands
// that are split into heads, from MatMul, Softmax and small operators, so that their fast kernels serve.
#ifndef MACE_IMPORTERS_ONNX_ATTENTION_H_
#define MACE_IMPORTERS_ONNX_ATTENTION_H_

#include <functional>
#include <optional>

#include "mace/importers/onnx/onnx_context.h"
#include "mace/importers/onnx/slices.h"
#include "mace/ops/attention/attention_bias.h"

namespace mace::importers::onnx {

struct AttentionOperands {
  ValueId query = kNone;  // [B, heads, S, D]
  ValueId key = kNone;    // [B, heads or a divisor of it, T, D]
  ValueId value = kNone;  // [B, as key, T, V]
  ValueId mask = kNone;   // these three as AttentionBias has them
  ValueId starts = kNone;
  ValueId lengths = kNone;
  ValueId added = kNone;  // floats added to the scores as they are
  ValueId sink = kNone;   // [heads] or []: the score of one more key, which has no value
};

struct AttentionForm {
  ops::AttentionBiasAttributes bias;  // but for its dtype
  std::optional<float> scale;         // without: 1 / sqrt(D)
  float softcap = 0;
  bool zero_where_all_hidden = false;  // else what Softmax makes of a row of -infinity
  // What else happens to the scores before Softmax, and to the probabilities behind it.
  std::function<ValueId(ValueId)> change_scores;
  std::function<ValueId(ValueId)> change_probabilities;
};

struct AttentionResults {
  ValueId scores = kNone;  // [B, heads, S, T], as are the next three
  ValueId capped = kNone;
  ValueId biased = kNone;
  ValueId probabilities = kNone;
  ValueId visible = kNone;  // of AttentionBias; kNone where every query sees a key
  ValueId y = kNone;        // [B, heads, S, V]
};

AttentionResults EmitAttention(OnnxContext& context, const AttentionOperands& operands,
                               const AttentionForm& form);

// `value` where `visible`, 0 elsewhere.
ValueId ZeroWhereHidden(OnnxContext& context, ValueId value, ValueId visible);

ValueId ToType(OnnxContext& context, ValueId value, DType dtype);
// What attention on elements of `dtype` is computed in.
inline DType WideType(DType dtype) { return dtype == DType::kF64 ? dtype : DType::kF32; }

// [B, S, heads * D] as [B, S, heads, D], and that with heads first; and back from [B, heads, S, D].
ValueId SplitHeads(OnnxContext& context, ValueId value, int64_t heads);
ValueId HeadsFirst(OnnxContext& context, ValueId value);
ValueId MergeHeads(OnnxContext& context, ValueId value);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_ATTENTION_H_
