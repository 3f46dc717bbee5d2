#include "mace/ops/norm/local_response_normalization.h"

#include <algorithm>
#include <cmath>

#include "mace/ops/common.h"

namespace mace::ops {

namespace {

using Attributes = LocalResponseNormalizationAttributes;

Status InferLocalResponseNormalization(InferContext& context) {
  const auto& attributes = context.attributes<Attributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  if (attributes.size < 1) return InvalidArgument("size is %lld", static_cast<long long>(attributes.size));
  const TensorType& x = context.input(0);
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, x.shape.rank, &axis));
  context.SetOutput(0, x.dtype, x.shape);
  return Status::Ok();
}

template <typename T>
Status NormalizeAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<Attributes>();
  const Shape& shape = context.inputs[0].shape;
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, shape.rank, &axis));
  if (shape.ElementCount() == 0) return Status::Ok();
  const int64_t outer = shape.Product(0, axis), inner = shape.Product(axis + 1, shape.rank);
  const int64_t channels = shape[axis];
  // A window longer than the axis is no other than one that reaches both of its ends.
  const int64_t before = std::min((attributes.size - 1) / 2, channels);
  const int64_t behind = std::min(attributes.size - 1 - (attributes.size - 1) / 2, channels);
  const double factor = static_cast<double>(attributes.alpha) / static_cast<double>(attributes.size);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const T* x = context.inputs[0].template as<T>() + o * channels * inner + i;
      T* y = context.outputs[0].template as<T>() + o * channels * inner + i;
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t end = std::min(c + behind + 1, channels);
        double sum = 0;
        for (int64_t k = std::max<int64_t>(c - before, 0); k < end; ++k) {
          sum += static_cast<double>(x[k * inner]) * static_cast<double>(x[k * inner]);
        }
        const double divisor = std::pow(static_cast<double>(attributes.bias) + factor * sum,
                                        static_cast<double>(attributes.beta));
        y[c * inner] = static_cast<T>(static_cast<double>(x[c * inner]) / divisor);
      }
    }
  }
  return Status::Ok();
}

Status ReferenceLocalResponseNormalization(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return NormalizeAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kLocalResponseNormalizationDefinition = {
    .name = "LocalResponseNormalization",
    .attributes = AttributeInfoOf<Attributes>(),
    .infer = InferLocalResponseNormalization,
    .reference = ReferenceLocalResponseNormalization,
};

}  // namespace mace::ops
