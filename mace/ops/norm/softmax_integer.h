// The integer reference of Softmax over the last axis: u8 -> u8, i8 -> i8, i8 -> i16, i16 -> i16.
#ifndef MACE_OPS_NORM_SOFTMAX_INTEGER_H_
#define MACE_OPS_NORM_SOFTMAX_INTEGER_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

// x and output are quantized. The output dtype is that of the graph's output value: i8 may become i16.
Status ReferenceSoftmaxInteger(const ReferenceContext& context);

// Unsupported where it does not compute these types and this output quantization.
Status CheckIntegerSoftmax(DType from, DType to, const Quantization& y);

// For fast kernels: all that the arithmetic looks at of input scale and beta.
// Of 8 bits: exp(-distance * scale * beta) for the distances 0 .. 255, in units of 2^-31.
void MakeByteExponentials(float scale, float beta, int32_t* exponentials);
// Of 16 bits: the same for 0 .. 65535, and 1 / (1 + f) for f from 0 to 1 in 65536 steps, both in units of
// 2^-15.
void MakeWordTables(float scale, float beta, int16_t* exponentials, int16_t* reciprocals);

}  // namespace mace::ops

#endif  // MACE_OPS_NORM_SOFTMAX_INTEGER_H_
