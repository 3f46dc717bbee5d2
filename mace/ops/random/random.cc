#include "mace/ops/random/random.h"

#include <cmath>

#include "mace/ops/common.h"

namespace mace::ops {

namespace {

Status InferRandom(InferContext& context) {
  const auto& attributes = context.attributes<RandomAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kI64, DType::kI32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 1));
  if (attributes.to != DType::kF32 && attributes.to != DType::kF64) {
    return Unsupported("random numbers of %s", NameOf(attributes.to));
  }
  if (attributes.generator == RandomGenerator::kTensorFlow && attributes.to != DType::kF32) {
    return Unsupported("TensorFlow's random numbers as %s, expected f32", NameOf(attributes.to));
  }
  MACE_RETURN_IF_ERROR(InferBlocks(context, 1, 1));
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

template <typename T>
Status RandomAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<RandomAttributes>();
  const RandomSequence numbers(attributes.generator, KeyOfRun(attributes.is_seeded, attributes.seed),
                               static_cast<uint64_t>(attributes.stream), FirstBlock(context, 1));
  const double first = static_cast<double>(attributes.first), second = static_cast<double>(attributes.second);
  const int64_t count = context.outputs[0].elements();
  if (context.has_output(1)) {
    *context.outputs[1].template as<int64_t>() =
        static_cast<int64_t>(numbers.BlockBehind(static_cast<uint64_t>(count)));
  }
  if (!context.has_output(0)) return Status::Ok();
  T* y = context.outputs[0].template as<T>();
  for (int64_t i = 0; i < count; ++i) {
    const auto place = static_cast<uint64_t>(i);
    if (attributes.kind == RandomKind::kNormal) {
      y[i] = static_cast<T>(first + second * numbers.Normal(place));
      continue;
    }
    y[i] = static_cast<T>(first + (second - first) * numbers.Element(place));
    // Rounding may reach the end, which is outside.
    if (first < second && static_cast<double>(y[i]) >= second) {
      y[i] = std::nextafter(static_cast<T>(second), static_cast<T>(first));
    }
  }
  return Status::Ok();
}

Status ReferenceRandom(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.attributes<RandomAttributes>().to,
                                      [&](auto zero) { return RandomAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kRandomDefinition = {
    .name = "Random",
    .min_inputs = 1,
    .max_inputs = 2,
    .max_outputs = 2,
    .flags = kOpRandom,
    .content_inputs = ContentInputs({0}),
    .attributes = AttributeInfoOf<RandomAttributes>(),
    .infer = InferRandom,
    .reference = ReferenceRandom,
};

}  // namespace mace::ops
