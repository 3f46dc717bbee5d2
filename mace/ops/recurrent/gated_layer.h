// What Rnn, Gru and Lstm share: operand checks, activations, and the walk over directions, batch rows and
// time steps.
#ifndef MACE_OPS_RECURRENT_GATED_LAYER_H_
#define MACE_OPS_RECURRENT_GATED_LAYER_H_

#include "mace/core/memory.h"
#include "mace/ops/common.h"
#include "mace/ops/recurrent/recurrent.h"

namespace mace::ops {

// The attributes that all have, and what distinguishes them.
struct GatedLayer {
  template <typename Attributes>
  GatedLayer(const Attributes& attributes, int gate_count, std::initializer_list<GateActivation> usual,
             int state_count)
      : hidden_size(attributes.hidden_size),
        direction(attributes.direction),
        activations(attributes.activations),
        alphas(attributes.alphas),
        betas(attributes.betas),
        clip(attributes.clip),
        gates(gate_count),
        functions(static_cast<int>(usual.size())),
        states(state_count),
        usual_activations(usual.begin()) {}
  int directions() const { return direction == Direction::kBidirectional ? 2 : 1; }

  int64_t hidden_size;
  Direction direction;
  const IntList& activations;
  const FloatList& alphas;
  const FloatList& betas;
  float clip;
  int gates;
  int functions;  // activations of one direction
  int states;     // initial states, and final ones
  const GateActivation* usual_activations;
};

// Checks operands and attributes and sets y and the final states.
Status InferGatedLayer(InferContext& context, const GatedLayer& layer);

// f (0), g (1) and h (2) of one direction.
class GateActivations {
 public:
  GateActivations(const GatedLayer& layer, int64_t direction) : layer_(layer), direction_(direction) {}
  double operator()(int function, double x) const;

 private:
  const GatedLayer& layer_;
  int64_t direction_;
};

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
template <typename T>
double Dot(const T* row, const T* x, int64_t count) {
  double sum = 0;
  for (int64_t k = 0; k < count; ++k) sum += static_cast<double>(row[k]) * static_cast<double>(x[k]);
  return sum;
}

// Weights of one direction: `gates` blocks of `hidden` rows in each.
template <typename T>
struct GateWeights {
  const T* input_weights;      // [gates * H, I]
  const T* recurrent_weights;  // [gates * H, H]
  const T* bias;               // [2 * gates * H]: of the input, of the recurrence; or null
  int64_t input, hidden;
  int gates;

  GateWeights(const ReferenceContext& context, const GatedLayerSizes& sizes, int gate_count,
              int64_t direction)
      : input_weights(context.inputs[1].as<T>() + direction * gate_count * sizes.hidden * sizes.input),
        recurrent_weights(context.inputs[2].as<T>() + direction * gate_count * sizes.hidden * sizes.hidden),
        bias(context.has_input(3) ? context.inputs[3].as<T>() + direction * 2 * gate_count * sizes.hidden
                                  : nullptr),
        input(sizes.input),
        hidden(sizes.hidden),
        gates(gate_count) {}

  // The input's and the recurrence's contribution to unit j of a gate, each with its bias.
  double FromInput(int gate, int64_t j, const T* x) const {
    const int64_t row = gate * hidden + j;
    return Dot(input_weights + row * input, x, input) +
           (bias != nullptr ? static_cast<double>(bias[row]) : 0);
  }
  double FromHidden(int gate, int64_t j, const T* h) const {
    const int64_t row = gate * hidden + j;
    return Dot(recurrent_weights + row * hidden, h, hidden) +
           (bias != nullptr ? static_cast<double>(bias[gates * hidden + row]) : 0);
  }
  double FromBoth(int gate, int64_t j, const T* x, const T* h) const {
    return FromInput(gate, j, x) + FromHidden(gate, j, h);
  }
};

// One step of one batch row: the states before it and behind it, and a vector of H elements to work with.
template <typename T>
struct GatedStep {
  const GateWeights<T>& weights;
  const GateActivations& activate;
  int64_t direction;
  const T* x;
  const T* h;
  const T* c;
  T* next_h;
  T* next_c;  // to be left alone by layers without a cell
  T* scratch;
};

// The number of steps of a batch row.
inline Status SequenceLength(const ReferenceContext& context, int64_t row, int64_t steps, int64_t* length) {
  *length = context.has_input(4) ? ReadInt(context.inputs[4], row) : steps;
  if (*length >= 0 && *length <= steps) return Status::Ok();
  return InvalidArgument("sequence %lld has %lld of %lld steps", static_cast<long long>(row),
                         static_cast<long long>(*length), static_cast<long long>(steps));
}

// Runs step(GatedStep<T>) for every direction, batch row and time step and writes the outputs.
template <typename T, typename Step>
Status RunGatedLayer(const ReferenceContext& context, const GatedLayer& layer, const Step& step) {
  const GatedLayerSizes sizes(context, layer.hidden_size);
  const int64_t hidden = sizes.hidden;
  MACE_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Allocate(static_cast<size_t>(hidden) * 5 * sizeof(T)));
  T* h = reinterpret_cast<T*>(buffer.data());
  T *c = h + hidden, *next_h = c + hidden, *next_c = next_h + hidden, *scratch = next_c + hidden;
  for (int64_t d = 0; d < sizes.directions; ++d) {
    const GateWeights<T> weights(context, sizes, layer.gates, d);
    const GateActivations activations(layer, d);
    const bool reverse = layer.direction == Direction::kReverse || d == 1;
    for (int64_t b = 0; b < sizes.batch; ++b) {
      const int64_t row = (d * sizes.batch + b) * hidden;
      int64_t length = 0;
      MACE_RETURN_IF_ERROR(SequenceLength(context, b, sizes.steps, &length));
      for (int64_t j = 0; j < hidden; ++j) {
        h[j] = context.has_input(5) ? context.inputs[5].template as<T>()[row + j] : T{0};
        c[j] = layer.states > 1 && context.has_input(6) ? context.inputs[6].template as<T>()[row + j] : T{0};
        next_c[j] = T{0};
      }
      for (int64_t s = 0; s < sizes.steps; ++s) {
        const int64_t t = reverse && s < length ? length - 1 - s : s;
        if (s < length) {
          const T* x = context.inputs[0].template as<T>() + (t * sizes.batch + b) * sizes.input;
          step(GatedStep<T>{weights, activations, d, x, h, c, next_h, next_c, scratch});
          for (int64_t j = 0; j < hidden; ++j) {
            h[j] = next_h[j];
            c[j] = next_c[j];
          }
        }
        if (!context.has_output(0)) continue;
        T* y = context.outputs[0].template as<T>() + ((t * sizes.directions + d) * sizes.batch + b) * hidden;
        for (int64_t j = 0; j < hidden; ++j) y[j] = s < length ? h[j] : T{0};
      }
      for (int64_t j = 0; j < hidden; ++j) {
        if (context.has_output(1)) context.outputs[1].template as<T>()[row + j] = h[j];
        if (context.has_output(2)) context.outputs[2].template as<T>()[row + j] = c[j];
      }
    }
  }
  return Status::Ok();
}

}  // namespace mace::ops

#endif  // MACE_OPS_RECURRENT_GATED_LAYER_H_
