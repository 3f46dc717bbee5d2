// ContinuedRecurrence: the recurrent part of a layer over sequences that are laid end to end along the time
// axis (Caffe's LSTM and RNN, after J. Donahue et al.: Long-term recurrent convolutional networks for visual
// recognition and description, 2015).
//
//   inputs   gates [T, N, G * H], what the gates get from the layer's input; continues [T, N], 1 where a step
//            goes on with the sequence of the step before it, 0 where a new one begins; recurrent weights
//            [G * H, H]; initial h [N, H]; of kLstm also initial c [N, H]
//   outputs  h of every step [T, N, H]; the last h [N, H]; of kLstm also the last c [N, H]
//
// With k = continues[t] and a = gates[t] + weights (k h):
//   kTanh (G = 1)   h = tanh(a)
//   kLstm (G = 4; rows of the gates i, f, o, g)   c = k sigmoid(f) c + sigmoid(i) tanh(g);  h = sigmoid(o)
//                   tanh(c)
// All f32 or all f64.
#ifndef MACE_OPS_RECURRENT_CONTINUED_RECURRENCE_H_
#define MACE_OPS_RECURRENT_CONTINUED_RECURRENCE_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

enum class ContinuedRecurrenceKind : int32_t { kTanh = 0, kLstm = 1, kCount = 2 };

struct ContinuedRecurrenceAttributes {
  ContinuedRecurrenceKind kind = ContinuedRecurrenceKind::kTanh;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, ContinuedRecurrenceAttributes, kind)}; }
};
extern const OpDefinition kContinuedRecurrenceDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_RECURRENT_CONTINUED_RECURRENCE_H_
