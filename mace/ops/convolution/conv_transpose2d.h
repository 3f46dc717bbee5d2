// ConvTranspose2d: x [N, H, W, I], weights [O, kernel_h, kernel_w, I / groups], optional bias [O] -> [N, OH,
// OW, O] with OH = stride_h * (H - 1) + output_padding_h + dilation_h * (kernel_h - 1) + 1 - pad_top -
// pad_bottom. All f32; or x and output u8/i8/i16 quantized per tensor, weights u8/i8 quantized per tensor or
// per channel (axis 0), bias i32 (i64 with i16) with scale x_scale * weight_scale.
#ifndef MACE_OPS_CONVOLUTION_CONV_TRANSPOSE2D_H_
#define MACE_OPS_CONVOLUTION_CONV_TRANSPOSE2D_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct ConvTranspose2dAttributes {
  IntList strides = {1, 1};
  IntList dilations = {1, 1};
  IntList pads = {0, 0, 0, 0};  // top, left, bottom, right
  IntList output_padding = {0, 0};
  int64_t groups = 1;
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ConvTranspose2dAttributes, strides),
                      MACE_FIELD(2, ConvTranspose2dAttributes, dilations),
                      MACE_FIELD(3, ConvTranspose2dAttributes, pads),
                      MACE_FIELD(4, ConvTranspose2dAttributes, output_padding),
                      MACE_FIELD(5, ConvTranspose2dAttributes, groups),
                      MACE_FIELD(6, ConvTranspose2dAttributes, rounding)};
  }
};
extern const OpDefinition kConvTranspose2dDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_CONVOLUTION_CONV_TRANSPOSE2D_H_
