// Conv2d: x [N, H, W, I], weights [O, kernel_h, kernel_w, I / groups], optional bias [O] -> [N, OH, OW, O].
// Float: all f32. Integer: x and output u8/i8 (i16) quantized per tensor, weights u8/i8 quantized per tensor
// or per channel (axis 0), bias i32 with scale x_scale * weight_scale; `rounding` says how sums become output
// units. Depthwise convolution is groups == I. Output channel g * (O / groups) + j reads the input channels
// of group g.
#ifndef MACE_OPS_CONVOLUTION_CONV2D_H_
#define MACE_OPS_CONVOLUTION_CONV2D_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct Conv2dAttributes {
  IntList strides = {1, 1};
  IntList dilations = {1, 1};
  IntList pads = {0, 0, 0, 0};  // top, left, bottom, right; used where padding is kExplicit
  Padding padding = Padding::kExplicit;
  int64_t groups = 1;
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, Conv2dAttributes, strides), MACE_FIELD(2, Conv2dAttributes, dilations),
                      MACE_FIELD(3, Conv2dAttributes, pads),    MACE_FIELD(4, Conv2dAttributes, padding),
                      MACE_FIELD(5, Conv2dAttributes, groups),  MACE_FIELD(6, Conv2dAttributes, rounding)};
  }
};
extern const OpDefinition kConv2dDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_CONVOLUTION_CONV2D_H_
