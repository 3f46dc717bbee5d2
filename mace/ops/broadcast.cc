#include "mace/ops/broadcast.h"

#include <algorithm>

namespace mace::ops {

namespace {

bool BroadcastDim(int64_t a, int64_t b, int64_t* result) {
  if (a == b || b == 1) {
    *result = a;
  } else if (a == 1) {
    *result = b;
  } else if (a >= 0 && b >= 0) {
    return false;
  } else {
    *result = a >= 0 ? a : (b >= 0 ? b : kUnknownDim);
  }
  return true;
}

}  // namespace

Status BroadcastShapes(const Shape& a, const Shape& b, Shape* result) {
  Shape merged;
  merged.rank = std::max(a.rank, b.rank);
  for (int i = 1; i <= merged.rank; ++i) {
    const int64_t a_dim = i <= a.rank ? a[a.rank - i] : 1;
    const int64_t b_dim = i <= b.rank ? b[b.rank - i] : 1;
    if (!BroadcastDim(a_dim, b_dim, &merged[merged.rank - i])) {
      return InvalidArgument("the shapes %s and %s cannot be broadcast to one", ShapeText(a).text,
                             ShapeText(b).text);
    }
  }
  *result = merged;
  return Status::Ok();
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
