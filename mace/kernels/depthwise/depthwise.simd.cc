// Depthwise convolution. Vectors are locals only (SVE and RVV allow nothing else): a tile is 2 x 4 output
// pixels, whose sums are eight named variables.
#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/kernels/depthwise/depthwise.h"
#include "mace/kernels/elementwise/post_ops-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {
namespace {

using kernels::DepthwiseParams;
using kernels::KernelArguments;

constexpr int kTileRows = 2;
constexpr int kTileColumns = 4;
// Channels at a time, so that weights and a few input rows of them stay in L1 while a tile moves along the
// row.
constexpr int64_t kChannelBlock = 256;

// Where a tile reads and writes. A patch is the input pixels under it: patch_columns wide, first at (0, 0).
struct Tile {
  const float*
      patch;  // address of patch pixel (0, 0): not to be read where the image has no such row or column
  const float* const* table;  // at the left and right edge: address of each patch pixel, [row][column]
  int64_t patch_columns;
  int64_t input_row, input_pixel;  // floats
  int64_t kernel_begin[kTileRows],
      kernel_end[kTileRows];  // kernel rows that lie inside the image, of each output row
  float* out[kTileRows];
  const float* residual[kTileRows];
  int64_t out_pixel, residual_pixel;
  int rows, columns;  // that exist
};

// Patch pixel (row, column) from channel c on.
template <bool kEdge>
MACE_INLINE const float* PatchPixel(const Tile& tile, int64_t row, int64_t column, int64_t c) {
  if constexpr (kEdge) return tile.table[row * tile.patch_columns + column] + c;
  return tile.patch + row * tile.input_row + column * tile.input_pixel + c;
}

template <bool kPartial>
MACE_INLINE VecF32 LoadChannels(const float* p, int64_t n) {
  if constexpr (kPartial) return LoadPartial(kF32, p, n);
  return Load(kF32, p);
}

// One kernel row of three taps onto four neighbouring outputs at stride kStride: each input is loaded once.
template <int kStride, bool kEdge, bool kPartial>
MACE_INLINE void AddRowOfThree(const Tile& tile, int64_t row, int64_t c, int64_t n, VecF32 w0, VecF32 w1,
                               VecF32 w2, VecF32& s0, VecF32& s1, VecF32& s2, VecF32& s3) {
  const auto in = [&](int column) __attribute__((always_inline)) {
    return LoadChannels<kPartial>(PatchPixel<kEdge>(tile, row, column, c), n);
  };
  VecF32 x = in(0);
  s0 = MulAdd(x, w0, s0);
  x = in(1);
  s0 = MulAdd(x, w1, s0);
  if constexpr (kStride == 1) s1 = MulAdd(x, w0, s1);
  x = in(2);
  s0 = MulAdd(x, w2, s0);
  if constexpr (kStride == 1) {
    s1 = MulAdd(x, w1, s1);
    s2 = MulAdd(x, w0, s2);
    x = in(3);
    s1 = MulAdd(x, w2, s1);
    s2 = MulAdd(x, w1, s2);
    s3 = MulAdd(x, w0, s3);
    x = in(4);
    s2 = MulAdd(x, w2, s2);
    s3 = MulAdd(x, w1, s3);
    s3 = MulAdd(in(5), w2, s3);
  } else {
    s1 = MulAdd(x, w0, s1);
    s1 = MulAdd(in(3), w1, s1);
    x = in(4);
    s1 = MulAdd(x, w2, s1);
    s2 = MulAdd(x, w0, s2);
    s2 = MulAdd(in(5), w1, s2);
    x = in(6);
    s2 = MulAdd(x, w2, s2);
    s3 = MulAdd(x, w0, s3);
    s3 = MulAdd(in(7), w1, s3);
    s3 = MulAdd(in(8), w2, s3);
  }
}

// One tap onto four outputs.
template <bool kEdge, bool kPartial>
MACE_INLINE void AddTap(const Tile& tile, int64_t row, int64_t column, int64_t stride, int64_t c, int64_t n,
                        VecF32 w, VecF32& s0, VecF32& s1, VecF32& s2, VecF32& s3) {
  s0 = MulAdd(LoadChannels<kPartial>(PatchPixel<kEdge>(tile, row, column, c), n), w, s0);
  s1 = MulAdd(LoadChannels<kPartial>(PatchPixel<kEdge>(tile, row, column + stride, c), n), w, s1);
  s2 = MulAdd(LoadChannels<kPartial>(PatchPixel<kEdge>(tile, row, column + 2 * stride, c), n), w, s2);
  s3 = MulAdd(LoadChannels<kPartial>(PatchPixel<kEdge>(tile, row, column + 3 * stride, c), n), w, s3);
}

template <bool kPartial>
MACE_INLINE void StorePixel(const Tile& tile, int row, int column, int64_t c, int64_t n, VecF32 v, VecF32 low,
                            VecF32 high) {
  if (row >= tile.rows || column >= tile.columns) return;
  if (tile.residual[row] != nullptr) {
    v = Add(v, LoadChannels<kPartial>(tile.residual[row] + column * tile.residual_pixel + c, n));
  }
  v = Clamp(v, low, high);
  float* out = tile.out[row] + column * tile.out_pixel + c;
  if constexpr (kPartial) {
    StorePartial(out, v, n);
  } else {
    Store(out, v);
  }
}

// One vector of channels of a tile. kWidth 3 with kStride 1 or 2, or 0 for any kernel.
template <int kWidth, int kStride, bool kEdge, bool kPartial>
MACE_INLINE void ComputeChannels(const DepthwiseParams& p, const Tile& tile, const float* weights, int64_t c,
                                 int64_t n) {
  const VecF32 bias = LoadChannels<kPartial>(weights + c, n);
  VecF32 a0 = bias, a1 = bias, a2 = bias, a3 = bias;
  VecF32 b0 = bias, b1 = bias, b2 = bias, b3 = bias;
  const float* w = weights + p.padded_channels + c;
  for (int64_t ky = 0; ky < p.kernel_height; ++ky, w += p.kernel_width * p.padded_channels) {
    const bool first = ky >= tile.kernel_begin[0] && ky < tile.kernel_end[0];
    const bool second = ky >= tile.kernel_begin[1] && ky < tile.kernel_end[1];
    const int64_t row = ky * p.dilation_y;
    if constexpr (kWidth == 3) {
      const VecF32 w0 = LoadChannels<kPartial>(w, n);
      const VecF32 w1 = LoadChannels<kPartial>(w + p.padded_channels, n);
      const VecF32 w2 = LoadChannels<kPartial>(w + 2 * p.padded_channels, n);
      if (first) [[likely]]
        AddRowOfThree<kStride, kEdge, kPartial>(tile, row, c, n, w0, w1, w2, a0, a1, a2, a3);
      if (second) [[likely]]
        AddRowOfThree<kStride, kEdge, kPartial>(tile, row + p.stride_y, c, n, w0, w1, w2, b0, b1, b2, b3);
    } else {
      for (int64_t kx = 0; kx < p.kernel_width; ++kx) {
        const VecF32 tap = LoadChannels<kPartial>(w + kx * p.padded_channels, n);
        const int64_t column = kx * p.dilation_x;
        if (first) [[likely]]
          AddTap<kEdge, kPartial>(tile, row, column, p.stride_x, c, n, tap, a0, a1, a2, a3);
        if (second) [[likely]]
          AddTap<kEdge, kPartial>(tile, row + p.stride_y, column, p.stride_x, c, n, tap, b0, b1, b2, b3);
      }
    }
  }
  const VecF32 low = Set(kF32, p.epilogue.low);
  const VecF32 high = Set(kF32, p.epilogue.high);
  StorePixel<kPartial>(tile, 0, 0, c, n, a0, low, high);
  StorePixel<kPartial>(tile, 0, 1, c, n, a1, low, high);
  StorePixel<kPartial>(tile, 0, 2, c, n, a2, low, high);
  StorePixel<kPartial>(tile, 0, 3, c, n, a3, low, high);
  StorePixel<kPartial>(tile, 1, 0, c, n, b0, low, high);
  StorePixel<kPartial>(tile, 1, 1, c, n, b1, low, high);
  StorePixel<kPartial>(tile, 1, 2, c, n, b2, low, high);
  StorePixel<kPartial>(tile, 1, 3, c, n, b3, low, high);
}

template <int kWidth, int kStride, bool kEdge>
MACE_NOINLINE void ComputeTile(const DepthwiseParams& p, const Tile& tile, const float* weights,
                               int64_t begin, int64_t end) {
  const int64_t lanes = Lanes(kF32);
  int64_t c = begin;
  for (; c + lanes <= end; c += lanes)
    ComputeChannels<kWidth, kStride, kEdge, false>(p, tile, weights, c, lanes);
  if (c < end) ComputeChannels<kWidth, kStride, kEdge, true>(p, tile, weights, c, end - c);
}

void RunTile(const DepthwiseParams& p, const Tile& tile, bool edge, const float* weights, int64_t begin,
             int64_t end) {
  const bool three = p.kernel_width == 3 && p.dilation_x == 1;
  if (three && p.stride_x == 1) {
    return edge ? ComputeTile<3, 1, true>(p, tile, weights, begin, end)
                : ComputeTile<3, 1, false>(p, tile, weights, begin, end);
  }
  if (three && p.stride_x == 2) {
    return edge ? ComputeTile<3, 2, true>(p, tile, weights, begin, end)
                : ComputeTile<3, 2, false>(p, tile, weights, begin, end);
  }
  return edge ? ComputeTile<0, 0, true>(p, tile, weights, begin, end)
              : ComputeTile<0, 0, false>(p, tile, weights, begin, end);
}

// Kernel rows [begin, end) that lie inside the image for an output row whose first tap is at input row
// `first`.
void ClipKernelRows(const DepthwiseParams& p, int64_t first, int64_t* begin, int64_t* end) {
  int64_t b = 0, e = p.kernel_height;
  while (b < e && first + b * p.dilation_y < 0) ++b;
  while (e > b && first + (e - 1) * p.dilation_y >= p.input_height) --e;
  *begin = b;
  *end = e;
}

// Up to two output rows from `y` on, all columns.
void RunRows(const DepthwiseParams& p, const KernelArguments& arguments, int64_t image, int64_t y, int rows) {
  const float* packed = static_cast<const float*>(arguments.operands[1]);
  const float* weights = packed + p.padded_channels;
  const float** table = reinterpret_cast<const float**>(arguments.workspace);
  const kernels::GemmEpilogue& epilogue = p.epilogue;
  Tile tile;
  tile.table = table;
  tile.patch_columns = (kTileColumns - 1) * p.stride_x + (p.kernel_width - 1) * p.dilation_x + 1;
  tile.input_pixel = p.input_pixel_stride;
  tile.input_row = p.input_width * p.input_pixel_stride;
  tile.rows = rows;
  tile.out_pixel = p.output_pixel_stride;
  tile.residual_pixel = epilogue.residual_stride;
  const float* input =
      static_cast<const float*>(arguments.operands[0]) + image * p.input_height * tile.input_row;
  const int64_t input_y = y * p.stride_y - p.pad_top;
  const int64_t patch_rows = p.stride_y + (p.kernel_height - 1) * p.dilation_y + 1;
  for (int r = 0; r < kTileRows; ++r) {
    tile.kernel_begin[r] = tile.kernel_end[r] = 0;
    if (r < rows) ClipKernelRows(p, input_y + r * p.stride_y, &tile.kernel_begin[r], &tile.kernel_end[r]);
  }
  for (int64_t block = 0; block < p.output_channels; block += kChannelBlock) {
    const int64_t block_end = ScalarMin(block + kChannelBlock, p.output_channels);
    for (int64_t x = 0; x < p.output_width; x += kTileColumns) {
      const int64_t input_x = x * p.stride_x - p.pad_left;
      tile.columns = static_cast<int>(ScalarMin<int64_t>(kTileColumns, p.output_width - x));
      const bool edge =
          tile.columns < kTileColumns || input_x < 0 || input_x + tile.patch_columns > p.input_width;
      if (edge) {
        const float** entry = table;
        for (int64_t i = 0; i < patch_rows; ++i) {
          const bool row_inside = input_y + i >= 0 && input_y + i < p.input_height;
          const float* line = input + (row_inside ? input_y + i : 0) * tile.input_row;
          for (int64_t j = 0; j < tile.patch_columns; ++j) {
            const bool inside = row_inside && input_x + j >= 0 && input_x + j < p.input_width;
            *entry++ = inside ? line + (input_x + j) * p.input_pixel_stride : packed;
          }
        }
      } else {
        tile.patch = input + input_y * tile.input_row + input_x * p.input_pixel_stride;
      }
      const int64_t row_number = (image * p.output_height + y) * p.output_width + x;
      for (int r = 0; r < kTileRows; ++r) {
        const int64_t number = row_number + (r < rows ? r : 0) * p.output_width;
        tile.out[r] = static_cast<float*>(arguments.operands[2]) + number * p.output_pixel_stride;
        tile.residual[r] = epilogue.residual_operand < 0
                               ? nullptr
                               : static_cast<const float*>(arguments.operands[epilogue.residual_operand]) +
                                     number * epilogue.residual_stride;
      }
      RunTile(p, tile, edge, weights, block, block_end);
      if (epilogue.remaining.count == 0) continue;
      for (int r = 0; r < rows; ++r) {
        ApplyPostOpsToTile(epilogue.remaining, arguments.operands, tile.out[r] + block, p.output_pixel_stride,
                           tile.columns, block_end - block, row_number + r * p.output_width, block);
      }
    }
  }
}

// One output pixel with a channel multiplier: rare, so that plain and right is enough.
void RunMultipliedPixel(const DepthwiseParams& p, const KernelArguments& arguments, int64_t image, int64_t y,
                        int64_t x) {
  const float* weights = static_cast<const float*>(arguments.operands[1]) + p.padded_channels;
  float* sums = reinterpret_cast<float*>(arguments.workspace);
  for (int64_t o = 0; o < p.output_channels; ++o) sums[o] = weights[o];
  for (int64_t ky = 0; ky < p.kernel_height; ++ky) {
    const int64_t input_y = y * p.stride_y - p.pad_top + ky * p.dilation_y;
    if (input_y < 0 || input_y >= p.input_height) continue;
    for (int64_t kx = 0; kx < p.kernel_width; ++kx) {
      const int64_t input_x = x * p.stride_x - p.pad_left + kx * p.dilation_x;
      if (input_x < 0 || input_x >= p.input_width) continue;
      const float* input =
          static_cast<const float*>(arguments.operands[0]) +
          ((image * p.input_height + input_y) * p.input_width + input_x) * p.input_pixel_stride;
      const float* w = weights + (1 + ky * p.kernel_width + kx) * p.padded_channels;
      for (int64_t c = 0, o = 0; c < p.input_channels; ++c) {
        for (int64_t m = 0; m < p.multiplier; ++m, ++o) sums[o] += input[c] * w[o];
      }
    }
  }
  const int64_t number = (image * p.output_height + y) * p.output_width + x;
  float* out = static_cast<float*>(arguments.operands[2]) + number * p.output_pixel_stride;
  for (int64_t o = 0; o < p.output_channels; ++o) out[o] = sums[o];
  ApplyPostOpsToTile(p.post_ops, arguments.operands, out, 0, 1, p.output_channels, number, 0);
}

void DepthwiseF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& p = *static_cast<const DepthwiseParams*>(arguments.params);
  const int64_t image_tiles = DivideRoundUp(p.output_height, p.tile_output_rows);
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t image = t / image_tiles;
    const int64_t begin = t % image_tiles * p.tile_output_rows;
    const int64_t end = ScalarMin(begin + p.tile_output_rows, p.output_height);
    if (p.multiplier > 1) {
      for (int64_t y = begin; y < end; ++y) {
        for (int64_t x = 0; x < p.output_width; ++x) RunMultipliedPixel(p, arguments, image, y, x);
      }
      continue;
    }
    for (int64_t y = begin; y < end; y += kTileRows) {
      RunRows(p, arguments, image, y, static_cast<int>(ScalarMin<int64_t>(kTileRows, end - y)));
    }
  }
}

}  // namespace

extern const kernels::DepthwiseKernels kDepthwiseKernels;
const kernels::DepthwiseKernels kDepthwiseKernels = {DepthwiseF32};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
