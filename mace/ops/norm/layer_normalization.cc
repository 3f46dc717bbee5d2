#include <cmath>

#include "mace/ops/common.h"
#include "mace/ops/norm/norm.h"

namespace mace::ops {

namespace {

Status InferLayerNormalization(InferContext& context) {
  const auto& attributes = context.attributes<LayerNormalizationAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  if (!(attributes.epsilon >= 0) || std::isinf(attributes.epsilon)) {
    return InvalidArgument("epsilon is %g", static_cast<double>(attributes.epsilon));
  }
  const Shape& x = context.input(0).shape;
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, x.rank, &axis));
  for (int input = 1; input < context.input_count(); ++input) {
    if (!context.has_input(input)) continue;
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, input, 0));
    MACE_RETURN_IF_ERROR(ExpectRank(context, input, x.rank - axis));
    for (int i = axis; i < x.rank; ++i) {
      int64_t merged = 0;
      if (!MergeDim(x[i], context.input(input).shape[i - axis], &merged)) {
        return InvalidArgument("input %d has the shape %s, x %s is normalised from axis %d", input,
                               ShapeText(context.input(input).shape).text, ShapeText(x).text, axis);
      }
    }
  }
  const DType dtype = context.input(0).dtype;
  Shape rows = x;
  for (int i = axis; i < x.rank; ++i) rows[i] = 1;
  context.SetOutput(0, dtype, x);
  context.SetOutput(1, dtype, rows);
  context.SetOutput(2, dtype, rows);
  return Status::Ok();
}

template <typename T>
Status NormalizeAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<LayerNormalizationAttributes>();
  const Shape& shape = context.inputs[0].shape;
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, shape.rank, &axis));
  const int64_t rows = shape.Product(0, axis), size = shape.Product(axis, shape.rank);
  const T* scale = context.has_input(1) ? context.inputs[1].template as<T>() : nullptr;
  const T* bias = context.has_input(2) ? context.inputs[2].template as<T>() : nullptr;
  for (int64_t row = 0; row < rows; ++row) {
    const T* x = context.inputs[0].template as<T>() + row * size;
    T* y = context.outputs[0].template as<T>() + row * size;
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < size && !attributes.root_mean_square; ++i) mean += static_cast<double>(x[i]);
    mean /= static_cast<double>(size);
    if (attributes.root_mean_square) mean = 0;
    for (int64_t i = 0; i < size; ++i) {
      variance += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i]) - mean);
    }
    variance /= static_cast<double>(size);
    const double factor = 1 / std::sqrt(variance + static_cast<double>(attributes.epsilon));
    for (int64_t i = 0; i < size; ++i) {
      double value = (static_cast<double>(x[i]) - mean) * factor;
      if (scale != nullptr) value *= static_cast<double>(scale[i]);
      if (bias != nullptr) value += static_cast<double>(bias[i]);
      y[i] = static_cast<T>(value);
    }
    if (context.has_output(1)) context.outputs[1].template as<T>()[row] = static_cast<T>(mean);
    if (context.has_output(2)) context.outputs[2].template as<T>()[row] = static_cast<T>(factor);
  }
  return Status::Ok();
}

Status ReferenceLayerNormalization(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return NormalizeAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kLayerNormalizationDefinition = {
    .name = "LayerNormalization",
    .max_inputs = 3,
    .max_outputs = 3,
    .attributes = AttributeInfoOf<LayerNormalizationAttributes>(),
    .infer = InferLayerNormalization,
    .reference = ReferenceLayerNormalization,
};

}  // namespace mace::ops
