#include "mace/ops/matmul/fully_connected.h"

#include "mace/ops/common.h"
#include "mace/ops/matmul/fully_connected_integer.h"

namespace mace::ops {

namespace {

Status InferFullyConnected(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kU8, DType::kI8, DType::kI16}));
  const bool is_float = context.input(0).dtype == DType::kF32;
  if (is_float) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kF32}));
  } else {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kU8, DType::kI8}));
  }
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 2));
  const Shape& x = context.input(0).shape;
  const Shape& weights = context.input(1).shape;
  if (x.rank < 1) return InvalidArgument("x is a scalar");
  int64_t depth = 0;
  if (!MergeDim(x[x.rank - 1], weights[1], &depth)) {
    return InvalidArgument("x %s for the weights %s", ShapeText(x).text, ShapeText(weights).text);
  }
  int64_t columns = weights[0];
  if (context.has_input(2)) {
    const DType bias = is_float ? DType::kF32 : DType::kI32;
    const bool wide = context.input(0).dtype == DType::kI16;  // 16-bit activations: the bias may have 64 bits
    MACE_RETURN_IF_ERROR(ExpectDType(context, 2, {bias, wide ? DType::kI64 : bias}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, 2, 1));
    if (!MergeDim(columns, context.input(2).shape[0], &columns)) {
      return InvalidArgument("the bias %s for the weights %s", ShapeText(context.input(2).shape).text,
                             ShapeText(weights).text);
    }
  }
  Shape shape = x;
  shape[x.rank - 1] = columns;
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceFullyConnected(const ReferenceContext& context) {
  if (context.inputs[0].dtype != DType::kF32) return ReferenceFullyConnectedInteger(context);
  if (context.outputs[0].elements() == 0) return Status::Ok();
  const int64_t columns = context.inputs[1].shape[0];
  const int64_t depth = context.inputs[1].shape[1];
  const int64_t rows = context.outputs[0].elements() / columns;
  const float* x = context.inputs[0].as<float>();
  const float* weights = context.inputs[1].as<float>();
  const float* bias = context.has_input(2) ? context.inputs[2].as<float>() : nullptr;
  float* y = context.outputs[0].as<float>();
  for (int64_t m = 0; m < rows; ++m) {
    for (int64_t n = 0; n < columns; ++n) {
      double sum = bias != nullptr ? bias[n] : 0;
      for (int64_t k = 0; k < depth; ++k) {
        sum += static_cast<double>(x[m * depth + k]) * weights[n * depth + k];
      }
      *y++ = static_cast<float>(sum);
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kFullyConnectedDefinition = {
    .name = "FullyConnected",
    .min_inputs = 2,
    .max_inputs = 3,
    .attributes = AttributeInfoOf<FullyConnectedAttributes>(),
    .infer = InferFullyConnected,
    .reference = ReferenceFullyConnected,
};

}  // namespace mace::ops
