#include <cmath>

#include "mace/ops/recurrent/gated_layer.h"

namespace mace::ops {

namespace {

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

Status InferGru(InferContext& context) {
  const auto& attributes = context.attributes<GruAttributes>();
  return InferGatedLayer(context, attributes.hidden_size, attributes.direction, /*gates=*/3,
                         /*initial_states=*/1);
}

Status ReferenceGru(const ReferenceContext& context) {
  const auto& attributes = context.attributes<GruAttributes>();
  const GatedLayerSizes sizes(context, attributes.hidden_size);
  enum { kUpdate, kReset, kCandidate };
  return RunGatedLayer(
      context, sizes, /*gates=*/3, /*has_cell=*/false, attributes.direction,
      [&](const GateWeights& weights, const float* x, const float* h, const float*, float* next_h,
          float* next_c, float* reset_h) {
        const auto reset = [&](int64_t j) {
          return Sigmoid(weights.FromInput(kReset, j, x) + weights.FromHidden(kReset, j, h));
        };
        if (!attributes.linear_before_reset) {
          for (int64_t j = 0; j < sizes.hidden; ++j) reset_h[j] = static_cast<float>(reset(j) * h[j]);
        }
        for (int64_t j = 0; j < sizes.hidden; ++j) {
          const double update = Sigmoid(weights.FromInput(kUpdate, j, x) + weights.FromHidden(kUpdate, j, h));
          const double recurrent = attributes.linear_before_reset
                                       ? reset(j) * weights.FromHidden(kCandidate, j, h)
                                       : weights.FromHidden(kCandidate, j, reset_h);
          const double candidate = std::tanh(weights.FromInput(kCandidate, j, x) + recurrent);
          next_h[j] = static_cast<float>((1 - update) * candidate + update * h[j]);
          next_c[j] = 0;
        }
      });
}

}  // namespace

constinit const OpDefinition kGruDefinition = {
    .name = "Gru",
    .min_inputs = 3,
    .max_inputs = 6,
    .max_outputs = 2,
    .attributes = AttributeInfoOf<GruAttributes>(),
    .infer = InferGru,
    .reference = ReferenceGru,
};

}  // namespace mace::ops
