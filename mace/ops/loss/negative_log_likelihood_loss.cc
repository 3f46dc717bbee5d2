#include "mace/ops/loss/negative_log_likelihood_loss.h"

#include "mace/ops/common.h"

namespace mace::ops {

namespace {

using Attributes = NegativeLogLikelihoodLossAttributes;

Status InferLoss(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  const Shape& x = context.input(0).shape;
  if (x.rank < 2) return InvalidArgument("x has the shape %s, expected [N, C, ...]", ShapeText(x).text);
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, x.rank - 1));
  Shape targets = context.input(1).shape;
  for (int i = 0; i < targets.rank; ++i) {
    if (!MergeDim(x[i == 0 ? 0 : i + 1], targets[i], &targets[i])) {
      return InvalidArgument("the targets %s do not fit %s", ShapeText(targets).text, ShapeText(x).text);
    }
  }
  if (context.has_input(2)) {
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, 2, 0));
    MACE_RETURN_IF_ERROR(ExpectRank(context, 2, 1));
    int64_t classes = 0;
    if (!MergeDim(x[1], context.input(2).shape[0], &classes)) {
      return InvalidArgument("the weights %s do not fit %s", ShapeText(context.input(2).shape).text,
                             ShapeText(x).text);
    }
  }
  const bool is_whole = context.attributes<Attributes>().reduction == LossReduction::kNone;
  context.SetOutput(0, context.input(0).dtype, is_whole ? targets : Shape());
  return Status::Ok();
}

template <typename T>
Status LossAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<Attributes>();
  const TensorView& targets = context.inputs[1];
  const Shape& shape = context.inputs[0].shape;
  const int64_t classes = shape[1], inner = shape.Product(2, shape.rank);
  const T* x = context.inputs[0].template as<T>();
  const T* weights = context.has_input(2) ? context.inputs[2].template as<T>() : nullptr;
  T* y = context.outputs[0].template as<T>();
  const int64_t count = targets.elements();
  double sum = 0, divisor = 0;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t target = ReadInt(targets, i);
    double loss = 0;
    if (!attributes.ignores || target != attributes.ignored) {
      if (target < 0 || target >= classes) {
        return InvalidArgument("target %lld of %lld classes", static_cast<long long>(target),
                               static_cast<long long>(classes));
      }
      const double weight = weights == nullptr ? 1.0 : static_cast<double>(weights[target]);
      loss = -static_cast<double>(x[(i / inner * classes + target) * inner + i % inner]) * weight;
      divisor += weight;
    }
    sum += loss;
    if (attributes.reduction == LossReduction::kNone) y[i] = static_cast<T>(loss);
  }
  if (attributes.reduction == LossReduction::kSum) y[0] = static_cast<T>(sum);
  if (attributes.reduction == LossReduction::kMean) y[0] = static_cast<T>(sum / divisor);
  return Status::Ok();
}

Status ReferenceLoss(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return LossAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kNegativeLogLikelihoodLossDefinition = {
    .name = "NegativeLogLikelihoodLoss",
    .min_inputs = 2,
    .max_inputs = 3,
    .attributes = AttributeInfoOf<Attributes>(),
    .infer = InferLoss,
    .reference = ReferenceLoss,
};

}  // namespace mace::ops
