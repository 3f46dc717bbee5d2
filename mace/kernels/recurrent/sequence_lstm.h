// Kernels sequence_lstm_f32 and sequence_lstm_i8: one LSTM over sequences, with peepholes, a projection, a
// coupled forget gate, layer normalization and clipping.
#ifndef MACE_KERNELS_RECURRENT_SEQUENCE_LSTM_H_
#define MACE_KERNELS_RECURRENT_SEQUENCE_LSTM_H_

#include <cstdint>

#include "mace/core/status.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

// Operands, null where absent; gates i, f, c, o side by side (a coupled layer has no i). f32, or with
// integers: matrices, x, h and y i8, biases i32, vectors and c i16.
enum : int {
  kSequenceX = 0,
  kSequenceInputWeights = 1,   // of each gate [cells, inputs]
  kSequenceHiddenWeights = 5,  // [cells, outputs]
  kSequencePeephole = 9,       // of i, f, o [cells]
  kSequenceBias = 12,          // [cells]
  kSequenceProjection = 16,    // [outputs, cells]
  kSequenceProjectionBias = 17,
  kSequenceInitialHidden = 18,  // [batch, outputs]
  kSequenceInitialCell = 19,    // [batch, cells]
  kSequenceNorm = 20,           // of each gate [cells]
  kSequenceY = 24,
  kSequenceHidden = 25,  // or null
  kSequenceCell = 26,    // or null
  kSequenceOperands = 27,
};

// multiplier * 2^(exponent - 31)
struct SequenceScale {
  int32_t multiplier = 0, exponent = 0;
};

// Tiles are batch rows.
struct SequenceLstmParams {
  // Set by the caller.
  int64_t batch = 0, steps = 0, inputs = 0, cells = 0, outputs = 0;  // outputs: cells without a projection
  int64_t x_step = 0, x_row = 0, y_step = 0, y_row = 0;  // elements to the next step and batch row
  bool coupled = false, peephole = false, projection = false, layer_norm = false;
  float cell_clip = 0, projection_clip = 0;  // 0: none
  // Integers: mace/ops/recurrent/sequence_lstm_integer.h says what they mean.
  struct Gate {
    SequenceScale input, hidden, peephole, norm;
    int32_t variance_guard = 1;  // the variance where it is 0
  };
  Gate gates[4];
  SequenceScale to_hidden, to_output;
  int32_t input_zero_point = 0, hidden_zero_point = 0, state_zero_point = 0;
  int32_t cell_exponent = -12;
  int32_t integer_cell_clip = 0, integer_projection_clip = 0;

  // Set by PrepareSequenceLstm.
  int64_t tile_count = 0;
  int64_t workspace_bytes = 0;
};
Status PrepareSequenceLstm(SequenceLstmParams* params);

// A count of four-byte numbers, rounded up to whole vectors of every instruction set.
constexpr int64_t SequencePadded(int64_t count) { return (count + 15) / 16 * 16; }

}  // namespace mace::kernels

#endif  // MACE_KERNELS_RECURRENT_SEQUENCE_LSTM_H_
