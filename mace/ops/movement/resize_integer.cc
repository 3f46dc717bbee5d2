#include "mace/ops/movement/resize_integer.h"

#include "mace/ops/movement/resize.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {

Status CheckQuantizedResize(const InferContext& context) {
  const DType dtype = context.input(0).dtype;
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kU8, DType::kI8, DType::kI16}));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), dtype, 1, "input"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), dtype, 1, "output"));
  if (context.attributes<ResizeAttributes>().rounding == Rounding::kHalfEvenFloat) return Status::Ok();
  return Unsupported("this rounding of a linear Resize");
}

Status ReferenceResizeLinearInteger(const ReferenceContext& context, const float* scales) {
  const CoordinateMode mode = context.attributes<ResizeAttributes>().coordinate_mode;
  const TensorView& source = context.inputs[0];
  TensorView& target = context.outputs[0];
  const Shape& x = source.shape;
  const Shape& y = target.shape;
  const Quantization& from = *context.input_quantization(0);
  const Quantization& to = *context.output_quantization(0);
  const IntegerRange range = RangeOf(target.dtype);
  const float scale_h = ResizeScale(scales, 0, x[1], y[1]);
  const float scale_w = ResizeScale(scales, 1, x[2], y[2]);
  int64_t next = 0;
  for (int64_t batch = 0; batch < y[0]; ++batch) {
    for (int64_t row = 0; row < y[1]; ++row) {
      const LinearTap down = ResizeLinear(ResizeCoordinate(mode, row, scale_h, x[1], y[1]), x[1]);
      for (int64_t column = 0; column < y[2]; ++column) {
        const LinearTap across = ResizeLinear(ResizeCoordinate(mode, column, scale_w, x[2], y[2]), x[2]);
        // In this order, which decides whether what lies half-way between two outputs is seen to: that of
        // onnxruntime's float kernel, so that networks quantized with it give what they gave there.
        const float right = across.weight, below = down.weight, left = 1 - right, above = 1 - below;
        const float weights[4] = {left * above, right * above, left * below, right * below};
        for (int64_t channel = 0; channel < x[3]; ++channel) {
          const auto real = [&](int64_t from_row, int64_t from_column) {
            const int64_t pixel = (batch * x[1] + from_row) * x[2] + from_column;
            const int32_t stored = LoadInteger(source.data, source.dtype, pixel * x[3] + channel);
            return static_cast<float>(stored - from.zero_points[0]) * from.scales[0];
          };
          float sum = weights[0] * real(down.low, across.low);
          sum += weights[1] * real(down.low, across.high);
          sum += weights[2] * real(down.high, across.low);
          sum += weights[3] * real(down.high, across.high);
          StoreInteger(target.data, target.dtype, next++,
                       StoreHalfEven(sum, to.scales[0], to.zero_points[0], range));
        }
      }
    }
  }
  return Status::Ok();
}

}  // namespace mace::ops
