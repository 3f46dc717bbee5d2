#include <cmath>
#include <numbers>

#include "mace/ops/signal/signal.h"

namespace mace::ops {

namespace {

Status InferCosineWindow(InferContext& context) {
  const DType dtype = context.attributes<CosineWindowAttributes>().dtype;
  if (dtype != DType::kF32 && dtype != DType::kF64) return Unsupported("a window of %s", NameOf(dtype));
  bool known = false;
  int64_t size = kUnknownDim;
  MACE_RETURN_IF_ERROR(ReadCount(context, 0, &known, &size));
  context.SetOutput(0, dtype, {known ? size : kUnknownDim});
  return Status::Ok();
}

// The window at `angle`, 0 to 2 pi from its begin to its end.
double WindowAt(WindowKind kind, double angle) {
  constexpr double kHammingMean = 25.0 / 46.0;
  switch (kind) {
    case WindowKind::kHamming:
      return kHammingMean - (1 - kHammingMean) * std::cos(angle);
    case WindowKind::kBlackman:
      return 0.42 - 0.5 * std::cos(angle) + 0.08 * std::cos(2 * angle);
    default:
      return 0.5 - 0.5 * std::cos(angle);
  }
}

Status ReferenceCosineWindow(const ReferenceContext& context) {
  const auto& attributes = context.attributes<CosineWindowAttributes>();
  const int64_t size = context.outputs[0].shape[0];
  // A symmetric window ends where it begins; one element of it is its middle.
  const auto period = static_cast<double>(attributes.periodic ? size : size - 1);
  return DispatchDType<float, double>(context.outputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    T* y = context.outputs[0].as<T>();
    for (int64_t i = 0; i < size; ++i) {
      const double angle = period > 0 ? 2 * std::numbers::pi * static_cast<double>(i) / period : std::numbers::pi;
      y[i] = static_cast<T>(WindowAt(attributes.kind, angle));
    }
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kCosineWindowDefinition = {
    .name = "CosineWindow",
    .flags = kOpCheap,
    .content_inputs = ContentInputs({0}),
    .attributes = AttributeInfoOf<CosineWindowAttributes>(),
    .infer = InferCosineWindow,
    .reference = ReferenceCosineWindow,
};

}  // namespace mace::ops
