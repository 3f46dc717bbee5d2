// Depthwise convolution. Vectors are locals only (SVE and RVV allow nothing else): a tile is 2 x 4 output
// pixels, whose sums are eight named variables.
#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/core/clip_taps.h"
#include "mace/kernels/depthwise/depthwise.h"
#include "mace/kernels/elementwise/post_ops-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {
namespace {

using kernels::DepthwiseParams;
using kernels::KernelArguments;

constexpr int kTileRows = 2;
constexpr int kTileColumns = 4;
using kernels::kDepthwiseChannelBlock;

// Where a tile reads and writes. A patch is the input pixels under it: patch_columns wide, first at (0, 0).
struct Tile {
  const float*
      patch;  // address of patch pixel (0, 0): not to be read where the image has no such row or column
  const float* const* table;  // at the left and right edge: address of each patch pixel, [row][column]
  int64_t patch_columns;
  int64_t input_row, input_pixel;  // floats
  int64_t kernel_begin[kTileRows],
      kernel_end[kTileRows];  // kernel rows that lie inside the image, of each output row
  // Where the channels of each output pixel go, and its residual or null. Pixels that do not exist are
  // written to scratch memory: a condition here would draw each sum into its own branch, and all inputs onto
  // the stack (g++ 12, -ftree-sink).
  float* out[kTileRows * kTileColumns];
  const float* residual[kTileRows * kTileColumns];
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

// s += x * w[kTap], where there is such a tap.
template <int kTap>
MACE_INLINE void AddProduct(VecF32 x, VecF32 w0, VecF32 w1, VecF32 w2, VecF32& s) {
  if constexpr (kTap == 0) s = MulAdd(x, w0, s);
  if constexpr (kTap == 1) s = MulAdd(x, w1, s);
  if constexpr (kTap == 2) s = MulAdd(x, w2, s);
}

// One column of the patch onto those of four neighbouring outputs whose three taps meet it.
template <int kColumn, int kStride>
MACE_INLINE void AddColumn(VecF32 x, VecF32 w0, VecF32 w1, VecF32 w2, VecF32& s0, VecF32& s1, VecF32& s2,
                           VecF32& s3) {
  AddProduct<kColumn>(x, w0, w1, w2, s0);
  AddProduct<kColumn - kStride>(x, w0, w1, w2, s1);
  AddProduct<kColumn - 2 * kStride>(x, w0, w1, w2, s2);
  AddProduct<kColumn - 3 * kStride>(x, w0, w1, w2, s3);
}

// Patch row `row`, with one kernel row (w) onto the upper outputs (a) and another (v) onto the lower ones
// (b): each input is loaded once.
template <int kStride, bool kEdge, bool kPartial, bool kUpper, bool kLower, int kColumn = 0>
MACE_INLINE void AddPatchRow(const Tile& tile, const float* base, int64_t row, int64_t c, int64_t n,
                             VecF32 w0, VecF32 w1, VecF32 w2, VecF32 v0, VecF32 v1, VecF32 v2, VecF32& a0,
                             VecF32& a1, VecF32& a2, VecF32& a3, VecF32& b0, VecF32& b1, VecF32& b2,
                             VecF32& b3) {
  if constexpr (kColumn < 3 * kStride + 3) {
    // A base for every three columns: base + 0, 1 or 2 strides is one addressing mode, so that few registers
    // hold addresses.
    const float* p = kEdge ? PatchPixel<kEdge>(tile, row, kColumn, c) : base + kColumn % 3 * tile.input_pixel;
    const VecF32 x = LoadChannels<kPartial>(p, n);
    if constexpr (kUpper) AddColumn<kColumn, kStride>(x, w0, w1, w2, a0, a1, a2, a3);
    if constexpr (kLower) AddColumn<kColumn, kStride>(x, v0, v1, v2, b0, b1, b2, b3);
    AddPatchRow<kStride, kEdge, kPartial, kUpper, kLower, kColumn + 1>(
        tile, !kEdge && kColumn % 3 == 2 ? base + 3 * tile.input_pixel : base, row, c, n, w0, w1, w2, v0, v1,
        v2, a0, a1, a2, a3, b0, b1, b2, b3);
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
MACE_INLINE void StorePixel(const Tile& tile, int pixel, int64_t c, int64_t n, VecF32 v, VecF32 low,
                            VecF32 high) {
  if (tile.residual[pixel] != nullptr) v = Add(v, LoadChannels<kPartial>(tile.residual[pixel] + c, n));
  v = Clamp(v, low, high);
  if constexpr (kPartial) {
    StorePartial(tile.out[pixel] + c, v, n);
  } else {
    Store(tile.out[pixel] + c, v);
  }
}

template <bool kPartial>
MACE_INLINE void StoreTile(const DepthwiseParams& p, const Tile& tile, int64_t c, int64_t n, VecF32 a0,
                           VecF32 a1, VecF32 a2, VecF32 a3, VecF32 b0, VecF32 b1, VecF32 b2, VecF32 b3) {
  const VecF32 low = Set(kF32, p.epilogue.low);
  const VecF32 high = Set(kF32, p.epilogue.high);
  StorePixel<kPartial>(tile, 0, c, n, a0, low, high);
  StorePixel<kPartial>(tile, 1, c, n, a1, low, high);
  StorePixel<kPartial>(tile, 2, c, n, a2, low, high);
  StorePixel<kPartial>(tile, 3, c, n, a3, low, high);
  StorePixel<kPartial>(tile, 4, c, n, b0, low, high);
  StorePixel<kPartial>(tile, 5, c, n, b1, low, high);
  StorePixel<kPartial>(tile, 6, c, n, b2, low, high);
  StorePixel<kPartial>(tile, 7, c, n, b3, low, high);
}

// The tile's patch of input, `offset` floats on. Tiles at an edge have none: they go by pixel pointers.
template <bool kEdge>
MACE_INLINE const float* PatchAt(const Tile& tile, int64_t offset) {
  if constexpr (kEdge) {
    return nullptr;
  } else {
    return tile.patch + offset;
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
      const int64_t offset = row * tile.input_row + c;
      if (first) {
        AddPatchRow<kStride, kEdge, kPartial, true, false>(tile, PatchAt<kEdge>(tile, offset), row, c, n, w0,
                                                           w1, w2, w0, w1, w2, a0, a1, a2, a3, b0, b1, b2,
                                                           b3);
      }
      if (second) {
        AddPatchRow<kStride, kEdge, kPartial, false, true>(
            tile, PatchAt<kEdge>(tile, offset + p.stride_y * tile.input_row), row + p.stride_y, c, n, w0, w1,
            w2, w0, w1, w2, a0, a1, a2, a3, b0, b1, b2, b3);
      }
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
  StoreTile<kPartial>(p, tile, c, n, a0, a1, a2, a3, b0, b1, b2, b3);
}

// The same for a 3x3 kernel, dilation 1 and equal strides, all rows inside the image: the rows that both
// output rows read are loaded once. 36 loads for 72 multiply-adds at stride 1; sums and the weights of two
// kernel rows fill the sixteen registers of AVX2.
template <int kStride, bool kEdge, bool kPartial>
MACE_INLINE void ComputeChannelsOfThree(const DepthwiseParams& p, const Tile& tile, const float* weights,
                                        int64_t c, int64_t n) {
  const VecF32 bias = LoadChannels<kPartial>(weights + c, n);
  VecF32 a0 = bias, a1 = bias, a2 = bias, a3 = bias;
  VecF32 b0 = bias, b1 = bias, b2 = bias, b3 = bias;
  const float* w = weights + p.padded_channels + c;
  const auto weight = [&](int tap) __attribute__((always_inline)) {
    return LoadChannels<kPartial>(w + tap * p.padded_channels, n);
  };
  const int64_t step = tile.input_row;
  const VecF32 u0 = weight(0), u1 = weight(1), u2 = weight(2);
  AddPatchRow<kStride, kEdge, kPartial, true, false>(tile, PatchAt<kEdge>(tile, c), 0, c, n, u0, u1, u2, u0,
                                                     u1, u2, a0, a1, a2, a3, b0, b1, b2, b3);
  const VecF32 v0 = weight(3), v1 = weight(4), v2 = weight(5);
  AddPatchRow<kStride, kEdge, kPartial, true, kStride == 1>(
      tile, PatchAt<kEdge>(tile, c + step), 1, c, n, v0, v1, v2, u0, u1, u2, a0, a1, a2, a3, b0, b1, b2, b3);
  const VecF32 w0 = weight(6), w1 = weight(7), w2 = weight(8);
  if constexpr (kStride == 1) {
    AddPatchRow<1, kEdge, kPartial, true, true>(tile, PatchAt<kEdge>(tile, c + 2 * step), 2, c, n, w0, w1, w2,
                                                v0, v1, v2, a0, a1, a2, a3, b0, b1, b2, b3);
    AddPatchRow<1, kEdge, kPartial, false, true>(tile, PatchAt<kEdge>(tile, c + 3 * step), 3, c, n, w0, w1,
                                                 w2, w0, w1, w2, a0, a1, a2, a3, b0, b1, b2, b3);
  } else {
    AddPatchRow<2, kEdge, kPartial, true, true>(tile, PatchAt<kEdge>(tile, c + 2 * step), 2, c, n, w0, w1, w2,
                                                u0, u1, u2, a0, a1, a2, a3, b0, b1, b2, b3);
    AddPatchRow<2, kEdge, kPartial, false, true>(tile, PatchAt<kEdge>(tile, c + 3 * step), 3, c, n, v0, v1,
                                                 v2, v0, v1, v2, a0, a1, a2, a3, b0, b1, b2, b3);
    AddPatchRow<2, kEdge, kPartial, false, true>(tile, PatchAt<kEdge>(tile, c + 4 * step), 4, c, n, w0, w1,
                                                 w2, w0, w1, w2, a0, a1, a2, a3, b0, b1, b2, b3);
  }
  StoreTile<kPartial>(p, tile, c, n, a0, a1, a2, a3, b0, b1, b2, b3);
}

template <int kWidth, int kStride, bool kEdge>
MACE_NOINLINE void ComputeTile(const DepthwiseParams& p, const Tile& tile, const float* weights,
                               int64_t begin, int64_t end) {
  const int64_t lanes = Lanes(kF32);
  int64_t c = begin;
  if constexpr (kWidth == 3) {
    const bool whole = tile.kernel_begin[0] == 0 && tile.kernel_end[0] == 3 && tile.kernel_begin[1] == 0 &&
                       tile.kernel_end[1] == 3;
    if (whole && p.kernel_height == 3 && p.dilation_y == 1 && p.stride_y == kStride) {
      for (; c + lanes <= end; c += lanes)
        ComputeChannelsOfThree<kStride, kEdge, false>(p, tile, weights, c, lanes);
      if (c < end) ComputeChannelsOfThree<kStride, kEdge, true>(p, tile, weights, c, end - c);
      return;
    }
  }
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

// Up to two output rows from `y` on, all columns.
void RunRows(const DepthwiseParams& p, const KernelArguments& arguments, int64_t image, int64_t y, int rows) {
  const float* packed = static_cast<const float*>(arguments.operands[1]);
  const float* weights = packed + p.padded_channels;
  float* scratch = reinterpret_cast<float*>(arguments.workspace);
  const float** table = reinterpret_cast<const float**>(scratch + kDepthwiseChannelBlock);
  const kernels::GemmEpilogue& epilogue = p.epilogue;
  Tile tile;
  tile.table = table;
  tile.patch_columns = (kTileColumns - 1) * p.stride_x + (p.kernel_width - 1) * p.dilation_x + 1;
  tile.input_pixel = p.input_pixel_stride;
  tile.input_row = p.input_width * p.input_pixel_stride;
  const float* input =
      static_cast<const float*>(arguments.operands[0]) + image * p.input_height * tile.input_row;
  const float* residual = epilogue.residual_operand < 0
                              ? nullptr
                              : static_cast<const float*>(arguments.operands[epilogue.residual_operand]);
  const int64_t input_y = y * p.stride_y - p.pad_top;
  const int64_t patch_rows = p.stride_y + (p.kernel_height - 1) * p.dilation_y + 1;
  for (int r = 0; r < kTileRows; ++r) {
    tile.kernel_begin[r] = tile.kernel_end[r] = 0;
    if (r >= rows) continue;
    ClipTaps(input_y + r * p.stride_y, p.kernel_height, p.dilation_y, p.input_height, &tile.kernel_begin[r],
             &tile.kernel_end[r]);
  }
  for (int64_t block = 0; block < p.output_channels; block += kDepthwiseChannelBlock) {
    const int64_t block_end = ScalarMin(block + kDepthwiseChannelBlock, p.output_channels);
    for (int64_t x = 0; x < p.output_width; x += kTileColumns) {
      const int64_t input_x = x * p.stride_x - p.pad_left;
      const int columns = static_cast<int>(ScalarMin<int64_t>(kTileColumns, p.output_width - x));
      const bool edge = columns < kTileColumns || input_x < 0 || input_x + tile.patch_columns > p.input_width;
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
      float* out = static_cast<float*>(arguments.operands[2]) + row_number * p.output_pixel_stride;
      for (int i = 0; i < kTileRows * kTileColumns; ++i) {
        const int r = i / kTileColumns, column = i % kTileColumns;
        const bool exists = r < rows && column < columns;
        const int64_t offset = exists ? r * p.output_width + column : 0;
        tile.out[i] = exists ? out + offset * p.output_pixel_stride : scratch - block;
        tile.residual[i] =
            residual == nullptr ? nullptr : residual + (row_number + offset) * epilogue.residual_stride;
      }
      RunTile(p, tile, edge, weights, block, block_end);
      if (epilogue.remaining.count == 0) continue;
      for (int r = 0; r < rows; ++r) {
        ApplyPostOpsToTile(epilogue.remaining, arguments.operands, tile.out[r * kTileColumns] + block,
                           p.output_pixel_stride, columns, block_end - block, row_number + r * p.output_width,
                           block);
      }
    }
  }
}

// One output pixel with a channel multiplier, or of taps far apart: rare, so that plain and right is enough.
void RunPixel(const DepthwiseParams& p, const KernelArguments& arguments, int64_t image, int64_t y,
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
  const int64_t image_tiles = kernels::DivideRoundUp(p.output_height, p.tile_output_rows);
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t image = t / image_tiles;
    const int64_t begin = t % image_tiles * p.tile_output_rows;
    const int64_t end = ScalarMin(begin + p.tile_output_rows, p.output_height);
    if (p.is_by_pixel) {
      for (int64_t y = begin; y < end; ++y) {
        for (int64_t x = 0; x < p.output_width; ++x) RunPixel(p, arguments, image, y, x);
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
