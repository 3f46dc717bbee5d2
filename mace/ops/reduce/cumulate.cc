#include "mace/ops/reduce/cumulate.h"

#include <type_traits>

namespace mace::ops {

namespace {

Status InferCumulate(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0,
                                   {DType::kF32, DType::kF64, DType::kI8, DType::kU8, DType::kI16,
                                    DType::kU16, DType::kI32, DType::kU32, DType::kI64, DType::kU64}));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  const Shape& axis = context.input(1).shape;
  if (axis.rank > 1 || (axis.rank == 1 && axis[0] >= 0 && axis[0] != 1)) {
    return InvalidArgument("the axis has the shape %s, expected one element", ShapeText(axis).text);
  }
  if (context.input(0).shape.rank < 1) return InvalidArgument("x is a scalar");
  if (const TensorView* known = context.known(1); known != nullptr) {
    int resolved = 0;
    MACE_RETURN_IF_ERROR(ResolveAxis(ReadInt(*known, 0), context.input(0).shape.rank, &resolved));
  }
  context.SetOutput(0, context.input(0).dtype, context.input(0).shape);
  return Status::Ok();
}

template <typename T>
Status CumulateAs(const ReferenceContext& context) {
  using Total = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;
  const auto& attributes = context.attributes<CumulateAttributes>();
  const Shape& shape = context.inputs[0].shape;
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(ReadInt(context.inputs[1], 0), shape.rank, &axis));
  if (shape.ElementCount() == 0) return Status::Ok();
  const int64_t outer = shape.Product(0, axis), inner = shape.Product(axis + 1, shape.rank);
  const int64_t size = shape[axis];
  const bool is_product = attributes.kind == CumulateKind::kProd;
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const T* x = context.inputs[0].template as<T>() + o * size * inner + i;
      T* y = context.outputs[0].template as<T>() + o * size * inner + i;
      Total total = is_product ? 1 : 0;
      for (int64_t k = 0; k < size; ++k) {
        const int64_t place = (attributes.reverse ? size - 1 - k : k) * inner;
        if (attributes.exclusive) y[place] = static_cast<T>(total);
        const auto element = static_cast<Total>(x[place]);
        total = is_product ? total * element : total + element;
        if (!attributes.exclusive) y[place] = static_cast<T>(total);
      }
    }
  }
  return Status::Ok();
}

Status ReferenceCumulate(const ReferenceContext& context) {
  return DispatchDType<float, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                       uint64_t>(context.inputs[0].dtype,
                                 [&](auto zero) { return CumulateAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kCumulateDefinition = {
    .name = "Cumulate",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = kOpCheap,
    .attributes = AttributeInfoOf<CumulateAttributes>(),
    .infer = InferCumulate,
    .reference = ReferenceCumulate,
};

}  // namespace mace::ops
