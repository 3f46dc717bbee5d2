#include "mace/ops/shape/range.h"

#include <cmath>
#include <type_traits>

#include "mace/ops/common.h"

namespace mace::ops {

namespace {

// How many numbers start, start + delta, ... lie in front of the limit.
template <typename T>
Status CountOf(T start, T limit, T delta, int64_t* count) {
  *count = 0;
  if constexpr (std::is_floating_point_v<T>) {
    const double steps = std::ceil((static_cast<double>(limit) - start) / delta);
    if (!(std::fabs(steps) < 9e18)) return InvalidArgument("a range without an end: delta %g", double{delta});
    if (steps > 0) *count = static_cast<int64_t>(steps);
    return Status::Ok();
  } else {
    if (delta == 0) return InvalidArgument("a range without an end: delta 0");
    if (delta > 0 ? start >= limit : start <= limit) return Status::Ok();
    // The distance and the size of a step as unsigned numbers: neither need fit into 63 bits.
    const auto first = static_cast<uint64_t>(int64_t{start}), last = static_cast<uint64_t>(int64_t{limit});
    const auto step = static_cast<uint64_t>(int64_t{delta});
    const uint64_t places = delta > 0 ? (last - first - 1) / step + 1 : (first - last - 1) / (0 - step) + 1;
    if (places > static_cast<uint64_t>(INT64_MAX))
      return InvalidArgument("the range does not fit into 63 bits");
    *count = static_cast<int64_t>(places);
    return Status::Ok();
  }
}

template <typename Function>
Status DispatchRange(DType dtype, const Function& function) {
  return DispatchDType<float, double, int16_t, int32_t, int64_t>(dtype, function);
}

Status InferRange(InferContext& context) {
  const DType dtype = context.input(0).dtype;
  MACE_RETURN_IF_ERROR(
      ExpectDType(context, 0, {DType::kF32, DType::kF64, DType::kI16, DType::kI32, DType::kI64}));
  bool known = true;
  for (int i = 0; i < 3; ++i) {
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, i, 0));
    const Shape& shape = context.input(i).shape;
    if (shape.rank > 1 || (shape.rank == 1 && shape[0] >= 0 && shape[0] != 1)) {
      return InvalidArgument("input %d has the shape %s, expected a scalar", i, ShapeText(shape).text);
    }
    known = known && context.known(i) != nullptr && context.known(i)->elements() == 1;
  }
  int64_t count = kUnknownDim;
  if (known) {
    MACE_RETURN_IF_ERROR(DispatchRange(dtype, [&](auto zero) {
      using T = decltype(zero);
      return CountOf(*context.known(0)->as<T>(), *context.known(1)->as<T>(), *context.known(2)->as<T>(),
                     &count);
    }));
  }
  context.SetOutput(0, dtype, {count});
  return Status::Ok();
}

Status ReferenceRange(const ReferenceContext& context) {
  const TensorView& output = context.outputs[0];
  return DispatchRange(output.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T start = *context.inputs[0].as<T>(), delta = *context.inputs[2].as<T>();
    int64_t count = 0;
    MACE_RETURN_IF_ERROR(CountOf(start, *context.inputs[1].as<T>(), delta, &count));
    if (count != output.shape[0]) return InvalidArgument("the range changed since planning");
    T* y = static_cast<T*>(output.data);
    for (int64_t i = 0; i < count; ++i) {
      if constexpr (std::is_floating_point_v<T>) {
        y[i] = static_cast<T>(start + static_cast<double>(i) * delta);
      } else {
        // In front of the limit: it fits. What is added to the start need not.
        y[i] = static_cast<T>(static_cast<uint64_t>(start) +
                              static_cast<uint64_t>(i) * static_cast<uint64_t>(int64_t{delta}));
      }
    }
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kRangeDefinition = {
    .name = "Range",
    .min_inputs = 3,
    .max_inputs = 3,
    .flags = kOpCheap,
    .content_inputs = ContentInputs({0, 1, 2}),
    .infer = InferRange,
    .reference = ReferenceRange,
};

}  // namespace mace::ops
