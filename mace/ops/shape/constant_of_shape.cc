#include <type_traits>

#include "mace/ops/common.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::ops {

namespace {

Status InferConstantOfShape(InferContext& context) {
  const auto& attributes = context.attributes<ConstantOfShapeAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kI64, DType::kI32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 1));
  if (attributes.dtype == DType::kF16 || attributes.dtype == DType::kBF16 || BitsOf(attributes.dtype) < 8) {
    return Unsupported("a constant of %s", NameOf(attributes.dtype));
  }
  const int64_t length = context.input(0).shape[0];
  if (length > kMaxRank) {
    return Unsupported("the shape has %lld dimensions, at most %d are possible",
                       static_cast<long long>(length), kMaxRank);
  }
  Shape shape = OpenShape(length);
  IntList dims;
  if (context.KnownInts(0, &dims)) {
    shape = Shape();
    for (int64_t dim : dims) {
      if (dim < 0) return InvalidArgument("the shape has the dimension %lld", static_cast<long long>(dim));
      shape.Push(dim);
    }
  }
  context.SetOutput(0, attributes.dtype, shape);
  return Status::Ok();
}

Status ReferenceConstantOfShape(const ReferenceContext& context) {
  const auto& attributes = context.attributes<ConstantOfShapeAttributes>();
  const TensorView& output = context.outputs[0];
  if (output.dtype == DType::kBool) {
    auto* y = static_cast<uint8_t*>(output.data);
    for (int64_t i = 0; i < output.elements(); ++i) y[i] = attributes.int_value != 0;
    return Status::Ok();
  }
  return DispatchDType<float, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                       uint64_t>(output.dtype, [&](auto zero) {
    using T = decltype(zero);
    T value;  // converting the other attribute could overflow
    if constexpr (std::is_floating_point_v<T>) {
      value = static_cast<T>(attributes.float_value);
    } else {
      value = static_cast<T>(attributes.int_value);
    }
    T* y = static_cast<T*>(output.data);
    const int64_t count = output.elements();
    for (int64_t i = 0; i < count; ++i) y[i] = value;
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kConstantOfShapeDefinition = {
    .name = "ConstantOfShape",
    .flags = kOpCheap | kOpNarrowFloats,
    .content_inputs = ContentInputs({0}),
    .attributes = AttributeInfoOf<ConstantOfShapeAttributes>(),
    .infer = InferConstantOfShape,
    .reference = ReferenceConstantOfShape,
};

}  // namespace mace::ops
