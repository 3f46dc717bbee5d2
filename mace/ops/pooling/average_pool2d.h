// AveragePool2d: x [N, H, W, C] -> [N, OH, OW, C]; f32, or u8/i8/i16: with a tflite rounding of equal input
// and output quantization (the mean of the stored values, halves away from zero), with kHalfEvenFloat the
// exact sum of distances to the zero point times x_scale / (y_scale * taps) in float32, rounded half to even.
#ifndef MACE_OPS_POOLING_AVERAGE_POOL2D_H_
#define MACE_OPS_POOLING_AVERAGE_POOL2D_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct AveragePool2dAttributes {
  IntList kernel = {1, 1};
  IntList strides = {1, 1};
  IntList pads = {0, 0, 0, 0};  // top, left, bottom, right; used where padding is kExplicit
  IntList dilations = {1, 1};
  Padding padding = Padding::kExplicit;
  bool ceil_mode =
      false;  // round the output size up (windows that begin in the padding behind the end are dropped)
  bool count_include_pad = false;
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, AveragePool2dAttributes, kernel),
                      MACE_FIELD(2, AveragePool2dAttributes, strides),
                      MACE_FIELD(3, AveragePool2dAttributes, pads),
                      MACE_FIELD(4, AveragePool2dAttributes, dilations),
                      MACE_FIELD(5, AveragePool2dAttributes, padding),
                      MACE_FIELD(6, AveragePool2dAttributes, ceil_mode),
                      MACE_FIELD(7, AveragePool2dAttributes, count_include_pad),
                      MACE_FIELD(8, AveragePool2dAttributes, rounding)};
  }
};
extern const OpDefinition kAveragePool2dDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_POOLING_AVERAGE_POOL2D_H_
