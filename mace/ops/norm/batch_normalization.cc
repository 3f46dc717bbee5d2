#include <cmath>

#include "mace/ops/common.h"
#include "mace/ops/norm/norm.h"

namespace mace::ops {

namespace {

Status InferBatchNormalization(InferContext& context) {
  const auto& attributes = context.attributes<BatchNormalizationAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32}));
  if (!(attributes.epsilon >= 0) || std::isinf(attributes.epsilon)) {
    return InvalidArgument("epsilon is %g", static_cast<double>(attributes.epsilon));
  }
  Shape shape = context.input(0).shape;
  if (shape.rank < 1) return InvalidArgument("x is a scalar");
  int64_t* channels = &shape[shape.rank - 1];
  for (int input = 1; input < 5; ++input) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, input, {DType::kF32}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, input, 1));
    if (!MergeDim(*channels, context.input(input).shape[0], channels)) {
      return InvalidArgument("input %d has the shape %s for %lld channels", input,
                             ShapeText(context.input(input).shape).text, static_cast<long long>(*channels));
    }
  }
  context.SetOutput(0, DType::kF32, shape);
  return Status::Ok();
}

Status ReferenceBatchNormalization(const ReferenceContext& context) {
  const double epsilon = context.attributes<BatchNormalizationAttributes>().epsilon;
  const int64_t count = context.outputs[0].elements();
  if (count == 0) return Status::Ok();
  const int64_t channels = context.inputs[1].shape[0];
  const float* x = context.inputs[0].as<float>();
  const float* scale = context.inputs[1].as<float>();
  const float* bias = context.inputs[2].as<float>();
  const float* mean = context.inputs[3].as<float>();
  const float* variance = context.inputs[4].as<float>();
  float* y = context.outputs[0].as<float>();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t c = i % channels;
    y[i] = static_cast<float>(
        (static_cast<double>(x[i]) - mean[c]) / std::sqrt(variance[c] + epsilon) * scale[c] + bias[c]);
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kBatchNormalizationDefinition = {
    .name = "BatchNormalization",
    .min_inputs = 5,
    .max_inputs = 5,
    .attributes = AttributeInfoOf<BatchNormalizationAttributes>(),
    .infer = InferBatchNormalization,
    .reference = ReferenceBatchNormalization,
};

}  // namespace mace::ops
