#include <algorithm>
#include <cstring>

#include "mace/ops/index/index_ops.h"

namespace mace::ops {

namespace {

Status InferGatherNd(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  const Shape& data = context.input(0).shape;
  const Shape& indices = context.input(1).shape;
  const int64_t batch_dims = context.attributes<GatherNdAttributes>().batch_dims;
  if (batch_dims < 0 || batch_dims >= std::max(1, std::min(data.rank, indices.rank)) || indices.rank < 1) {
    return InvalidArgument("%lld batch dimensions of data %s and indices %s",
                           static_cast<long long>(batch_dims), ShapeText(data).text, ShapeText(indices).text);
  }
  const int last = indices.rank - 1;
  Shape shape;
  for (int i = 0; i < last; ++i) {
    shape.Push(indices[i]);
    if (i < batch_dims && !MergeDim(indices[i], data[i], &shape[i])) {
      return InvalidArgument("data %s and indices %s differ on batch dimension %d", ShapeText(data).text,
                             ShapeText(indices).text, i);
    }
  }
  const int64_t depth = indices[last];
  if (depth < 0) {
    context.SetOutput(0, context.input(0).dtype, Shape::OfUnknownRank());
    return Status::Ok();
  }
  if (depth > data.rank - batch_dims) {
    return InvalidArgument("rows of %lld indices into data %s", static_cast<long long>(depth),
                           ShapeText(data).text);
  }
  for (int i = static_cast<int>(batch_dims + depth); i < data.rank; ++i) {
    if (!shape.Push(data[i])) return Unsupported("the result has a rank above %d", kMaxRank);
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceGatherNd(const ReferenceContext& context) {
  const TensorView& data = context.inputs[0];
  const TensorView& output = context.outputs[0];
  if (output.elements() == 0) return Status::Ok();
  const auto batch_dims = static_cast<int>(context.attributes<GatherNdAttributes>().batch_dims);
  const BlockPlaces places(context.inputs[1], data.shape, batch_dims);
  const int64_t batches = data.shape.Product(0, batch_dims);
  const int64_t batch_elements = data.shape.Product(batch_dims, data.shape.rank);
  const int64_t rows = places.rows / batches;  // of one batch entry; the output has elements: not 0
  const int64_t bytes = places.block * BytesOf(data.dtype);
  auto* y = static_cast<uint8_t*>(output.data);
  for (int64_t row = 0; row < places.rows; ++row, y += bytes) {
    int64_t offset = 0;
    MACE_RETURN_IF_ERROR(places.Offset(row, &offset));
    offset += row / rows * batch_elements;
    std::memcpy(y, data.as<uint8_t>() + offset * BytesOf(data.dtype), static_cast<size_t>(bytes));
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kGatherNdDefinition = {
    .name = "GatherNd",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<GatherNdAttributes>(),
    .infer = InferGatherNd,
    .reference = ReferenceGatherNd,
};

}  // namespace mace::ops
