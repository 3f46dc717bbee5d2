#include "mace/ops/matmul/matmul.h"

#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"

namespace mace::ops {

namespace {

// A matrix operand without its rank-1 special case: the leading dimensions, rows and columns as stored.
struct Matrix {
  Shape batch;
  int64_t rows = 1;
  int64_t columns = 1;
  bool was_vector = false;
};

// a as [..., M, K], b as [..., K, N] after transposition; a vector is one row (a) or one column (b).
Status MakeMatrix(const Shape& shape, bool transpose, bool is_left, Matrix* matrix) {
  if (shape.rank < 1) return InvalidArgument("an operand is a scalar");
  if (shape.rank == 1) {
    if (transpose) return InvalidArgument("a vector cannot be transposed");
    matrix->was_vector = true;
    (is_left ? matrix->columns : matrix->rows) = shape[0];
    return Status::Ok();
  }
  for (int i = 0; i < shape.rank - 2; ++i) matrix->batch.Push(shape[i]);
  matrix->rows = shape[shape.rank - (transpose ? 1 : 2)];
  matrix->columns = shape[shape.rank - (transpose ? 2 : 1)];
  return Status::Ok();
}

Status InferMatMul(InferContext& context) {
  const auto& attributes = context.attributes<MatMulAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kI32, DType::kI64}));
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, 1, 0));
  Matrix a, b;
  MACE_RETURN_IF_ERROR(MakeMatrix(context.input(0).shape, attributes.transpose_a, true, &a));
  MACE_RETURN_IF_ERROR(MakeMatrix(context.input(1).shape, attributes.transpose_b, false, &b));
  int64_t depth = 0;
  if (!MergeDim(a.columns, b.rows, &depth)) {
    return InvalidArgument("the shapes %s and %s do not multiply", ShapeText(context.input(0).shape).text,
                           ShapeText(context.input(1).shape).text);
  }
  Shape shape;
  MACE_RETURN_IF_ERROR(BroadcastShapes(a.batch, b.batch, &shape));
  if (!a.was_vector) shape.Push(a.rows);
  if (!b.was_vector) shape.Push(b.columns);
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// Sums of f32 are taken in double, of integers modulo 2^64.
template <typename T, typename Sum>
Status Multiply(const ReferenceContext& context) {
  const auto& attributes = context.attributes<MatMulAttributes>();
  Matrix a, b;
  MACE_RETURN_IF_ERROR(MakeMatrix(context.inputs[0].shape, attributes.transpose_a, true, &a));
  MACE_RETURN_IF_ERROR(MakeMatrix(context.inputs[1].shape, attributes.transpose_b, false, &b));
  if (context.outputs[0].elements() == 0) return Status::Ok();
  Shape batch;
  MACE_RETURN_IF_ERROR(BroadcastShapes(a.batch, b.batch, &batch));
  int64_t a_batches[kMaxRank], b_batches[kMaxRank];
  BroadcastStrides(a.batch, batch, a_batches);
  BroadcastStrides(b.batch, batch, b_batches);
  const int64_t depth = a.columns;
  const int64_t a_row = attributes.transpose_a ? 1 : depth, a_column = attributes.transpose_a ? a.rows : 1;
  const int64_t b_row = attributes.transpose_b ? 1 : b.columns, b_column = attributes.transpose_b ? depth : 1;
  T* y = context.outputs[0].template as<T>();
  for (StridedWalk<2> walk(batch, {a_batches, b_batches}); !walk.done(); walk.Next()) {
    const T* left = context.inputs[0].template as<T>() + walk.offset(0) * a.rows * depth;
    const T* right = context.inputs[1].template as<T>() + walk.offset(1) * depth * b.columns;
    for (int64_t m = 0; m < a.rows; ++m) {
      for (int64_t n = 0; n < b.columns; ++n) {
        Sum sum = 0;
        for (int64_t k = 0; k < depth; ++k) {
          sum += static_cast<Sum>(left[m * a_row + k * a_column]) *
                 static_cast<Sum>(right[k * b_row + n * b_column]);
        }
        *y++ = static_cast<T>(sum);
      }
    }
  }
  return Status::Ok();
}

Status ReferenceMatMul(const ReferenceContext& context) {
  switch (context.inputs[0].dtype) {
    case DType::kF32:
      return Multiply<float, double>(context);
    case DType::kI32:
      return Multiply<int32_t, uint64_t>(context);
    default:
      return Multiply<int64_t, uint64_t>(context);
  }
}

}  // namespace

constinit const OpDefinition kMatMulDefinition = {
    .name = "MatMul",
    .min_inputs = 2,
    .max_inputs = 2,
    .attributes = AttributeInfoOf<MatMulAttributes>(),
    .infer = InferMatMul,
    .reference = ReferenceMatMul,
};

}  // namespace mace::ops
