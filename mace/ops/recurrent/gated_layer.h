// What Gru and Lstm share: operand checks, and the walk over directions, time steps and batch rows.
#ifndef MACE_OPS_RECURRENT_GATED_LAYER_H_
#define MACE_OPS_RECURRENT_GATED_LAYER_H_

#include "mace/core/memory.h"
#include "mace/ops/common.h"
#include "mace/ops/recurrent/recurrent.h"

namespace mace::ops {

// Inputs of both: x, W, R, bias, sequence lengths, initial h (Lstm: and initial c). Checks them and sets y
// and `last_states` outputs behind it ([D, B, H] each).
Status InferGatedLayer(InferContext& context, int64_t hidden_size, Direction direction, int gates,
                       int initial_states);

// The sizes of a layer, read from its concrete operands.
struct GatedLayerSizes {
  GatedLayerSizes(const ReferenceContext& context, int64_t hidden_size)
      : steps(context.inputs[0].shape[0]),
        batch(context.inputs[0].shape[1]),
        input(context.inputs[0].shape[2]),
        hidden(hidden_size),
        directions(context.inputs[1].shape[0]) {}
  int64_t steps, batch, input, hidden, directions;
};

// sum_k row[k] * x[k]
inline double Dot(const float* row, const float* x, int64_t count) {
  double sum = 0;
  for (int64_t k = 0; k < count; ++k) sum += static_cast<double>(row[k]) * x[k];
  return sum;
}

// Weights of one direction: `gates` blocks of `hidden` rows in each.
struct GateWeights {
  const float* input_weights;      // [gates * H, I]
  const float* recurrent_weights;  // [gates * H, H]
  const float* bias;               // [2 * gates * H]: of the input, of the recurrence; or null
  int64_t input, hidden;
  int gates;

  GateWeights(const ReferenceContext& context, const GatedLayerSizes& sizes, int gate_count,
              int64_t direction)
      : input_weights(context.inputs[1].as<float>() + direction * gate_count * sizes.hidden * sizes.input),
        recurrent_weights(context.inputs[2].as<float>() +
                          direction * gate_count * sizes.hidden * sizes.hidden),
        bias(context.has_input(3) ? context.inputs[3].as<float>() + direction * 2 * gate_count * sizes.hidden
                                  : nullptr),
        input(sizes.input),
        hidden(sizes.hidden),
        gates(gate_count) {}

  // The input's and the recurrence's contribution to unit j of a gate, each with its bias.
  double FromInput(int gate, int64_t j, const float* x) const {
    const int64_t row = gate * hidden + j;
    return Dot(input_weights + row * input, x, input) + (bias != nullptr ? bias[row] : 0);
  }
  double FromHidden(int gate, int64_t j, const float* h) const {
    const int64_t row = gate * hidden + j;
    return Dot(recurrent_weights + row * hidden, h, hidden) +
           (bias != nullptr ? bias[gates * hidden + row] : 0);
  }
};

// Runs step(weights, x, h, state, next_h, next_state, scratch) for every direction, batch row and time step,
// h and state being the row's vectors before the step and next_* those behind it, and writes the outputs.
// `scratch` is a vector of H floats. state is used by Lstm only.
template <typename Step>
Status RunGatedLayer(const ReferenceContext& context, const GatedLayerSizes& sizes, int gates, bool has_cell,
                     Direction direction, const Step& step) {
  const int64_t hidden = sizes.hidden;
  MACE_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Allocate(static_cast<size_t>(hidden) * 5 * sizeof(float)));
  auto* vectors = reinterpret_cast<float*>(buffer.data());
  for (int64_t d = 0; d < sizes.directions; ++d) {
    const GateWeights weights(context, sizes, gates, d);
    const bool reverse = direction == Direction::kReverse || d == 1;
    for (int64_t b = 0; b < sizes.batch; ++b) {
      const int64_t row = (d * sizes.batch + b) * hidden;
      float *h = vectors, *c = vectors + hidden, *next_h = vectors + 2 * hidden,
            *next_c = vectors + 3 * hidden, *scratch = vectors + 4 * hidden;
      for (int64_t j = 0; j < hidden; ++j) {
        h[j] = context.has_input(5) ? context.inputs[5].template as<float>()[row + j] : 0;
        c[j] = has_cell && context.has_input(6) ? context.inputs[6].template as<float>()[row + j] : 0;
      }
      for (int64_t s = 0; s < sizes.steps; ++s) {
        const int64_t t = reverse ? sizes.steps - 1 - s : s;
        const float* x = context.inputs[0].template as<float>() + (t * sizes.batch + b) * sizes.input;
        step(weights, x, h, c, next_h, next_c, scratch);
        for (int64_t j = 0; j < hidden; ++j) {
          h[j] = next_h[j];
          c[j] = next_c[j];
        }
        if (!context.has_output(0)) continue;
        float* y =
            context.outputs[0].template as<float>() + ((t * sizes.directions + d) * sizes.batch + b) * hidden;
        for (int64_t j = 0; j < hidden; ++j) y[j] = h[j];
      }
      for (int64_t j = 0; j < hidden; ++j) {
        if (context.has_output(1)) context.outputs[1].template as<float>()[row + j] = h[j];
        if (context.has_output(2)) context.outputs[2].template as<float>()[row + j] = c[j];
      }
    }
  }
  return Status::Ok();
}

}  // namespace mace::ops

#endif  // MACE_OPS_RECURRENT_GATED_LAYER_H_
