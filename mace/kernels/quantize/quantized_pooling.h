// Kernel `pool` of the family `quantize`: means, sums and extremes of quantized integers over windows of a
// map (NHWC), and so over whole maps and over any neighbouring axes of a tensor.
#ifndef MACE_KERNELS_QUANTIZE_QUANTIZED_POOLING_H_
#define MACE_KERNELS_QUANTIZE_QUANTIZED_POOLING_H_

#include "mace/core/dtype.h"
#include "mace/core/status.h"
#include "mace/kernels/elementwise/row_tiles.h"
#include "mace/kernels/kernel.h"
#include "mace/kernels/pooling/pooling.h"
#include "mace/kernels/quantize/quantized_binary.h"

namespace mace::kernels {

enum class PoolKind : uint8_t { kMax, kMin, kMean, kSum };

// How what was found in a window becomes an element of the output, which then is clamped.
enum class PoolScaling : uint8_t {
  // Extremes as they are (of an empty window the type's least or greatest); means of the stored values
  // rounded to nearest, halves away from zero (of an empty window input_zero).
  kStored,
  // float(distance to the input's zero point, summed up for means and sums) * (input_scale / (output_scale *
  // n)), in float32, to nearest even, plus output_zero; n is the number of elements of a mean, else 1. Of an
  // empty window output_zero.
  kHalfEvenFloat,
  // The distance, as above, times output_multiplier, with two roundings, plus output_zero. Of an empty window
  // a stored 0.
  kTwoRoundings,
};

// Operands: 0 input, 1 output. Input and output have one type: i8, u8 or i16. Windows as in PoolingParams:
// padding counts where `window.count_include_pad`, as elements of value input_zero.
struct QuantizedPoolingParams {
  // Set by the caller. The pixel strides of `window` are in elements.
  PoolingParams window;
  DType type = DType::kI8;
  PoolKind kind = PoolKind::kMax;
  PoolScaling scaling = PoolScaling::kStored;
  int32_t input_zero = 0, output_zero = 0;
  float input_scale = 0.0f, output_scale = 0.0f;
  FixedScale output_multiplier;
  int32_t low = 0, high = 0;  // what the output is clamped to: a range inside that of the type

  // Set by PrepareQuantizedPooling. Rows are output pixels, columns their channels.
  RowTiles tiles;
  int64_t tile_count = 0;
};
// Unsupported where a window is so large that its sum may not fit 32 bits.
Status PrepareQuantizedPooling(QuantizedPoolingParams* params);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_QUANTIZE_QUANTIZED_POOLING_H_
