#include "mace/ops/broadcast.h"

#include "mace/core/broadcast.h"

namespace mace::ops {

Status BroadcastShapes(const Shape& a, const Shape& b, Shape* result) {
  if (BroadcastTogether(a, b, result)) return Status::Ok();
  return InvalidArgument("the shapes %s and %s cannot be broadcast to one", ShapeText(a).text,
                         ShapeText(b).text);
}

void ContiguousStrides(const Shape& shape, int64_t strides[kMaxRank]) {
  int64_t stride = 1;
  for (int axis = shape.rank - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    // Of an empty tensor no element is ever read; the product of its other dimensions need not fit.
    if (__builtin_mul_overflow(stride, shape[axis], &stride)) stride = 0;
  }
}

void BroadcastStrides(const Shape& input, const Shape& output, int64_t strides[kMaxRank]) {
  int64_t own[kMaxRank];
  ContiguousStrides(input, own);
  for (int axis = 0; axis < output.rank; ++axis) {
    const int source = axis - (output.rank - input.rank);
    strides[axis] = source >= 0 && input[source] != 1 ? own[source] : 0;
  }
}

}  // namespace mace::ops
