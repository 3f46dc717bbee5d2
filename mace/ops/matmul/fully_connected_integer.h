// The integer reference of FullyConnected (u8, i8, i16).
#ifndef MACE_OPS_MATMUL_FULLY_CONNECTED_INTEGER_H_
#define MACE_OPS_MATMUL_FULLY_CONNECTED_INTEGER_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

// Inputs and output as kFullyConnectedDefinition's shape rule accepted them; x, weights and output are
// quantized.
Status ReferenceFullyConnectedInteger(const ReferenceContext& context);

}  // namespace mace::ops

#endif  // MACE_OPS_MATMUL_FULLY_CONNECTED_INTEGER_H_
