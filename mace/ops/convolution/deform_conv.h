// DeformConv: x [N, H, W, I], weights [O, kernel_h, kernel_w, I / groups], offsets [N, OH, OW, offset_groups *
// kernel_h * kernel_w * 2] (down, right of each tap), optional bias [O], optional mask [N, OH, OW,
// offset_groups * kernel_h * kernel_w] -> [N, OH, OW, O]: a convolution whose taps read x at their place plus
// an offset, mixing the four neighbours (0 outside of x), times the mask (J. Dai et al., arXiv:1703.06211; X.
// Zhu et al., arXiv:1811.11168). All f32 or all f64.
#ifndef MACE_OPS_CONVOLUTION_DEFORM_CONV_H_
#define MACE_OPS_CONVOLUTION_DEFORM_CONV_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/nd_window.h"

namespace mace::ops {

struct DeformConvAttributes {
  IntList strides = {1, 1};
  IntList dilations = {1, 1};
  IntList pads = {0, 0, 0, 0};  // top, left, bottom, right
  int64_t groups = 1;
  int64_t offset_groups = 1;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, DeformConvAttributes, strides),
                      MACE_FIELD(2, DeformConvAttributes, dilations),
                      MACE_FIELD(3, DeformConvAttributes, pads), MACE_FIELD(4, DeformConvAttributes, groups),
                      MACE_FIELD(5, DeformConvAttributes, offset_groups)};
  }
};
extern const OpDefinition kDeformConvDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_CONVOLUTION_DEFORM_CONV_H_
