// The integer arithmetic of SequenceLstm: what its reference and the lowering share.
#ifndef MACE_OPS_RECURRENT_SEQUENCE_LSTM_INTEGER_H_
#define MACE_OPS_RECURRENT_SEQUENCE_LSTM_INTEGER_H_

#include "mace/ops/quantize/fixed_point.h"
#include "mace/ops/recurrent/sequence_lstm.h"

namespace mace::ops {

// Multipliers from one scale to another, and what else is made of the scales once. Gate sums have 12 bits
// behind the point, gates and tanh 15, cells -cell_exponent.
struct IntegerLstmScales {
  struct Gate {
    FixedPointMultiplier input, hidden, peephole;
    FixedPointMultiplier norm;   // with layer normalization
    int32_t variance_guard = 1;  // the variance where it is 0
  };
  Gate gates[kLstmGates];
  FixedPointMultiplier to_hidden, projection;
  int32_t input_zero_point = 0, hidden_zero_point = 0, state_zero_point = 0;
  int32_t cell_exponent = -12;  // the cells' scale is 2^cell_exponent
  int32_t cell_clip = 0, projection_clip = 0;
};

// The exponent of a scale that is a power of two, such that all of the arithmetic stays inside of its types;
// false for any other.
bool CellExponent(float scale, int32_t* exponent);

// `quantization(i)`: of operand i, null where it is absent; `y`: of the output. They have passed the shape
// rule.
template <typename QuantizationOf>
IntegerLstmScales MakeIntegerLstmScales(const SequenceLstmAttributes& attributes, bool layer_norm,
                                        const QuantizationOf& quantization, const Quantization& y) {
  const auto scale = [&](int operand) {
    const Quantization* found = quantization(operand);
    return found == nullptr ? 1.0f : found->scales[0];
  };
  IntegerLstmScales result;
  CellExponent(scale(kLstmCell), &result.cell_exponent);
  const double cell_scale = std::ldexp(1.0, result.cell_exponent);
  // Single and double precision as TensorFlow Lite mixes them: they decide the last bits.
  for (int g = 0; g < kLstmGates; ++g) {
    const float sum_scale = layer_norm ? attributes.gate_scales[g] : std::ldexp(1.0f, -12);
    IntegerLstmScales::Gate& gate = result.gates[g];
    gate.input = QuantizeMultiplier(scale(kLstmInputWeights + g) * scale(kLstmInput) / sum_scale);
    gate.hidden = QuantizeMultiplier(scale(kLstmHiddenWeights + g) * scale(kLstmHidden) / sum_scale);
    if (g != kCellGate) {
      gate.peephole = QuantizeMultiplier(static_cast<float>(
          cell_scale * static_cast<double>(scale(PeepholeOf(g))) / static_cast<double>(sum_scale)));
    }
    const float norm_scale = scale(kLstmNorm + g);
    gate.norm = QuantizeMultiplier(norm_scale);
    gate.norm.exponent += 12;
    gate.variance_guard = std::max(1, static_cast<int32_t>(10000 * std::min(norm_scale, 1e5f)));
  }
  result.to_hidden = QuantizeMultiplier(static_cast<float>(
      std::ldexp(1.0, -15) / static_cast<double>(attributes.hidden_scale) * std::ldexp(1.0, -15)));
  result.projection =
      QuantizeMultiplier(scale(kLstmProjection) * attributes.hidden_scale / scale(kLstmHidden));
  result.input_zero_point = quantization(kLstmInput)->zero_points[0];
  result.state_zero_point = quantization(kLstmHidden)->zero_points[0];
  // What is projected has its zero point subtracted where others have it added, there and back.
  const auto hidden_zero_point = static_cast<int32_t>(attributes.hidden_zero_point);
  result.hidden_zero_point =
      quantization(kLstmProjection) != nullptr ? -hidden_zero_point : hidden_zero_point;
  if (attributes.cell_clip > 0) {
    result.cell_clip = static_cast<int32_t>(std::min(attributes.cell_clip / scale(kLstmCell), 32767.0f));
  }
  if (attributes.projection_clip > 0) {
    result.projection_clip = static_cast<int32_t>(std::min(attributes.projection_clip / y.scales[0], 127.0f));
  }
  return result;
}

// Functions of 16-bit fixed-point numbers, as gemmlowp (fixedpoint.h) computes them. The results have 15 bits
// behind the point.
int16_t FixedLogistic(int16_t x);                // of x / 2^12
int16_t FixedTanh(int16_t x, int integer_bits);  // of x / 2^(15 - integer_bits), 0 <= integer_bits <= 6

Status ReferenceIntegerSequenceLstm(const ReferenceContext& context, const SequenceLstmSizes& sizes);

}  // namespace mace::ops

#endif  // MACE_OPS_RECURRENT_SEQUENCE_LSTM_INTEGER_H_
