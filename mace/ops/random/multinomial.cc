#include "mace/ops/random/multinomial.h"

#include <algorithm>
#include <cmath>

#include "mace/ops/common.h"
#include "mace/ops/random/philox.h"

namespace mace::ops {

namespace {

Status InferMultinomial(InferContext& context) {
  const auto& attributes = context.attributes<MultinomialAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 2));
  if (attributes.to != DType::kI32 && attributes.to != DType::kI64) {
    return Unsupported("classes as %s, expected i32 or i64", NameOf(attributes.to));
  }
  if (attributes.samples < 0) {
    return InvalidArgument("%lld samples", static_cast<long long>(attributes.samples));
  }
  const Shape& x = context.input(0).shape;
  if (x[1] == 0 || (attributes.to == DType::kI32 && x[1] > INT32_MAX)) {
    return InvalidArgument("x has the shape %s", ShapeText(x).text);
  }
  context.SetOutput(0, attributes.to, {x[0], attributes.samples});
  return Status::Ok();
}

template <typename T>
Status DrawAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<MultinomialAttributes>();
  TensorView y = context.outputs[0];
  if (y.elements() == 0) return Status::Ok();
  const int64_t rows = context.inputs[0].shape[0], classes = context.inputs[0].shape[1];
  MACE_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Allocate(static_cast<size_t>(classes) * sizeof(double)));
  auto* ends = reinterpret_cast<double*>(buffer.data());  // of the classes' parts of [0, total)
  const UniformNumbers uniform(KeyOfRun(attributes.is_seeded, attributes.seed));
  for (int64_t row = 0; row < rows; ++row) {
    const T* x = context.inputs[0].template as<T>() + row * classes;
    const auto highest = static_cast<double>(*std::max_element(x, x + classes));
    double total = 0;
    for (int64_t c = 0; c < classes; ++c) {
      ends[c] = total += std::exp(static_cast<double>(x[c]) - highest);
    }
    if (!std::isfinite(total)) {
      return InvalidArgument("row %lld holds no probabilities", static_cast<long long>(row));
    }
    for (int64_t sample = 0; sample < attributes.samples; ++sample) {
      const int64_t i = row * attributes.samples + sample;
      const double* end = std::upper_bound(ends, ends + classes, total * uniform(static_cast<uint64_t>(i)));
      const int64_t drawn = std::min<int64_t>(end - ends, classes - 1);
      if (y.dtype == DType::kI32) {
        y.as<int32_t>()[i] = static_cast<int32_t>(drawn);
      } else {
        y.as<int64_t>()[i] = drawn;
      }
    }
  }
  return Status::Ok();
}

Status ReferenceMultinomial(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return DrawAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kMultinomialDefinition = {
    .name = "Multinomial",
    .flags = kOpRandom,
    .attributes = AttributeInfoOf<MultinomialAttributes>(),
    .infer = InferMultinomial,
    .reference = ReferenceMultinomial,
};

}  // namespace mace::ops
