// Kernel conv_transpose2d_f32: 2-D transposed convolution, NHWC. Output pixels of one phase (y mod stride_y,
// x mod stride_x) are an ordinary convolution with a subset of the taps, so that every output is written
// once, in a fixed order of summing. With kernel = stride and no padding (2x2 stride 2) a phase is a 1x1
// GEMM.
#ifndef MACE_KERNELS_CONVOLUTION_CONV_TRANSPOSE2D_H_
#define MACE_KERNELS_CONVOLUTION_CONV_TRANSPOSE2D_H_

#include "mace/kernels/gemm/gemm.h"

namespace mace::kernels {

// Operands: 0 input, 1 packed weights, 2 output, then those that post-ops name by index (rows as in
// Conv2dParams). Output (y, x) sums the taps (ky, kx) for which y + pad_top - ky * dilation_y = iy * stride_y
// has a solution inside the input, x alike; output_padding is whatever the output size says.
struct ConvTranspose2dParams {
  // Set by the caller.
  Isa isa = Isa::kScalar;
  int64_t batch = 0, input_height = 0, input_width = 0, input_channels = 0;
  int64_t output_height = 0, output_width = 0, output_channels = 0;
  int64_t groups = 1;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;
  int64_t pad_top = 0, pad_left = 0;
  int64_t input_pixel_stride = 0;   // floats between channel vectors
  int64_t output_pixel_stride = 0;  // floats between channel vectors
  PostOps post_ops;

  // Set by PrepareConvTranspose2d.
  GemmPanels panels;  // of one group
  GemmEpilogue epilogue;
  int64_t zero_floats = 0;
  int64_t phase_pixels = 0;   // most output pixels of a phase
  int64_t most_taps = 0;      // most taps of a phase
  int64_t row_blocks = 0;     // per image, group and phase
  int64_t column_blocks = 0;  // per row block
  int64_t tile_count = 0;
  int64_t workspace_bytes = 0;
};

// Whether the phases are so few that tables and packed weights for each of them pay. Strides far beyond the
// kernel leave pixels that are all bias: no work for this kernel, whose cost grows with the strides.
bool HasFewPhases(const ConvTranspose2dParams& params);
// kInvalidArgument also where the phases are not few.
Status PrepareConvTranspose2d(ConvTranspose2dParams* params);
int64_t ConvTranspose2dPackedBytes(const ConvTranspose2dParams& params);
// weights: OHWI, that is [output_channels][kernel_height][kernel_width][input_channels / groups], where
// output channel o belongs to group o / (output_channels / groups). (ONNX: from
// [input_channels][output_channels / groups][kh][kw].)
void PackConvTranspose2d(const ConvTranspose2dParams& params, const void* weights, DType dtype,
                         const void* bias, DType bias_dtype, void* packed);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_CONVOLUTION_CONV_TRANSPOSE2D_H_
