#include "mace/ops/recurrent/sequence_lstm_integer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "mace/core/memory.h"
#include "mace/ops/quantize/fixed_point_functions.h"

namespace mace::ops {
namespace {

// ---- 16-bit fixed point: a number with n integer bits is a raw value in units of 2^(n - 15)

int16_t Wrap16(int32_t x) { return static_cast<int16_t>(static_cast<uint16_t>(x)); }
int16_t Saturate16(int32_t x) { return static_cast<int16_t>(std::clamp(x, -32768, 32767)); }

// The product of two numbers; it has the sum of their integer bits.
int16_t Multiply16(int16_t a, int16_t b) {
  if (a == -32768 && b == -32768) return 32767;
  return static_cast<int16_t>((int32_t{a} * b + (1 << 14)) >> 15);
}

// A real number with `integer_bits` integer bits.
int16_t Constant16(double real, int integer_bits) {
  return static_cast<int16_t>(std::lround(std::ldexp(real, 15 - integer_bits)));
}

constexpr int16_t kOne16 = 32767;  // as near to 1 as no integer bits come

// exp(x) for -1/4 <= x < 0, no integer bits: four terms of the series around -1/8.
int16_t ExponentialOfSmall(int16_t x) {
  const int16_t at_center = Constant16(std::exp(-0.125), 0);
  const int16_t y = Wrap16(x + (1 << 12));  // x + 1/8
  const int16_t y2 = Multiply16(y, y);
  const int16_t y3 = Multiply16(y2, y);
  const auto y4_over_4 = static_cast<int16_t>(RoundingRightShift(Multiply16(y2, y2), 2));
  const int16_t thirds = Multiply16(Wrap16(y4_over_4 + y3), Constant16(1.0 / 3, 0));
  const auto higher = static_cast<int16_t>(RoundingRightShift(Wrap16(thirds + y2), 1));
  return Saturate16(at_center + Multiply16(at_center, Wrap16(y + higher)));
}

// exp(x) without integer bits, for x <= 0 with `integer_bits` of them.
int16_t NegativeExponential16(int16_t x, int integer_bits) {
  if (x == 0) return kOne16;
  const int fraction_bits = 15 - integer_bits;
  if (integer_bits > 5 && x < -(32 << fraction_bits)) return 0;
  // x = rest - quarters / 4 with -1/4 <= rest < 0: a factor for each bit of `quarters`.
  const int quarter = 1 << (fraction_bits - 2);
  const int16_t rest = Wrap16((x & (quarter - 1)) - quarter);
  const int32_t remainder = rest - x;
  int16_t result = ExponentialOfSmall(Saturate16(rest * (1 << integer_bits)));
  for (int exponent = -2; exponent < integer_bits && exponent <= 4; ++exponent) {
    if ((remainder & (1 << (fraction_bits + exponent))) == 0) continue;
    result = Multiply16(result, Constant16(std::exp(-std::ldexp(1.0, exponent)), 0));
  }
  return result;
}

// 1 / ((1 + x) / 2) with two integer bits, for 0 <= x < 1 without: Newton's method.
int16_t ReciprocalOfHalf16(int16_t x) {
  const auto half_denominator = static_cast<int16_t>((x + kOne16 + 1) / 2);
  int16_t guess = Wrap16(Constant16(48.0 / 17, 2) + Multiply16(half_denominator, Constant16(-32.0 / 17, 2)));
  for (int i = 0; i < 3; ++i) {
    const int16_t error = Wrap16((1 << 13) - Multiply16(half_denominator, guess));
    guess = Wrap16(guess + Saturate16(Multiply16(guess, error) * 4));
  }
  return guess;
}

// ---- the layer

// How the parts of a layer with sums in its gates are added up: wrapping in 32 bits.
int32_t DotProduct(const int8_t* weights, const int8_t* x, int32_t zero_point, int64_t count) {
  uint32_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<uint32_t>(weights[i] * (x[i] - zero_point));
  return static_cast<int32_t>(sum);
}

class IntegerLstm {
 public:
  IntegerLstm(const ReferenceContext& context, const SequenceLstmSizes& sizes)
      : context_(context),
        sizes_(sizes),
        scales_(MakeIntegerLstmScales(
            context.attributes<SequenceLstmAttributes>(), sizes.layer_norm,
            [&](int i) { return context.has_input(i) ? context.input_quantization(i) : nullptr; },
            *context.output_quantization(0))) {}

  // `gates`: kLstmGates * cells; `hidden`: cells.
  void Step(const int8_t* x, int8_t* h, int16_t* c, int16_t* gates, int8_t* hidden) const {
    const int64_t cells = sizes_.cells;
    for (int g : {kInputGate, kForgetGate, kCellGate}) {
      if (g != kInputGate || !sizes_.coupled) Gate(g, x, h, c, gates + g * cells);
    }
    for (int64_t j = 0; j < cells; ++j) UpdateCell(gates, j, &c[j]);
    Gate(kOutputGate, x, h, c, gates + kOutputGate * cells);
    for (int64_t j = 0; j < cells; ++j) {
      const int16_t activated = FixedTanh(c[j], 15 + scales_.cell_exponent);
      const int32_t product =
          MultiplyWithTwoRoundings(int32_t{gates[kOutputGate * cells + j]} * activated, scales_.to_hidden);
      hidden[j] = static_cast<int8_t>(std::clamp(product + scales_.hidden_zero_point, -128, 127));
    }
    if (!sizes_.projection) {
      std::memcpy(h, hidden, static_cast<size_t>(cells));
      return;
    }
    for (int64_t o = 0; o < sizes_.outputs; ++o) Project(hidden, o, &h[o]);
  }

 private:
  template <typename T>
  const T* Data(int operand) const {
    return context_.has_input(operand) ? context_.inputs[operand].as<T>() : nullptr;
  }

  void Gate(int g, const int8_t* x, const int8_t* h, const int16_t* c, int16_t* gate) const {
    const IntegerLstmScales::Gate& scales = scales_.gates[g];
    const auto* bias = Data<int32_t>(kLstmBias + g);
    for (int64_t j = 0; j < sizes_.cells; ++j) {
      const uint32_t offset = sizes_.layer_norm ? 0 : static_cast<uint32_t>(bias[j]);
      const int32_t from_x = DotProduct(Data<int8_t>(kLstmInputWeights + g) + j * sizes_.inputs, x,
                                        scales_.input_zero_point, sizes_.inputs);
      const int32_t from_h = DotProduct(Data<int8_t>(kLstmHiddenWeights + g) + j * sizes_.outputs, h,
                                        scales_.state_zero_point, sizes_.outputs);
      int32_t sum = Saturate16(MultiplyWithTwoRoundings(
          static_cast<int32_t>(static_cast<uint32_t>(from_x) + offset), scales.input));
      sum = Saturate16(sum + MultiplyWithTwoRoundings(from_h, scales.hidden));
      if (sizes_.peephole && g != kCellGate) {
        const int32_t from_c = Data<int16_t>(PeepholeOf(g))[j] * c[j];
        sum = Saturate16(sum + MultiplyWithTwoRoundings(from_c, scales.peephole));
      }
      gate[j] = static_cast<int16_t>(sum);
    }
    if (sizes_.layer_norm) Normalize(scales, Data<int16_t>(kLstmNorm + g), bias, gate);
    for (int64_t j = 0; j < sizes_.cells; ++j) {
      gate[j] = g == kCellGate ? FixedTanh(gate[j], 3) : FixedLogistic(gate[j]);
    }
  }

  // (gate - mean) / deviation * factor + bias, the quotient with 10 bits behind the point.
  void Normalize(const IntegerLstmScales::Gate& scales, const int16_t* factors, const int32_t* bias,
                 int16_t* gate) const {
    const int64_t cells = sizes_.cells;
    int64_t sum = 0;
    int64_t squares = 0;
    for (int64_t j = 0; j < cells; ++j) {
      sum += gate[j];
      squares += int32_t{gate[j]} * gate[j];
    }
    const auto mean = static_cast<int32_t>(sum * 1024 / cells);
    constexpr int64_t kUnit = int64_t{1} << 20;
    auto variance =
        static_cast<int32_t>((squares * (kUnit / cells) - static_cast<int64_t>(mean) * mean) / kUnit);
    if (variance < 1) variance = scales.variance_guard;
    const FixedPointMultiplier inverse = InverseSquareRootOf(variance);
    for (int64_t j = 0; j < cells; ++j) {
      const int32_t normalized = MultiplyWithTwoRoundings(1024 * gate[j] - mean, inverse);
      const auto product = static_cast<int32_t>(static_cast<uint32_t>(normalized) *
                                                    static_cast<uint32_t>(int32_t{factors[j]}) +
                                                static_cast<uint32_t>(bias[j]));
      const int64_t wide = product;
      const auto rounded = static_cast<int32_t>((wide > 0 ? wide + 512 : wide - 512) / 1024);
      gate[j] = Saturate16(MultiplyWithTwoRoundings(rounded, scales.norm));
    }
  }

  void UpdateCell(const int16_t* gates, int64_t j, int16_t* c) const {
    const int16_t forget = gates[kForgetGate * sizes_.cells + j];
    const int32_t input = sizes_.coupled ? 32767 - forget : gates[kInputGate * sizes_.cells + j];
    const int32_t kept = Wrap16(RoundingRightShift(int32_t{forget} * *c, 15));
    const int32_t added =
        Wrap16(RoundingRightShift(input * gates[kCellGate * sizes_.cells + j], 30 + scales_.cell_exponent));
    int32_t cell = Saturate16(kept + added);
    if (scales_.cell_clip > 0) cell = std::clamp(cell, -scales_.cell_clip, scales_.cell_clip);
    *c = static_cast<int16_t>(cell);
  }

  void Project(const int8_t* hidden, int64_t o, int8_t* h) const {
    const auto* bias = Data<int32_t>(kLstmProjectionBias);
    const uint32_t offset = bias == nullptr ? 0 : static_cast<uint32_t>(bias[o]);
    const int32_t dot = DotProduct(Data<int8_t>(kLstmProjection) + o * sizes_.cells, hidden,
                                   scales_.hidden_zero_point, sizes_.cells);
    const int32_t sum = MultiplyWithTwoRoundings(static_cast<int32_t>(static_cast<uint32_t>(dot) + offset),
                                                 scales_.projection);
    int32_t result = std::clamp(sum + scales_.state_zero_point, -128, 127);
    if (scales_.projection_clip > 0) {
      result = std::clamp(result, -scales_.projection_clip, scales_.projection_clip);
    }
    *h = static_cast<int8_t>(result);
  }

  const ReferenceContext& context_;
  const SequenceLstmSizes& sizes_;
  const IntegerLstmScales scales_;
};

}  // namespace

bool CellExponent(float scale, int32_t* exponent) {
  if (!(scale > 0) || !std::isfinite(scale)) return false;
  // TensorFlow Lite takes what is nearly a power of two for one.
  const double logarithm = std::log2(static_cast<double>(scale));
  const double rounded = std::round(logarithm);
  if (std::fabs(logarithm - rounded) >= 1e-3 || rounded < -15 || rounded > -9) return false;
  *exponent = static_cast<int32_t>(rounded);
  return true;
}

int16_t FixedLogistic(int16_t x) {
  if (x == 0) return 1 << 14;
  const int16_t exponential = NegativeExponential16(x > 0 ? static_cast<int16_t>(-x) : x, 3);
  const int16_t positive = Saturate16(ReciprocalOfHalf16(exponential) * 2);  // half of it, no integer bits
  return x > 0 ? positive : Wrap16(kOne16 - positive);
}

int16_t FixedTanh(int16_t x, int integer_bits) {
  if (x == 0) return 0;
  const int16_t negative = x < 0 ? x : static_cast<int16_t>(-x);
  // (1 - e) / (1 + e), e = exp(-2|x|)
  const int16_t exponential = NegativeExponential16(negative, integer_bits + 1);
  const int16_t positive = Saturate16((ReciprocalOfHalf16(exponential) - (1 << 13)) * 4);
  return x < 0 ? Wrap16(-positive) : positive;
}

Status ReferenceIntegerSequenceLstm(const ReferenceContext& context, const SequenceLstmSizes& sizes) {
  const auto cells = static_cast<size_t>(sizes.cells), outputs = static_cast<size_t>(sizes.outputs);
  MACE_ASSIGN_OR_RETURN(Buffer scratch, Buffer::Allocate(cells * (kLstmGates * 2 + 2 + 1) + outputs));
  auto* gates = reinterpret_cast<int16_t*>(scratch.data());
  int16_t* c = gates + kLstmGates * cells;
  auto* hidden = reinterpret_cast<int8_t*>(c + cells);
  int8_t* h = hidden + cells;
  const IntegerLstm layer(context, sizes);
  for (int64_t b = 0; b < sizes.batch; ++b) {
    std::memcpy(h, context.inputs[kLstmHidden].as<int8_t>() + b * sizes.outputs, outputs);
    std::memcpy(c, context.inputs[kLstmCell].as<int16_t>() + b * sizes.cells, 2 * cells);
    for (int64_t t = 0; t < sizes.steps; ++t) {
      layer.Step(context.inputs[kLstmInput].as<int8_t>() + b * sizes.x_row + t * sizes.x_step, h, c, gates,
                 hidden);
      std::memcpy(context.outputs[0].as<int8_t>() + b * sizes.y_row + t * sizes.y_step, h, outputs);
    }
    if (context.has_output(1)) {
      std::memcpy(context.outputs[1].as<int8_t>() + b * sizes.outputs, h, outputs);
    }
    if (context.has_output(2)) {
      std::memcpy(context.outputs[2].as<int16_t>() + b * sizes.cells, c, 2 * cells);
    }
  }
  return Status::Ok();
}

}  // namespace mace::ops
