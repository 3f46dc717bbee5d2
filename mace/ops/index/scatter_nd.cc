#include <cstring>

#include "mace/ops/index/index_ops.h"
#include "mace/ops/index/scatter_reduction.h"

namespace mace::ops {

namespace {

// updates: the shape of indices without its last dimension, then the rest of the data's.
Status CheckUpdates(const Shape& data, const Shape& indices, const Shape& updates) {
  const int last = indices.rank - 1;
  const int64_t depth = indices[last];
  if (depth < 0) return Status::Ok();
  if (depth > data.rank) {
    return InvalidArgument("rows of %lld indices into data %s", static_cast<long long>(depth),
                           ShapeText(data).text);
  }
  const int rest = data.rank - static_cast<int>(depth);
  bool fits = updates.rank == last + rest;
  int64_t merged = 0;
  for (int i = 0; i < last && fits; ++i) fits = MergeDim(updates[i], indices[i], &merged);
  for (int i = 0; i < rest && fits; ++i) {
    fits = MergeDim(updates[last + i], data[static_cast<int>(depth) + i], &merged);
  }
  if (fits) return Status::Ok();
  return InvalidArgument("updates %s for indices %s into data %s", ShapeText(updates).text,
                         ShapeText(indices).text, ShapeText(data).text);
}

Status InferScatterNd(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, 2, 0));
  const Shape& data = context.input(0).shape;
  if (context.input(1).shape.rank < 1) return InvalidArgument("the indices are a scalar");
  MACE_RETURN_IF_ERROR(CheckUpdates(data, context.input(1).shape, context.input(2).shape));
  context.SetOutput(0, context.input(0).dtype, data);
  return Status::Ok();
}

template <typename Rule>
Status ScatterBlocks(const ReferenceContext& context) {
  using Stored = typename Rule::Stored;
  const ScatterReduction reduction = context.attributes<ScatterNdAttributes>().reduction;
  const BlockPlaces places(context.inputs[1], context.inputs[0].shape, 0);
  const auto* updates = context.inputs[2].as<Stored>();
  for (int64_t row = 0; row < places.rows; ++row, updates += places.block) {
    int64_t offset = 0;
    MACE_RETURN_IF_ERROR(places.Offset(row, &offset));
    Stored* target = context.outputs[0].as<Stored>() + offset;
    if (reduction == ScatterReduction::kNone) {
      std::memcpy(target, updates, static_cast<size_t>(places.block) * sizeof(Stored));
    } else {
      for (int64_t i = 0; i < places.block; ++i) Rule::Join(reduction, target + i, updates[i]);
    }
  }
  return Status::Ok();
}

Status ReferenceScatterNd(const ReferenceContext& context) {
  const TensorView& data = context.inputs[0];
  if (data.elements() > 0) std::memcpy(context.outputs[0].data, data.data, static_cast<size_t>(data.bytes()));
  if (context.inputs[2].elements() == 0) return Status::Ok();
  return DispatchReduction(data.dtype, context.attributes<ScatterNdAttributes>().reduction,
                           [&](auto rule) { return ScatterBlocks<decltype(rule)>(context); });
}

}  // namespace

constinit const OpDefinition kScatterNdDefinition = {
    .name = "ScatterNd",
    .min_inputs = 3,
    .max_inputs = 3,
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<ScatterNdAttributes>(),
    .infer = InferScatterNd,
    .reference = ReferenceScatterNd,
};

}  // namespace mace::ops
