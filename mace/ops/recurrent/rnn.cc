#include "mace/ops/recurrent/gated_layer.h"

namespace mace::ops {

namespace {

constexpr std::initializer_list<GateActivation> kUsual = {GateActivation::kTanh};

GatedLayer LayerOf(const RnnAttributes& attributes) {
  return {attributes, /*gate_count=*/1, kUsual, /*state_count=*/1};
}

Status InferRnn(InferContext& context) {
  return InferGatedLayer(context, LayerOf(context.attributes<RnnAttributes>()));
}

template <typename T>
Status RnnAs(const ReferenceContext& context) {
  const GatedLayer layer = LayerOf(context.attributes<RnnAttributes>());
  return RunGatedLayer<T>(context, layer, [&](const GatedStep<T>& step) {
    for (int64_t j = 0; j < layer.hidden_size; ++j) {
      step.next_h[j] = static_cast<T>(step.activate(0, step.weights.FromBoth(0, j, step.x, step.h)));
    }
  });
}

Status ReferenceRnn(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return RnnAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kRnnDefinition = {
    .name = "Rnn",
    .min_inputs = 3,
    .max_inputs = 6,
    .max_outputs = 2,
    .attributes = AttributeInfoOf<RnnAttributes>(),
    .infer = InferRnn,
    .reference = ReferenceRnn,
};

}  // namespace mace::ops
