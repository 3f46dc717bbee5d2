// GroupNormalization: x [N, ..., C], optional scale [C], optional bias [C] -> (x - mean) / sqrt(variance +
// epsilon) * scale + bias. Mean and variance are of one sample and one group of C / groups channels that lie
// side by side, over all positions (Wu and He, arXiv:1803.08494); with as many groups as channels it is an
// instance normalization. f32 or f64.
#ifndef MACE_OPS_NORM_GROUP_NORMALIZATION_H_
#define MACE_OPS_NORM_GROUP_NORMALIZATION_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

struct GroupNormalizationAttributes {
  int64_t groups = 1;
  float epsilon = 1e-5f;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, GroupNormalizationAttributes, groups),
                      MACE_FIELD(2, GroupNormalizationAttributes, epsilon)};
  }
};
extern const OpDefinition kGroupNormalizationDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_NORM_GROUP_NORMALIZATION_H_
