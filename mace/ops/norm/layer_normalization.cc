#include <cmath>

#include "mace/ops/common.h"
#include "mace/ops/norm/norm.h"

namespace mace::ops {

namespace {

Status InferLayerNormalization(InferContext& context) {
  const auto& attributes = context.attributes<LayerNormalizationAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32}));
  if (!(attributes.epsilon >= 0) || std::isinf(attributes.epsilon)) {
    return InvalidArgument("epsilon is %g", static_cast<double>(attributes.epsilon));
  }
  const Shape& x = context.input(0).shape;
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, x.rank, &axis));
  for (int input = 1; input < context.input_count(); ++input) {
    if (!context.has_input(input)) continue;
    MACE_RETURN_IF_ERROR(ExpectDType(context, input, {DType::kF32}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, input, x.rank - axis));
    for (int i = axis; i < x.rank; ++i) {
      int64_t merged = 0;
      if (!MergeDim(x[i], context.input(input).shape[i - axis], &merged)) {
        return InvalidArgument("input %d has the shape %s, x %s is normalised from axis %d", input,
                               ShapeText(context.input(input).shape).text, ShapeText(x).text, axis);
      }
    }
  }
  context.SetOutput(0, DType::kF32, x);
  return Status::Ok();
}

Status ReferenceLayerNormalization(const ReferenceContext& context) {
  const auto& attributes = context.attributes<LayerNormalizationAttributes>();
  const Shape& shape = context.inputs[0].shape;
  if (shape.ElementCount() == 0) return Status::Ok();
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, shape.rank, &axis));
  const int64_t rows = shape.Product(0, axis), size = shape.Product(axis, shape.rank);
  const float* scale = context.inputs[1].as<float>();
  const float* bias = context.has_input(2) ? context.inputs[2].as<float>() : nullptr;
  for (int64_t row = 0; row < rows; ++row) {
    const float* x = context.inputs[0].as<float>() + row * size;
    float* y = context.outputs[0].as<float>() + row * size;
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < size; ++i) mean += x[i];
    mean /= static_cast<double>(size);
    for (int64_t i = 0; i < size; ++i) variance += (x[i] - mean) * (x[i] - mean);
    variance /= static_cast<double>(size);
    const double factor = 1 / std::sqrt(variance + attributes.epsilon);
    for (int64_t i = 0; i < size; ++i) {
      y[i] = static_cast<float>((x[i] - mean) * factor * scale[i] + (bias != nullptr ? bias[i] : 0));
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kLayerNormalizationDefinition = {
    .name = "LayerNormalization",
    .min_inputs = 2,
    .max_inputs = 3,
    .attributes = AttributeInfoOf<LayerNormalizationAttributes>(),
    .infer = InferLayerNormalization,
    .reference = ReferenceLayerNormalization,
};

}  // namespace mace::ops
