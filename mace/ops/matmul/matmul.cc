#include "mace/ops/matmul/matmul.h"

#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"
#include "mace/ops/quantize/output_scale.h"

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

// b may have a scale for each column.
Status CheckScales(const InferContext& context, const Quantization& scales) {
  const auto& attributes = context.attributes<MatMulAttributes>();
  const Shape& b = context.input(1).shape;
  const int axis = b.rank - (attributes.transpose_b ? 2 : 1);
  if (scales.scales.size() == 1 ||
      (b.rank >= 2 && scales.axis == axis && b[axis] == static_cast<int64_t>(scales.scales.size()))) {
    return Status::Ok();
  }
  return InvalidArgument("%zu scales on axis %d of %s, expected one, or one for each column",
                         scales.scales.size(), scales.axis, ShapeText(b).text);
}

// Sets the element type of the result.
Status CheckTypes(const InferContext& context, DType* result) {
  const DType a = context.input(0).dtype, b = context.input(1).dtype;
  *result = a;
  if (context.input_quantization(0) == nullptr) {
    MACE_RETURN_IF_ERROR(ExpectDType(
        context, 0, {DType::kF32, DType::kF64, DType::kI32, DType::kU32, DType::kI64, DType::kU64}));
    return ExpectSameDType(context, 1, 0);
  }
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kI8, DType::kU8, DType::kI16}));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI8, DType::kU8, DType::kI16}));
  const DType declared = context.declared_output_dtype(0);
  if (declared == DType::kI8 || declared == DType::kU8 || declared == DType::kI16) *result = declared;
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), a, 1, "a"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(1), b, 0, "b"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), *result, 1, "y"));
  return CheckScales(context, *context.input_quantization(1));
}

Status InferMatMul(InferContext& context) {
  const auto& attributes = context.attributes<MatMulAttributes>();
  DType dtype = DType::kInvalid;
  MACE_RETURN_IF_ERROR(CheckTypes(context, &dtype));
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
  context.SetOutput(0, dtype, shape);
  return Status::Ok();
}

// Calls store(element, column, sum) for every element of the result. `right_zero(column)` is taken from the
// elements of b, `left_zero` from those of a.
template <typename Left, typename Right, typename Sum, typename RightZero, typename Store>
Status MultiplyAll(const ReferenceContext& context, Sum left_zero, const RightZero& right_zero,
                   const Store& store) {
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
  int64_t element = 0;
  for (StridedWalk<2> walk(batch, {a_batches, b_batches}); !walk.done(); walk.Next()) {
    const Left* left = context.inputs[0].template as<Left>() + walk.offset(0) * a.rows * depth;
    const Right* right = context.inputs[1].template as<Right>() + walk.offset(1) * depth * b.columns;
    for (int64_t m = 0; m < a.rows; ++m) {
      for (int64_t n = 0; n < b.columns; ++n) {
        Sum sum = 0;
        for (int64_t k = 0; k < depth; ++k) {
          sum += (static_cast<Sum>(left[m * a_row + k * a_column]) - left_zero) *
                 (static_cast<Sum>(right[k * b_row + n * b_column]) - right_zero(n));
        }
        store(element++, n, sum);
      }
    }
  }
  return Status::Ok();
}

// Sums of floats are taken in double, of integers modulo 2^64.
template <typename T, typename Sum>
Status MultiplyPlain(const ReferenceContext& context) {
  T* y = context.outputs[0].template as<T>();
  return MultiplyAll<T, T>(
      context, Sum{0}, [](int64_t) { return Sum{0}; },
      [&](int64_t i, int64_t, Sum sum) { y[i] = static_cast<T>(sum); });
}

template <typename Left, typename Right>
Status MultiplyQuantized(const ReferenceContext& context) {
  const Quantization& a = *context.input_quantization(0);
  const Quantization& b = *context.input_quantization(1);
  const Quantization& y = *context.output_quantization(0);
  const Rounding rounding = context.attributes<MatMulAttributes>().rounding;
  const bool wide = sizeof(Left) == 2;
  const auto entry = [&](int64_t column) {
    return b.scales.size() == 1 ? size_t{0} : static_cast<size_t>(column);
  };
  TensorView output = context.outputs[0];
  const IntegerRange range = RangeOf(output.dtype);
  return MultiplyAll<Left, Right>(
      context, int64_t{a.zero_points[0]},
      [&](int64_t column) { return int64_t{b.zero_points[entry(column)]}; },
      [&](int64_t i, int64_t column, int64_t sum) {
        const float scale = b.scales[entry(column)];
        const OutputScale to_output(rounding, TfliteMultiplier(a.scales[0], scale, y.scales[0], true),
                                    a.scales[0] * scale / y.scales[0], wide);
        StoreInteger(output.data, output.dtype, i,
                     AddZeroPointAndClamp(to_output.Apply(sum), y.zero_points[0], range));
      });
}

Status ReferenceMatMul(const ReferenceContext& context) {
  switch (context.inputs[0].dtype) {
    case DType::kF32:
      return MultiplyPlain<float, double>(context);
    case DType::kF64:
      return MultiplyPlain<double, double>(context);
    case DType::kI32:
      return MultiplyPlain<int32_t, uint64_t>(context);
    case DType::kU32:
      return MultiplyPlain<uint32_t, uint64_t>(context);
    case DType::kI64:
      return MultiplyPlain<int64_t, uint64_t>(context);
    case DType::kU64:
      return MultiplyPlain<uint64_t, uint64_t>(context);
    default:
      return DispatchDType<int8_t, uint8_t, int16_t>(context.inputs[0].dtype, [&](auto left) {
        return DispatchDType<int8_t, uint8_t, int16_t>(context.inputs[1].dtype, [&](auto right) {
          return MultiplyQuantized<decltype(left), decltype(right)>(context);
        });
      });
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
