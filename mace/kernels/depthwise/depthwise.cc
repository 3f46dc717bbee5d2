#include "mace/kernels/depthwise/depthwise.h"

#include <cstring>

#include "mace/kernels/half.h"

namespace mace::kernels {
namespace {

constexpr int64_t kTileWork = 128 * 1024;  // multiply-adds; they cost about three times those of a GEMM
constexpr int64_t kTileRows = 2;           // of the kernel
constexpr int64_t kPatchPixels = 32 * 1024;

}  // namespace

Status PrepareDepthwise(DepthwiseParams* p) {
  if (p->kernel_height <= 0 || p->kernel_width <= 0 || p->stride_y <= 0 || p->stride_x <= 0 ||
      p->dilation_y <= 0 || p->dilation_x <= 0 || p->multiplier <= 0) {
    return InvalidArgument("depthwise: kernel, stride, dilation and multiplier must be positive");
  }
  const int64_t taps = p->kernel_height * p->kernel_width;
  if (!SizesFit(p->batch, p->input_height) ||
      !SizesFit(p->batch * p->input_height, p->input_width, 4 * p->input_pixel_stride) ||
      !SizesFit(p->batch, p->output_height) ||
      !SizesFit(p->batch * p->output_height, p->output_width, 4 * p->output_pixel_stride) ||
      !SizesFit(p->kernel_height, p->kernel_width) || !SizesFit(p->input_channels, p->multiplier, 4) ||
      !SizesFit(taps, p->input_channels * p->multiplier, 16) ||
      !SizesFit(taps, p->dilation_y, p->dilation_x) || !SizesFit(p->stride_y, p->output_height) ||
      !SizesFit(p->stride_x, p->output_width)) {
    return InvalidArgument("depthwise: sizes out of range");
  }
  p->output_channels = p->input_channels * p->multiplier;
  p->padded_channels = RoundUp16(p->output_channels);
  p->epilogue = SplitPostOps(p->post_ops);
  p->tile_count = p->workspace_bytes = p->tile_output_rows = 0;
  if (p->batch * p->output_height * p->output_width * p->output_channels == 0) return Status::Ok();
  const int64_t row_work = p->output_width * p->output_channels * taps;
  int64_t rows = DivideRoundUp(kTileWork, row_work);
  rows = DivideRoundUp(rows, kTileRows) * kTileRows;
  p->tile_output_rows = rows < p->output_height ? rows : p->output_height;
  p->tile_count = p->batch * DivideRoundUp(p->output_height, p->tile_output_rows);
  // Scratch for pixels that do not exist; addresses of the input pixels under a tile of 2 x 4 output pixels
  // at the left and right edge. Strides and dilations, which no tensor bounds, must not make them many.
  const int64_t patch_rows = p->stride_y + (p->kernel_height - 1) * p->dilation_y + 1;
  const int64_t patch_columns = 3 * p->stride_x + (p->kernel_width - 1) * p->dilation_x + 1;
  const int64_t most_pixels = kPatchPixels > 16 * taps ? kPatchPixels : 16 * taps;
  p->is_by_pixel = p->multiplier > 1 || !SizesFit(patch_rows, patch_columns, 8) ||
                   patch_rows * patch_columns > most_pixels;
  if (p->is_by_pixel) {
    p->workspace_bytes = p->padded_channels * static_cast<int64_t>(sizeof(float));
    return Status::Ok();
  }
  p->workspace_bytes =
      kDepthwiseChannelBlock * 4 + patch_rows * patch_columns * static_cast<int64_t>(sizeof(void*));
  return Status::Ok();
}

int64_t DepthwisePackedBytes(const DepthwiseParams& p) {
  return (p.kernel_height * p.kernel_width + 2) * p.padded_channels * static_cast<int64_t>(sizeof(float));
}

void PackDepthwise(const DepthwiseParams& p, const void* weights, DType dtype, const void* bias,
                   DType bias_dtype, void* packed) {
  float* target = static_cast<float*>(packed);
  std::memset(target, 0, static_cast<size_t>(DepthwisePackedBytes(p)));
  target += p.padded_channels;
  if (bias != nullptr) {
    for (int64_t o = 0; o < p.output_channels; ++o) target[o] = ReadFloat(bias, bias_dtype, o);
  }
  const int64_t taps = p.kernel_height * p.kernel_width;
  for (int64_t t = 0; t < taps; ++t) {
    target += p.padded_channels;
    for (int64_t o = 0; o < p.output_channels; ++o) target[o] = ReadFloat(weights, dtype, o * taps + t);
  }
}

}  // namespace mace::kernels
