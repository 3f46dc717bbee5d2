#include <cmath>

#include "mace/ops/recurrent/gated_layer.h"

namespace mace::ops {

namespace {

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

Status InferLstm(InferContext& context) {
  const auto& attributes = context.attributes<LstmAttributes>();
  return InferGatedLayer(context, attributes.hidden_size, attributes.direction, /*gates=*/4,
                         /*initial_states=*/2);
}

Status ReferenceLstm(const ReferenceContext& context) {
  const auto& attributes = context.attributes<LstmAttributes>();
  const GatedLayerSizes sizes(context, attributes.hidden_size);
  enum { kInput, kOutput, kForget, kCell };
  return RunGatedLayer(context, sizes, /*gates=*/4, /*has_cell=*/true, attributes.direction,
                       [&](const GateWeights& weights, const float* x, const float* h, const float* c,
                           float* next_h, float* next_c, float*) {
                         for (int64_t j = 0; j < sizes.hidden; ++j) {
                           const auto gate = [&](int which) {
                             return weights.FromInput(which, j, x) + weights.FromHidden(which, j, h);
                           };
                           const double cell =
                               Sigmoid(gate(kForget)) * c[j] + Sigmoid(gate(kInput)) * std::tanh(gate(kCell));
                           next_c[j] = static_cast<float>(cell);
                           next_h[j] = static_cast<float>(Sigmoid(gate(kOutput)) * std::tanh(cell));
                         }
                       });
}

}  // namespace

constinit const OpDefinition kLstmDefinition = {
    .name = "Lstm",
    .min_inputs = 3,
    .max_inputs = 7,
    .max_outputs = 3,
    .attributes = AttributeInfoOf<LstmAttributes>(),
    .infer = InferLstm,
    .reference = ReferenceLstm,
};

}  // namespace mace::ops
