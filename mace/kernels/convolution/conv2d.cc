#include "mace/kernels/convolution/conv2d.h"

#include <cstring>

namespace mace::kernels {
namespace {

// Pixels with fewer channels than this are gathered to a band: a run of kernel_width * channels floats per
// kernel row keeps the inner loop busy where a run of `channels` would not.
constexpr int64_t kBandChannels = 8;
constexpr int64_t kBandBytes = 96 * 1024;
constexpr int64_t kBandWork = 512 * 1024;  // multiply-adds of a tile

bool IsPlainGemm(const Conv2dParams& p) {
  return p.kernel_height == 1 && p.kernel_width == 1 && p.stride_y == 1 && p.stride_x == 1 &&
         p.pad_top == 0 && p.pad_left == 0 && p.groups == 1 && !p.input_is_nchw &&
         p.output_height == p.input_height && p.output_width == p.input_width;
}

// Dilation, stride and pads can make the band of a single output row far larger than the pixels that it
// serves, and a tall kernel its table of pointers. (The layout of the input has no say: whoever offers NCHW
// asks with NHWC first.)
bool IsBandTooLarge(const Conv2dParams& p) {
  const int64_t columns = (p.output_width - 1) * p.stride_x + (p.kernel_width - 1) * p.dilation_x + 1;
  const int64_t rows = (p.kernel_height - 1) * p.dilation_y + 1;
  const int64_t taps = p.kernel_height * (p.dilation_x == 1 ? 1 : p.kernel_width);
  if (!SizesFit(columns, p.input_channels, 64) || !SizesFit(rows, columns * p.input_channels + 16, 8) ||
      !SizesFit(p.output_width, taps, 16)) {
    return true;
  }
  const int64_t bytes = rows * RoundUp16(columns * p.input_channels) * 4 +
                        p.output_width * taps * static_cast<int64_t>(sizeof(void*));
  const int64_t read_rows = p.kernel_height < p.input_height ? p.kernel_height : p.input_height;
  return bytes > kBandBytes && bytes / 16 > read_rows * p.input_width * p.input_channels;
}

void PlanBand(Conv2dParams* p) {
  const int64_t depth = p->kernel_height * p->kernel_width * p->input_channels;
  p->band_row_floats = RoundUp16(
      ((p->output_width - 1) * p->stride_x + (p->kernel_width - 1) * p->dilation_x + 1) * p->input_channels);
  const int64_t row_work = p->output_width * (depth + 1) * p->panels.padded_columns;
  const auto band_rows = [&](int64_t rows) {
    return (rows - 1) * p->stride_y + (p->kernel_height - 1) * p->dilation_y + 1;
  };
  int64_t rows = 1;
  while (rows < p->output_height && rows * row_work < kBandWork &&
         band_rows(rows + 1) * p->band_row_floats * 4 <= kBandBytes)
    ++rows;
  p->band_output_rows = rows;
  p->band_rows = band_rows(rows);
  const int64_t taps = p->kernel_height * (p->dilation_x == 1 ? 1 : p->kernel_width);
  p->workspace_bytes = p->band_rows * p->band_row_floats * 4 +
                       rows * p->output_width * taps * static_cast<int64_t>(sizeof(void*));
  p->tile_count = p->batch * DivideRoundUp(p->output_height, rows);
}

// Tiles of pooled rows, with room in front of the method's own for the rows that they see.
Status PlanMaxPool(Conv2dParams* p) {
  const PoolingParams& pool = *p->max_pool;
  if (pool.batch != p->batch || pool.input_height != p->output_height ||
      pool.input_width != p->output_width || pool.channels != p->output_channels ||
      pool.input_pixel_stride != p->output_pixel_stride) {
    return InvalidArgument("conv2d: the pooled map is another one");
  }
  if (pool.tile_count == 0) {
    p->tile_count = p->workspace_bytes = 0;
    return Status::Ok();
  }
  const int64_t depth = p->kernel_height * p->kernel_width * p->input_channels;
  int64_t row_work = kBandWork;
  if (SizesFit(p->output_width, depth, p->panels.padded_columns) &&
      SizesFit(p->output_width * depth * p->panels.padded_columns, pool.output_height, pool.stride_y)) {
    row_work = p->output_width * depth * p->panels.padded_columns;
  }
  const int64_t row_bytes = p->output_width * p->output_pixel_stride * 4;
  const auto lines = [&](int64_t rows) {
    const int64_t seen = (rows - 1) * pool.stride_y + (pool.kernel_height - 1) * pool.dilation_y + 1;
    return seen < p->output_height ? seen : p->output_height;
  };
  int64_t rows = 1;
  while (rows < pool.output_height && lines(rows) < p->output_height &&
         rows * pool.stride_y * row_work < kBandWork && lines(rows + 1) * row_bytes <= kBandBytes) {
    ++rows;
  }
  p->pooled_rows = rows;
  p->pool_workspace_bytes = RoundUp16(lines(rows) * row_bytes / 4) * 4;
  p->workspace_bytes += p->pool_workspace_bytes;
  p->tile_count = p->batch * DivideRoundUp(pool.output_height, rows);
  return Status::Ok();
}

void PlanTiles(Conv2dParams* p) {
  const int64_t taps = p->kernel_height * p->kernel_width;
  const int64_t depth = taps * (p->input_channels / p->groups);
  const int64_t image_pixels = p->output_height * p->output_width;
  if (p->batch * image_pixels * p->output_channels == 0) return;
  if (p->method == Conv2dMethod::kBand) {
    PlanBand(p);
    return;
  }
  if (p->method == Conv2dMethod::kGemm) {
    p->blocks = PlanGemmBlocks(p->panels, p->batch * image_pixels, depth, depth);
    p->tile_count = p->blocks.row_blocks * p->blocks.column_blocks;
    return;
  }
  // Neighbouring windows share pixels: an output row costs the cache about stride^2 new input pixels, at most
  // all taps.
  const int64_t fresh = p->stride_y * p->stride_x < taps ? p->stride_y * p->stride_x : taps;
  // The table of pointers, two floats a tap, must not outgrow the cache much either.
  const int64_t row_floats = fresh * p->input_channels > taps / 4 ? fresh * p->input_channels : taps / 4;
  p->blocks = PlanGemmBlocks(p->panels, image_pixels, depth, row_floats);
  const int64_t strips = DivideRoundUp(p->blocks.strips, p->blocks.row_blocks);
  const int64_t most_rows = strips * p->panels.strip_rows;
  p->workspace_bytes = most_rows * taps * static_cast<int64_t>(sizeof(void*));
  p->tile_count = p->batch * p->blocks.row_blocks * p->groups * p->blocks.column_blocks;
}

}  // namespace

int64_t Conv2dOutputSize(int64_t input, int64_t pad_begin, int64_t pad_end, int64_t kernel, int64_t stride,
                         int64_t dilation) {
  const int64_t room = input + pad_begin + pad_end - ((kernel - 1) * dilation + 1);
  return room < 0 || stride <= 0 ? 0 : room / stride + 1;
}

Status PrepareConv2d(Conv2dParams* p) {
  if (p->groups <= 0 || p->input_channels % p->groups != 0 || p->output_channels % p->groups != 0) {
    return InvalidArgument("conv2d: channels do not divide into the groups");
  }
  if (p->kernel_height <= 0 || p->kernel_width <= 0 || p->stride_y <= 0 || p->stride_x <= 0 ||
      p->dilation_y <= 0 || p->dilation_x <= 0) {
    return InvalidArgument("conv2d: kernel, stride and dilation must be positive");
  }
  if (p->input_is_nchw && p->groups != 1) return InvalidArgument("conv2d: NCHW input needs groups == 1");
  const int64_t pixel = p->input_is_nchw ? p->input_channels : p->input_pixel_stride;
  const int64_t group_channels = p->input_channels / p->groups;
  const int64_t taps = p->kernel_height * p->kernel_width;
  if (!SizesFit(p->batch, p->input_height) || !SizesFit(p->input_height, p->input_width, 4 * pixel) ||
      !SizesFit(p->batch * p->input_height, p->input_width, 4 * pixel) ||
      !SizesFit(p->batch, p->output_height) ||
      !SizesFit(p->batch * p->output_height, p->output_width, 4 * p->output_pixel_stride) ||
      !SizesFit(p->kernel_height, p->kernel_width) || !SizesFit(taps, group_channels, 8) ||
      !SizesFit(taps * group_channels, p->output_channels, 16) || !SizesFit(p->output_height, p->stride_y) ||
      !SizesFit(p->output_width, p->stride_x, p->input_channels) ||
      !SizesFit(taps, p->dilation_y, p->dilation_x)) {
    return InvalidArgument("conv2d: sizes out of range");
  }
  if (GemmRowsOf(p->isa).empty()) return InvalidArgument("conv2d: no kernel for this instruction set");
  const int64_t depth = taps * group_channels;
  p->panels = PlanGemmPanels(p->isa, p->output_channels / p->groups);
  p->epilogue = SplitPostOps(p->post_ops);
  p->group_floats = RoundUp16(PackedGemmFloats(p->panels, depth));
  p->zero_floats = 0;
  p->workspace_bytes = 0;
  p->tile_count = 0;
  p->method =
      IsPlainGemm(*p) ? Conv2dMethod::kGemm
      : p->groups == 1 && (p->input_is_nchw || p->input_channels <= kBandChannels) && !IsBandTooLarge(*p)
          ? Conv2dMethod::kBand
          : Conv2dMethod::kIndirect;
  if (p->method == Conv2dMethod::kIndirect && p->input_is_nchw) {
    return InvalidArgument("conv2d: the windows reach too far for NCHW input");
  }
  if (p->method == Conv2dMethod::kIndirect) p->zero_floats = RoundUp16(p->input_channels);
  PlanTiles(p);
  return p->max_pool == nullptr ? Status::Ok() : PlanMaxPool(p);
}

int64_t Conv2dPackedBytes(const Conv2dParams& p) {
  return (p.zero_floats + p.groups * p.group_floats) * static_cast<int64_t>(sizeof(float));
}

void PackConv2d(const Conv2dParams& p, const void* weights, DType dtype, const void* bias, DType bias_dtype,
                void* packed) {
  float* target = static_cast<float*>(packed);
  std::memset(target, 0, static_cast<size_t>(p.zero_floats) * sizeof(float));
  target += p.zero_floats;
  const int64_t depth = p.kernel_height * p.kernel_width * (p.input_channels / p.groups);
  const int64_t columns = p.output_channels / p.groups;
  for (int64_t g = 0; g < p.groups; ++g) {
    GemmRhs rhs = GemmRhsFromNK(static_cast<const uint8_t*>(weights) + g * columns * depth * BytesOf(dtype),
                                dtype, columns, depth);
    if (bias != nullptr) rhs.bias = static_cast<const uint8_t*>(bias) + g * columns * BytesOf(bias_dtype);
    rhs.bias_dtype = bias_dtype;
    PackGemm(p.panels, rhs, target + g * p.group_floats);
  }
}

}  // namespace mace::kernels
