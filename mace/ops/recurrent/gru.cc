#include "mace/ops/recurrent/gated_layer.h"

namespace mace::ops {

namespace {

constexpr std::initializer_list<GateActivation> kUsual = {GateActivation::kSigmoid, GateActivation::kTanh};

GatedLayer LayerOf(const GruAttributes& attributes) {
  return {attributes, /*gate_count=*/3, kUsual, /*state_count=*/1};
}

Status InferGru(InferContext& context) {
  return InferGatedLayer(context, LayerOf(context.attributes<GruAttributes>()));
}

template <typename T>
Status GruAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<GruAttributes>();
  const GatedLayer layer = LayerOf(attributes);
  enum { kUpdate, kReset, kCandidate };
  enum { kGate, kOfCandidate };
  return RunGatedLayer<T>(context, layer, [&](const GatedStep<T>& step) {
    const GateWeights<T>& weights = step.weights;
    T* reset_h = step.scratch;
    const auto gate = [&](int which, int64_t j) {
      return step.activate(kGate, weights.FromBoth(which, j, step.x, step.h));
    };
    if (!attributes.linear_before_reset) {
      for (int64_t j = 0; j < layer.hidden_size; ++j) {
        reset_h[j] = static_cast<T>(gate(kReset, j) * static_cast<double>(step.h[j]));
      }
    }
    for (int64_t j = 0; j < layer.hidden_size; ++j) {
      const double update = gate(kUpdate, j);
      const double recurrent = attributes.linear_before_reset
                                   ? gate(kReset, j) * weights.FromHidden(kCandidate, j, step.h)
                                   : weights.FromHidden(kCandidate, j, reset_h);
      const double candidate =
          step.activate(kOfCandidate, weights.FromInput(kCandidate, j, step.x) + recurrent);
      step.next_h[j] = static_cast<T>((1 - update) * candidate + update * static_cast<double>(step.h[j]));
    }
  });
}

Status ReferenceGru(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return GruAs<decltype(zero)>(context); });
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
