#include "mace/ops/norm/l2_normalization.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "mace/ops/number_types.h"
#include "mace/ops/quantize/fixed_point_functions.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {
namespace {

constexpr double kShortest = 1e-6;
constexpr int kUnitBits = 7;  // the output's unit is 2^-7

Status InferL2Normalization(InferContext& context) {
  const DType dtype = context.input(0).dtype;
  if (context.input(0).shape.rank < 1) return InvalidArgument("x is a scalar");
  if (dtype == DType::kI8 || dtype == DType::kU8) {
    MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), dtype, 1, "input 0"));
    MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), dtype, 1, "output"));
    const Quantization& y = *context.output_quantization(0);
    if (y.scales[0] != 1.0f / (1 << kUnitBits) || y.zero_points[0] != (dtype == DType::kI8 ? 0 : 128)) {
      return Unsupported("an output of another scale than 1 / 128 around the middle");
    }
  } else {
    MACE_RETURN_IF_ERROR(ExpectComputedFloat(context, 0));
  }
  context.SetOutput(0, dtype, context.input(0).shape);
  return Status::Ok();
}

template <typename T>
void NormalizeRow(const T* x, T* y, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  const double length = std::max(std::sqrt(sum), kShortest);
  for (int64_t i = 0; i < count; ++i) y[i] = static_cast<T>(static_cast<double>(x[i]) / length);
}

template <typename T>
void NormalizeStoredRow(const T* x, T* y, int64_t count, int32_t x_zero, int32_t y_zero, IntegerRange range) {
  uint32_t sum = 0;  // wraps where a row has more than 2^15 elements, as it does there
  for (int64_t i = 0; i < count; ++i) {
    const int32_t distance = x[i] - x_zero;
    sum += static_cast<uint32_t>(distance * distance);
  }
  FixedPointMultiplier inverse = InverseSquareRootOf(static_cast<int32_t>(sum));
  // The factor 128 is in the elements of u8, in the exponent of i8: some are rounded to other integers.
  const int32_t factor = std::is_signed_v<T> ? 1 : 1 << kUnitBits;
  if (std::is_signed_v<T>) inverse.exponent += kUnitBits;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t units = MultiplyWithTwoRoundings((x[i] - x_zero) * factor, inverse);
    y[i] = static_cast<T>(AddZeroPointAndClamp(units, y_zero, range));
  }
}

Status ReferenceL2Normalization(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  if (x.elements() == 0) return Status::Ok();
  const int64_t columns = x.shape[x.shape.rank - 1];
  const int64_t rows = x.elements() / columns;
  if (IsFloat(x.dtype)) {
    return DispatchFloat(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      for (int64_t row = 0; row < rows; ++row) {
        NormalizeRow(x.as<T>() + row * columns, context.outputs[0].as<T>() + row * columns, columns);
      }
      return Status::Ok();
    });
  }
  const int32_t x_zero = context.input_quantization(0)->zero_points[0];
  const int32_t y_zero = context.output_quantization(0)->zero_points[0];
  return DispatchDType<int8_t, uint8_t>(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (int64_t row = 0; row < rows; ++row) {
      NormalizeStoredRow(x.as<T>() + row * columns, context.outputs[0].as<T>() + row * columns, columns,
                         x_zero, y_zero, RangeOf(x.dtype));
    }
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kL2NormalizationDefinition = {
    .name = "L2Normalization",
    .infer = InferL2Normalization,
    .reference = ReferenceL2Normalization,
};

}  // namespace mace::ops
