// Kernel `resize` of the family `quantize`: 2-D resize of integers, NHWC, from tables made once per shape.
#ifndef MACE_KERNELS_QUANTIZE_QUANTIZED_RESIZE_H_
#define MACE_KERNELS_QUANTIZE_QUANTIZED_RESIZE_H_

#include "mace/core/dtype.h"
#include "mace/core/status.h"
#include "mace/kernels/kernel.h"
#include "mace/kernels/resize/resize.h"

namespace mace::kernels {

// How the four neighbours of a place are mixed; ops::ResizeAxis makes the taps, mace/ops/movement/resize.cc
// defines the arithmetic.
enum class ResizeArithmetic : uint8_t {
  kNearest,     // not at all: bytes are moved; `type` must be u8, and channels count the bytes of a pixel
  kFixedPoint,  // i8, i16: weights are whole numbers of 2^-10; to nearest, halves away from zero
  kFloat,       // u8: weights may lie outside of [0, 1]; halves upwards
  kHalfEven,    // i8, u8, i16: of reals, in float32; to nearest even
};

// Operands: 0 input, 1 table (ResizeTableBytes; see ResizeTap), 2 output.
struct QuantizedResizeParams {
  // Set by the caller. Strides of `shape` are in elements; its `linear` is of no account.
  ResizeParams shape;
  ResizeArithmetic arithmetic = ResizeArithmetic::kNearest;
  DType type = DType::kU8;
  // Of kHalfEven.
  int32_t input_zero = 0, output_zero = 0;
  float input_scale = 0.0f, output_scale = 0.0f;

  // Set by PrepareQuantizedResize.
  int64_t tile_count = 0;
};
Status PrepareQuantizedResize(QuantizedResizeParams* params);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_QUANTIZE_QUANTIZED_RESIZE_H_
