// The multipliers of an integer Svdf: what its reference and the lowering share.
#ifndef MACE_OPS_RECURRENT_SVDF_INTEGER_H_
#define MACE_OPS_RECURRENT_SVDF_INTEGER_H_

#include "mace/graph/graph.h"
#include "mace/ops/quantize/fixed_point.h"

namespace mace::ops {

struct IntegerSvdfScales {
  FixedPointMultiplier to_state, to_output;
  int32_t input_zero_point = 0, output_zero_point = 0;
};

// `quantization(i)`: of operand i (x, weights_feature, weights_time, bias, state); `y`: of the output. They
// have passed the shape rule.
template <typename QuantizationOf>
IntegerSvdfScales MakeIntegerSvdfScales(const QuantizationOf& quantization, const Quantization& y) {
  const auto scale = [&](int operand) { return quantization(operand)->scales[0]; };
  IntegerSvdfScales result;
  // Single precision, in this order: as TensorFlow Lite prepares the multipliers.
  result.to_state = QuantizeMultiplier(scale(0) * scale(1) / scale(4));
  result.to_output = QuantizeMultiplier(scale(4) * scale(2) / y.scales[0]);
  result.input_zero_point = quantization(0)->zero_points[0];
  result.output_zero_point = y.zero_points[0];
  return result;
}

}  // namespace mace::ops

#endif  // MACE_OPS_RECURRENT_SVDF_INTEGER_H_
