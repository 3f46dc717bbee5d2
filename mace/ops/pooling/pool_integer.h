// The integer references of AveragePool2d and MaxPool2d (u8, i8, i16).
#ifndef MACE_OPS_POOLING_POOL_INTEGER_H_
#define MACE_OPS_POOLING_POOL_INTEGER_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

// An average needs the quantization of both sides, a maximum (of the stored values) that of neither.
Status CheckAveragePoolInteger(const InferContext& context);

// `average` tells the operator: the node has AveragePool2dAttributes or MaxPool2dAttributes.
Status ReferencePoolInteger(const ReferenceContext& context, bool average);

}  // namespace mace::ops

#endif  // MACE_OPS_POOLING_POOL_INTEGER_H_
