// Kernel conv2d_winograd_integer (kernels.def family `integer_winograd`): 3x3 convolution of quantized bytes,
// stride 1, NHWC, exact, by Winograd's F(2x2, 3x3) or F(4x4, 3x3) (A. Lavin and S. Gray, Fast Algorithms for
// Convolutional Neural Networks, 2015) in integers: a patch of 2x2 outputs takes 16 instead of 36 products a
// channel, one of 4x4 takes 36 instead of 144. Conventions of types as in integer_gemm/integer_conv2d.h.
//
//   Y = A^T [(G g G^T) * (B^T d B)] A     g: 3x3 weights, d: inputs of a patch, both less their zero points
//
// The rows of G are multiplied by numbers that make them whole, and A^T by what makes the result 4 Y of a
// patch of 2x2 and 576 Y of one of 4x4. B^T d B fits into 16 bits, since |d| <= 255; G g G^T does where
// MostExactPatch says so. From there on all is a GEMM of words for each of the 16 or 36 positions, whose sums
// may wrap: 4 Y or 576 Y is right modulo 2^32, so Y is exact where it surely has as many bits as 4 or 64
// leave of 32 (the 9 of 576 = 64 * 9 has an inverse modulo 2^32). That depends on the weights alone.
#ifndef MACE_KERNELS_INTEGER_WINOGRAD_INTEGER_WINOGRAD_H_
#define MACE_KERNELS_INTEGER_WINOGRAD_INTEGER_WINOGRAD_H_

#include "mace/core/dtype.h"
#include "mace/core/status.h"
#include "mace/kernels/gemm/gemm_panels.h"
#include "mace/kernels/integer_gemm/requantization.h"
#include "mace/kernels/kernel.h"
#include "mace/simd/isa.h"

namespace mace::kernels {

// Operands: 0 input, 1 packed weights (PackIntegerWinograd), 2 output.
struct IntegerWinogradParams {
  // Set by the caller.
  Isa isa = Isa::kScalar;
  DType input = DType::kU8;             // kU8, kI8
  DType weights = DType::kI8;           // kI8, kU8
  bool has_weight_zero_points = false;  // of no interest here: packed weights have theirs taken off
  bool wide = false;                    // no
  int32_t input_zero_point = 0;
  Requantization requantization;
  int64_t batch = 0, input_height = 0, input_width = 0, input_channels = 0;
  int64_t output_height = 0, output_width = 0, output_channels = 0;
  int64_t kernel_height = 3, kernel_width = 3;                         // 3
  int64_t stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;  // 1
  int64_t pad_top = 0, pad_left = 0;
  int64_t input_pixel_stride = 0;   // elements between channel vectors: >= input_channels
  int64_t output_pixel_stride = 0;  // elements between channel vectors: >= output_channels
  int64_t patch = 4;                // outputs of a patch in a row: 2 or 4, at most MostExactPatch

  // Set by PrepareIntegerWinograd.
  GemmPanels panels;
  int64_t patch_rows = 0, patch_columns = 0;  // of an image
  int64_t patch_blocks = 0;                   // that an image's patches are cut to
  int64_t column_blocks = 0;                  // that the panels are cut to
  int64_t depth_bytes = 0;                    // of a row of transformed inputs
  int64_t row_bytes = 0;                      // from one to the next patch's
  int64_t plane_bytes = 0;                    // from one to the next position's
  int64_t product_plane = 0;                  // sums from one to the next position's products
  int64_t packed_bytes = 0;
  int64_t tile_count = 0;
  int64_t workspace_bytes = 0;
};

// The largest patch with which every result is exact, whatever the input holds; 0: none. `weights`: OHWI;
// `zero_points`: IntegerChannels::weight_zero_points.
int64_t MostExactPatch(const IntegerWinogradParams& params, const void* weights, const int32_t* zero_points);

// The patch with which the convolution is exact and takes least time; 0 where conv2d_integer of instruction
// set `direct` takes less, or where nobody has measured it. Reads the caller's fields only.
int64_t ChooseWinogradPatch(const IntegerWinogradParams& params, Isa direct, const void* weights,
                            const int32_t* zero_points);

Status PrepareIntegerWinograd(IntegerWinogradParams* params);
// Writes packed_bytes: [panel] int64 offsets of the panels with their flags, to whole cache lines; then the
// panels: ChannelArrays, then [position][depth / 2][column] pairs of words.
void PackIntegerWinograd(const IntegerWinogradParams& params, const void* weights,
                         const IntegerChannels& channels, uint8_t* packed);

inline constexpr int64_t kMostWinogradPatches = 48;  // that are transformed together

struct IntegerWinogradKernels {
  KernelFunction conv2d_winograd_integer;
};

}  // namespace mace::kernels

#endif  // MACE_KERNELS_INTEGER_WINOGRAD_INTEGER_WINOGRAD_H_
