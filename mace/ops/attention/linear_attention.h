// LinearAttention: attention without a Softmax, as a recurrence over a matrix for each head (ONNX's operator;
// Yang et al., "Gated Delta Networks", https://arxiv.org/abs/2412.06464).
//   query [B, T, query_heads * K], key [B, T, heads * K], value [B, T, heads * V],
//   optional past [B, heads, K, V], optional decay [B, T, heads * K] or [B, T, heads],
//   optional beta [B, T, heads] or [B, T, 1]; all f32, or all f64.
//   -> y [B, T, query_heads * V], state [B, heads, K, V]. For each token, from state S:
//   S *= exp(decay); v = beta given ? beta * (v - S^T k) : v; S += k v^T; y = scale * S^T q.
// query_heads / heads neighbouring heads of the query read one state.
#ifndef MACE_OPS_ATTENTION_LINEAR_ATTENTION_H_
#define MACE_OPS_ATTENTION_LINEAR_ATTENTION_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

struct LinearAttentionAttributes {
  int64_t query_heads = 1;
  int64_t heads = 1;
  float scale = 0;  // 0: 1 / sqrt(K)

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, LinearAttentionAttributes, query_heads),
                      MACE_FIELD(2, LinearAttentionAttributes, heads),
                      MACE_FIELD(3, LinearAttentionAttributes, scale)};
  }
};
extern const OpDefinition kLinearAttentionDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_ATTENTION_LINEAR_ATTENTION_H_
