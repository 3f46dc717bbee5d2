// Kernel conv2d_f32: 2-D convolution, NHWC, as a GEMM whose left-hand rows are pointers into the input
// (nothing is unrolled). Methods, chosen by PrepareConv2d: 1x1 as a plain GEMM; a padded band of input rows
// in the workspace where a pixel has few channels (or the input is NCHW), so that a kernel row is one
// contiguous run; row pointers per tap, padding pointing at a zero row, for the rest, and where a band would
// be far larger than what it is made from (NCHW input is then refused).
//
// With max_pool the kernel writes the pooled map: the rows that a pooled row sees are made in the workspace,
// where the next pooled row finds those that it sees too.
#ifndef MACE_KERNELS_CONVOLUTION_CONV2D_H_
#define MACE_KERNELS_CONVOLUTION_CONV2D_H_

#include "mace/kernels/gemm/gemm.h"
#include "mace/kernels/pooling/pooling.h"

namespace mace::kernels {

enum class Conv2dMethod : uint8_t { kGemm, kBand, kIndirect };

// Operands: 0 input, 1 packed weights (Conv2dPackedBytes, PackConv2d), 2 output (pooled, with max_pool), then
// those that post-ops name by index. A tensor post-op operand is addressed by row = (image * output_height +
// y) * output_width + x.
struct Conv2dParams {
  // Set by the caller.
  Isa isa = Isa::kScalar;
  int64_t batch = 0, input_height = 0, input_width = 0, input_channels = 0;
  int64_t output_height = 0, output_width = 0, output_channels = 0;
  int64_t groups = 1;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;
  int64_t pad_top = 0,
          pad_left = 0;  // what is read beyond the other edges is zero too; the output size says how far
  int64_t input_pixel_stride =
      0;  // floats between channel vectors: >= input_channels; unused with input_is_nchw
  int64_t output_pixel_stride = 0;  // floats between channel vectors: >= output_channels
  bool input_is_nchw = false;       // contiguous NCHW input (network inputs); only with groups == 1
  PostOps post_ops;
  // Null, or how what the post-ops give is pooled; outlives these params. Its input is this output, dense.
  const PoolingParams* max_pool = nullptr;

  // Set by PrepareConv2d.
  Conv2dMethod method = Conv2dMethod::kGemm;
  GemmPanels panels;  // of one group
  GemmBlocks blocks;  // over the rows of one image, or of all images where the method is kGemm
  GemmEpilogue epilogue;
  int64_t zero_floats = 0;   // the zero row at the start of the packed weights
  int64_t group_floats = 0;  // a group's packed matrix
  int64_t band_rows = 0, band_row_floats = 0, band_output_rows = 0;
  int64_t pooled_rows = 0;           // of a tile, with max_pool
  int64_t pool_workspace_bytes = 0;  // the part of the workspace in front of the method's own
  int64_t tile_count = 0;
  int64_t workspace_bytes = 0;
};

// (input + pads - dilated kernel) / stride + 1, or 0 where the kernel does not fit.
int64_t Conv2dOutputSize(int64_t input, int64_t pad_begin, int64_t pad_end, int64_t kernel, int64_t stride,
                         int64_t dilation);

Status PrepareConv2d(Conv2dParams* params);
int64_t Conv2dPackedBytes(const Conv2dParams& params);
// weights: OHWI, that is [output_channels][kernel_height][kernel_width][input_channels / groups]; kF32 or
// kF16. bias: [output_channels] of bias_dtype (kF32 or kF16), or null.
void PackConv2d(const Conv2dParams& params, const void* weights, DType dtype, const void* bias,
                DType bias_dtype, void* packed);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_CONVOLUTION_CONV2D_H_
