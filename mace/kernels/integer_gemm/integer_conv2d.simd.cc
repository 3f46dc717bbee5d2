#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/kernels/gemm/gemm_block.h"
#include "mace/kernels/integer_gemm/find_tiles-inl.h"
#include "mace/kernels/integer_gemm/finish-inl.h"
#include "mace/kernels/integer_gemm/integer_gemm.h"
#include "mace/kernels/integer_gemm/requantization-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {
namespace {

using kernels::GemmKind;
using kernels::GemmPanelPosition;
using kernels::IntegerConv2dParams;
using kernels::KernelArguments;

constexpr int64_t kMostSumRows = 48;  // of all tiles that are finished at once
// Products of 16-bit numbers by 9-bit ones whose sum surely fits into 32 bits.
constexpr int64_t kWideChunkBytes = 2 * 256;

// ---- Left-hand rows

template <typename T>
MACE_INLINE void CopyFlippedWord(uint8_t* to, const uint8_t* from, uint64_t flips) {
  T word;
  __builtin_memcpy(&word, from, sizeof(word));
  word ^= static_cast<T>(flips);
  __builtin_memcpy(to, &word, sizeof(word));
}

// Copies n bytes, each xored with one of `flip`. Reads nothing else. The last vector or word overlaps the one
// before: a kernel row of few channels is not copied byte by byte.
MACE_INLINE void CopyFlipped(uint8_t* to, const uint8_t* from, int64_t n, int32_t flip) {
  constexpr int64_t kVectorBytes = kF32Lanes * 4;
  const uint64_t words = static_cast<uint64_t>(static_cast<uint32_t>(flip)) * 0x100000001ull;
  if (n >= kVectorBytes) {
    const VecI32 flips = Set(kI32, flip);
    for (int64_t i = 0;;) {
      const VecI32 v = Load(kI32, reinterpret_cast<const int32_t*>(from + i));
      Store(reinterpret_cast<int32_t*>(to + i), Xor(v, flips));
      if (i == n - kVectorBytes) return;
      i = ScalarMin(i + kVectorBytes, n - kVectorBytes);
    }
  }
  if (n >= 8) {
    for (int64_t i = 0; i < n - 8; i += 8) CopyFlippedWord<uint64_t>(to + i, from + i, words);
    return CopyFlippedWord<uint64_t>(to + n - 8, from + n - 8, words);
  }
  if (n >= 4) {
    CopyFlippedWord<uint32_t>(to, from, words);
    return CopyFlippedWord<uint32_t>(to + n - 4, from + n - 4, words);
  }
  for (int64_t i = 0; i < n; ++i) to[i] = static_cast<uint8_t>(from[i] ^ words);
}

class RowPacker {
 public:
  RowPacker(const IntegerConv2dParams& p, const uint8_t* input)
      : p_(p), input_(input), element_bytes_(p.kind == GemmKind::kWords ? 2 : 1) {
    run_bytes_ = p.input_channels / p.groups * element_bytes_;
    pixel_bytes_ = p.input_pixel_stride * element_bytes_;
    // The pixels of a kernel row are one run of bytes.
    joins_taps_ = p.dilation_x == 1 && p.groups == 1 && p.input_pixel_stride == p.input_channels;
  }

  // Of a 1x1 convolution: the row of pixel number `pixel`, of all images.
  void PackPixel(int64_t pixel, uint8_t* to) const {
    CopyFlipped(to, input_ + pixel * pixel_bytes_, run_bytes_, p_.flip);
  }

  // The row of output pixel (image, y, x).
  void Pack(int64_t image, int64_t y, int64_t x, int64_t group, uint8_t* to) const {
    const int64_t first_y = y * p_.stride_y - p_.pad_top, first_x = x * p_.stride_x - p_.pad_left;
    const int64_t last_x = first_x + (p_.kernel_width - 1) * p_.dilation_x;
    const bool inside = first_x >= 0 && last_x < p_.input_width;
    const int64_t line_bytes = p_.input_width * pixel_bytes_;
    if (inside && joins_taps_ && first_y >= 0 &&
        first_y + (p_.kernel_height - 1) * p_.dilation_y < p_.input_height) {
      const int64_t bytes = p_.kernel_width * run_bytes_;
      const uint8_t* from =
          input_ + (image * p_.input_height + first_y) * line_bytes + first_x * pixel_bytes_;
      for (int64_t ky = 0; ky < p_.kernel_height; ++ky, from += p_.dilation_y * line_bytes, to += bytes) {
        CopyFlipped(to, from, bytes, p_.flip);
      }
      return;
    }
    for (int64_t ky = 0; ky < p_.kernel_height; ++ky) {
      const int64_t input_y = first_y + ky * p_.dilation_y;
      if (input_y < 0 || input_y >= p_.input_height) {
        to = Pad(to, p_.kernel_width);
        continue;
      }
      const uint8_t* line = input_ + (image * p_.input_height + input_y) * line_bytes + group * run_bytes_;
      if (inside && joins_taps_) {
        const int64_t bytes = p_.kernel_width * run_bytes_;
        CopyFlipped(to, line + first_x * pixel_bytes_, bytes, p_.flip);
        to += bytes;
        continue;
      }
      for (int64_t kx = 0; kx < p_.kernel_width; ++kx) {
        const int64_t input_x = first_x + kx * p_.dilation_x;
        if (input_x < 0 || input_x >= p_.input_width) {
          to = Pad(to, 1);
        } else {
          CopyFlipped(to, line + input_x * pixel_bytes_, run_bytes_, p_.flip);
          to += run_bytes_;
        }
      }
    }
  }

  // Zeros at the ends of `count` rows, which packing leaves alone: what fills a row up is shorter than this.
  void ClearEnds(int64_t count, uint8_t* rows) const {
    const int64_t bytes = ScalarMin<int64_t>(128, p_.row_bytes);
    for (int64_t i = 1; i <= count; ++i) {
      __builtin_memset(rows + i * p_.row_bytes - bytes, 0, static_cast<size_t>(bytes));
    }
  }

 private:
  uint8_t* Pad(uint8_t* to, int64_t taps) const {
    const int64_t bytes = taps * run_bytes_;
    if (element_bytes_ == 1) {
      __builtin_memset(to, p_.padding & 0xff, static_cast<size_t>(bytes));
    } else {
      const int16_t word = static_cast<int16_t>(p_.padding);
      for (int64_t i = 0; i < bytes; i += 2) __builtin_memcpy(to + i, &word, 2);
    }
    return to + bytes;
  }

  const IntegerConv2dParams& p_;
  const uint8_t* input_;
  int64_t element_bytes_, run_bytes_, pixel_bytes_;
  bool joins_taps_;
};

// The sum of a packed byte row, filling (zeros) included.
int32_t SumOfRow(const uint8_t* row, int64_t bytes) {
  constexpr int64_t kVectorBytes = kF32Lanes * 4;
  const VecI32 ones = Set(kI32, 0x01010101);
  VecI32 sum = Set(kI32, 0);
  for (int64_t i = 0; i < bytes; i += kVectorBytes) {
    sum = DotBytes(sum, Load(kI32, reinterpret_cast<const int32_t*>(row + i)), ones);
  }
  return ReduceAdd(sum);
}

// ---- Tiles

struct Block {
  const IntegerConv2dParams* params;
  const uint8_t* const* rows;  // left-hand rows
  const int32_t* row_sums;     // or null
  int64_t row_count;
  uint8_t* out;  // the element of the block's first row and of the group's first channel
};

// 64-bit sums: the depth in chunks whose sums fit into 32 bits.
void RunWideTile(const IntegerConv2dParams& p, TileFunction function, IntegerTile tile, const uint8_t* arrays,
                 int width, int rows, int64_t columns, uint8_t* out, int64_t out_stride_bytes) {
  int64_t wide[kMostTileRows * kMostTileColumns] = {};
  const uint8_t* weights = tile.weights;
  for (int64_t begin = 0; begin < p.depth_bytes; begin += kWideChunkBytes) {
    tile.begin_bytes = begin;
    tile.end_bytes = ScalarMin(begin + kWideChunkBytes, p.depth_bytes);
    tile.weights = weights + begin * width;
    function(tile);
    for (int r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c)
        wide[r * kMostTileColumns + c] += tile.sums[r * tile.sums_stride + c];
    }
  }
  const int32_t* bias =
      reinterpret_cast<const int32_t*>(arrays) + static_cast<int>(ChannelArray::kWideBias) * width;
  for (int r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      int64_t sum;
      __builtin_memcpy(&sum, bias + 2 * c, sizeof(sum));
      sum += wide[r * kMostTileColumns + c];
      const int32_t value = p.requantization.out == DType::kI32
                                ? static_cast<int32_t>(sum)
                                : RequantizeWide(p.requantization, sum, arrays, width, c);
      uint8_t* to = out + r * out_stride_bytes;
      switch (p.requantization.out) {
        case DType::kU8:
        case DType::kI8:
          to[c] = static_cast<uint8_t>(value);
          break;
        case DType::kI16:
          reinterpret_cast<int16_t*>(to)[c] = static_cast<int16_t>(value);
          break;
        default:
          reinterpret_cast<int32_t*>(to)[c] = value;
      }
    }
  }
}

// All rows of the block times panel `index` (or panel_count panels from it on, of one row).
void RunPanels(const Block& block, const uint8_t* packed, int64_t group, int64_t index, int panel_count) {
  const IntegerConv2dParams& p = *block.params;
  const GemmPanelPosition panel = FindGemmPanel(p.panels, index);
  int64_t entry, next = 0;
  const uint8_t* table =
      packed + (group * p.panels.panel_count + index) * static_cast<int64_t>(sizeof(entry));
  __builtin_memcpy(&entry, table, sizeof(entry));
  if (panel_count > 1) __builtin_memcpy(&next, table + sizeof(entry), sizeof(next));
  const bool signs = (entry & kernels::kPanelSigns) != 0;
  const uint8_t* arrays = packed + (entry & ~kernels::kPanelFlags);
  const int64_t array_bytes = kernels::ChannelArrayBytes(panel.width, p.wide);
  const TileFunction* functions = nullptr;
  if (p.kind == GemmKind::kWords) {
    functions = FindTiles<TileMethod::kWords>(panel.width, panel_count);
  } else {
    if constexpr (kDotNeedsBound) {
      if (signs) functions = FindTiles<TileMethod::kOrderedBytes>(panel.width, panel_count);
    }
    if (functions == nullptr) functions = FindTiles<TileMethod::kBytes>(panel.width, panel_count);
  }
  const FinishFunction finish = FinishOf(p.requantization, kernels::ShiftsOfPanel(entry));
  const int out_bytes = p.requantization.out == DType::kI32 ? 4 : p.requantization.out == DType::kI16 ? 2 : 1;
  const int64_t out_stride_bytes = p.output_pixel_stride * out_bytes;
  alignas(64) int32_t sums[kMostSumRows * kMostTileColumns];
  static_assert(kRowPanels <= kMostTileRows);
  IntegerTile tile;
  tile.begin_bytes = 0;
  tile.end_bytes = p.depth_bytes;
  tile.weights = arrays + array_bytes;
  tile.panel_stride = (next & ~kernels::kPanelFlags) - (entry & ~kernels::kPanelFlags);
  static constexpr int32_t kZeros[kMostTileColumns] = {};
  tile.initial = p.wide ? kZeros : reinterpret_cast<const int32_t*>(arrays);  // the bias comes first
  tile.sums = sums;
  tile.sums_stride = panel.width * panel_count;
  int64_t panel_bytes = array_bytes + p.depth_bytes * panel.width;
  if (signs) {
    const auto* order = reinterpret_cast<const kernels::StepOrder*>(arrays + array_bytes);
    tile.form_counts = order->counts;
    tile.step_offsets = reinterpret_cast<const int32_t*>(order + 1);
    tile.weights += kernels::StepOrderBytes(p.depth_bytes);
    panel_bytes = order->panel_bytes;
  }
  const int64_t columns = p.panels.columns - panel.column;
  const int64_t tile_rows = signs ? ScalarMin<int64_t>(kSignedTileRows, panel.tile_rows) : panel.tile_rows;
  const int64_t tiles = kernels::DivideRoundUp(block.row_count, tile_rows);
  const int64_t least = block.row_count / tiles, larger = block.row_count % tiles;
  // Tiles of one height are computed and finished as many at a time as there is room for their sums.
  int64_t begin = 0;  // row
  for (int64_t t = 0; t < tiles;) {
    const int64_t rows = least + (t < larger ? 1 : 0);
    const int64_t alike = (t < larger ? larger : tiles) - t;
    tile.tile_count = p.wide ? 1 : ScalarMin(alike, kMostSumRows / rows);
    tile.rows = block.rows + begin;
    tile.prefetch_ahead = t == 0 ? panel_bytes : 0;
    uint8_t* out = block.out + panel.column * out_bytes + begin * out_stride_bytes;
    if (p.wide) {
      RunWideTile(p, functions[rows - 1], tile, arrays, panel.width, static_cast<int>(rows),
                  ScalarMin<int64_t>(columns, panel.width), out, out_stride_bytes);
    } else {
      functions[rows - 1](tile);
      for (int i = 0; i < panel_count; ++i) {
        finish({&p.requantization, arrays + i * tile.panel_stride, panel.width,
                ScalarMin<int64_t>(columns - i * panel.width, panel.width), sums + i * panel.width,
                tile.sums_stride, static_cast<int>(rows * tile.tile_count),
                block.row_sums == nullptr ? nullptr : block.row_sums + begin,
                out + i * panel.width * out_bytes, out_stride_bytes});
      }
    }
    begin += rows * tile.tile_count;
    t += tile.tile_count;
  }
}

// Panels [index, index + kRowPanels) have one width and one size, and no steps in an order of their own.
bool AreAlike(const IntegerConv2dParams& p, const uint8_t* packed, int64_t group, int64_t index) {
  const int width = FindGemmPanel(p.panels, index).width;
  if (FindGemmPanel(p.panels, index + kRowPanels - 1).width != width) return false;
  int64_t entries[kRowPanels];
  __builtin_memcpy(entries,
                   packed + (group * p.panels.panel_count + index) * static_cast<int64_t>(sizeof(int64_t)),
                   sizeof(entries));
  for (int i = 1; i < kRowPanels; ++i) {
    if (entries[i] - entries[i - 1] != entries[1] - entries[0] ||
        ((entries[i] ^ entries[0]) & kernels::kPanelFlags) != 0 || (entries[i] & kernels::kPanelSigns) != 0)
      return false;
  }
  return true;
}

void Conv2dInteger(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& p = *static_cast<const IntegerConv2dParams*>(arguments.params);
  const uint8_t* input = static_cast<const uint8_t*>(arguments.operands[0]);
  const uint8_t* packed = static_cast<const uint8_t*>(arguments.operands[1]);
  const int64_t element_bytes = p.kind == GemmKind::kWords ? 2 : 1;
  const int out_bytes = p.requantization.out == DType::kI32 ? 4 : p.requantization.out == DType::kI16 ? 2 : 1;
  uint8_t* row_memory = arguments.workspace;
  const uint8_t** rows =
      reinterpret_cast<const uint8_t**>(arguments.workspace + (p.is_direct ? 0 : p.most_rows * p.row_bytes));
  int32_t* row_sums = reinterpret_cast<int32_t*>(rows + p.most_rows);
  const RowPacker packer(p, input);
  const int64_t pixels = p.output_height * p.output_width;
  const int64_t all_rows = p.is_plain ? p.batch * pixels : pixels;
  if (!p.is_direct) packer.ClearEnds(p.most_rows, row_memory);
  int64_t packed_block = -1;  // the (image, row block, group) whose rows are in the workspace
  kernels::GemmBlocks const& blocks = p.blocks;
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t column_block = t % blocks.column_blocks;
    const int64_t row_group = t / blocks.column_blocks;
    const int64_t group = row_group % p.groups;
    const int64_t row_block = row_group / p.groups % blocks.row_blocks;
    const int64_t image = row_group / p.groups / blocks.row_blocks;
    GemmBlock range;
    range.panels = &p.panels;
    const int64_t row_begin = SetBlockRange(blocks, all_rows, row_block, column_block, &range);
    if (packed_block != row_group) {
      packed_block = row_group;
      int64_t y = row_begin / p.output_width, x = row_begin % p.output_width;
      for (int64_t i = 0; i < range.rows; ++i) {
        if (p.is_direct) {
          rows[i] = input + (row_begin + i) * p.input_pixel_stride * element_bytes;
          continue;
        }
        uint8_t* row = row_memory + i * p.row_bytes;
        rows[i] = row;
        if (p.is_plain) {
          packer.PackPixel(row_begin + i, row);
        } else {
          packer.Pack(image, y, x, group, row);
        }
        if (p.needs_row_sums) row_sums[i] = SumOfRow(row, p.row_bytes);
        if (++x == p.output_width) x = 0, ++y;
      }
    }
    Block block;
    block.params = &p;
    block.rows = rows;
    block.row_sums = p.needs_row_sums ? row_sums : nullptr;
    block.row_count = range.rows;
    block.out = static_cast<uint8_t*>(arguments.operands[2]) +
                ((image * pixels + row_begin) * p.output_pixel_stride + group * p.panels.columns) * out_bytes;
    for (int64_t index = range.panel_begin; index < range.panel_end;) {
      const bool several = range.rows == 1 && !p.wide && index + kRowPanels <= range.panel_end &&
                           AreAlike(p, packed, group, index);
      RunPanels(block, packed, group, index, several ? kRowPanels : 1);
      index += several ? kRowPanels : 1;
    }
  }
}

}  // namespace

extern const kernels::IntegerGemmKernels kIntegerGemmKernels;
const kernels::IntegerGemmKernels kIntegerGemmKernels = {Conv2dInteger};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
