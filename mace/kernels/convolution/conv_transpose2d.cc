#include "mace/kernels/convolution/conv_transpose2d.h"

#include <cstring>
#include <numeric>

#include "mace/kernels/convolution/transpose_phase.h"

namespace mace::kernels {
namespace {

int64_t PhaseFloats(const ConvTranspose2dParams& p, int64_t taps) {
  return RoundUp16(PackedGemmFloats(p.panels, taps * (p.input_channels / p.groups)));
}

}  // namespace

bool HasFewPhases(const ConvTranspose2dParams& p) {
  constexpr int64_t kMostPhases = 1024;
  if (!SizesFit(p.stride_y, p.stride_x) || !SizesFit(p.kernel_height, p.kernel_width, 4)) return false;
  const int64_t phases = p.stride_y * p.stride_x;
  const int64_t taps = p.kernel_height * p.kernel_width;
  if (phases > kMostPhases || phases > 16 + 4 * taps) return false;
  // Each phase has room for as many taps as the largest: where stride and dilation share a factor, few phases
  // have all taps and the rest none.
  const auto most_taps = [](int64_t kernel, int64_t stride, int64_t dilation) {
    const int64_t step = stride / std::gcd(stride, dilation);
    return DivideRoundUp(kernel, step);
  };
  const int64_t most = most_taps(p.kernel_height, p.stride_y, p.dilation_y) *
                       most_taps(p.kernel_width, p.stride_x, p.dilation_x);
  return phases * most <= 64 + 16 * taps;
}

Status PrepareConvTranspose2d(ConvTranspose2dParams* p) {
  if (p->groups <= 0 || p->input_channels % p->groups != 0 || p->output_channels % p->groups != 0) {
    return InvalidArgument("conv_transpose2d: channels do not divide into the groups");
  }
  if (p->kernel_height <= 0 || p->kernel_width <= 0 || p->stride_y <= 0 || p->stride_x <= 0 ||
      p->dilation_y <= 0 || p->dilation_x <= 0) {
    return InvalidArgument("conv_transpose2d: kernel, stride and dilation must be positive");
  }
  const int64_t taps = p->kernel_height * p->kernel_width;
  if (!SizesFit(p->batch, p->input_height) ||
      !SizesFit(p->batch * p->input_height, p->input_width, 4 * p->input_pixel_stride) ||
      !SizesFit(p->batch, p->output_height) ||
      !SizesFit(p->batch * p->output_height, p->output_width, 4 * p->output_pixel_stride) ||
      !SizesFit(p->kernel_height, p->kernel_width, p->input_channels) ||
      !SizesFit(taps * p->input_channels, p->output_channels, 16) ||
      !SizesFit(p->stride_y, p->stride_x, p->output_channels * 16) ||
      !SizesFit(taps, p->dilation_y, p->dilation_x) || !SizesFit(p->input_height, p->stride_y) ||
      !SizesFit(p->input_width, p->stride_x)) {
    return InvalidArgument("conv_transpose2d: sizes out of range");
  }
  if (!HasFewPhases(*p)) return InvalidArgument("conv_transpose2d: the strides are too large");
  if (GemmRowsOf(p->isa).empty())
    return InvalidArgument("conv_transpose2d: no kernel for this instruction set");
  const int64_t group_channels = p->input_channels / p->groups;
  p->panels = PlanGemmPanels(p->isa, p->output_channels / p->groups);
  p->epilogue = SplitPostOps(p->post_ops);
  p->zero_floats = RoundUp16(p->input_channels);
  p->tile_count = p->workspace_bytes = p->phase_pixels = p->most_taps = 0;
  for (int64_t y = 0; y < p->stride_y; ++y) {
    for (int64_t x = 0; x < p->stride_x; ++x) {
      const TransposePhase phase = MakeTransposePhase(*p, y, x);
      if (phase.taps() > p->most_taps) p->most_taps = phase.taps();
      if (phase.pixels() > p->phase_pixels) p->phase_pixels = phase.pixels();
    }
  }
  if (p->batch * p->phase_pixels * p->output_channels == 0) return Status::Ok();
  // The table of pointers, two floats a tap, must not outgrow the cache much.
  const int64_t row_floats = p->input_channels > p->most_taps / 4 ? p->input_channels : p->most_taps / 4;
  const GemmBlocks blocks =
      PlanGemmBlocks(p->panels, p->phase_pixels, p->most_taps * group_channels, row_floats);
  p->row_blocks = blocks.row_blocks;
  p->column_blocks = blocks.column_blocks;
  const int64_t most_rows = DivideRoundUp(p->phase_pixels, p->row_blocks);
  p->workspace_bytes = most_rows * (p->most_taps + 1) * 8;
  p->tile_count = p->batch * p->row_blocks * p->stride_y * p->stride_x * p->groups * p->column_blocks;
  return Status::Ok();
}

int64_t ConvTranspose2dPackedBytes(const ConvTranspose2dParams& p) {
  return (p.zero_floats + p.stride_y * p.stride_x * p.groups * PhaseFloats(p, p.most_taps)) *
         static_cast<int64_t>(sizeof(float));
}

void PackConvTranspose2d(const ConvTranspose2dParams& p, const void* weights, DType dtype, const void* bias,
                         DType bias_dtype, void* packed) {
  float* target = static_cast<float*>(packed);
  std::memset(target, 0, static_cast<size_t>(p.zero_floats) * sizeof(float));
  target += p.zero_floats;
  const int64_t channels = p.input_channels / p.groups;
  const int64_t columns = p.output_channels / p.groups;
  const int64_t column_elements = p.kernel_height * p.kernel_width * channels;
  for (int64_t y = 0; y < p.stride_y; ++y) {
    for (int64_t x = 0; x < p.stride_x; ++x) {
      const TransposePhase phase = MakeTransposePhase(p, y, x);
      for (int64_t g = 0; g < p.groups; ++g) {
        const int64_t first = g * columns * column_elements +
                              (phase.y.kernel_begin * p.kernel_width + phase.x.kernel_begin) * channels;
        GemmRhs rhs;
        rhs.data = static_cast<const uint8_t*>(weights) + (phase.taps() == 0 ? 0 : first * BytesOf(dtype));
        rhs.dtype = dtype;
        rhs.column_stride = column_elements;
        rhs.depth_counts[0] = phase.y.taps, rhs.depth_counts[1] = phase.x.taps,
        rhs.depth_counts[2] = channels;
        rhs.depth_strides[0] = phase.y.kernel_step * p.kernel_width * channels;
        rhs.depth_strides[1] = phase.x.kernel_step * channels;
        rhs.depth_strides[2] = 1;
        if (bias != nullptr) rhs.bias = static_cast<const uint8_t*>(bias) + g * columns * BytesOf(bias_dtype);
        rhs.bias_dtype = bias_dtype;
        PackGemm(p.panels, rhs, target + ((y * p.stride_x + x) * p.groups + g) * PhaseFloats(p, p.most_taps));
      }
    }
  }
}

}  // namespace mace::kernels
