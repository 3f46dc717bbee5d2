// Kernel depthwise_integer (kernels.def family `integer_depthwise`): depthwise 2-D convolution of quantized
// values, NHWC, one output channel an input channel, exact. Conventions of types and zero points as in
// integer_gemm/integer_conv2d.h.
//
// Lanes are channels. The pixels of one kernel column lie in the bytes (or words) of a lane, so that a dot
// product sums over them: a column of 3 rows is one of its steps (two of words). Each column is joined once
// for all outputs of a row that it serves.
#ifndef MACE_KERNELS_INTEGER_DEPTHWISE_INTEGER_DEPTHWISE_H_
#define MACE_KERNELS_INTEGER_DEPTHWISE_INTEGER_DEPTHWISE_H_

#include "mace/core/dtype.h"
#include "mace/core/status.h"
#include "mace/kernels/integer_gemm/requantization.h"
#include "mace/kernels/kernel.h"
#include "mace/simd/isa.h"

namespace mace::kernels {

// Operands: 0 input, 1 packed weights (PackIntegerDepthwise), 2 output.
struct IntegerDepthwiseParams {
  // Set by the caller.
  Isa isa = Isa::kScalar;
  DType input = DType::kU8;             // kU8, kI8, kI16
  DType weights = DType::kI8;           // kI8, kU8
  bool has_weight_zero_points = false;  // one is not 0 (u8 weights: not 128)
  bool wide = false;                    // 64-bit bias and requantisation; kI16 input only
  int32_t input_zero_point = 0;
  Requantization requantization;  // to kI8, kU8 or kI16
  int64_t batch = 0, input_height = 0, input_width = 0, channels = 0;
  int64_t output_height = 0, output_width = 0;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;
  int64_t pad_top = 0, pad_left = 0;
  int64_t input_pixel_stride = 0;   // elements between channel vectors: >= channels
  int64_t output_pixel_stride = 0;  // elements between channel vectors: >= channels

  // Set by PrepareIntegerDepthwise.
  bool is_bytes = false;        // four rows a lane, else two as words
  int64_t row_groups = 0;       // of a kernel column
  int64_t padded_channels = 0;  // the row length of the packed weights
  int64_t packed_bytes = 0;
  int64_t tile_count = 0;    // one output row each
  int64_t column_bytes = 0;  // of the workspace
  int64_t workspace_bytes = 0;
};

// kernel_height * kernel_width may not be more: sums of 16-bit activations stay within 32 bits.
inline constexpr int64_t kMostDepthwiseTaps = 256;
// The workspace: joined columns, sums of a block of outputs, then what rows above and below the input hold.
// The first two shall stay in L1 beside the input.
inline constexpr int64_t kDepthwiseColumnBytes = 8192;  // more only where one output needs more
inline constexpr int64_t kDepthwiseSumsBytes = 4096;
inline constexpr int64_t kMostDepthwiseChunkBytes = 128;  // channels at once, as lanes
// The packed weights begin with ChannelShifts: a byte each of some_left and all_right.
inline constexpr int64_t kDepthwiseHeaderBytes = 64;

Status PrepareIntegerDepthwise(IntegerDepthwiseParams* params);
// weights: [channels][kernel_height][kernel_width]. Writes the header, ChannelArrays of all channels, then
// [kernel_width][row_groups] [padded_channels] lanes.
void PackIntegerDepthwise(const IntegerDepthwiseParams& params, const void* weights,
                          const IntegerChannels& channels, uint8_t* packed);

struct IntegerDepthwiseKernels {
  KernelFunction depthwise_integer;
};

}  // namespace mace::kernels

#endif  // MACE_KERNELS_INTEGER_DEPTHWISE_INTEGER_DEPTHWISE_H_
