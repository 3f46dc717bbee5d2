// MaxPool2d: x [N, H, W, C] -> [N, OH, OW, C]; f32, or u8/i8 with equal input and output quantization.
#ifndef MACE_OPS_POOLING_MAX_POOL2D_H_
#define MACE_OPS_POOLING_MAX_POOL2D_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct MaxPool2dAttributes {
  IntList kernel = {1, 1};
  IntList strides = {1, 1};
  IntList pads = {0, 0, 0, 0};  // top, left, bottom, right; used where padding is kExplicit
  IntList dilations = {1, 1};
  Padding padding = Padding::kExplicit;
  bool ceil_mode =
      false;  // round the output size up (windows that begin in the padding behind the end are dropped)

  static constexpr auto Fields() {
    return std::array{
        MACE_FIELD(1, MaxPool2dAttributes, kernel),  MACE_FIELD(2, MaxPool2dAttributes, strides),
        MACE_FIELD(3, MaxPool2dAttributes, pads),    MACE_FIELD(4, MaxPool2dAttributes, dilations),
        MACE_FIELD(5, MaxPool2dAttributes, padding), MACE_FIELD(6, MaxPool2dAttributes, ceil_mode)};
  }
};
extern const OpDefinition kMaxPool2dDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_POOLING_MAX_POOL2D_H_
