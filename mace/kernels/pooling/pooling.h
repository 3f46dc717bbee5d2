// Kernels max_pool_f32 and average_pool_f32: 2-D pooling, NHWC. (The mean over a whole map is
// mace/kernels/norm's.)
#ifndef MACE_KERNELS_POOLING_POOLING_H_
#define MACE_KERNELS_POOLING_POOLING_H_

#include <cstdint>

#include "mace/core/status.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

// Operands: 0 input, 1 output. Windows may hang over every edge by any amount (ceil mode is an output size):
// max takes what lies inside
// (-infinity where nothing does; a NaN inside gives NaN), average divides by the number of elements inside,
// or, with count_include_pad, by the number inside the padded map [-pad, size + pad_end); 0 / 0 gives 0.
struct PoolingParams {
  // Set by the caller.
  int64_t batch = 0, input_height = 0, input_width = 0, channels = 0;
  int64_t output_height = 0, output_width = 0;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;
  int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  bool count_include_pad = false;
  int64_t input_pixel_stride = 0, output_pixel_stride = 0;  // floats between channel vectors

  // Set by PreparePooling.
  int64_t tile_output_rows = 0;
  int64_t tile_count = 0;
  int64_t workspace_bytes = 0;
};

Status PreparePooling(PoolingParams* params);

// kernels.def family `pooling`.
struct PoolingKernels {
  KernelFunction max_pool_f32;
  KernelFunction average_pool_f32;
};

}  // namespace mace::kernels

#endif  // MACE_KERNELS_POOLING_POOLING_H_
