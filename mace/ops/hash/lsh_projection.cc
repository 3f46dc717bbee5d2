#include "mace/ops/hash/lsh_projection.h"

#include <bit>

#include "mace/ops/common.h"
#include "mace/ops/hash/farm_fingerprint.h"

namespace mace::ops {
namespace {

constexpr int64_t kMaxBits = 32;

enum Input { kSeeds = 0, kX = 1, kWeights = 2 };

Status InferLshProjection(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, kSeeds, {DType::kF32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, kSeeds, 2));
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, kX));
  const Shape& seeds = context.input(kSeeds).shape;
  const Shape& x = context.input(kX).shape;
  if (seeds[1] > kMaxBits) {
    return InvalidArgument("signatures of %lld bits, expected 32 at most", static_cast<long long>(seeds[1]));
  }
  if (x.rank < 1) return InvalidArgument("x is a scalar, expected rank 1 at least");
  if (context.has_input(kWeights)) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, kWeights, {DType::kF32}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, kWeights, 1));
    int64_t items = 0;
    if (!MergeDim(context.input(kWeights).shape[0], x[0], &items)) {
      return InvalidArgument("%lld weights for %lld items",
                             static_cast<long long>(context.input(kWeights).shape[0]),
                             static_cast<long long>(x[0]));
    }
  }
  int64_t elements = seeds[0];
  if (!context.attributes<LshProjectionAttributes>().is_sparse) {
    MACE_RETURN_IF_ERROR(MultiplyDims(seeds[0], seeds[1], &elements));
  }
  context.SetOutput(0, DType::kI32, {elements});
  return Status::Ok();
}

// `weights` may be null.
bool BitOf(float seed, const TensorView& x, const float* weights) {
  const int64_t items = x.shape[0];
  const size_t item_bytes = items == 0 ? 0 : static_cast<size_t>(x.bytes() / items);
  double sum = 0;
  for (int64_t i = 0; i < items; ++i) {
    const std::span item(x.as<uint8_t>() + static_cast<size_t>(i) * item_bytes, item_bytes);
    const uint64_t hash = FarmFingerprint(SeededBytes(std::bit_cast<uint32_t>(seed), item));
    const auto number = static_cast<double>(static_cast<int64_t>(hash));
    sum += weights == nullptr ? number : static_cast<double>(weights[i]) * number;
  }
  return sum > 0;
}

Status ReferenceLshProjection(const ReferenceContext& context) {
  const TensorView& seeds = context.inputs[kSeeds];
  const TensorView& x = context.inputs[kX];
  const float* weights = context.has_input(kWeights) ? context.inputs[kWeights].as<float>() : nullptr;
  const bool is_sparse = context.attributes<LshProjectionAttributes>().is_sparse;
  auto* y = context.outputs[0].as<int32_t>();
  const int64_t bits = seeds.shape[1];
  if (context.outputs[0].elements() == 0) return Status::Ok();
  for (int64_t h = 0; h < seeds.shape[0]; ++h) {
    uint64_t signature = 0;
    for (int64_t b = 0; b < bits; ++b) {
      const bool bit = BitOf(seeds.as<float>()[h * bits + b], x, weights);
      if (!is_sparse) y[h * bits + b] = bit ? 1 : 0;
      signature = signature << 1 | (bit ? 1 : 0);
    }
    // Signatures of different seeds get ranges of their own, as far as 32 bits have room for them.
    if (is_sparse) {
      y[h] = static_cast<int32_t>(static_cast<uint32_t>(signature + (static_cast<uint64_t>(h) << bits)));
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kLshProjectionDefinition = {
    .name = "LshProjection",
    .min_inputs = 2,
    .max_inputs = 3,
    .flags = kOpNarrowFloats,
    .attributes = AttributeInfoOf<LshProjectionAttributes>(),
    .infer = InferLshProjection,
    .reference = ReferenceLshProjection,
};

}  // namespace mace::ops
