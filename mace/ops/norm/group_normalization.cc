#include "mace/ops/norm/group_normalization.h"

#include <cmath>

#include "mace/ops/common.h"

namespace mace::ops {

namespace {

Status InferGroupNormalization(InferContext& context) {
  const auto& attributes = context.attributes<GroupNormalizationAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  if (!(attributes.epsilon >= 0) || std::isinf(attributes.epsilon)) {
    return InvalidArgument("epsilon is %g", static_cast<double>(attributes.epsilon));
  }
  Shape shape = context.input(0).shape;
  if (shape.rank < 2) return InvalidArgument("expected x [N, ..., C], got rank %d", shape.rank);
  int64_t* channels = &shape[shape.rank - 1];
  for (int input = 1; input < context.input_count(); ++input) {
    if (!context.has_input(input)) continue;
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, input, 0));
    MACE_RETURN_IF_ERROR(ExpectRank(context, input, 1));
    if (!MergeDim(*channels, context.input(input).shape[0], channels)) {
      return InvalidArgument("input %d has the shape %s for %lld channels", input,
                             ShapeText(context.input(input).shape).text, static_cast<long long>(*channels));
    }
  }
  if (attributes.groups < 1 || (*channels >= 0 && *channels % attributes.groups != 0)) {
    return InvalidArgument("%lld groups of %lld channels", static_cast<long long>(attributes.groups),
                           static_cast<long long>(*channels));
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

template <typename T>
Status NormalizeAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<GroupNormalizationAttributes>();
  const Shape& shape = context.inputs[0].shape;
  if (context.inputs[0].elements() == 0) return Status::Ok();
  const int64_t channels = shape[shape.rank - 1], positions = shape.Product(1, shape.rank - 1);
  const int64_t group_channels = channels / attributes.groups;
  const T* scale = context.has_input(1) ? context.inputs[1].template as<T>() : nullptr;
  const T* bias = context.has_input(2) ? context.inputs[2].template as<T>() : nullptr;
  for (int64_t sample = 0; sample < shape[0]; ++sample) {
    const T* x = context.inputs[0].template as<T>() + sample * positions * channels;
    T* y = context.outputs[0].template as<T>() + sample * positions * channels;
    for (int64_t begin = 0; begin < channels; begin += group_channels) {
      const auto for_each = [&](auto visit) {
        for (int64_t p = 0; p < positions; ++p) {
          for (int64_t c = begin; c < begin + group_channels; ++c) visit(p * channels + c, c);
        }
      };
      const auto count = static_cast<double>(positions * group_channels);
      double mean = 0, variance = 0;
      for_each([&](int64_t i, int64_t) { mean += static_cast<double>(x[i]); });
      mean /= count;
      for_each([&](int64_t i, int64_t) {
        variance += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i]) - mean);
      });
      const double factor = 1 / std::sqrt(variance / count + static_cast<double>(attributes.epsilon));
      for_each([&](int64_t i, int64_t c) {
        double value = (static_cast<double>(x[i]) - mean) * factor;
        if (scale != nullptr) value *= static_cast<double>(scale[c]);
        if (bias != nullptr) value += static_cast<double>(bias[c]);
        y[i] = static_cast<T>(value);
      });
    }
  }
  return Status::Ok();
}

Status ReferenceGroupNormalization(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return NormalizeAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kGroupNormalizationDefinition = {
    .name = "GroupNormalization",
    .max_inputs = 3,
    .attributes = AttributeInfoOf<GroupNormalizationAttributes>(),
    .infer = InferGroupNormalization,
    .reference = ReferenceGroupNormalization,
};

}  // namespace mace::ops
