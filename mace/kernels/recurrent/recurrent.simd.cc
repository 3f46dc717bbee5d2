#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/kernels/gemm/gemm_block.h"
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
  float* y;                                               // or null
  int64_t x_step, x_batch, y_step, y_batch, state_batch;  // floats
  const int32_t* lengths;                                 // or null
  const float *input_weights, *state_weights, *last_weights, *peepholes;
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

// Calls body(i, n) for each vector of `count` values, n of them valid.
template <typename Body>
MACE_INLINE void ForEachVector(int64_t count, Body&& body) {
  for (int64_t i = 0; i < count; i += Lanes(kF32)) body(i, ScalarMin<int64_t>(Lanes(kF32), count - i));
}

// z, r and, with linear_before_reset, h: leaves z in state_gates' first third.
void GruStep(const RecurrentParams& p, const Sequence& s, const float* in, int64_t b) {
  const int64_t size = p.hidden_size;
  float* state = s.state_gates + b * p.gates * size;
  float* h = s.h + b * size;
  const VecF32 one = Set(kF32, 1.0f);
  const VecF32 bound = Set(kF32, p.clip > 0.0f ? p.clip : __builtin_inff());
  const auto clip = [&](VecF32 v) __attribute__((always_inline)) { return Clamp(v, Neg(bound), bound); };
  if (!p.linear_before_reset) {
    // In two passes: the h gate's product needs r * h of every unit.
    ForEachVector(size, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
      const VecF32 r =
          Sigmoid(clip(Add(LoadPartial(kF32, in + size + i, n), LoadPartial(kF32, state + size + i, n))));
      StorePartial(s.reset_h + b * size + i, Mul(r, LoadPartial(kF32, h + i, n)), n);
    });
    Multiply(p, p.last_panels, s.last_weights, s.reset_h + b * size, size, size, 1, state + 2 * size,
             p.gates * size);
  }
  ForEachVector(size, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
    const VecF32 z = Sigmoid(clip(Add(LoadPartial(kF32, in + i, n), LoadPartial(kF32, state + i, n))));
    VecF32 candidate = LoadPartial(kF32, state + 2 * size + i, n);
    if (p.linear_before_reset) {
      candidate = Mul(
          candidate,
          Sigmoid(clip(Add(LoadPartial(kF32, in + size + i, n), LoadPartial(kF32, state + size + i, n)))));
    }
    candidate = Tanh(clip(Add(LoadPartial(kF32, in + 2 * size + i, n), candidate)));
    const VecF32 old = LoadPartial(kF32, h + i, n);
    StorePartial(h + i, Add(Mul(Sub(one, z), candidate), Mul(z, old)), n);
  });
}

void LstmStep(const RecurrentParams& p, const Sequence& s, const float* in, int64_t b) {
  const int64_t size = p.hidden_size;
  const float* state = s.state_gates + b * p.gates * size;
  float* h = s.h + b * size;
  float* c = s.c + b * size;
  const VecF32 bound = Set(kF32, p.clip > 0.0f ? p.clip : __builtin_inff());
  ForEachVector(size, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
    const auto gate = [&](int64_t number) __attribute__((always_inline)) {
      return Add(LoadPartial(kF32, in + number * size + i, n),
                 LoadPartial(kF32, state + number * size + i, n));
    };
    const auto clip = [&](VecF32 v) __attribute__((always_inline)) { return Clamp(v, Neg(bound), bound); };
    const auto peephole = [&](int64_t number) __attribute__((always_inline)) {
      return LoadPartial(kF32, s.peepholes + number * size + i, n);
    };
    const VecF32 old = LoadPartial(kF32, c + i, n);
    const VecF32 in_gate = Sigmoid(clip(MulAdd(peephole(0), old, gate(0))));
    const VecF32 forget =
        p.input_forget ? Sub(Set(kF32, 1.0f), in_gate) : Sigmoid(clip(MulAdd(peephole(2), old, gate(2))));
    const VecF32 cell = MulAdd(forget, old, Mul(in_gate, Tanh(clip(gate(3)))));
    const VecF32 out_gate = Sigmoid(clip(MulAdd(peephole(1), cell, gate(1))));
    StorePartial(c + i, cell, n);
    StorePartial(h + i, Mul(out_gate, Tanh(cell)), n);
  });
}

template <bool kLstm>
void RunSequence(const RecurrentParams& p, const Sequence& s) {
  const int64_t size = p.hidden_size;
  const int64_t gate_floats = p.gates * size;
  // The input's share of every step at once: a real GEMM instead of one product with a vector for each step.
  if (s.x_step == p.batch * s.x_batch) {
    Multiply(p, p.input_panels, s.input_weights, s.x, s.x_batch, p.input_size, p.steps * p.batch,
             s.input_gates, gate_floats);
  } else {
    for (int64_t b = 0; b < p.batch; ++b) {
      Multiply(p, p.input_panels, s.input_weights, s.x + b * s.x_batch, s.x_step, p.input_size, p.steps,
               s.input_gates + b * gate_floats, p.batch * gate_floats);
    }
  }
  for (int64_t step = 0; step < p.steps; ++step) {
    Multiply(p, p.recurrent_panels, s.state_weights, s.h, size, size, p.batch, s.state_gates, gate_floats);
    for (int64_t b = 0; b < p.batch; ++b) {
      const int64_t given = s.lengths == nullptr ? p.steps : s.lengths[b];
      const int64_t length = given < 0 ? 0 : given < p.steps ? given : p.steps;
      float* y = s.y == nullptr ? nullptr : s.y + b * s.y_batch;
      if (step >= length) {  // beyond this sequence: its output is zero and its state stays
        if (y != nullptr) {
          for (int64_t i = 0; i < size; ++i) y[step * s.y_step + i] = 0.0f;
        }
        continue;
      }
      const int64_t t = s.reverse ? length - 1 - step : step;
      const float* in = s.input_gates + (t * p.batch + b) * gate_floats;
      if constexpr (kLstm) {
        LstmStep(p, s, in, b);
      } else {
        GruStep(p, s, in, b);
      }
      if (y != nullptr)
        __builtin_memcpy(y + t * s.y_step, s.h + b * size, static_cast<size_t>(size) * sizeof(float));
    }
  }
}

// Copies states between the workspace [batch][hidden] and operands; a null source means zeros, a null target
// nothing.
void LoadState(const RecurrentParams& p, const float* source, int64_t stride, float* state) {
  for (int64_t b = 0; b < p.batch; ++b) {
    for (int64_t i = 0; i < p.hidden_size; ++i)
      state[b * p.hidden_size + i] = source == nullptr ? 0.0f : source[b * stride + i];
  }
}
void StoreState(const RecurrentParams& p, const float* state, int64_t stride, float* target) {
  if (target == nullptr) return;
  for (int64_t b = 0; b < p.batch; ++b) {
    for (int64_t i = 0; i < p.hidden_size; ++i) target[b * stride + i] = state[b * p.hidden_size + i];
  }
}

template <bool kLstm>
void RecurrentF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& p = *static_cast<const RecurrentParams*>(arguments.params);
  const int64_t size = p.hidden_size;
  void* const* operands = arguments.operands;
  Sequence s;
  s.x = static_cast<const float*>(operands[0]);
  s.x_step = p.batch_first ? p.input_size : p.batch * p.input_size;
  s.x_batch = p.batch_first ? p.steps * p.input_size : p.input_size;
  s.y_step = p.batch_first ? p.directions * size : p.directions * p.batch * size;
  s.y_batch = p.batch_first ? p.steps * p.directions * size : size;
  s.state_batch = p.batch_first ? p.directions * size : size;
  s.lengths = static_cast<const int32_t*>(operands[2]);
  s.input_gates = reinterpret_cast<float*>(arguments.workspace);
  s.state_gates = s.input_gates + p.steps * p.batch * p.gates * size;
  s.h = s.state_gates + p.batch * p.gates * size;
  s.c = s.h + p.batch * size;
  s.reset_h = s.c + p.batch * size;
  for (int64_t d = tile_begin; d < tile_end; ++d) {
    const int64_t direction_floats = p.input_floats + p.recurrent_floats + p.last_floats + p.peephole_floats;
    s.input_weights = static_cast<const float*>(operands[1]) + d * direction_floats;
    s.state_weights = s.input_weights + p.input_floats;
    s.last_weights = s.state_weights + p.recurrent_floats;
    s.peepholes = s.last_weights + p.last_floats;
    s.reverse = p.direction == RecurrentDirection::kReverse || d == 1;
    const int64_t state_offset = p.batch_first ? d * size : d * p.batch * size;
    const auto at = [&](int operand, int64_t offset) {
      float* data = static_cast<float*>(operands[operand]);
      return data == nullptr ? nullptr : data + offset;
    };
    s.y = at(5, state_offset);
    LoadState(p, at(3, state_offset), s.state_batch, s.h);
    if (kLstm) LoadState(p, at(4, state_offset), s.state_batch, s.c);
    RunSequence<kLstm>(p, s);
    StoreState(p, s.h, s.state_batch, at(6, state_offset));
    if (kLstm) StoreState(p, s.c, s.state_batch, at(7, state_offset));
  }
}

}  // namespace

extern const kernels::RecurrentKernels kRecurrentKernels;
const kernels::RecurrentKernels kRecurrentKernels = {RecurrentF32<false>, RecurrentF32<true>};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
