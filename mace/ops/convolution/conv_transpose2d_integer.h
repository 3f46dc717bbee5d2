// The integer reference of ConvTranspose2d (u8, i8, i16) in each of the three roundings.
#ifndef MACE_OPS_CONVOLUTION_CONV_TRANSPOSE2D_INTEGER_H_
#define MACE_OPS_CONVOLUTION_CONV_TRANSPOSE2D_INTEGER_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

// Operands of a quantized ConvTranspose2d whose element types and shapes fit. To be called by the shape rule.
Status CheckConvTranspose2dQuantization(const InferContext& context);

// Inputs and output as kConvTranspose2dDefinition's shape rule accepted them.
Status ReferenceConvTranspose2dInteger(const ReferenceContext& context);

}  // namespace mace::ops

#endif  // MACE_OPS_CONVOLUTION_CONV_TRANSPOSE2D_INTEGER_H_
