// The integer reference of Softmax over the last axis: u8 -> u8, i8 -> i8, i8 -> i16, i16 -> i16.
#ifndef MACE_OPS_NORM_SOFTMAX_INTEGER_H_
#define MACE_OPS_NORM_SOFTMAX_INTEGER_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

// x and output are quantized. The output dtype is that of the graph's output value: i8 may become i16.
Status ReferenceSoftmaxInteger(const ReferenceContext& context);

}  // namespace mace::ops

#endif  // MACE_OPS_NORM_SOFTMAX_INTEGER_H_
