#include <cmath>

#include "mace/ops/common.h"
#include "mace/ops/norm/norm.h"

namespace mace::ops {

namespace {

Status InferBatchNormalization(InferContext& context) {
  const auto& attributes = context.attributes<BatchNormalizationAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  if (!(attributes.epsilon >= 0) || std::isinf(attributes.epsilon)) {
    return InvalidArgument("epsilon is %g", static_cast<double>(attributes.epsilon));
  }
  Shape shape = context.input(0).shape;
  if (shape.rank < 1) return InvalidArgument("x is a scalar");
  int64_t* channels = &shape[shape.rank - 1];
  for (int input = 1; input < 5; ++input) {
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, input, 0));
    MACE_RETURN_IF_ERROR(ExpectRank(context, input, 1));
    if (!MergeDim(*channels, context.input(input).shape[0], channels)) {
      return InvalidArgument("input %d has the shape %s for %lld channels", input,
                             ShapeText(context.input(input).shape).text, static_cast<long long>(*channels));
    }
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

template <typename T>
Status NormalizeAs(const ReferenceContext& context) {
  const double epsilon = static_cast<double>(context.attributes<BatchNormalizationAttributes>().epsilon);
  const int64_t count = context.outputs[0].elements();
  if (count == 0) return Status::Ok();
  const int64_t channels = context.inputs[1].shape[0];
  const auto element = [&](int input, int64_t i) {
    return static_cast<double>(context.inputs[input].template as<T>()[i]);
  };
  T* y = context.outputs[0].template as<T>();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t c = i % channels;
    const double normal = (element(0, i) - element(3, c)) / std::sqrt(element(4, c) + epsilon);
    y[i] = static_cast<T>(normal * element(1, c) + element(2, c));
  }
  return Status::Ok();
}

Status ReferenceBatchNormalization(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return NormalizeAs<decltype(zero)>(context); });
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
