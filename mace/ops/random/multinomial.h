// Multinomial: x [N, C] f32 or f64, logarithms of how likely each of C classes is (up to a constant),
// optional samples (i64 or i32 of one element, in place of the attribute), optional block -> [N, samples] i64
// or i32, classes drawn by these probabilities; optional next block. Seeds and blocks as of Random.
//
// kTensorFlow: a class whose logarithm is not finite is never drawn, and each run skips far more blocks than
// it reads, as TensorFlow's kernels do. kWide: such a row but for minus infinity is an error.
#ifndef MACE_OPS_RANDOM_MULTINOMIAL_H_
#define MACE_OPS_RANDOM_MULTINOMIAL_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/random/philox.h"

namespace mace::ops {

struct MultinomialAttributes {
  int64_t samples = 1;
  DType to = DType::kI32;
  bool is_seeded = false;
  int64_t seed = 0;
  RandomGenerator generator = RandomGenerator::kWide;
  int64_t stream = 0;

  static constexpr auto Fields() {
    return std::array{
        MACE_FIELD(1, MultinomialAttributes, samples),   MACE_FIELD(2, MultinomialAttributes, to),
        MACE_FIELD(3, MultinomialAttributes, is_seeded), MACE_FIELD(4, MultinomialAttributes, seed),
        MACE_FIELD(5, MultinomialAttributes, generator), MACE_FIELD(6, MultinomialAttributes, stream)};
  }
};
extern const OpDefinition kMultinomialDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_RANDOM_MULTINOMIAL_H_
