// AttentionBias: which keys each query of an attention may see, as numbers to add to the scores.
//   query [..., S, d] and key [..., T, d]: only their sizes S and T are read.
//   Optional mask, of rank 1 to 6 and broadcastable to [..., S, T]: bool (true: visible) or floats that are
//     added. A shorter last axis leaves the keys behind it hidden.
//   Optional starts int64 or int32 [1] or [B]: which key the first query stands at (0 without).
//   Optional lengths int64 or int32 [1] or [B]: keys from this one on are hidden.
//   -> bias [..., S, T] of `dtype`: `hidden` where a key is hidden, else the mask's number or 0;
//      visible bool [..., S, 1]: false where every key has the bias -infinity, so that a Softmax has nothing
//      to choose from.
// The results have the mask's leading axes, with starts or lengths broadcast with [B, 1].
#ifndef MACE_OPS_ATTENTION_ATTENTION_BIAS_H_
#define MACE_OPS_ATTENTION_ATTENTION_BIAS_H_

#include <cmath>

#include "mace/graph/op_definition.h"

namespace mace::ops {

struct AttentionBiasAttributes {
  bool causal = false;  // a query sees no key behind its own place
  int64_t left = -1;    // and so many keys before it, -1: all
  int64_t right = -1;   // and so many keys behind it, -1: all
  float hidden = -HUGE_VALF;
  DType dtype = DType::kF32;  // or kF64

  static constexpr auto Fields() {
    return std::array{
        MACE_FIELD(1, AttentionBiasAttributes, causal), MACE_FIELD(2, AttentionBiasAttributes, left),
        MACE_FIELD(3, AttentionBiasAttributes, right), MACE_FIELD(4, AttentionBiasAttributes, hidden),
        MACE_FIELD(5, AttentionBiasAttributes, dtype)};
  }
};
extern const OpDefinition kAttentionBiasDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_ATTENTION_ATTENTION_BIAS_H_
