#include "mace/ops/reduce/reduce_integer.h"

#include "mace/ops/common.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {

Status CheckQuantizedReduce(const InferContext& context, const ReduceAttributes& attributes) {
  const DType dtype = context.input(0).dtype;
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), dtype, 1, "input"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), dtype, 1, "output"));
  const bool sums = attributes.kind == ReduceKind::kSum || attributes.kind == ReduceKind::kMean;
  const bool orders = attributes.kind == ReduceKind::kMax || attributes.kind == ReduceKind::kMin;
  if ((!sums && !orders) || attributes.rounding != Rounding::kHalfEvenFloat) {
    return Unsupported("this reduction or rounding of quantized values");
  }
  return Status::Ok();
}

int32_t QuantizedAccumulator::Result() const {
  if (count_ == 0) return y_.zero_points[0];
  const float divisor = kind_ == ReduceKind::kMean ? static_cast<float>(count_) : 1.0f;
  const float multiplier = x_.scales[0] / (y_.scales[0] * divisor);
  return AddZeroPointAndClamp(RoundToInt32(static_cast<float>(sum_) * multiplier, /*half_to_even=*/true),
                              y_.zero_points[0], RangeOf(to_));
}

}  // namespace mace::ops
