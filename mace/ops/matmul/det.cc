// Det: x [..., N, N] f32 or f64 -> the determinants [...]. Of no rows it is 1.
#include "mace/core/memory.h"
#include "mace/ops/matmul/elimination.h"

namespace mace::ops {

namespace {

Status InferDet(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectSquareMatrices(context));
  const Shape& x = context.input(0).shape;
  Shape shape;
  for (int i = 0; i < x.rank - 2; ++i) shape.Push(x[i]);
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

template <typename T>
Status DetAs(const ReferenceContext& context) {
  const Shape& shape = context.inputs[0].shape;
  const int64_t size = shape[shape.rank - 1];
  const int64_t matrices = context.outputs[0].elements();
  if (matrices == 0) return Status::Ok();
  MACE_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Allocate(static_cast<size_t>(size * size) * sizeof(double)));
  auto* matrix = reinterpret_cast<double*>(buffer.data());
  for (int64_t m = 0; m < matrices; ++m) {
    const T* x = context.inputs[0].template as<T>() + m * size * size;
    for (int64_t i = 0; i < size * size; ++i) matrix[i] = static_cast<double>(x[i]);
    context.outputs[0].template as<T>()[m] = static_cast<T>(Eliminate(matrix, size, size, /*whole=*/false));
  }
  return Status::Ok();
}

Status ReferenceDet(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return DetAs<decltype(zero)>(context); });
}

}  // namespace

extern const OpDefinition kDetDefinition;
constinit const OpDefinition kDetDefinition = {
    .name = "Det",
    .infer = InferDet,
    .reference = ReferenceDet,
};

}  // namespace mace::ops
