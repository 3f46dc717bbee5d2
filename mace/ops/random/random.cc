#include "mace/ops/random/random.h"

#include <cmath>

#include "mace/ops/common.h"
#include "mace/ops/random/philox.h"

namespace mace::ops {

namespace {

Status InferRandom(InferContext& context) {
  const auto& attributes = context.attributes<RandomAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kI64, DType::kI32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 1));
  if (attributes.to != DType::kF32 && attributes.to != DType::kF64) {
    return Unsupported("random numbers of %s", NameOf(attributes.to));
  }
  if (!std::isfinite(attributes.first) || !std::isfinite(attributes.second)) {
    return InvalidArgument("the distribution is not finite");
  }
  const int64_t rank = context.input(0).shape[0];
  if (rank > kMaxRank) return Unsupported("a tensor of rank %lld", static_cast<long long>(rank));
  IntList dims;
  if (!context.KnownInts(0, &dims)) {
    Shape shape = rank < 0 ? Shape::OfUnknownRank() : Shape();
    for (int64_t i = 0; i < rank; ++i) shape.Push(kUnknownDim);
    context.SetOutput(0, attributes.to, shape);
    return Status::Ok();
  }
  Shape shape;
  for (int64_t dim : dims) {
    if (dim < 0) return InvalidArgument("a dimension is %lld", static_cast<long long>(dim));
    shape.Push(dim);
  }
  if (ByteCount(attributes.to, shape) < 0) return InvalidArgument("%s is too large", ShapeText(shape).text);
  context.SetOutput(0, attributes.to, shape);
  return Status::Ok();
}

// Two normal numbers of two even ones: G. E. P. Box, M. E. Muller: A note on the generation of random normal
// deviates (1958). The even number under the logarithm is turned round, from [0, 1) to (0, 1].
double Normal(const UniformNumbers& uniform, uint64_t i) {
  const uint64_t first = i / 2 * 2;
  const double radius = std::sqrt(-2 * std::log(1 - uniform(first)));
  const double angle = 2 * M_PI * uniform(first + 1);
  return radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

template <typename T>
Status RandomAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<RandomAttributes>();
  const UniformNumbers uniform(KeyOfRun(attributes.is_seeded, attributes.seed));
  const double first = static_cast<double>(attributes.first), second = static_cast<double>(attributes.second);
  const int64_t count = context.outputs[0].elements();
  T* y = context.outputs[0].template as<T>();
  for (int64_t i = 0; i < count; ++i) {
    const auto place = static_cast<uint64_t>(i);
    if (attributes.kind == RandomKind::kNormal) {
      y[i] = static_cast<T>(first + second * Normal(uniform, place));
      continue;
    }
    y[i] = static_cast<T>(first + (second - first) * uniform(place));
    // Rounding may reach the end, which is outside.
    if (first < second && static_cast<double>(y[i]) >= second) {
      y[i] = std::nextafter(static_cast<T>(second), static_cast<T>(first));
    }
  }
  return Status::Ok();
}

Status ReferenceRandom(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.outputs[0].dtype,
                                      [&](auto zero) { return RandomAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kRandomDefinition = {
    .name = "Random",
    .flags = kOpRandom,
    .content_inputs = ContentInputs({0}),
    .attributes = AttributeInfoOf<RandomAttributes>(),
    .infer = InferRandom,
    .reference = ReferenceRandom,
};

}  // namespace mace::ops
