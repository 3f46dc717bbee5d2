// Col2im: x [N, C * taps, blocks], int64 image_shape [axes], int64 block_shape [axes] (1 to 4 axes; taps is the
// product of the block's sizes) -> [N, C, image...]: every column is a block that is added to the image at its
// place, blocks in row-major order, `strides` apart: what turns the columns of a convolution into an image
// again. Floats (summed in double) and integers (modulo their range).
#ifndef MACE_OPS_CONVOLUTION_COL2IM_H_
#define MACE_OPS_CONVOLUTION_COL2IM_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/nd_window.h"

namespace mace::ops {

// Lists that are empty: ones, or zeros for pads.
struct Col2ImAttributes {
  IntList strides;
  IntList dilations;
  IntList pads;  // all begins, then all ends

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, Col2ImAttributes, strides), MACE_FIELD(2, Col2ImAttributes, dilations),
                      MACE_FIELD(3, Col2ImAttributes, pads)};
  }
};
extern const OpDefinition kCol2imDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_CONVOLUTION_COL2IM_H_
