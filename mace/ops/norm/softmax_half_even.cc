#include "mace/ops/norm/softmax_half_even.h"

#include <algorithm>
#include <cmath>

#include "mace/ops/norm/norm.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {

Status ReferenceSoftmaxHalfEven(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  TensorView& y = context.outputs[0];
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), x.dtype, 1, "input"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), y.dtype, 1, "output"));
  const auto& attributes = context.attributes<SoftmaxAttributes>();
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, x.shape.rank, &axis));
  if (x.elements() == 0) return Status::Ok();
  const Quantization& y_scales = *context.output_quantization(0);
  const int64_t outer = x.shape.Product(0, axis), inner = x.shape.Product(axis + 1, x.shape.rank);
  const int64_t size = x.shape[axis];
  const double unit = HalfEvenSoftmaxUnit(context.input_quantization(0)->scales[0], attributes.beta);
  const IntegerRange range = RangeOf(y.dtype);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const int64_t first = o * size * inner + i;
      const auto stored = [&](int64_t k) { return LoadInteger(x.data, x.dtype, first + k * inner); };
      int32_t highest = stored(0);
      for (int64_t k = 1; k < size; ++k) {
        if (unit * (stored(k) - highest) > 0) highest = stored(k);
      }
      const auto exponential = [&](int64_t k) { return std::exp(unit * (stored(k) - highest)); };
      double sum = 0;
      for (int64_t k = 0; k < size; ++k) sum += exponential(k);
      for (int64_t k = 0; k < size; ++k) {
        const auto share = static_cast<float>(exponential(k) / sum);
        StoreInteger(y.data, y.dtype, first + k * inner,
                     StoreHalfEven(share, y_scales.scales[0], y_scales.zero_points[0], range));
      }
    }
  }
  return Status::Ok();
}

}  // namespace mace::ops
