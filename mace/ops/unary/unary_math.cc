#include "mace/ops/unary/unary_math.h"

#include <cmath>

#include "mace/ops/number_types.h"

namespace mace::ops {
namespace {

using MathFunction = double (*)(double);

// By UnaryMathKind.
constexpr MathFunction kFunctions[] = {
    [](double x) { return std::tan(x); },   [](double x) { return std::asin(x); },
    [](double x) { return std::acos(x); },  [](double x) { return std::atan(x); },
    [](double x) { return std::sinh(x); },  [](double x) { return std::cosh(x); },
    [](double x) { return std::asinh(x); }, [](double x) { return std::acosh(x); },
    [](double x) { return std::atanh(x); },
};
static_assert(std::size(kFunctions) == static_cast<size_t>(UnaryMathKind::kCount));

Status InferUnaryMath(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectComputedFloat(context, 0));
  context.SetOutput(0, context.input(0).dtype, context.input(0).shape);
  return Status::Ok();
}

Status ReferenceUnaryMath(const ReferenceContext& context) {
  const MathFunction function =
      kFunctions[static_cast<size_t>(context.attributes<UnaryMathAttributes>().kind)];
  return DispatchFloat(context.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = context.inputs[0].as<T>();
    T* y = context.outputs[0].as<T>();
    const int64_t count = context.inputs[0].elements();
    for (int64_t i = 0; i < count; ++i) y[i] = static_cast<T>(function(x[i]));
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kUnaryMathDefinition = {
    .name = "UnaryMath",
    .flags = kOpElementwise | kOpCheap,
    .attributes = AttributeInfoOf<UnaryMathAttributes>(),
    .infer = InferUnaryMath,
    .reference = ReferenceUnaryMath,
};

}  // namespace mace::ops
