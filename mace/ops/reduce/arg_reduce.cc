#include "mace/ops/reduce/arg_reduce.h"

namespace mace::ops {

namespace {

Status InferArgReduce(InferContext& context) {
  const auto& attributes = context.attributes<ArgReduceAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0,
                                   {DType::kF32, DType::kF64, DType::kI8, DType::kU8, DType::kI16,
                                    DType::kU16, DType::kI32, DType::kU32, DType::kI64, DType::kU64}));
  if (attributes.to != DType::kI32 && attributes.to != DType::kI64) {
    return Unsupported("positions as %s, expected i32 or i64", NameOf(attributes.to));
  }
  const Shape& x = context.input(0).shape;
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, x.rank, &axis));
  if (x[axis] == 0) return InvalidArgument("axis %d of %s has no elements", axis, ShapeText(x).text);
  if (attributes.to == DType::kI32 && x[axis] > INT32_MAX) {
    return InvalidArgument("axis %d of %s is too long for i32", axis, ShapeText(x).text);
  }
  Shape shape;
  for (int i = 0; i < x.rank; ++i) {
    if (i != axis) {
      shape.Push(x[i]);
    } else if (attributes.keep_dims) {
      shape.Push(1);
    }
  }
  context.SetOutput(0, attributes.to, shape);
  return Status::Ok();
}

template <typename T>
int64_t FindPlace(const T* x, int64_t count, int64_t stride, const ArgReduceAttributes& attributes) {
  int64_t place = 0;
  for (int64_t i = 1; i < count; ++i) {
    const T candidate = x[i * stride];
    const T best = x[place * stride];
    const bool better = attributes.kind == ArgReduceKind::kMax ? candidate > best : candidate < best;
    if (better || (attributes.select_last && candidate == best)) place = i;
  }
  return place;
}

template <typename T>
Status ArgReduceAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<ArgReduceAttributes>();
  const TensorView& x = context.inputs[0];
  TensorView y = context.outputs[0];
  if (y.elements() == 0) return Status::Ok();
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, x.shape.rank, &axis));
  const int64_t count = x.shape[axis];
  const int64_t outer = x.shape.Product(0, axis);
  const int64_t inner = x.shape.Product(axis + 1, x.shape.rank);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const int64_t place = FindPlace(x.as<T>() + o * count * inner + i, count, inner, attributes);
      if (y.dtype == DType::kI32) {
        y.as<int32_t>()[o * inner + i] = static_cast<int32_t>(place);
      } else {
        y.as<int64_t>()[o * inner + i] = place;
      }
    }
  }
  return Status::Ok();
}

Status ReferenceArgReduce(const ReferenceContext& context) {
  return DispatchDType<float, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                       uint64_t>(context.inputs[0].dtype,
                                 [&](auto zero) { return ArgReduceAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kArgReduceDefinition = {
    .name = "ArgReduce",
    .flags = kOpCheap,
    .attributes = AttributeInfoOf<ArgReduceAttributes>(),
    .infer = InferArgReduce,
    .reference = ReferenceArgReduce,
};

}  // namespace mace::ops
