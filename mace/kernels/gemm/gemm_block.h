// What the kernels of one instruction set share: a block of rows times a range of panels. For *.simd.cc
// files, after simd.h.
#ifndef MACE_KERNELS_GEMM_GEMM_BLOCK_H_
#define MACE_KERNELS_GEMM_GEMM_BLOCK_H_

#include "mace/kernels/gemm/gemm.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

// out[row] = bias + lhs[row] x panels, then the post-ops, for `rows` rows and panels [panel_begin,
// panel_end).
//
// A left-hand row is `taps` runs of `run` floats. Either `table` holds their addresses, [tap][table_stride]
// with row i of the block at position i, and `lhs_offset` floats are added to each; or table is null, taps is
// 1, and row i is at lhs + i * lhs_stride.
//
// Row i is written at out + i * out_stride and has number first_row + i in post-op operands; where
// row_numbers is not null, its number is row_numbers[i] and it is written at out + number * out_stride.
struct GemmBlock {
  const kernels::GemmPanels* panels = nullptr;
  const kernels::GemmEpilogue* epilogue = nullptr;
  void* const* operands = nullptr;
  const float* packed = nullptr;
  int64_t panel_begin = 0, panel_end = 0;
  bool panels_outer = false;
  int64_t rows = 0, strips = 1;
  const float* lhs = nullptr;
  int64_t lhs_stride = 0;
  const float* const* table = nullptr;
  int64_t table_stride = 0;
  int64_t lhs_offset = 0;
  int64_t taps = 1, run = 0;
  float* out = nullptr;
  int64_t out_stride = 0;
  int64_t first_row = 0;
  const int64_t* row_numbers = nullptr;
  int64_t first_column = 0;  // where column 0 of `panels` stands in the output and in post-op operands
                             // (groups); not yet added to `out`
};

void RunGemmBlock(const GemmBlock& block);

// [begin, end) of part `index` of `total` things cut to `parts` parts that differ by one at most.
MACE_INLINE int64_t EvenSplit(int64_t total, int64_t parts, int64_t index) { return total * index / parts; }

// Gives `block` the rows, strips and panels of one tile of `blocks`, out of `all_rows` rows and all panels of
// block->panels. Returns the tile's first row.
MACE_INLINE int64_t SetBlockRange(const kernels::GemmBlocks& blocks, int64_t all_rows, int64_t row_block,
                                  int64_t column_block, GemmBlock* block) {
  const int64_t strip_begin = EvenSplit(blocks.strips, blocks.row_blocks, row_block);
  const int64_t strip_end = EvenSplit(blocks.strips, blocks.row_blocks, row_block + 1);
  const int64_t row_begin = EvenSplit(all_rows, blocks.strips, strip_begin);
  block->rows = EvenSplit(all_rows, blocks.strips, strip_end) - row_begin;
  block->strips = strip_end - strip_begin;
  block->panel_begin = EvenSplit(block->panels->panel_count, blocks.column_blocks, column_block);
  block->panel_end = EvenSplit(block->panels->panel_count, blocks.column_blocks, column_block + 1);
  return row_begin;
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_GEMM_BLOCK_H_
