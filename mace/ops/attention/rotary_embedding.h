// RotaryEmbedding: turns pairs of elements by an angle that belongs to their token (Su et al., "RoFormer:
// Enhanced Transformer with Rotary Position Embedding", https://arxiv.org/abs/2104.09864).
//   x [B, S, heads, D] or [B, heads, S, D] (sequence_axis 1 or 2), f32 or f64.
//   cos, sin: without positions [B or 1, S, R / 2]; with positions [P, R / 2], of which each token takes a
//   row: optional positions int64 or int32: [B or 1, S], or of the first token alone [B] or [1].
//   -> as x; of each head the first R elements turned, the others as they are. Pairs are elements i and
//      i + R / 2, interleaved: 2 i and 2 i + 1.
#ifndef MACE_OPS_ATTENTION_ROTARY_EMBEDDING_H_
#define MACE_OPS_ATTENTION_ROTARY_EMBEDDING_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

struct RotaryEmbeddingAttributes {
  bool interleaved = false;
  int64_t sequence_axis = 2;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, RotaryEmbeddingAttributes, interleaved),
                      MACE_FIELD(2, RotaryEmbeddingAttributes, sequence_axis)};
  }
};
extern const OpDefinition kRotaryEmbeddingDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_ATTENTION_ROTARY_EMBEDDING_H_
