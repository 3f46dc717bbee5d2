// Multinomial: x [N, C] f32 or f64, logarithms of how likely each of C classes is (up to a constant) -> [N,
// samples] i64 or i32, classes drawn by these probabilities. Seeds as of Random.
#ifndef MACE_OPS_RANDOM_MULTINOMIAL_H_
#define MACE_OPS_RANDOM_MULTINOMIAL_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

struct MultinomialAttributes {
  int64_t samples = 1;
  DType to = DType::kI32;
  bool is_seeded = false;
  int64_t seed = 0;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, MultinomialAttributes, samples), MACE_FIELD(2, MultinomialAttributes, to),
                      MACE_FIELD(3, MultinomialAttributes, is_seeded),
                      MACE_FIELD(4, MultinomialAttributes, seed)};
  }
};
extern const OpDefinition kMultinomialDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_RANDOM_MULTINOMIAL_H_
