#include "mace/ops/norm/hardmax.h"

#include "mace/ops/common.h"

namespace mace::ops {

namespace {

Status InferHardmax(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  const TensorType& x = context.input(0);
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(context.attributes<HardmaxAttributes>().axis, x.shape.rank, &axis));
  context.SetOutput(0, x.dtype, x.shape);
  return Status::Ok();
}

template <typename T>
Status HardmaxAs(const ReferenceContext& context) {
  const Shape& shape = context.inputs[0].shape;
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(context.attributes<HardmaxAttributes>().axis, shape.rank, &axis));
  if (shape.ElementCount() == 0) return Status::Ok();
  const int64_t outer = shape.Product(0, axis), inner = shape.Product(axis + 1, shape.rank);
  const int64_t size = shape[axis];
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const T* x = context.inputs[0].template as<T>() + o * size * inner + i;
      T* y = context.outputs[0].template as<T>() + o * size * inner + i;
      int64_t place = 0;
      for (int64_t k = 1; k < size; ++k) {
        if (x[k * inner] > x[place * inner]) place = k;
      }
      for (int64_t k = 0; k < size; ++k) y[k * inner] = static_cast<T>(k == place ? 1 : 0);
    }
  }
  return Status::Ok();
}

Status ReferenceHardmax(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return HardmaxAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kHardmaxDefinition = {
    .name = "Hardmax",
    .attributes = AttributeInfoOf<HardmaxAttributes>(),
    .infer = InferHardmax,
    .reference = ReferenceHardmax,
};

}  // namespace mace::ops
