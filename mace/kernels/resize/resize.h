// Kernels resize_nearest_f32 and resize_linear_f32: 2-D resize, NHWC, from tables made once per shape.
#ifndef MACE_KERNELS_RESIZE_RESIZE_H_
#define MACE_KERNELS_RESIZE_RESIZE_H_

#include <cstdint>

#include "mace/core/status.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

// One entry of the table, which holds output_height of them (for rows), then output_width (for columns):
// output = (1 - weight) * in[low] + weight * in[high], and in[low] alone where the weight is 0. For nearest
// only `low` counts. 0 <= low, high < the input's length; how they follow from an operator's attributes is
// the caller's business.
struct ResizeTap {
  int32_t low, high;
  float weight;
};

// Operands: 0 input, 1 table (ResizeTableBytes; see ResizeTap), 2 output.
struct ResizeParams {
  // Set by the caller.
  bool linear = false;
  int64_t batch = 0, input_height = 0, input_width = 0, channels = 0;
  int64_t output_height = 0, output_width = 0;
  int64_t input_pixel_stride = 0, output_pixel_stride = 0;  // floats between channel vectors

  // Set by PrepareResize.
  int64_t tile_output_rows = 0;
  int64_t tile_count = 0;
  int64_t workspace_bytes = 0;
};

Status PrepareResize(ResizeParams* params);
int64_t ResizeTableBytes(const ResizeParams& params);

// kernels.def family `resize`.
struct ResizeKernels {
  KernelFunction resize_nearest_f32;
  KernelFunction resize_linear_f32;
};

}  // namespace mace::kernels

#endif  // MACE_KERNELS_RESIZE_RESIZE_H_
