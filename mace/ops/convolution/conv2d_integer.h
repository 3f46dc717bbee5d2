// The integer reference of Conv2d (u8, i8, i16), dense, grouped and depthwise, in each of the three
// roundings.
#ifndef MACE_OPS_CONVOLUTION_CONV2D_INTEGER_H_
#define MACE_OPS_CONVOLUTION_CONV2D_INTEGER_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

// Inputs and output as kConv2dDefinition's shape rule accepted them; x, weights and output are quantized.
Status ReferenceConv2dInteger(const ReferenceContext& context);

}  // namespace mace::ops

#endif  // MACE_OPS_CONVOLUTION_CONV2D_INTEGER_H_
