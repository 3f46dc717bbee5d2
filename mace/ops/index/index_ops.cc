#include "mace/ops/index/index_ops.h"

#include "mace/ops/broadcast.h"

namespace mace::ops {

Status CheckElementIndices(const InferContext& context, int64_t listed_axis, int* axis) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  const Shape& data = context.input(0).shape;
  const Shape& indices = context.input(1).shape;
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, data.rank));
  MACE_RETURN_IF_ERROR(ResolveAxis(listed_axis, data.rank, axis));
  for (int i = 0; i < data.rank; ++i) {
    if (i != *axis && data[i] >= 0 && indices[i] > data[i]) {
      return InvalidArgument("indices %s go beyond the data %s on axis %d", ShapeText(indices).text,
                             ShapeText(data).text, i);
    }
  }
  return Status::Ok();
}

BlockPlaces::BlockPlaces(const TensorView& indices_view, const Shape& data, int first_axis)
    : indices(indices_view) {
  const int last = indices.shape.rank - 1;
  depth = indices.shape[last];
  rows = indices.shape.Product(0, last);
  const int end = first_axis + static_cast<int>(depth);
  block = data.Product(end, data.rank);
  int64_t all[kMaxRank];
  ContiguousStrides(data, all);
  for (int i = 0; i < depth; ++i) {
    dims[i] = data[first_axis + i];
    strides[i] = all[first_axis + i];
  }
}

Status BlockPlaces::Offset(int64_t row, int64_t* offset) const {
  *offset = 0;
  for (int64_t i = 0; i < depth; ++i) {
    int64_t index = 0;
    MACE_RETURN_IF_ERROR(ResolveIndex(ReadInt(indices, row * depth + i), dims[i], &index));
    *offset += index * strides[i];
  }
  return Status::Ok();
}

}  // namespace mace::ops
