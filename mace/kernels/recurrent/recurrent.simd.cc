#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/kernels/gemm/gemm_block.h"
#include "mace/kernels/recurrent/recurrent-inl.h"
#include "mace/kernels/recurrent/recurrent.h"
#include "mace/simd/math.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {
namespace {

using kernels::KernelArguments;
using kernels::RecurrentDirection;
using kernels::RecurrentParams;

// One direction's data.
struct Sequence {
  const float* x;
  float* y;  // or null
  const float *input_weights, *state_weights, *last_weights;
  float *input_gates, *state_gates, *h, *c, *reset_h;  // workspace
  bool reverse;
};

// out = bias + lhs x packed for `rows` rows.
void Multiply(const RecurrentParams& p, const kernels::GemmPanels& panels, const float* packed,
              const float* lhs, int64_t lhs_stride, int64_t depth, int64_t rows, float* out,
              int64_t out_stride) {
  if (rows == 0) return;
  GemmBlock block;
  block.panels = &panels;
  block.epilogue = &p.epilogue;
  block.packed = packed;
  block.panel_end = panels.panel_count;
  block.panels_outer = true;
  block.rows = rows;
  block.strips = kernels::DivideRoundUp(rows, panels.strip_rows);
  block.lhs = lhs;
  block.lhs_stride = lhs_stride;
  block.run = depth;
  block.out = out;
  block.out_stride = out_stride;
  RunGemmBlock(block);
}

// z, r and, with linear_before_reset, h: leaves z in state_gates' first third.
void GruStep(const RecurrentParams& p, const Sequence& s, const float* in, int64_t b) {
  const int64_t size = p.hidden_size;
  float* state = s.state_gates + b * p.gates * size;
  float* h = s.h + b * size;
  const VecF32 one = Set(kF32, 1.0f);
  if (!p.linear_before_reset) {
    // In two passes: the h gate's product needs r * h of every unit.
    ForEachVector(size, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
      const VecF32 r =
          Sigmoid(Add(LoadPartial(kF32, in + size + i, n), LoadPartial(kF32, state + size + i, n)));
      StorePartial(s.reset_h + b * size + i, Mul(r, LoadPartial(kF32, h + i, n)), n);
    });
    Multiply(p, p.last_panels, s.last_weights, s.reset_h + b * size, size, size, 1, state + 2 * size,
             p.gates * size);
  }
  ForEachVector(size, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
    const VecF32 z = Sigmoid(Add(LoadPartial(kF32, in + i, n), LoadPartial(kF32, state + i, n)));
    VecF32 candidate = LoadPartial(kF32, state + 2 * size + i, n);
    if (p.linear_before_reset) {
      candidate =
          Mul(candidate,
              Sigmoid(Add(LoadPartial(kF32, in + size + i, n), LoadPartial(kF32, state + size + i, n))));
    }
    candidate = Tanh(Add(LoadPartial(kF32, in + 2 * size + i, n), candidate));
    const VecF32 old = LoadPartial(kF32, h + i, n);
    StorePartial(h + i, Add(Mul(Sub(one, z), candidate), Mul(z, old)), n);
  });
}

void LstmStep(const RecurrentParams& p, const Sequence& s, const float* in, int64_t b) {
  const int64_t size = p.hidden_size;
  const float* state = s.state_gates + b * p.gates * size;
  float* h = s.h + b * size;
  float* c = s.c + b * size;
  ForEachVector(size, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
    const auto gate = [&](int64_t number) __attribute__((always_inline)) {
      return Add(LoadPartial(kF32, in + number * size + i, n),
                 LoadPartial(kF32, state + number * size + i, n));
    };
    const VecF32 old = LoadPartial(kF32, c + i, n);
    const VecF32 cell = MulAdd(Sigmoid(gate(2)), old, Mul(Sigmoid(gate(0)), Tanh(gate(3))));
    const VecF32 out_gate = Sigmoid(gate(1));
    StorePartial(c + i, cell, n);
    StorePartial(h + i, Mul(out_gate, Tanh(cell)), n);
  });
}

template <bool kLstm>
void RunSequence(const RecurrentParams& p, const Sequence& s) {
  const int64_t size = p.hidden_size;
  const int64_t gate_floats = p.gates * size;
  // The input's share of every step at once: a real GEMM instead of one product with a vector for each step.
  Multiply(p, p.input_panels, s.input_weights, s.x, p.input_size, p.input_size, p.steps * p.batch,
           s.input_gates, gate_floats);
  for (int64_t step = 0; step < p.steps; ++step) {
    const int64_t t = s.reverse ? p.steps - 1 - step : step;
    Multiply(p, p.recurrent_panels, s.state_weights, s.h, size, size, p.batch, s.state_gates, gate_floats);
    for (int64_t b = 0; b < p.batch; ++b) {
      const float* in = s.input_gates + (t * p.batch + b) * gate_floats;
      if constexpr (kLstm) {
        LstmStep(p, s, in, b);
      } else {
        GruStep(p, s, in, b);
      }
    }
    if (s.y == nullptr) continue;
    const int64_t states = p.batch * size;
    __builtin_memcpy(s.y + t * p.directions * states, s.h, static_cast<size_t>(states) * sizeof(float));
  }
}

// Copies a direction's states between the workspace and operands, [batch][hidden] in both; a null source
// means zeros, a null target nothing.
void LoadState(const RecurrentParams& p, const float* source, float* state) {
  for (int64_t i = 0; i < p.batch * p.hidden_size; ++i) state[i] = source == nullptr ? 0.0f : source[i];
}
void StoreState(const RecurrentParams& p, const float* state, float* target) {
  if (target == nullptr) return;
  for (int64_t i = 0; i < p.batch * p.hidden_size; ++i) target[i] = state[i];
}

template <bool kLstm>
void RecurrentF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& p = *static_cast<const RecurrentParams*>(arguments.params);
  const int64_t size = p.hidden_size;
  void* const* operands = arguments.operands;
  Sequence s;
  s.x = static_cast<const float*>(operands[0]);
  s.input_gates = reinterpret_cast<float*>(arguments.workspace);
  s.state_gates = s.input_gates + p.steps * p.batch * p.gates * size;
  s.h = s.state_gates + p.batch * p.gates * size;
  s.c = s.h + p.batch * size;
  s.reset_h = s.c + p.batch * size;
  for (int64_t d = tile_begin; d < tile_end; ++d) {
    const int64_t direction_floats = p.input_floats + p.recurrent_floats + p.last_floats;
    s.input_weights = static_cast<const float*>(operands[1]) + d * direction_floats;
    s.state_weights = s.input_weights + p.input_floats;
    s.last_weights = s.state_weights + p.recurrent_floats;
    s.reverse = p.direction == RecurrentDirection::kReverse || d == 1;
    const auto of_direction = [&](int operand) {
      float* data = static_cast<float*>(operands[operand]);
      return data == nullptr ? nullptr : data + d * p.batch * size;
    };
    s.y = of_direction(4);
    LoadState(p, of_direction(2), s.h);
    if (kLstm) LoadState(p, of_direction(3), s.c);
    RunSequence<kLstm>(p, s);
    StoreState(p, s.h, of_direction(5));
    if (kLstm) StoreState(p, s.c, of_direction(6));
  }
}

}  // namespace

extern const kernels::RecurrentKernels kRecurrentKernels;
const kernels::RecurrentKernels kRecurrentKernels = {
    .gru_f32 = RecurrentF32<false>,
    .lstm_f32 = RecurrentF32<true>,
    .sequence_lstm_f32 = SequenceLstmF32,
    .sequence_lstm_i8 = SequenceLstmI8,
    .svdf_f32 = SvdfF32,
    .svdf_i8 = SvdfI8,
};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
