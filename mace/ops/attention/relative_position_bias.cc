#include "mace/ops/attention/relative_position_bias.h"

#include <algorithm>
#include <cmath>

#include "mace/ops/common.h"

namespace mace::ops {

namespace {

// The size that input `i` gives, unknown where its element is.
Status SizeFrom(const InferContext& context, int i, int64_t* size) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, i, {DType::kI64, DType::kI32}));
  const int64_t count = context.input(i).shape.ElementCount();
  if (count >= 0 && count != 1) return InvalidArgument("input %d is not one number", i);
  *size = kUnknownDim;
  IntList list;
  if (!context.KnownInts(i, &list)) return Status::Ok();
  if (list.size() != 1 || list[0] < 0) return InvalidArgument("input %d is no size", i);
  *size = list[0];
  return Status::Ok();
}

Status InferRelativePositionBias(InferContext& context) {
  const auto& attributes = context.attributes<RelativePositionBiasAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 2));
  const Shape& table = context.input(0).shape;
  const int64_t least = attributes.bidirectional ? 4 : 2;  // of each direction one near and one far entry
  if (table[0] >= 0 && table[0] < least) return InvalidArgument("a table %s", ShapeText(table).text);
  if (attributes.max_distance < 1) return InvalidArgument("a distance below 1");
  int64_t queries = 0, keys = 0;
  MACE_RETURN_IF_ERROR(SizeFrom(context, 1, &queries));
  MACE_RETURN_IF_ERROR(SizeFrom(context, 2, &keys));
  context.SetOutput(0, context.input(0).dtype, {1, table[1], queries, keys});
  return Status::Ok();
}

// The entry of `entries` for a key `distance` in front of the query. Logarithms in float, as everybody has.
int64_t EntryOf(const RelativePositionBiasAttributes& attributes, int64_t entries, int64_t distance) {
  int64_t base = 0;
  if (attributes.bidirectional) {
    entries /= 2;
    if (distance < 0) base = entries;
    distance = std::abs(distance);
  } else {
    distance = std::max<int64_t>(distance, 0);
  }
  const int64_t exact = entries / 2;
  if (distance < exact) return base + distance;
  const float steps = std::log(static_cast<float>(distance) / static_cast<float>(exact)) /
                      std::log(static_cast<float>(attributes.max_distance) / static_cast<float>(exact)) *
                      static_cast<float>(entries - exact);
  if (!(steps >= 0 && steps < static_cast<float>(entries - exact))) return base + entries - 1;
  return base + std::min(exact + static_cast<int64_t>(steps), entries - 1);
}

template <typename T>
Status Fill(const ReferenceContext& context) {
  const auto& attributes = context.attributes<RelativePositionBiasAttributes>();
  const TensorView& output = context.outputs[0];
  if (output.elements() == 0) return Status::Ok();
  const int64_t heads = output.shape[1], queries = output.shape[2], keys = output.shape[3];
  const int64_t entries = context.inputs[0].shape[0];
  const T* table = context.inputs[0].as<T>();
  T* y = context.outputs[0].as<T>();
  for (int64_t head = 0; head < heads; ++head) {
    for (int64_t q = 0; q < queries; ++q) {
      for (int64_t k = 0; k < keys; ++k) *y++ = table[EntryOf(attributes, entries, q - k) * heads + head];
    }
  }
  return Status::Ok();
}

Status ReferenceRelativePositionBias(const ReferenceContext& context) {
  return context.outputs[0].dtype == DType::kF64 ? Fill<double>(context) : Fill<float>(context);
}

}  // namespace

constinit const OpDefinition kRelativePositionBiasDefinition = {
    .name = "RelativePositionBias",
    .min_inputs = 3,
    .max_inputs = 3,
    .content_inputs = ContentInputs({1, 2}),
    .attributes = AttributeInfoOf<RelativePositionBiasAttributes>(),
    .infer = InferRelativePositionBias,
    .reference = ReferenceRelativePositionBias,
};

}  // namespace mace::ops
