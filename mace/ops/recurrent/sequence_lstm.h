// SequenceLstm: TensorFlow Lite's UNIDIRECTIONAL_SEQUENCE_LSTM, forwards, with everything that it can have:
// peepholes and a projection (Sak et al., "Long Short-Term Memory Based Recurrent Neural Network
// Architectures for Large Vocabulary Speech Recognition", 2014), layer normalization of the gates (Ba et al.,
// 2016), a forget gate that is coupled to the input gate, and clipping. (Lstm is ONNX's.) With B batch rows,
// T steps, I inputs, C cells, H outputs (H = C without a projection):
//
//   input 0        x [B, T, I], time_major: [T, B, I]
//   1 .. 4         weights of x [C, I], of the gates i, f, c, o; i absent: i = 1 - f
//   5 .. 8         weights of h [C, H]
//   9 .. 11        peephole weights [C] of i, f, o (all or none; i only where there is an i gate)
//   12 .. 15       biases [C]
//   16, 17         projection [H, C] and its bias [H]; may be absent, the bias alone too
//   18, 19         h [B, H] and c [B, C] before the first step
//   20 .. 23       layer normalization: factors [C] (all or none); the gate's bias is added behind them
//   outputs        y [B, T, H] or [T, B, H]; h; c behind the last step
//
// f32, or integers as TensorFlow Lite computes them (bit for bit): x, weights, projection, h and y i8, biases
// i32, peephole weights, factors and c i16. c's scale is a power of two.
#ifndef MACE_OPS_RECURRENT_SEQUENCE_LSTM_H_
#define MACE_OPS_RECURRENT_SEQUENCE_LSTM_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct SequenceLstmAttributes {
  bool time_major = false;
  float cell_clip = 0;        // 0: none
  float projection_clip = 0;  // read where there is a projection
  // Integers only. The scales of the gates' sums (i, f, c, o; read with layer normalization, else 2^-12), and
  // scale and zero point of what is projected (without a projection: of h).
  FloatList gate_scales = {};
  float hidden_scale = 1;
  int64_t hidden_zero_point = 0;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, SequenceLstmAttributes, time_major),
                      MACE_FIELD(2, SequenceLstmAttributes, cell_clip),
                      MACE_FIELD(3, SequenceLstmAttributes, projection_clip),
                      MACE_FIELD(4, SequenceLstmAttributes, gate_scales),
                      MACE_FIELD(5, SequenceLstmAttributes, hidden_scale),
                      MACE_FIELD(6, SequenceLstmAttributes, hidden_zero_point)};
  }
};

// Places of the operands; those of a gate begin at the place named.
enum : int {
  kLstmInput = 0,
  kLstmInputWeights = 1,
  kLstmHiddenWeights = 5,
  kLstmPeephole = 9,
  kLstmBias = 12,
  kLstmProjection = 16,
  kLstmProjectionBias = 17,
  kLstmHidden = 18,
  kLstmCell = 19,
  kLstmNorm = 20,
  kLstmOperands = 24,
  // gates
  kInputGate = 0,
  kForgetGate = 1,
  kCellGate = 2,
  kOutputGate = 3,
  kLstmGates = 4,
};
// The peephole weights of a gate; the cell gate has none.
constexpr int PeepholeOf(int gate) { return kLstmPeephole + (gate == kOutputGate ? 2 : gate); }

// What the operands say of the layer.
struct SequenceLstmSizes {
  int64_t batch = 0, steps = 0, inputs = 0, cells = 0, outputs = 0;
  bool coupled = false;  // no i gate
  bool peephole = false, projection = false, layer_norm = false;
  int64_t x_step = 0, x_row = 0, y_step = 0, y_row = 0;  // elements to the next step and batch row

  // Concrete shapes, `has(i)`: operand i is there, that have passed the shape rule.
  template <typename Has, typename ShapeOf>
  SequenceLstmSizes(bool time_major, const Has& has, const ShapeOf& shape) {
    const Shape& x = shape(kLstmInput);
    batch = x[time_major ? 1 : 0];
    steps = x[time_major ? 0 : 1];
    inputs = x[2];
    cells = shape(kLstmInputWeights + kForgetGate)[0];
    outputs = shape(kLstmHiddenWeights + kForgetGate)[1];
    coupled = !has(kLstmInputWeights + kInputGate);
    peephole = has(PeepholeOf(kForgetGate));
    projection = has(kLstmProjection);
    layer_norm = has(kLstmNorm + kForgetGate);
    x_step = time_major ? batch * inputs : inputs;
    x_row = time_major ? inputs : steps * inputs;
    y_step = time_major ? batch * outputs : outputs;
    y_row = time_major ? outputs : steps * outputs;
  }
};

extern const OpDefinition kSequenceLstmDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_RECURRENT_SEQUENCE_LSTM_H_
