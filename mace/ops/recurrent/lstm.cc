#include "mace/ops/recurrent/gated_layer.h"

namespace mace::ops {

namespace {

constexpr std::initializer_list<GateActivation> kUsual = {GateActivation::kSigmoid, GateActivation::kTanh,
                                                          GateActivation::kTanh};

GatedLayer LayerOf(const LstmAttributes& attributes) {
  return {attributes, /*gate_count=*/4, kUsual, /*state_count=*/2};
}

Status InferLstm(InferContext& context) {
  return InferGatedLayer(context, LayerOf(context.attributes<LstmAttributes>()));
}

template <typename T>
Status LstmAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<LstmAttributes>();
  const GatedLayer layer = LayerOf(attributes);
  const int64_t hidden = layer.hidden_size;
  enum { kInput, kOutput, kForget, kCell };  // the first three: of peepholes too
  enum { kGate, kOfCell, kOfOutput };
  const T* peepholes = context.has_input(7) ? context.inputs[7].template as<T>() : nullptr;
  return RunGatedLayer<T>(context, layer, [&](const GatedStep<T>& step) {
    for (int64_t j = 0; j < hidden; ++j) {
      const auto before = [&](int which) { return step.weights.FromBoth(which, j, step.x, step.h); };
      const auto gate = [&](int which, double cell) {
        const double seen =
            peepholes == nullptr
                ? 0
                : static_cast<double>(peepholes[(step.direction * 3 + which) * hidden + j]) * cell;
        return step.activate(kGate, before(which) + seen);
      };
      const auto c = static_cast<double>(step.c[j]);
      const double input = gate(kInput, c);
      const double forget = attributes.input_forget ? 1 - input : gate(kForget, c);
      const double cell = forget * c + input * step.activate(kOfCell, before(kCell));
      step.next_c[j] = static_cast<T>(cell);
      step.next_h[j] = static_cast<T>(gate(kOutput, cell) * step.activate(kOfOutput, cell));
    }
  });
}

Status ReferenceLstm(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return LstmAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kLstmDefinition = {
    .name = "Lstm",
    .min_inputs = 3,
    .max_inputs = 8,
    .max_outputs = 3,
    .attributes = AttributeInfoOf<LstmAttributes>(),
    .infer = InferLstm,
    .reference = ReferenceLstm,
};

}  // namespace mace::ops
