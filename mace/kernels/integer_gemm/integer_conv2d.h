// Kernel conv2d_integer: 2-D convolution of quantized values, NHWC, exact (docs/design/07-quantization.md):
// 8-bit or 16-bit activations, 8-bit weights, 32-bit sums (64-bit ones of 16-bit activations where `wide` is
// set), requantised. A fully connected layer is a 1x1 convolution of [1, 1, rows, depth].
//
// It is a GEMM. Left-hand rows are gathered to the workspace in the form that the instruction set's dot
// product takes (mace/simd/dot.h), padding with the input's zero point; of a 1x1 convolution whose input has
// that form they stay where they are.
//
// Sums are of stored numbers. With a the stored input, w the stored weight, za and zw their zero points:
//   sum (a - za) (w - zw) = sum a w - zw sum a - za sum w + K za zw,
// of which the last two terms are part of the packed bias and zw sum a is taken off each row where a zw is
// not 0.
#ifndef MACE_KERNELS_INTEGER_GEMM_INTEGER_CONV2D_H_
#define MACE_KERNELS_INTEGER_GEMM_INTEGER_CONV2D_H_

#include "mace/core/dtype.h"
#include "mace/core/status.h"
#include "mace/kernels/gemm/gemm.h"
#include "mace/kernels/integer_gemm/requantization.h"

namespace mace::kernels {

// Operands: 0 input, 1 packed weights (PackIntegerConv2d), 2 output.
struct IntegerConv2dParams {
  // Set by the caller.
  Isa isa = Isa::kScalar;
  DType input = DType::kU8;             // kU8, kI8, kI16
  DType weights = DType::kI8;           // kI8, kU8
  bool has_weight_zero_points = false;  // one is not 0 (u8 weights: not 128)
  bool wide = false;                    // 64-bit sums; kI16 input only
  int32_t input_zero_point = 0;
  Requantization requantization;
  int64_t batch = 0, input_height = 0, input_width = 0, input_channels = 0;
  int64_t output_height = 0, output_width = 0, output_channels = 0;
  int64_t groups = 1;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;
  int64_t pad_top = 0, pad_left = 0;
  int64_t input_pixel_stride = 0;   // elements between channel vectors: >= input_channels
  int64_t output_pixel_stride = 0;  // elements between channel vectors: >= output_channels

  // Set by PrepareIntegerConv2d.
  bool is_plain = false;   // 1x1: the rows of all images are one matrix
  bool is_direct = false;  // rows stay in the input
  bool needs_row_sums = false;
  GemmKind kind = GemmKind::kBytes;
  int32_t flip = 0;         // what a stored byte is xored with, in all four bytes
  int32_t padding = 0;      // the zero point as packed rows hold it
  GemmPanels panels;        // of one group
  GemmBlocks blocks;        // over the rows of one image, of all where is_plain
  int64_t depth = 0;        // of a group: taps * input channels
  int64_t row_bytes = 0;    // of a packed row: a multiple of 64
  int64_t depth_bytes = 0;  // of a row that a tile reads: the depth rounded up to the row's tile_depth
  int64_t packed_bytes = 0;
  int64_t most_rows = 0;  // of a tile's block
  int64_t tile_count = 0;
  int64_t workspace_bytes = 0;
};

// `weights`: OHWI, that is [output_channels][kernel_height][kernel_width][input_channels / groups] of
// params->weights. Looked through for pairs that vpmaddubsw would saturate on, where the instruction set has
// nothing better.
Status PrepareIntegerConv2d(const void* weights, IntegerConv2dParams* params);
// Writes packed_bytes: [group * panel] int64 offsets of the panels from the start, to whole cache lines, with
// flags; then the panels: ChannelArrays, then [depth step][column][tile_depth] weights. Where kPanelSigns is
// set, steps of a vector of columns that hold a pair which vpmaddubsw would saturate on are magnitudes and
// signs, and steps are ordered by which of the vectors those are: ChannelArrays, StepOrder, then the steps,
// of each vector its weights, or its magnitudes and its sign bytes.
void PackIntegerConv2d(const IntegerConv2dParams& params, const void* weights,
                       const IntegerChannels& channels, uint8_t* packed);

// Of a panel with kPanelSigns. A step's form has bit v set where vector v is magnitudes and signs.
struct StepOrder {
  static constexpr int kForms = 4;
  static constexpr int64_t kStepBytes = 4;  // of a left-hand row
  int64_t panel_bytes;
  int32_t counts[kForms];  // of steps of each form, which stand in the order of the forms
  int32_t reserved[2];
  // Then for each step the bytes from the begin of a left-hand row to what it reads; then nothing up to a
  // cache line.
};

__attribute__((always_inline)) inline constexpr int64_t StepOrderBytes(int64_t depth_bytes) {
  const int64_t bytes =
      int64_t{sizeof(StepOrder)} + depth_bytes / StepOrder::kStepBytes * int64_t{sizeof(int32_t)};
  return (bytes + 63) / 64 * 64;
}

// Among the flags of a panel (requantization.h).
inline constexpr int64_t kPanelSigns = 1;

}  // namespace mace::kernels

#endif  // MACE_KERNELS_INTEGER_GEMM_INTEGER_CONV2D_H_
