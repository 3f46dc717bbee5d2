#include "mace/ops/recurrent/gated_layer.h"

#include <algorithm>
#include <cmath>

namespace mace::ops {

namespace {

// `shape` of an operand against what the layer's sizes say.
Status ExpectShape(const InferContext& context, int input, const Shape& expected) {
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, input, 0));
  MACE_RETURN_IF_ERROR(ExpectRank(context, input, expected.rank));
  for (int i = 0; i < expected.rank; ++i) {
    int64_t merged = 0;
    if (!MergeDim(expected[i], context.input(input).shape[i], &merged)) {
      return InvalidArgument("input %d has the shape %s, expected %s", input,
                             ShapeText(context.input(input).shape).text, ShapeText(expected).text);
    }
  }
  return Status::Ok();
}

Status CheckAttributes(const GatedLayer& layer) {
  // Within this bound no product of sizes can overflow.
  if (layer.hidden_size < 1 || layer.hidden_size > INT64_C(0x7fffffff)) {
    return InvalidArgument("hidden_size is %lld", static_cast<long long>(layer.hidden_size));
  }
  if (!(layer.clip >= 0)) return InvalidArgument("clip is %g", static_cast<double>(layer.clip));
  const int count = layer.activations.size();
  if ((count != 0 && count != layer.functions * layer.directions()) || layer.alphas.size() != count ||
      layer.betas.size() != count) {
    return InvalidArgument("%d activations, %d alphas and %d betas, expected %d", count, layer.alphas.size(),
                           layer.betas.size(), layer.functions * layer.directions());
  }
  for (int64_t activation : layer.activations) {
    if (activation < 0 || activation >= static_cast<int64_t>(GateActivation::kCount)) {
      return InvalidArgument("activation %lld is not known", static_cast<long long>(activation));
    }
  }
  return Status::Ok();
}

}  // namespace

Status InferGatedLayer(InferContext& context, const GatedLayer& layer) {
  MACE_RETURN_IF_ERROR(CheckAttributes(layer));
  const int64_t directions = layer.directions(), hidden = layer.hidden_size;
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 3));
  const DType dtype = context.input(0).dtype;
  const Shape& x = context.input(0).shape;
  MACE_RETURN_IF_ERROR(ExpectShape(context, 1, {directions, layer.gates * hidden, x[2]}));
  MACE_RETURN_IF_ERROR(ExpectShape(context, 2, {directions, layer.gates * hidden, hidden}));
  if (context.has_input(3)) {
    MACE_RETURN_IF_ERROR(ExpectShape(context, 3, {directions, 2 * layer.gates * hidden}));
  }
  if (context.has_input(4)) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 4, {DType::kI32, DType::kI64}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, 4, 1));
    int64_t merged = 0;
    if (!MergeDim(x[1], context.input(4).shape[0], &merged)) {
      return InvalidArgument("sequence lengths %s for x %s", ShapeText(context.input(4).shape).text,
                             ShapeText(x).text);
    }
  }
  for (int state = 0; state < layer.states; ++state) {
    if (!context.has_input(5 + state)) continue;
    MACE_RETURN_IF_ERROR(ExpectShape(context, 5 + state, {directions, x[1], hidden}));
  }
  if (layer.states > 1 && context.has_input(7)) {
    MACE_RETURN_IF_ERROR(ExpectShape(context, 7, {directions, 3 * hidden}));
  }
  context.SetOutput(0, dtype, {x[0], directions, x[1], hidden});
  for (int state = 0; state < layer.states; ++state) {
    context.SetOutput(1 + state, dtype, {directions, x[1], hidden});
  }
  return Status::Ok();
}

double GateActivations::operator()(int function, double x) const {
  const double clip = static_cast<double>(layer_.clip);
  if (clip > 0 && x == x) x = std::clamp(x, -clip, clip);
  GateActivation activation = layer_.usual_activations[function];
  double alpha = 0, beta = 0;
  if (!layer_.activations.empty()) {
    const int at = static_cast<int>(direction_) * layer_.functions + function;
    activation = static_cast<GateActivation>(layer_.activations[at]);
    alpha = static_cast<double>(layer_.alphas[at]);
    beta = static_cast<double>(layer_.betas[at]);
  }
  switch (activation) {
    case GateActivation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case GateActivation::kTanh:
      return std::tanh(x);
    case GateActivation::kRelu:
      return x < 0 ? 0 : x;
    case GateActivation::kAffine:
      return alpha * x + beta;
    case GateActivation::kLeakyRelu:
      return x < 0 ? alpha * x : x;
    case GateActivation::kThresholdedRelu:
      return x < alpha ? 0 : x;
    case GateActivation::kScaledTanh:
      return alpha * std::tanh(beta * x);
    case GateActivation::kHardSigmoid: {
      const double y = alpha * x + beta;
      return y < 0 ? 0 : (y > 1 ? 1 : y);
    }
    case GateActivation::kElu:
      return x < 0 ? alpha * std::expm1(x) : x;
    case GateActivation::kSoftsign:
      return x / (1 + std::fabs(x));
    case GateActivation::kSoftplus:
      return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
    case GateActivation::kCount:
      break;
  }
  return x;
}

}  // namespace mace::ops
