// CtcGreedyDecode: the best path of connectionist temporal classification (Graves et al., "Connectionist
// Temporal Classification", 2006, section 3.2): at each time step the class of the highest score; where
// merge_repeats, a step with the class of the step before it is dropped; then all steps of the class `blank`.
//
//   input    scores f32 [N, T, C]; probabilities, logarithms or logits: only their order matters
//   outputs  labels i32 [N, T], the classes that are left, -1 behind them;
//            lengths i32 [N], how many are left;
//            label scores f32 [N, T], each label's score (at its first step), 0 behind them;
//            steps i32 [N, T], that time step, -1 behind them
//
// A negative `blank` counts from C. Of equal scores the lower class is the best one; a NaN is found only
// where it comes first.
#ifndef MACE_OPS_SEARCH_CTC_GREEDY_DECODE_H_
#define MACE_OPS_SEARCH_CTC_GREEDY_DECODE_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct CtcGreedyDecodeAttributes {
  int64_t blank = 0;
  bool merge_repeats = true;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, CtcGreedyDecodeAttributes, blank),
                      MACE_FIELD(2, CtcGreedyDecodeAttributes, merge_repeats)};
  }
};
extern const OpDefinition kCtcGreedyDecodeDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_SEARCH_CTC_GREEDY_DECODE_H_
