#include <algorithm>
#include <cmath>

#include "mace/ops/common.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/norm/softmax_half_even.h"
#include "mace/ops/norm/softmax_integer.h"

namespace mace::ops {

namespace {

Status InferSoftmax(InferContext& context) {
  const auto& attributes = context.attributes<SoftmaxAttributes>();
  MACE_RETURN_IF_ERROR(
      ExpectDType(context, 0, {DType::kF32, DType::kF64, DType::kU8, DType::kI8, DType::kI16}));
  if (!std::isfinite(attributes.beta)) return InvalidArgument("beta is not finite");
  const TensorType& x = context.input(0);
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, x.shape.rank, &axis));
  DType dtype = x.dtype;
  if (!IsFloat(x.dtype)) {
    const bool half_even = attributes.rounding == Rounding::kHalfEvenFloat;
    if (axis != x.shape.rank - 1 && !half_even) return Unsupported("integer softmax along axis %d", axis);
    // The file may ask for wider results of the same input: i8 -> i16.
    if (x.dtype == DType::kI8 && context.output_quantization(0) != nullptr &&
        context.declared_output_dtype(0) == DType::kI16) {
      dtype = DType::kI16;
    }
  }
  context.SetOutput(0, dtype, x.shape);
  return Status::Ok();
}

template <typename T>
Status SoftmaxAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<SoftmaxAttributes>();
  const Shape& shape = context.inputs[0].shape;
  if (shape.ElementCount() == 0) return Status::Ok();
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, shape.rank, &axis));
  const int64_t outer = shape.Product(0, axis), inner = shape.Product(axis + 1, shape.rank);
  const int64_t size = shape[axis];
  const double beta = static_cast<double>(attributes.beta);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const T* x = context.inputs[0].template as<T>() + o * size * inner + i;
      T* y = context.outputs[0].template as<T>() + o * size * inner + i;
      const auto exponent = [&](int64_t k) { return beta * static_cast<double>(x[k * inner]); };
      double highest = -HUGE_VAL;  // subtracted first, so that exp cannot overflow
      for (int64_t k = 0; k < size; ++k) highest = std::max(highest, exponent(k));
      double sum = 0;
      for (int64_t k = 0; k < size; ++k) sum += std::exp(exponent(k) - highest);
      for (int64_t k = 0; k < size; ++k) {
        y[k * inner] = static_cast<T>(std::exp(exponent(k) - highest) / sum);
      }
    }
  }
  return Status::Ok();
}

Status ReferenceSoftmax(const ReferenceContext& context) {
  if (!IsFloat(context.inputs[0].dtype)) {
    return context.attributes<SoftmaxAttributes>().rounding == Rounding::kHalfEvenFloat
               ? ReferenceSoftmaxHalfEven(context)
               : ReferenceSoftmaxInteger(context);
  }
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return SoftmaxAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kSoftmaxDefinition = {
    .name = "Softmax",
    .attributes = AttributeInfoOf<SoftmaxAttributes>(),
    .infer = InferSoftmax,
    .reference = ReferenceSoftmax,
};

}  // namespace mace::ops
