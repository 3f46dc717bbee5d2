// Weights are read row by row as they are: a gate's sum is the dot product of a row with x and h, of four
// rows at a time. What is between two products works on whole vectors of cells.
#include "mace/kernels/recurrent/sequence_lstm.h"

#include "mace/kernels/quantize/fixed_point-inl.h"
#include "mace/kernels/recurrent/recurrent-inl.h"
#include "mace/simd/dot.h"
#include "mace/simd/math.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {
namespace {

using kernels::KernelArguments;
using kernels::SequenceLstmParams;
using kernels::SequencePadded;
using kernels::SequenceScale;

constexpr int kGates = 4;
constexpr int kInputGate = 0, kForgetGate = 1, kCellGate = 2, kOutputGate = 3;
constexpr int PeepholeOf(int gate) { return kernels::kSequencePeephole + (gate == kOutputGate ? 2 : gate); }

// ---- what f32 and integers do differently

// Rows of f32 with a vector of f32.
struct FloatRows {
  using Weight = float;
  using Number = float;
  using Vector = VecF32;
  __attribute__((always_inline)) static Vector None() { return Zero(kF32); }
  __attribute__((always_inline)) static Vector Dot(Vector sum, const float* row, const float* x) {
    return MulAdd(Load(kF32, row), Load(kF32, x), sum);
  }
  __attribute__((always_inline)) static Vector DotPartial(Vector sum, const float* row, const float* x,
                                                          int64_t n) {
    return MulAdd(LoadPartial(kF32, row, n), LoadPartial(kF32, x, n), sum);
  }
};

// Rows of i8 with a vector of 32-bit numbers of which the upper half is 0: DotWords then adds the product of
// the lower halves, whatever the sign of the weight put above it.
struct ByteRows {
  using Weight = int8_t;
  using Number = int32_t;
  using Vector = VecI32;
  __attribute__((always_inline)) static Vector None() { return Zero(kI32); }
  __attribute__((always_inline)) static Vector Dot(Vector sum, const int8_t* row, const int32_t* x) {
    return DotWords(sum, LoadI8(kI32, row), Load(kI32, x));
  }
  __attribute__((always_inline)) static Vector DotPartial(Vector sum, const int8_t* row, const int32_t* x,
                                                          int64_t n) {
    return DotWords(sum, LoadI8Partial(kI32, row, n), LoadPartial(kI32, x, n));
  }
};

template <typename Rows, int kCount>
MACE_INLINE void DotRows(const typename Rows::Weight* rows, int64_t depth, const typename Rows::Number* x,
                         typename Rows::Number* sums) {
  typename Rows::Vector parts[kCount];
  for (int r = 0; r < kCount; ++r) parts[r] = Rows::None();
  int64_t k = 0;
  for (; k + kF32Lanes <= depth; k += kF32Lanes) {
    for (int r = 0; r < kCount; ++r) parts[r] = Rows::Dot(parts[r], rows + r * depth + k, x + k);
  }
  if (k < depth) {
    for (int r = 0; r < kCount; ++r) {
      parts[r] = Rows::DotPartial(parts[r], rows + r * depth + k, x + k, depth - k);
    }
  }
  for (int r = 0; r < kCount; ++r) sums[r] = ReduceAdd(parts[r]);
}

// sums[j] = row j of `weights` [rows, depth] times x.
template <typename Rows>
MACE_NOINLINE void Multiply(const typename Rows::Weight* weights, int64_t rows, int64_t depth,
                            const typename Rows::Number* x, typename Rows::Number* sums) {
  int64_t j = 0;
  for (; j + 4 <= rows; j += 4) DotRows<Rows, 4>(weights + j * depth, depth, x, sums + j);
  for (; j < rows; ++j) DotRows<Rows, 1>(weights + j * depth, depth, x, sums + j);
}

// The arrays of one worker.
template <typename Number>
struct Arrays {
  Number *x, *h, *hidden, *from_x, *from_h, *gates, *c;
  int64_t cells;  // numbers from a gate to the next

  Arrays(const SequenceLstmParams& p, uint8_t* workspace) : cells(SequencePadded(p.cells)) {
    x = reinterpret_cast<Number*>(workspace);
    h = x + SequencePadded(p.inputs);
    hidden = h + SequencePadded(p.outputs);
    from_x = hidden + cells;
    from_h = from_x + cells;
    gates = from_h + cells;
    c = gates + kGates * cells;
  }
  Number* gate(int g) const { return gates + g * cells; }
};

template <typename T>
MACE_INLINE const T* Operand(const KernelArguments& arguments, int i) {
  return static_cast<const T*>(arguments.operands[i]);
}

// ---- f32

void FloatGate(const SequenceLstmParams& p, const KernelArguments& arguments, const Arrays<float>& a, int g) {
  Multiply<FloatRows>(Operand<float>(arguments, kernels::kSequenceInputWeights + g), p.cells, p.inputs, a.x,
                      a.from_x);
  Multiply<FloatRows>(Operand<float>(arguments, kernels::kSequenceHiddenWeights + g), p.cells, p.outputs, a.h,
                      a.from_h);
  const float* bias = Operand<float>(arguments, kernels::kSequenceBias + g);
  const float* peephole = p.peephole && g != kCellGate ? Operand<float>(arguments, PeepholeOf(g)) : nullptr;
  const float* factors = p.layer_norm ? Operand<float>(arguments, kernels::kSequenceNorm + g) : nullptr;
  float* gate = a.gate(g);
  float mean = 0, inverse = 1;
  if (factors != nullptr) {
    for (int64_t j = 0; j < p.cells; ++j) {
      gate[j] = a.from_x[j] + a.from_h[j] + (peephole == nullptr ? 0 : peephole[j] * a.c[j]);
      mean += gate[j];
    }
    mean /= static_cast<float>(p.cells);
    float variance = 0;
    for (int64_t j = 0; j < p.cells; ++j) variance += (gate[j] - mean) * (gate[j] - mean);
    inverse = 1 / __builtin_sqrtf(variance / static_cast<float>(p.cells) + 1e-8f);
  }
  ForEachVector(p.cells, [&](int64_t j, int64_t n) __attribute__((always_inline)) {
    VecF32 sum;
    if (factors != nullptr) {
      sum = Mul(Sub(LoadPartial(kF32, gate + j, n), Set(kF32, mean)), Set(kF32, inverse));
      sum = MulAdd(sum, LoadPartial(kF32, factors + j, n), LoadPartial(kF32, bias + j, n));
    } else {
      sum = Add(Add(LoadPartial(kF32, a.from_x + j, n), LoadPartial(kF32, a.from_h + j, n)),
                LoadPartial(kF32, bias + j, n));
      if (peephole != nullptr) {
        sum = MulAdd(LoadPartial(kF32, peephole + j, n), LoadPartial(kF32, a.c + j, n), sum);
      }
    }
    StorePartial(gate + j, g == kCellGate ? Tanh(sum) : Sigmoid(sum), n);
  });
}

MACE_INLINE VecF32 Clip(VecF32 v, float limit) {
  return limit > 0 ? Clamp(v, Set(kF32, -limit), Set(kF32, limit)) : v;
}

void FloatStep(const SequenceLstmParams& p, const KernelArguments& arguments, const Arrays<float>& a) {
  if (!p.coupled) FloatGate(p, arguments, a, kInputGate);
  FloatGate(p, arguments, a, kForgetGate);
  FloatGate(p, arguments, a, kCellGate);
  ForEachVector(p.cells, [&](int64_t j, int64_t n) __attribute__((always_inline)) {
    const VecF32 forget = LoadPartial(kF32, a.gate(kForgetGate) + j, n);
    const VecF32 input =
        p.coupled ? Sub(Set(kF32, 1.0f), forget) : LoadPartial(kF32, a.gate(kInputGate) + j, n);
    const VecF32 added = Mul(input, LoadPartial(kF32, a.gate(kCellGate) + j, n));
    StorePartial(a.c + j, Clip(MulAdd(forget, LoadPartial(kF32, a.c + j, n), added), p.cell_clip), n);
  });
  FloatGate(p, arguments, a, kOutputGate);
  float* to = p.projection ? a.hidden : a.h;
  ForEachVector(p.cells, [&](int64_t j, int64_t n) __attribute__((always_inline)) {
    StorePartial(to + j,
                 Mul(LoadPartial(kF32, a.gate(kOutputGate) + j, n), Tanh(LoadPartial(kF32, a.c + j, n))), n);
  });
  if (!p.projection) return;
  Multiply<FloatRows>(Operand<float>(arguments, kernels::kSequenceProjection), p.outputs, p.cells, a.hidden,
                      a.h);
  const float* bias = Operand<float>(arguments, kernels::kSequenceProjectionBias);
  ForEachVector(p.outputs, [&](int64_t o, int64_t n) __attribute__((always_inline)) {
    VecF32 sum = LoadPartial(kF32, a.h + o, n);
    if (bias != nullptr) sum = Add(sum, LoadPartial(kF32, bias + o, n));
    StorePartial(a.h + o, Clip(sum, p.projection_clip), n);
  });
}

MACE_INLINE void CopyFloats(const float* from, float* to, int64_t count) {
  __builtin_memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
}

}  // namespace

void SequenceLstmF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& p = *static_cast<const SequenceLstmParams*>(arguments.params);
  const Arrays<float> a(p, arguments.workspace);
  for (int64_t b = tile_begin; b < tile_end; ++b) {
    CopyFloats(Operand<float>(arguments, kernels::kSequenceInitialHidden) + b * p.outputs, a.h, p.outputs);
    CopyFloats(Operand<float>(arguments, kernels::kSequenceInitialCell) + b * p.cells, a.c, p.cells);
    auto* y = static_cast<float*>(arguments.operands[kernels::kSequenceY]) + b * p.y_row;
    for (int64_t t = 0; t < p.steps; ++t) {
      CopyFloats(Operand<float>(arguments, kernels::kSequenceX) + b * p.x_row + t * p.x_step, a.x, p.inputs);
      FloatStep(p, arguments, a);
      CopyFloats(a.h, y + t * p.y_step, p.outputs);
    }
    auto* h = static_cast<float*>(arguments.operands[kernels::kSequenceHidden]);
    auto* c = static_cast<float*>(arguments.operands[kernels::kSequenceCell]);
    if (h != nullptr) CopyFloats(a.h, h + b * p.outputs, p.outputs);
    if (c != nullptr) CopyFloats(a.c, c + b * p.cells, p.cells);
  }
}

namespace {

// ---- integers: 16-bit numbers in 32-bit lanes; formats and roundings are gemmlowp's (fixedpoint.h)

MACE_INLINE VecI32 Splat(int32_t x) { return Set(kI32, x); }
MACE_INLINE VecI32 Saturate(VecI32 v, int32_t low, int32_t high) {
  return Min(Max(v, Splat(low)), Splat(high));
}
MACE_INLINE VecI32 Saturate16(VecI32 v) { return Saturate(v, -32768, 32767); }
MACE_INLINE VecI32 Multiply16(VecI32 a, VecI32 b) { return ShiftRight(Add(Mul(a, b), Splat(1 << 14)), 15); }
MACE_INLINE VecI32 HalveAway(VecI32 v, int exponent) { return RoundingShiftRight(v, Splat(exponent)); }

// exp(x) for -1/4 <= x < 0, without integer bits: four terms of the series around -1/8.
MACE_INLINE VecI32 ExponentialOfSmall(VecI32 x) {
  const VecI32 at_center = Splat(28918);  // exp(-1/8)
  const VecI32 y = Add(x, Splat(1 << 12));
  const VecI32 y2 = Multiply16(y, y);
  const VecI32 y3 = Multiply16(y2, y);
  const VecI32 y4_over_4 = HalveAway(Multiply16(y2, y2), 2);
  const VecI32 thirds = Multiply16(Add(y4_over_4, y3), Splat(10923));
  const VecI32 higher = HalveAway(Add(thirds, y2), 1);
  return Saturate16(Add(at_center, Multiply16(at_center, Add(y, higher))));
}

// exp(x) without integer bits, for x <= 0 with `integer_bits` of them.
MACE_INLINE VecI32 NegativeExponential16(VecI32 x, int integer_bits) {
  constexpr int32_t kFactors[] = {25520, 19875, 12055, 4435, 600, 11, 0};  // exp(-1/4), exp(-1/2) .. exp(-16)
  const int fraction_bits = 15 - integer_bits;
  const int32_t quarter = 1 << (fraction_bits - 2);
  const VecI32 rest = Sub(And(x, Splat(quarter - 1)), Splat(quarter));
  const VecI32 remainder = Sub(rest, x);
  VecI32 result = ExponentialOfSmall(ShiftLeft(rest, integer_bits));
  for (int i = 0; i < 7 && i - 2 < integer_bits; ++i) {
    const VecI32 bit = And(remainder, Splat(quarter << i));
    result = Select(Equal(bit, Zero(kI32)), result, Multiply16(result, Splat(kFactors[i])));
  }
  if (integer_bits > 5) {
    result = Select(Less(x, Splat(-(32 << fraction_bits))), Zero(kI32), result);
  }
  return Select(Equal(x, Zero(kI32)), Splat(32767), result);
}

// 2 / (1 + x) with two integer bits, for 0 <= x < 1 without: Newton's method from 48/17 - 32/17 d.
MACE_INLINE VecI32 ReciprocalOfHalf16(VecI32 x) {
  const VecI32 half_denominator = ShiftRight(Add(x, Splat(32768)), 1);
  VecI32 guess = Add(Splat(23130), Multiply16(half_denominator, Splat(-15420)));
  for (int i = 0; i < 3; ++i) {
    const VecI32 error = Sub(Splat(1 << 13), Multiply16(half_denominator, guess));
    guess = Add(guess, Saturate16(ShiftLeft(Multiply16(guess, error), 2)));
  }
  return guess;
}

MACE_INLINE VecI32 FixedLogistic(VecI32 x) {
  const VecI32 zero = Zero(kI32);
  const VecI32 e = NegativeExponential16(Min(x, Sub(zero, x)), 3);
  const VecI32 positive = Saturate16(ShiftLeft(ReciprocalOfHalf16(e), 1));
  const VecI32 result = Select(Greater(x, zero), positive, Sub(Splat(32767), positive));
  return Select(Equal(x, zero), Splat(1 << 14), result);
}

MACE_INLINE VecI32 FixedTanh(VecI32 x, int integer_bits) {
  const VecI32 zero = Zero(kI32);
  const VecI32 e = NegativeExponential16(Min(x, Sub(zero, x)), integer_bits + 1);
  const VecI32 positive = Saturate16(ShiftLeft(Sub(ReciprocalOfHalf16(e), Splat(1 << 13)), 2));
  const VecI32 result = Select(Less(x, zero), Sub(zero, positive), positive);
  return Select(Equal(x, zero), zero, result);
}

struct Scale {
  VecI32 multiplier, left, right;

  __attribute__((always_inline)) explicit Scale(const SequenceScale& scale)
      : multiplier(Splat(scale.multiplier)),
        left(Splat(ScalarMax(scale.exponent, 0))),
        right(Splat(ScalarMax(-scale.exponent, 0))) {}
  __attribute__((always_inline)) VecI32 Apply(VecI32 v) const {
    return MultiplyWithTwoRoundings(v, multiplier, left, right);
  }
};

// A number less its zero point, in the lower half of 32 bits.
MACE_INLINE int32_t LowerHalf(int32_t x) { return x & 0xffff; }

MACE_INLINE void LoadBytes(const int8_t* from, int32_t zero_point, int64_t count, int32_t* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = LowerHalf(from[i] - zero_point);
}

// ops::RoundingDoublingHighMultiply of numbers whose product fits.
MACE_INLINE int32_t MultiplyHigh(int32_t a, int32_t b) {
  return static_cast<int32_t>((int64_t{a} * b + (int64_t{1} << 30)) >> 31);
}
MACE_INLINE int32_t SaturateShifted(int32_t x, int exponent) {
  return static_cast<int32_t>(
      ScalarClamp<int64_t>(int64_t{x} * (int64_t{1} << exponent), INT32_MIN, INT32_MAX));
}

// 1 / sqrt(x), x >= 1: ops::InverseSquareRootOf, bit for bit.
SequenceScale InverseSquareRoot(int32_t x) {
  if (x <= 1) return {INT32_MAX, 0};
  int right_shift = 11;
  for (; x >= (1 << 29); x /= 4) ++right_shift;
  const int pairs = (__builtin_clz(static_cast<uint32_t>(x)) - 1) / 2 - 1;
  right_shift -= pairs;
  const int32_t input = (x << (2 * pairs)) >> 1;  // 3 integer bits
  const int32_t half_input = (input >> 1) + (input & 1);
  constexpr int32_t kHalfThree = 3 << 27, kHalfRootOfTwo = 1518500250;
  int32_t root = 1 << 28;
  for (int i = 0; i < 5; ++i) {
    const int32_t cube = SaturateShifted(MultiplyHigh(MultiplyHigh(root, root), root), 6);
    root = SaturateShifted(MultiplyHigh(kHalfThree, root) - MultiplyHigh(half_input, cube), 3);
  }
  root = MultiplyHigh(root, kHalfRootOfTwo);
  if (right_shift < 0) {
    return {static_cast<int32_t>(static_cast<uint32_t>(root) << -right_shift), 0};
  }
  return {root, -right_shift};
}

// v / 1024 of 32 bits, to nearest, halves away from zero.
MACE_INLINE VecI32 DivideBy1024(VecI32 v) {
  const VecI32 zero = Zero(kI32), half = Splat(512);
  const VecI32 positive = ShiftRightLogical(Add(v, half), 10);
  const VecI32 negative = Sub(zero, ShiftRightLogical(Add(Sub(zero, v), half), 10));
  return Select(Greater(v, zero), positive, negative);
}

// (gate - mean) / deviation * factor + bias: mace/ops/recurrent/sequence_lstm_integer.cc.
void Normalize(const SequenceLstmParams::Gate& scales, const int16_t* factors, const int32_t* bias,
               int64_t cells, int32_t* gate) {
  int64_t sum = 0;
  int64_t squares = 0;
  for (int64_t j = 0; j < cells; ++j) {
    sum += gate[j];
    squares += gate[j] * gate[j];
  }
  const auto mean = static_cast<int32_t>(sum * 1024 / cells);
  constexpr int64_t kUnit = int64_t{1} << 20;
  auto variance =
      static_cast<int32_t>((squares * (kUnit / cells) - static_cast<int64_t>(mean) * mean) / kUnit);
  if (variance < 1) variance = scales.variance_guard;
  const Scale inverse(InverseSquareRoot(variance)), to_gate(scales.norm);
  ForEachVector(cells, [&](int64_t j, int64_t n) __attribute__((always_inline)) {
    const VecI32 shifted = Sub(ShiftLeft(LoadPartial(kI32, gate + j, n), 10), Splat(mean));
    const VecI32 product = Add(Mul(inverse.Apply(shifted), LoadI16Partial(kI32, factors + j, n)),
                               LoadPartial(kI32, bias + j, n));
    StorePartial(gate + j, Saturate16(to_gate.Apply(DivideBy1024(product))), n);
  });
}

void IntegerGate(const SequenceLstmParams& p, const KernelArguments& arguments, const Arrays<int32_t>& a,
                 int g) {
  Multiply<ByteRows>(Operand<int8_t>(arguments, kernels::kSequenceInputWeights + g), p.cells, p.inputs, a.x,
                     a.from_x);
  Multiply<ByteRows>(Operand<int8_t>(arguments, kernels::kSequenceHiddenWeights + g), p.cells, p.outputs, a.h,
                     a.from_h);
  const int32_t* bias = Operand<int32_t>(arguments, kernels::kSequenceBias + g);
  const int16_t* peephole =
      p.peephole && g != kCellGate ? Operand<int16_t>(arguments, PeepholeOf(g)) : nullptr;
  const int16_t* factors = p.layer_norm ? Operand<int16_t>(arguments, kernels::kSequenceNorm + g) : nullptr;
  const Scale of_x(p.gates[g].input), of_h(p.gates[g].hidden), of_c(p.gates[g].peephole);
  int32_t* gate = a.gate(g);
  ForEachVector(p.cells, [&](int64_t j, int64_t n) __attribute__((always_inline)) {
    VecI32 from_x = LoadPartial(kI32, a.from_x + j, n);
    if (factors == nullptr) from_x = Add(from_x, LoadPartial(kI32, bias + j, n));
    VecI32 sum = Saturate16(of_x.Apply(from_x));
    sum = Saturate16(Add(sum, of_h.Apply(LoadPartial(kI32, a.from_h + j, n))));
    if (peephole != nullptr) {
      const VecI32 from_c = Mul(LoadI16Partial(kI32, peephole + j, n), LoadPartial(kI32, a.c + j, n));
      sum = Saturate16(Add(sum, of_c.Apply(from_c)));
    }
    StorePartial(gate + j, sum, n);
  });
  if (factors != nullptr) Normalize(p.gates[g], factors, bias, p.cells, gate);
  ForEachVector(p.cells, [&](int64_t j, int64_t n) __attribute__((always_inline)) {
    const VecI32 sum = LoadPartial(kI32, gate + j, n);
    StorePartial(gate + j, g == kCellGate ? FixedTanh(sum, 3) : FixedLogistic(sum), n);
  });
}

// Leaves h in `out`, and less its zero point in a.h.
void IntegerStep(const SequenceLstmParams& p, const KernelArguments& arguments, const Arrays<int32_t>& a,
                 int8_t* out) {
  if (!p.coupled) IntegerGate(p, arguments, a, kInputGate);
  IntegerGate(p, arguments, a, kForgetGate);
  IntegerGate(p, arguments, a, kCellGate);
  ForEachVector(p.cells, [&](int64_t j, int64_t n) __attribute__((always_inline)) {
    const VecI32 forget = LoadPartial(kI32, a.gate(kForgetGate) + j, n);
    const VecI32 input = p.coupled ? Sub(Splat(32767), forget) : LoadPartial(kI32, a.gate(kInputGate) + j, n);
    const VecI32 kept = HalveAway(Mul(forget, LoadPartial(kI32, a.c + j, n)), 15);
    const VecI32 added =
        HalveAway(Mul(input, LoadPartial(kI32, a.gate(kCellGate) + j, n)), 30 + p.cell_exponent);
    VecI32 cell = Saturate16(Add(kept, added));
    if (p.integer_cell_clip > 0) cell = Saturate(cell, -p.integer_cell_clip, p.integer_cell_clip);
    StorePartial(a.c + j, cell, n);
  });
  IntegerGate(p, arguments, a, kOutputGate);
  const Scale to_hidden(p.to_hidden);
  ForEachVector(p.cells, [&](int64_t j, int64_t n) __attribute__((always_inline)) {
    const VecI32 activated = FixedTanh(LoadPartial(kI32, a.c + j, n), 15 + p.cell_exponent);
    const VecI32 product = Mul(LoadPartial(kI32, a.gate(kOutputGate) + j, n), activated);
    const VecI32 hidden = Saturate(Add(to_hidden.Apply(product), Splat(p.hidden_zero_point)), -128, 127);
    if (p.projection) {
      StorePartial(a.hidden + j, And(Sub(hidden, Splat(p.hidden_zero_point)), Splat(0xffff)), n);
    } else {
      StoreI8Partial(out + j, hidden, n);
    }
  });
  if (p.projection) {
    Multiply<ByteRows>(Operand<int8_t>(arguments, kernels::kSequenceProjection), p.outputs, p.cells, a.hidden,
                       a.h);
    const int32_t* bias = Operand<int32_t>(arguments, kernels::kSequenceProjectionBias);
    const Scale to_output(p.to_output);
    ForEachVector(p.outputs, [&](int64_t o, int64_t n) __attribute__((always_inline)) {
      VecI32 sum = LoadPartial(kI32, a.h + o, n);
      if (bias != nullptr) sum = Add(sum, LoadPartial(kI32, bias + o, n));
      VecI32 result = Saturate(Add(to_output.Apply(sum), Splat(p.state_zero_point)), -128, 127);
      if (p.integer_projection_clip > 0) {
        result = Saturate(result, -p.integer_projection_clip, p.integer_projection_clip);
      }
      StoreI8Partial(out + o, result, n);
    });
  }
  LoadBytes(out, p.state_zero_point, p.outputs, a.h);
}

}  // namespace

void SequenceLstmI8(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& p = *static_cast<const SequenceLstmParams*>(arguments.params);
  const Arrays<int32_t> a(p, arguments.workspace);
  for (int64_t b = tile_begin; b < tile_end; ++b) {
    const int8_t* first = Operand<int8_t>(arguments, kernels::kSequenceInitialHidden) + b * p.outputs;
    LoadBytes(first, p.state_zero_point, p.outputs, a.h);
    const int16_t* cells = Operand<int16_t>(arguments, kernels::kSequenceInitialCell) + b * p.cells;
    for (int64_t j = 0; j < p.cells; ++j) a.c[j] = cells[j];
    auto* y = static_cast<int8_t*>(arguments.operands[kernels::kSequenceY]) + b * p.y_row;
    const int8_t* last = first;
    for (int64_t t = 0; t < p.steps; ++t) {
      LoadBytes(Operand<int8_t>(arguments, kernels::kSequenceX) + b * p.x_row + t * p.x_step,
                p.input_zero_point, p.inputs, a.x);
      IntegerStep(p, arguments, a, y + t * p.y_step);
      last = y + t * p.y_step;
    }
    auto* h = static_cast<int8_t*>(arguments.operands[kernels::kSequenceHidden]);
    auto* c = static_cast<int16_t*>(arguments.operands[kernels::kSequenceCell]);
    if (h != nullptr) __builtin_memcpy(h + b * p.outputs, last, static_cast<size_t>(p.outputs));
    for (int64_t j = 0; c != nullptr && j < p.cells; ++j) c[b * p.cells + j] = static_cast<int16_t>(a.c[j]);
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
