// Inverse: x [..., N, N] f32 or f64 -> the inverse matrices. A singular one is an error.
#include "mace/core/memory.h"
#include "mace/ops/matmul/elimination.h"

namespace mace::ops {

namespace {

Status InferInverse(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectSquareMatrices(context));
  context.SetOutput(0, context.input(0).dtype, context.input(0).shape);
  return Status::Ok();
}

template <typename T>
Status InverseAs(const ReferenceContext& context) {
  const Shape& shape = context.inputs[0].shape;
  if (shape.ElementCount() == 0) return Status::Ok();
  const int64_t size = shape[shape.rank - 1], columns = 2 * size;
  const int64_t matrices = shape.Product(0, shape.rank - 2);
  // The matrix with the identity to its right.
  MACE_ASSIGN_OR_RETURN(Buffer buffer,
                        Buffer::Allocate(static_cast<size_t>(size * columns) * sizeof(double)));
  auto* matrix = reinterpret_cast<double*>(buffer.data());
  for (int64_t m = 0; m < matrices; ++m) {
    const T* x = context.inputs[0].template as<T>() + m * size * size;
    T* y = context.outputs[0].template as<T>() + m * size * size;
    for (int64_t i = 0; i < size; ++i) {
      for (int64_t j = 0; j < size; ++j) {
        matrix[i * columns + j] = static_cast<double>(x[i * size + j]);
        matrix[i * columns + size + j] = i == j ? 1 : 0;
      }
    }
    if (Eliminate(matrix, size, columns, /*whole=*/true) == 0) {
      return InvalidArgument("matrix %lld is singular", static_cast<long long>(m));
    }
    for (int64_t i = 0; i < size; ++i) {
      for (int64_t j = 0; j < size; ++j) y[i * size + j] = static_cast<T>(matrix[i * columns + size + j]);
    }
  }
  return Status::Ok();
}

Status ReferenceInverse(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return InverseAs<decltype(zero)>(context); });
}

}  // namespace

extern const OpDefinition kInverseDefinition;
constinit const OpDefinition kInverseDefinition = {
    .name = "Inverse",
    .infer = InferInverse,
    .reference = ReferenceInverse,
};

}  // namespace mace::ops
