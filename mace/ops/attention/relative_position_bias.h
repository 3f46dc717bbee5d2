// RelativePositionBias: a number for each pair of query and key, chosen by how far they are apart: near
// distances have an entry each, far ones share entries by their logarithm (Raffel et al., "Exploring the
// Limits of Transfer Learning", https://arxiv.org/abs/1910.10683).
//   table [entries, heads] f32 or f64, queries and keys int64 or int32 of one element: S and T.
//   -> [1, heads, S, T].
#ifndef MACE_OPS_ATTENTION_RELATIVE_POSITION_BIAS_H_
#define MACE_OPS_ATTENTION_RELATIVE_POSITION_BIAS_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

struct RelativePositionBiasAttributes {
  int64_t max_distance = 128;
  bool bidirectional =
      false;  // half of the table is for keys behind the query; else they count as distance 0

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, RelativePositionBiasAttributes, max_distance),
                      MACE_FIELD(2, RelativePositionBiasAttributes, bidirectional)};
  }
};
extern const OpDefinition kRelativePositionBiasDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_ATTENTION_RELATIVE_POSITION_BIAS_H_
