// kernels.def family `quantize`: between floats and quantized integers, between integers of different scales,
// and arithmetic on quantized integers. Each is bit for bit what the operator's reference in mace/ops
// computes. None needs a workspace. Zero-size tensors have no tiles.
#ifndef MACE_KERNELS_QUANTIZE_QUANTIZE_H_
#define MACE_KERNELS_QUANTIZE_QUANTIZE_H_

#include "mace/core/dtype.h"
#include "mace/core/status.h"
#include "mace/kernels/elementwise/row_tiles.h"
#include "mace/kernels/integer_gemm/requantization.h"
#include "mace/kernels/kernel.h"
#include "mace/kernels/quantize/quantized_binary.h"
#include "mace/kernels/quantize/quantized_pooling.h"
#include "mace/kernels/quantize/quantized_resize.h"
#include "mace/kernels/quantize/quantized_softmax.h"

namespace mace::kernels {

// Quantize and dequantize. A tensor of [outer, channels, inner] elements with a scale for each channel, or,
// with channels 1, one for all. Operands: 0 input, 1 output, 2 scales (floats), 3 zero points (int32).
struct QuantizeParams {
  // Set by the caller. `type`: i8, u8, i16, u16 or i32.
  DType type = DType::kI8;
  bool half_away_from_zero = false;  // quantize alone; false: halves to even
  int64_t outer = 1, channels = 1, inner = 0;

  // Set by PrepareQuantize: rows of one scale each, or (inner 1) of a scale for each column.
  bool scale_per_column = false;
  RowTiles tiles;
  int64_t tile_count = 0;
};
Status PrepareQuantize(QuantizeParams* params);

// (x - input_zero) * input_scale / output_scale + output_zero, saturated. Operands: 0 input, 1 output.
struct RequantizeParams {
  // Set by the caller. Types as above.
  DType from = DType::kI8;
  DType to = DType::kI8;
  IntegerRounding rounding = IntegerRounding::kTwoRoundings;
  int64_t count = 0;
  int32_t input_zero = 0, output_zero = 0;
  int32_t multiplier = 0, exponent = 0;           // of the fixed-point roundings
  float input_scale = 0.0f, output_scale = 0.0f;  // of kHalfEvenFloat; input_zero of an i32 must be 0 then

  // Set by PrepareRequantize.
  RowTiles tiles;
  int64_t tile_count = 0;
};
Status PrepareRequantize(RequantizeParams* params);

// output[i] = table[input[i]], where the bits of an input element count from 0. Operands: 0 input, 1 output,
// 2 table (256 or 65,536 output elements).
struct TableParams {
  // Set by the caller.
  int32_t input_bytes = 1;   // 1 or 2
  int32_t output_bytes = 1;  // 1, 2 or 4
  int64_t rows = 1;
  int64_t columns = 0;
  int64_t input_stride = 0;  // elements from a row to the next; of no account with one row
  int64_t output_stride = 0;

  // Set by PrepareTable.
  RowTiles tiles;
  int64_t tile_count = 0;
};
Status PrepareTable(TableParams* params);

struct QuantizeKernels {
  KernelFunction quantize;    // QuantizeParams
  KernelFunction dequantize;  // QuantizeParams
  KernelFunction requantize;  // RequantizeParams
  KernelFunction table;       // TableParams
  KernelFunction binary;      // QuantizedBinaryParams
  KernelFunction pair_table;  // PairTableParams
  KernelFunction pool;        // QuantizedPoolingParams
  KernelFunction softmax;     // QuantizedSoftmaxParams
  KernelFunction resize;      // QuantizedResizeParams
};

}  // namespace mace::kernels

#endif  // MACE_KERNELS_QUANTIZE_QUANTIZE_H_
