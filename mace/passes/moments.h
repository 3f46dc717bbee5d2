// Mean and deviation of a tensor over some of its axes, as files spell them out: what recognising
// normalisations stands on.
#ifndef MACE_PASSES_MOMENTS_H_
#define MACE_PASSES_MOMENTS_H_

#include "mace/core/shape.h"
#include "mace/passes/graph_editor.h"

namespace mace::passes {

struct Moments {
  ValueId x = kNone;
  ValueId mean = kNone;  // kNone: nothing is subtracted, the deviation is the root of the mean of the squares
  bool reduced[kMaxRank] = {};
  double epsilon = 0;
};

// `value` = 1 / sqrt(variance + epsilon), where the variance is the mean over some axes, which are kept with
// size 1, of (x - mean)^2 or of x^2, and epsilon is a constant >= 0.
bool MatchInverseDeviation(const GraphEditor& editor, ValueId value, Moments* moments);

// `node` = (x - mean) / sqrt(variance + epsilon), or without the mean.
bool MatchStandardized(const GraphEditor& editor, const Node& node, Moments* moments);

// The epsilon as the attribute of an operator; false where float64 `x` would see the difference.
bool EpsilonAttribute(const GraphEditor& editor, const Moments& moments, float* epsilon);

}  // namespace mace::passes

#endif  // MACE_PASSES_MOMENTS_H_
