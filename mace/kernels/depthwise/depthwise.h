// Kernel depthwise_f32: depthwise 2-D convolution, NHWC, any kernel, stride, dilation and channel multiplier.
#ifndef MACE_KERNELS_DEPTHWISE_DEPTHWISE_H_
#define MACE_KERNELS_DEPTHWISE_DEPTHWISE_H_

#include "mace/core/dtype.h"
#include "mace/core/status.h"
#include "mace/kernels/gemm/gemm.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

// Operands: 0 input, 1 packed weights, 2 output, then those that post-ops name by index (row = (image *
// output_height + y) * output_width
// + x). Output channel o reads input channel o / multiplier; output_channels = input_channels * multiplier.
struct DepthwiseParams {
  // Set by the caller.
  int64_t batch = 0, input_height = 0, input_width = 0, input_channels = 0;
  int64_t output_height = 0, output_width = 0;
  int64_t multiplier = 1;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;
  int64_t pad_top = 0, pad_left = 0;
  int64_t input_pixel_stride = 0;   // floats between channel vectors: >= input_channels
  int64_t output_pixel_stride = 0;  // floats between channel vectors: >= output channels
  PostOps post_ops;

  // Set by PrepareDepthwise.
  int64_t output_channels = 0;
  GemmEpilogue epilogue;
  int64_t padded_channels = 0;  // output channels rounded up, the row length of the packed weights
  bool is_by_pixel = false;     // no tiles: a multiplier, or taps so far apart that a patch would be huge
  int64_t tile_output_rows = 0;
  int64_t tile_count = 0;
  int64_t workspace_bytes = 0;
};

// Channels that the kernel takes at a time, so that weights and a few input rows of them stay in L1 while a
// tile moves along the row.
inline constexpr int64_t kDepthwiseChannelBlock = 256;

Status PrepareDepthwise(DepthwiseParams* params);

// Packed weights: a zero row [padded_channels], the bias [padded_channels], then
// [kernel_height][kernel_width][padded_channels].
int64_t DepthwisePackedBytes(const DepthwiseParams& params);
// weights: [output_channels][kernel_height][kernel_width] (OHWI with one input channel a group); kF32 or
// kF16. bias: [output_channels] of bias_dtype, or null.
void PackDepthwise(const DepthwiseParams& params, const void* weights, DType dtype, const void* bias,
                   DType bias_dtype, void* packed);

// kernels.def family `depthwise`.
struct DepthwiseKernels {
  KernelFunction depthwise_f32;
};

}  // namespace mace::kernels

#endif  // MACE_KERNELS_DEPTHWISE_DEPTHWISE_H_
