#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/kernels/elementwise/post_ops-inl.h"
#include "mace/kernels/gemm/gemm_block.h"
#include "mace/kernels/gemm/gemm_tile-inl.h"
#include "mace/kernels/kernel.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {
namespace {

using kernels::GemmPanelPosition;
using TileFunction = void (*)(const GemmTile&);

constexpr int kMostTileRows = 12;
// Rows of the left-hand side that stay in L1 while the panels pass: strips are joined up to this size and
// number.
constexpr int64_t kStripFloats = 4096;
constexpr int64_t kMostJoinedStrips = 8;
constexpr int kRowPanels =
    4;  // panels that a single row takes at a time: enough independent sums to hide the latency of an FMA

// The tiles of one width: [rows - 1].
template <int kTileRows, int kWidth, int... kIndices>
const TileFunction* TilesOf(IndexList<kIndices...>) {
  static_assert(kWidth % kF32Lanes == 0 && kTileRows <= kMostTileRows);
  static constexpr TileFunction kTiles[] = {ComputeTile<kIndices + 1, kWidth / kF32Lanes, 1>...};
  return kTiles;
}
// The same for a single row that takes several panels.
template <int kWidth>
const TileFunction* RowTilesOf() {
  static constexpr TileFunction kTiles[] = {ComputeTile<1, kWidth / kF32Lanes, kRowPanels>};
  return kTiles;
}

// The rows of gemm.def that belong to this instruction set.
#define MACE_GEMM_SKIP(tile_rows, tile_columns)
#define MACE_GEMM_TAKE(tile_rows, tile_columns)                                                      \
  if (width == tile_columns) {                                                                       \
    return panels > 1 ? RowTilesOf<tile_columns>()                                                   \
                      : TilesOf<tile_rows, tile_columns>(typename MakeIndexList<tile_rows>::Type{}); \
  }
#define MACE_GEMM_IF_kF32(row) row
#define MACE_GEMM_IF_kU8(row)
#define MACE_GEMM_IF_kI8(row)
#define MACE_GEMM_IF_kI16(row)
#define MACE_GEMM_ROW_scalar MACE_GEMM_SKIP
#define MACE_GEMM_ROW_sse4 MACE_GEMM_SKIP
#define MACE_GEMM_ROW_avx2 MACE_GEMM_SKIP
#define MACE_GEMM_ROW_avx512 MACE_GEMM_SKIP
#define MACE_GEMM_ROW_neon MACE_GEMM_SKIP
#if defined(MACE_SIMD_SCALAR)
#undef MACE_GEMM_ROW_scalar
#define MACE_GEMM_ROW_scalar MACE_GEMM_TAKE
#elif defined(MACE_SIMD_SSE4)
#undef MACE_GEMM_ROW_sse4
#define MACE_GEMM_ROW_sse4 MACE_GEMM_TAKE
#elif defined(MACE_SIMD_AVX2)
#undef MACE_GEMM_ROW_avx2
#define MACE_GEMM_ROW_avx2 MACE_GEMM_TAKE
#elif defined(MACE_SIMD_AVX512)
#undef MACE_GEMM_ROW_avx512
#define MACE_GEMM_ROW_avx512 MACE_GEMM_TAKE
#elif defined(MACE_SIMD_NEON)
#undef MACE_GEMM_ROW_neon
#define MACE_GEMM_ROW_neon MACE_GEMM_TAKE
#endif

const TileFunction* FindTiles(int width, int panels) {
#define MACE_GEMM(name, lhs, rhs, out, isa, tile_rows, tile_columns, tile_depth, cost) \
  MACE_GEMM_IF_##lhs(MACE_GEMM_ROW_##isa(tile_rows, tile_columns))
#include "mace/kernels/gemm/gemm.def"
#undef MACE_GEMM
  return nullptr;
}

// One panel (or several, of one row) times the rows [row_begin, row_end) of the block.
void RunStrip(const GemmBlock& block, const GemmPanelPosition& panel, int panel_count, int64_t row_begin,
              int64_t row_end, bool fetch_next_panel) {
  const int64_t depth = block.taps * block.run;
  const int64_t panel_floats = (depth + 1) * panel.width;
  const int64_t left = block.panels->columns - panel.column;
  GemmTile tile;
  tile.taps = block.taps;
  tile.run = block.run;
  tile.lhs_offset = block.lhs_offset;
  tile.panel = block.packed + panel.column * (depth + 1);
  tile.panel_stride = panel_floats;
  tile.prefetch_ahead = fetch_next_panel ? panel_floats : 0;
  tile.columns = ScalarMin<int64_t>(left, static_cast<int64_t>(panel.width) * panel_count);
  tile.low = block.epilogue->low;
  tile.high = block.epilogue->high;
  const int64_t column = block.first_column + panel.column;
  const int residual_operand = block.epilogue->residual_operand;
  const float* residual =
      residual_operand < 0 ? nullptr : static_cast<const float*>(block.operands[residual_operand]) + column;
  const kernels::PostOps& remaining = block.epilogue->remaining;
  const TileFunction* functions = FindTiles(panel.width, panel_count);
  const int64_t tiles = kernels::DivideRoundUp(row_end - row_begin, panel.tile_rows);
  const int64_t least = (row_end - row_begin) / tiles, larger = (row_end - row_begin) % tiles;
  const float* lhs[kMostTileRows];
  float* out[kMostTileRows];
  const float* residuals[kMostTileRows];
  int64_t begin = row_begin;
  for (int64_t t = 0; t < tiles; ++t) {
    const int rows = static_cast<int>(least + (t < larger ? 1 : 0));
    if (block.table != nullptr) {
      tile.table = block.table + begin;
      tile.table_stride = block.table_stride;
    } else {
      for (int i = 0; i < rows; ++i) lhs[i] = block.lhs + (begin + i) * block.lhs_stride;
      tile.table = lhs;
      tile.table_stride = 0;
    }
    const auto number_of = [&](int i) {
      return block.row_numbers != nullptr ? block.row_numbers[begin + i] : block.first_row + begin + i;
    };
    if (block.row_numbers != nullptr) {
      for (int i = 0; i < rows; ++i) out[i] = block.out + column + number_of(i) * block.out_stride;
    } else {
      for (int i = 0; i < rows; ++i) out[i] = block.out + column + (begin + i) * block.out_stride;
    }
    if (residual != nullptr) {
      for (int i = 0; i < rows; ++i) residuals[i] = residual + number_of(i) * block.epilogue->residual_stride;
    }
    tile.out = out;
    tile.residual = residual != nullptr ? residuals : nullptr;
    functions[rows - 1](tile);
    for (int i = 0; remaining.count != 0 && i < rows; ++i) {
      ApplyPostOpsToTile(remaining, block.operands, out[i], 0, 1, tile.columns, number_of(i), column);
    }
    begin += rows;
  }
}

}  // namespace

void RunGemmBlock(const GemmBlock& block) {
  const auto strip_row = [&](int64_t strip) { return EvenSplit(block.rows, block.strips, strip); };
  if (block.rows == 1) {
    for (int64_t p = block.panel_begin; p < block.panel_end;) {
      const GemmPanelPosition panel = FindGemmPanel(*block.panels, p);
      int count = 1;
      if (p + kRowPanels <= block.panel_end &&
          FindGemmPanel(*block.panels, p + kRowPanels - 1).width == panel.width)
        count = kRowPanels;
      RunStrip(block, panel, count, 0, 1, count == 1);
      p += count;
    }
    return;
  }
  if (block.panels_outer) {
    for (int64_t p = block.panel_begin; p < block.panel_end; ++p) {
      const GemmPanelPosition panel = FindGemmPanel(*block.panels, p);
      // While the first strip is computed the next panel comes into L2.
      RunStrip(block, panel, 1, 0, strip_row(1), true);
      if (block.strips > 1) RunStrip(block, panel, 1, strip_row(1), block.rows, false);
    }
    return;
  }
  const int64_t strip_floats = block.panels->strip_rows * (block.taps * block.run + 1);
  const int64_t joined = ScalarClamp<int64_t>(kStripFloats / strip_floats, 1, kMostJoinedStrips);
  for (int64_t s = 0; s < block.strips; s += joined) {
    const int64_t end = strip_row(ScalarMin(s + joined, block.strips));
    for (int64_t p = block.panel_begin; p < block.panel_end; ++p) {
      RunStrip(block, FindGemmPanel(*block.panels, p), 1, strip_row(s), end, s == 0);
    }
  }
}

static void GemmF32(const kernels::KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& params = *static_cast<const kernels::GemmParams*>(arguments.params);
  const kernels::GemmBlocks& blocks = params.blocks;
  GemmBlock block;
  block.panels = &params.panels;
  block.epilogue = &params.epilogue;
  block.operands = arguments.operands;
  block.panels_outer = blocks.panels_outer;
  block.lhs_stride = params.lhs_stride;
  block.run = params.depth;
  block.out_stride = params.out_stride;
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t column_block = t % blocks.column_blocks;
    const int64_t row_block = t / blocks.column_blocks % blocks.row_blocks;
    const int64_t matrix = t / blocks.column_blocks / blocks.row_blocks;
    const int64_t index[kernels::kGemmBatchRank] = {matrix / params.batch[2] / params.batch[1],
                                                    matrix / params.batch[2] % params.batch[1],
                                                    matrix % params.batch[2]};
    const int64_t row_begin = SetBlockRange(blocks, params.rows, row_block, column_block, &block);
    int64_t lhs = row_begin * params.lhs_stride, rhs = 0, out = row_begin * params.out_stride;
    for (int i = 0; i < kernels::kGemmBatchRank; ++i) {
      lhs += index[i] * params.lhs_batch_strides[i];
      rhs += index[i] * params.rhs_batch_strides[i] * params.packed_floats;
      out += index[i] * params.out_batch_strides[i];
    }
    block.first_row = matrix * params.rows + row_begin;
    block.lhs = static_cast<const float*>(arguments.operands[0]) + lhs;
    block.packed = static_cast<const float*>(arguments.operands[1]) + rhs;
    block.out = static_cast<float*>(arguments.operands[2]) + out;
    RunGemmBlock(block);
  }
}

static void GemmPackF32(const kernels::KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& params = *static_cast<const kernels::GemmPackParams*>(arguments.params);
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t matrix = t / params.panels.panel_count;
    const int64_t panel = t % params.panels.panel_count;
    const int64_t source = matrix / params.batch[2] / params.batch[1] * params.batch_strides[0] +
                           matrix / params.batch[2] % params.batch[1] * params.batch_strides[1] +
                           matrix % params.batch[2] * params.batch_strides[2];
    kernels::GemmRhs rhs;
    rhs.data = static_cast<const float*>(arguments.operands[0]) + source;
    rhs.column_stride = params.column_stride;
    rhs.depth_counts[2] = params.depth;
    rhs.depth_strides[2] = params.depth_stride;
    rhs.bias = arguments.operands[2];
    kernels::PackGemmPanels(params.panels, rhs,
                            static_cast<float*>(arguments.operands[1]) + matrix * params.packed_floats, panel,
                            panel + 1);
  }
}

extern const kernels::GemmKernels kGemmKernels;
const kernels::GemmKernels kGemmKernels = {GemmF32, GemmPackF32};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
