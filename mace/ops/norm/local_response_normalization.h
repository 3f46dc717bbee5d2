// LocalResponseNormalization: x f32 or f64 -> x / (bias + alpha / size * s)^beta, s being the sum of squares
// over `size` neighbours along `axis`: (size - 1) / 2 in front, the element itself, the rest behind; what is
// outside counts as 0. A. Krizhevsky, I. Sutskever, G. E. Hinton: ImageNet classification with deep
// convolutional neural networks (2012), section 3.3.
#ifndef MACE_OPS_NORM_LOCAL_RESPONSE_NORMALIZATION_H_
#define MACE_OPS_NORM_LOCAL_RESPONSE_NORMALIZATION_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

struct LocalResponseNormalizationAttributes {
  int64_t axis = 1;
  int64_t size = 1;
  float alpha = 1e-4f;
  float beta = 0.75f;
  float bias = 1.0f;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, LocalResponseNormalizationAttributes, axis),
                      MACE_FIELD(2, LocalResponseNormalizationAttributes, size),
                      MACE_FIELD(3, LocalResponseNormalizationAttributes, alpha),
                      MACE_FIELD(4, LocalResponseNormalizationAttributes, beta),
                      MACE_FIELD(5, LocalResponseNormalizationAttributes, bias)};
  }
};
extern const OpDefinition kLocalResponseNormalizationDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_NORM_LOCAL_RESPONSE_NORMALIZATION_H_
