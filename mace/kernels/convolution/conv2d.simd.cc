#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/kernels/convolution/convolution.h"
#include "mace/kernels/gemm/gemm_block.h"
#include "mace/kernels/pooling/pool_row-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::Conv2dParams;
using kernels::KernelArguments;

// In conv_transpose2d.simd.cc.
void ConvTranspose2dF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);

namespace {

GemmBlock CommonBlock(const Conv2dParams& p, const KernelArguments& arguments) {
  GemmBlock block;
  block.panels = &p.panels;
  block.epilogue = &p.epilogue;
  block.operands = arguments.operands;
  block.panels_outer = p.blocks.panels_outer;
  block.out_stride = p.output_pixel_stride;
  return block;
}

void RunPlainGemm(const Conv2dParams& p, const KernelArguments& arguments, int64_t tile_begin,
                  int64_t tile_end) {
  GemmBlock block = CommonBlock(p, arguments);
  block.packed = static_cast<const float*>(arguments.operands[1]) + p.zero_floats;
  block.lhs_stride = p.input_pixel_stride;
  block.run = p.input_channels;
  const int64_t pixels = p.batch * p.output_height * p.output_width;
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    block.first_row =
        SetBlockRange(p.blocks, pixels, t / p.blocks.column_blocks, t % p.blocks.column_blocks, &block);
    block.lhs = static_cast<const float*>(arguments.operands[0]) + block.first_row * p.input_pixel_stride;
    block.out = static_cast<float*>(arguments.operands[2]) + block.first_row * p.output_pixel_stride;
    RunGemmBlock(block);
  }
}

// Addresses of the input pixels that output pixels [row_begin, row_begin + rows) of an image read:
// [tap][rows], padding at `zero`.
void FillTable(const Conv2dParams& p, const float* image, const float* zero, int64_t row_begin, int64_t rows,
               const float** table) {
  for (int64_t ky = 0; ky < p.kernel_height; ++ky) {
    for (int64_t kx = 0; kx < p.kernel_width; ++kx, table += rows) {
      int64_t y = row_begin / p.output_width;
      int64_t x = row_begin % p.output_width;
      for (int64_t i = 0; i < rows;) {
        const int64_t input_y = y * p.stride_y - p.pad_top + ky * p.dilation_y;
        const int64_t line_end = ScalarMin(rows, i + p.output_width - x);
        int64_t input_x = x * p.stride_x - p.pad_left + kx * p.dilation_x;
        if (input_y < 0 || input_y >= p.input_height) {
          for (; i < line_end; ++i) table[i] = zero;
        } else {
          const float* line = image + input_y * p.input_width * p.input_pixel_stride;
          for (; i < line_end; ++i, input_x += p.stride_x) {
            table[i] = input_x >= 0 && input_x < p.input_width ? line + input_x * p.input_pixel_stride : zero;
          }
        }
        ++y;
        x = 0;
      }
    }
  }
}

void RunIndirect(const Conv2dParams& p, const KernelArguments& arguments, int64_t tile_begin,
                 int64_t tile_end) {
  GemmBlock block = CommonBlock(p, arguments);
  const float* zero = static_cast<const float*>(arguments.operands[1]);
  const int64_t group_channels = p.input_channels / p.groups;
  const int64_t pixels = p.output_height * p.output_width;
  const float** table = reinterpret_cast<const float**>(arguments.workspace);
  block.table = table;
  block.taps = p.kernel_height * p.kernel_width;
  block.run = group_channels;
  int64_t table_block = -1;  // the (image, row block) that the table is for
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t column_block = t % p.blocks.column_blocks;
    const int64_t group = t / p.blocks.column_blocks % p.groups;
    const int64_t row_block = t / p.blocks.column_blocks / p.groups;  // of all images
    const int64_t image = row_block / p.blocks.row_blocks;
    const int64_t row_begin =
        SetBlockRange(p.blocks, pixels, row_block % p.blocks.row_blocks, column_block, &block);
    if (table_block != row_block) {
      const float* input = static_cast<const float*>(arguments.operands[0]) +
                           image * p.input_height * p.input_width * p.input_pixel_stride;
      FillTable(p, input, zero, row_begin, block.rows, table);
      table_block = row_block;
    }
    block.table_stride = block.rows;
    block.lhs_offset = group * group_channels;
    block.packed = zero + p.zero_floats + group * p.group_floats;
    block.first_row = image * pixels + row_begin;
    block.first_column = group * p.panels.columns;
    block.out = static_cast<float*>(arguments.operands[2]) + block.first_row * p.output_pixel_stride;
    RunGemmBlock(block);
  }
}

// A row of the input, with zeros for padding, as band_row_floats floats of NHWC.
void FillBandRow(const Conv2dParams& p, const float* image, int64_t input_y, float* band) {
  const int64_t channels = p.input_channels;
  const int64_t columns = (p.output_width - 1) * p.stride_x + (p.kernel_width - 1) * p.dilation_x + 1;
  if (input_y < 0 || input_y >= p.input_height) {
    for (int64_t i = 0; i < columns * channels; ++i) band[i] = 0.0f;
    return;
  }
  const int64_t begin = ScalarMin(p.pad_left, columns);  // band columns [begin, end) exist in the input
  const int64_t end = ScalarMax(begin, ScalarMin(columns, p.input_width + p.pad_left));
  for (int64_t i = 0; i < begin * channels; ++i) band[i] = 0.0f;
  for (int64_t i = end * channels; i < columns * channels; ++i) band[i] = 0.0f;
  float* target = band + begin * channels;
  const int64_t first_x = begin - p.pad_left;
  if (!p.input_is_nchw) {
    const float* source = image + (input_y * p.input_width + first_x) * p.input_pixel_stride;
    if (p.input_pixel_stride == channels) {
      __builtin_memcpy(target, source, static_cast<size_t>((end - begin) * channels) * sizeof(float));
      return;
    }
    for (int64_t x = begin; x < end; ++x, source += p.input_pixel_stride) {
      for (int64_t c = 0; c < channels; ++c) *target++ = source[c];
    }
    return;
  }
  const int64_t plane = p.input_height * p.input_width;
  const float* source = image + input_y * p.input_width + first_x;
  if (channels == 3) {
    for (int64_t x = 0; x < end - begin; ++x) {
      target[3 * x] = source[x];
      target[3 * x + 1] = source[plane + x];
      target[3 * x + 2] = source[2 * plane + x];
    }
    return;
  }
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t x = 0; x < end - begin; ++x) target[x * channels + c] = source[c * plane + x];
  }
}

// Rows [y_begin, y_begin + lines) of the output of one image, at `out`; at most band_output_rows.
void ConvolveBand(const Conv2dParams& p, const KernelArguments& arguments, int64_t image, int64_t y_begin,
                  int64_t lines, float* out) {
  GemmBlock block = CommonBlock(p, arguments);
  float* band = reinterpret_cast<float*>(arguments.workspace);
  const float** table = reinterpret_cast<const float**>(band + p.band_rows * p.band_row_floats);
  const int64_t row_taps = p.dilation_x == 1 ? 1 : p.kernel_width;
  block.packed = static_cast<const float*>(arguments.operands[1]) + p.zero_floats;
  block.table = table;
  block.taps = p.kernel_height * row_taps;
  block.run = p.dilation_x == 1 ? p.kernel_width * p.input_channels : p.input_channels;
  block.panel_end = p.panels.panel_count;
  const int64_t pixel = p.input_is_nchw ? p.input_channels : p.input_pixel_stride;
  const float* input =
      static_cast<const float*>(arguments.operands[0]) + image * p.input_height * p.input_width * pixel;
  const int64_t band_rows = (lines - 1) * p.stride_y + (p.kernel_height - 1) * p.dilation_y + 1;
  for (int64_t i = 0; i < band_rows; ++i) {
    FillBandRow(p, input, y_begin * p.stride_y - p.pad_top + i, band + i * p.band_row_floats);
  }
  block.rows = lines * p.output_width;
  const float** entry = table;
  for (int64_t ky = 0; ky < p.kernel_height; ++ky) {
    for (int64_t kx = 0; kx < row_taps; ++kx) {
      for (int64_t y = 0; y < lines; ++y) {
        const float* line = band + (y * p.stride_y + ky * p.dilation_y) * p.band_row_floats +
                            kx * p.dilation_x * p.input_channels;
        for (int64_t x = 0; x < p.output_width; ++x) *entry++ = line + x * p.stride_x * p.input_channels;
      }
    }
  }
  block.table_stride = block.rows;
  block.strips = kernels::DivideRoundUp(block.rows, p.panels.strip_rows);
  block.first_row = (image * p.output_height + y_begin) * p.output_width;
  block.out = out;
  RunGemmBlock(block);
}

void RunBand(const Conv2dParams& p, const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const int64_t bands = kernels::DivideRoundUp(p.output_height, p.band_output_rows);
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t image = t / bands;
    const int64_t y_begin = t % bands * p.band_output_rows;
    const int64_t first_row = (image * p.output_height + y_begin) * p.output_width;
    ConvolveBand(p, arguments, image, y_begin, ScalarMin(p.band_output_rows, p.output_height - y_begin),
                 static_cast<float*>(arguments.operands[2]) + first_row * p.output_pixel_stride);
  }
}

// Rows [begin, end) of the output of one image, all channels, at `out`.
void ConvolveRows(const Conv2dParams& p, const KernelArguments& arguments, int64_t image, int64_t begin,
                  int64_t end, float* out) {
  if (begin == end) return;
  const int64_t row_floats = p.output_width * p.output_pixel_stride;
  if (p.method == kernels::Conv2dMethod::kBand) {
    for (int64_t y = begin; y < end; y += p.band_output_rows) {
      ConvolveBand(p, arguments, image, y, ScalarMin(p.band_output_rows, end - y),
                   out + (y - begin) * row_floats);
    }
    return;
  }
  GemmBlock block = CommonBlock(p, arguments);
  const bool is_gemm = p.method == kernels::Conv2dMethod::kGemm;
  const float* zero = static_cast<const float*>(arguments.operands[1]);
  const float* input = static_cast<const float*>(arguments.operands[0]) +
                       image * p.input_height * p.input_width * p.input_pixel_stride;
  const float** table = reinterpret_cast<const float**>(arguments.workspace);
  const int64_t group_channels = p.input_channels / p.groups;
  const int64_t pixels = p.output_height * p.output_width;
  block.table = is_gemm ? nullptr : table;
  block.lhs_stride = p.input_pixel_stride;
  block.taps = p.kernel_height * p.kernel_width;
  block.run = group_channels;
  block.panel_end = p.panels.panel_count;
  const int64_t most_rows =
      kernels::DivideRoundUp(p.blocks.strips, p.blocks.row_blocks) * p.panels.strip_rows;
  for (int64_t row = begin * p.output_width; row < end * p.output_width; row += most_rows) {
    block.rows = ScalarMin(most_rows, end * p.output_width - row);
    block.strips = kernels::DivideRoundUp(block.rows, p.panels.strip_rows);
    block.table_stride = block.rows;
    block.lhs = input + row * p.input_pixel_stride;
    block.first_row = image * pixels + row;
    block.out = out + (row - begin * p.output_width) * p.output_pixel_stride;
    if (!is_gemm) FillTable(p, input, zero, row, block.rows, table);
    for (int64_t group = 0; group < p.groups; ++group) {
      block.lhs_offset = group * group_channels;
      block.packed = zero + p.zero_floats + group * p.group_floats;
      block.first_column = group * p.panels.columns;
      RunGemmBlock(block);
    }
  }
}

void RunPooled(const Conv2dParams& p, const KernelArguments& arguments, int64_t tile_begin,
               int64_t tile_end) {
  const kernels::PoolingParams& pool = *p.max_pool;
  float* rows = reinterpret_cast<float*>(arguments.workspace);
  const KernelArguments of_method = {arguments.params, arguments.operands,
                                     arguments.workspace + p.pool_workspace_bytes};
  const int64_t image_tiles = kernels::DivideRoundUp(pool.output_height, p.pooled_rows);
  const int64_t row_floats = p.output_width * p.output_pixel_stride;
  const int64_t pooled_floats = pool.output_width * pool.output_pixel_stride;
  int64_t held_image = -1, held_begin = 0, held_end = 0;  // the rows that the workspace holds
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t image = t / image_tiles;
    const int64_t y_begin = t % image_tiles * p.pooled_rows;
    const int64_t y_end = ScalarMin(y_begin + p.pooled_rows, pool.output_height);
    const int64_t last =
        (y_end - 1) * pool.stride_y - pool.pad_top + (pool.kernel_height - 1) * pool.dilation_y;
    const int64_t begin =
        ScalarMin(ScalarMax<int64_t>(y_begin * pool.stride_y - pool.pad_top, 0), p.output_height);
    const int64_t end = ScalarMax(begin, ScalarMin(last + 1, p.output_height));
    int64_t kept = 0;
    if (image == held_image && begin >= held_begin && begin < held_end) {
      kept = ScalarMin(held_end, end) - begin;
      if (begin > held_begin) {
        __builtin_memmove(rows, rows + (begin - held_begin) * row_floats,
                          static_cast<size_t>(kept * row_floats) * sizeof(float));
      }
    }
    ConvolveRows(p, of_method, image, begin + kept, end, rows + kept * row_floats);
    held_image = image, held_begin = begin, held_end = end;
    float* out =
        static_cast<float*>(arguments.operands[2]) + (image * pool.output_height + y_begin) * pooled_floats;
    for (int64_t y = y_begin; y < y_end; ++y, out += pooled_floats) {
      PoolRow<MaxOfWindow>(pool, rows, begin, y, out);
    }
  }
}

void Conv2dF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& params = *static_cast<const Conv2dParams*>(arguments.params);
  if (params.max_pool != nullptr) return RunPooled(params, arguments, tile_begin, tile_end);
  switch (params.method) {
    case kernels::Conv2dMethod::kGemm:
      return RunPlainGemm(params, arguments, tile_begin, tile_end);
    case kernels::Conv2dMethod::kBand:
      return RunBand(params, arguments, tile_begin, tile_end);
    case kernels::Conv2dMethod::kIndirect:
      return RunIndirect(params, arguments, tile_begin, tile_end);
  }
}

}  // namespace

extern const kernels::ConvolutionKernels kConvolutionKernels;
const kernels::ConvolutionKernels kConvolutionKernels = {Conv2dF32, ConvTranspose2dF32};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
