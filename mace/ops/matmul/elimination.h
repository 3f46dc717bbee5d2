// Gaussian elimination with partial pivoting, in double: what Det and Inverse share.
#ifndef MACE_OPS_MATMUL_ELIMINATION_H_
#define MACE_OPS_MATMUL_ELIMINATION_H_

#include <cmath>
#include <utility>

#include "mace/ops/common.h"

namespace mace::ops {

// x [..., N, N] of f32 or f64.
inline Status ExpectSquareMatrices(const InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  const Shape& x = context.input(0).shape;
  int64_t size = 0;
  if (x.rank < 2 || !MergeDim(x[x.rank - 2], x[x.rank - 1], &size)) {
    return InvalidArgument("x has the shape %s, expected square matrices", ShapeText(x).text);
  }
  return Status::Ok();
}

// Brings the first `size` columns of `matrix` [size, columns] to the identity (`whole`) or to an upper
// triangle, and returns the determinant of what they were. A pivot of 0 ends it: the matrix is singular.
inline double Eliminate(double* matrix, int64_t size, int64_t columns, bool whole) {
  double determinant = 1;
  for (int64_t k = 0; k < size; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < size; ++i) {
      if (std::fabs(matrix[i * columns + k]) > std::fabs(matrix[pivot * columns + k])) pivot = i;
    }
    const double divisor = matrix[pivot * columns + k];
    determinant *= pivot == k ? divisor : -divisor;
    if (divisor == 0) return determinant;
    for (int64_t j = 0; j < columns && pivot != k; ++j) {
      std::swap(matrix[k * columns + j], matrix[pivot * columns + j]);
    }
    if (whole) {
      for (int64_t j = k; j < columns; ++j) matrix[k * columns + j] /= divisor;
    }
    for (int64_t i = whole ? 0 : k + 1; i < size; ++i) {
      if (i == k) continue;
      const double factor = matrix[i * columns + k] / matrix[k * columns + k];
      for (int64_t j = k; j < columns; ++j) matrix[i * columns + j] -= factor * matrix[k * columns + j];
    }
  }
  return determinant;
}

}  // namespace mace::ops

#endif  // MACE_OPS_MATMUL_ELIMINATION_H_
