// NegativeLogLikelihoodLoss: x [N, C, d...] (logarithms of probabilities, f32 or f64), target [N, d...] (i64
// or i32 numbers of classes), optional weights [C] of x's type -> minus the element of the target's class,
// times the class's weight: kNone: of the target's shape; kSum: the sum; kMean: the sum divided by the sum of
// the weights. A target that is `ignored` adds nothing, neither to the sum nor to its divisor.
#ifndef MACE_OPS_LOSS_NEGATIVE_LOG_LIKELIHOOD_LOSS_H_
#define MACE_OPS_LOSS_NEGATIVE_LOG_LIKELIHOOD_LOSS_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

enum class LossReduction : int32_t { kNone = 0, kSum = 1, kMean = 2, kCount = 3 };
struct NegativeLogLikelihoodLossAttributes {
  LossReduction reduction = LossReduction::kMean;
  bool ignores = false;  // whether a target can be ignored
  int64_t ignored = 0;   // which

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, NegativeLogLikelihoodLossAttributes, reduction),
                      MACE_FIELD(2, NegativeLogLikelihoodLossAttributes, ignores),
                      MACE_FIELD(3, NegativeLogLikelihoodLossAttributes, ignored)};
  }
};
extern const OpDefinition kNegativeLogLikelihoodLossDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_LOSS_NEGATIVE_LOG_LIKELIHOOD_LOSS_H_
