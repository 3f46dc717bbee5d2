// Kernel `softmax` of the family `quantize`. What the exponentials are is the caller's business: they come in
// a table, by the distance of an element to the greatest of its row.
#ifndef MACE_KERNELS_QUANTIZE_QUANTIZED_SOFTMAX_H_
#define MACE_KERNELS_QUANTIZE_QUANTIZED_SOFTMAX_H_

#include "mace/core/dtype.h"
#include "mace/core/status.h"
#include "mace/kernels/elementwise/row_tiles.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

// ops::ReferenceSoftmaxInteger and ops::ReferenceSoftmaxHalfEven define the arithmetic.
enum class SoftmaxArithmetic : uint8_t {
  kBytes,   // of i8, u8: int32 exponentials
  kWords,   // of i16: int16 exponentials and reciprocals
  kDouble,  // of any: double exponentials; shares to nearest even
};

// Over the middle axis of [outer, axis, inner]; types i8, u8, i16, u16. Operands: 0 input, 1 output,
// 2 exponentials (as many as the input's type has values), 3 reciprocals (65,536 int16; kWords alone).
struct QuantizedSoftmaxParams {
  // Set by the caller.
  SoftmaxArithmetic arithmetic = SoftmaxArithmetic::kBytes;
  DType from = DType::kI8, to = DType::kI8;
  int64_t outer = 1, axis = 0, inner = 1;
  float output_scale = 0.0f;  // both of kDouble
  int32_t output_zero = 0;

  // Set by PrepareQuantizedSoftmax.
  RowTiles tiles;  // rows: outer x inner; columns: 1
  int64_t tile_count = 0;
};
Status PrepareQuantizedSoftmax(QuantizedSoftmaxParams* params);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_QUANTIZE_QUANTIZED_SOFTMAX_H_
