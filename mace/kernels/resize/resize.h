// Kernels resize_nearest_f32 and resize_linear_f32: 2-D resize, NHWC, from tables made once per shape.
#ifndef MACE_KERNELS_RESIZE_RESIZE_H_
#define MACE_KERNELS_RESIZE_RESIZE_H_

#include <cstdint>

#include "mace/core/status.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

// ONNX Resize's names. x_in as a function of x_out, scale = out / in unless given:
enum class ResizeCoordinates : uint8_t {
  kHalfPixel,                      // (x + 0.5) / scale - 0.5
  kPytorchHalfPixel,               // the same, 0 where the output length is 1
  kAsymmetric,                     // x / scale
  kAlignCorners,                   // x * (in - 1) / (out - 1), 0 where the output length is 1
  kTensorflowHalfPixelForNearest,  // (x + 0.5) / scale
};
enum class ResizeRounding : uint8_t { kRoundPreferFloor, kRoundPreferCeil, kFloor, kCeil };

// Operands: 0 input, 1 table (ResizeTableBytes, FillResizeTable), 2 output.
struct ResizeParams {
  // Set by the caller.
  bool linear = false;
  ResizeCoordinates coordinates = ResizeCoordinates::kHalfPixel;
  ResizeRounding rounding = ResizeRounding::kRoundPreferFloor;  // of nearest
  int64_t batch = 0, input_height = 0, input_width = 0, channels = 0;
  int64_t output_height = 0, output_width = 0;
  float scale_y = 0.0f, scale_x = 0.0f;                     // 0: output size / input size
  int64_t input_pixel_stride = 0, output_pixel_stride = 0;  // floats between channel vectors

  // Set by PrepareResize.
  int64_t tile_output_rows = 0;
  int64_t tile_count = 0;
  int64_t workspace_bytes = 0;
};

Status PrepareResize(ResizeParams* params);
int64_t ResizeTableBytes(const ResizeParams& params);
void FillResizeTable(const ResizeParams& params, void* table);

// One entry of the table, which holds output_height of them, then output_width: output = in[low] + weight *
// (in[high] - in[low]). For nearest, low == high and weight == 0.
struct ResizeTap {
  int32_t low, high;
  float weight;
};

// kernels.def family `resize`.
struct ResizeKernels {
  KernelFunction resize_nearest_f32;
  KernelFunction resize_linear_f32;
};

}  // namespace mace::kernels

#endif  // MACE_KERNELS_RESIZE_RESIZE_H_
