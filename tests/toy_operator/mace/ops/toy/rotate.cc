#include "mace/ops/toy/rotate.h"

#include "mace/ops/common.h"

namespace mace::ops {

namespace {

Status InferRotate(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32}));
  if (context.input(0).shape.rank < 1) return InvalidArgument("x is a scalar");
  context.SetOutput(0, DType::kF32, context.input(0).shape);
  return Status::Ok();
}

Status ReferenceRotate(const ReferenceContext& context) {
  const Shape& shape = context.inputs[0].shape;
  if (shape.ElementCount() == 0) return Status::Ok();
  const int64_t size = shape[shape.rank - 1];
  const int64_t places = (context.attributes<RotateAttributes>().places % size + size) % size;
  const float* x = context.inputs[0].as<float>();
  float* y = context.outputs[0].as<float>();
  for (int64_t row = 0; row < shape.ElementCount(); row += size) {
    for (int64_t i = 0; i < size; ++i) y[row + (i + places) % size] = x[row + i];
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kRotateDefinition = {
    .name = "Rotate",
    .attributes = AttributeInfoOf<RotateAttributes>(),
    .infer = InferRotate,
    .reference = ReferenceRotate,
};

}  // namespace mace::ops
