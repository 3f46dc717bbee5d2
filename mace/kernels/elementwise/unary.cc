#include "mace/kernels/elementwise/unary.h"

#include "mace/kernels/sizes.h"

namespace mace::kernels {

RowTiles CutRows(int64_t rows, int64_t columns, int64_t elements) {
  RowTiles tiles;
  tiles.rows = rows;
  tiles.columns = columns;
  if (rows <= 0 || columns <= 0) return tiles;
  if (columns > elements) {
    const int64_t parts = DivideRoundUp(columns, elements);
    const int64_t even = DivideRoundUp(columns, parts);
    tiles.columns_per_tile = (even + 63) / 64 * 64;
    tiles.rows_per_tile = 1;
  } else {
    tiles.columns_per_tile = columns;
    tiles.rows_per_tile = elements / columns;
  }
  tiles.column_tiles = DivideRoundUp(columns, tiles.columns_per_tile);
  tiles.tile_count = tiles.column_tiles * DivideRoundUp(rows, tiles.rows_per_tile);
  return tiles;
}

namespace {

// A matrix whose rows follow each other without a gap is one row, which cuts better.
template <typename Params>
Status PrepareRows(Params* params, bool may_join) {
  if (params->rows < 0 || params->columns < 0) return Internal("an elementwise kernel of negative size");
  if (params->rows > 1 &&
      (params->input_stride < params->columns || params->output_stride < params->columns)) {
    return Internal("an elementwise kernel's rows overlap");
  }
  if (may_join && params->rows > 1 && params->input_stride == params->columns &&
      params->output_stride == params->columns) {
    params->columns *= params->rows;
    params->rows = 1;
  }
  params->tiles = CutRows(params->rows, params->columns);
  params->tile_count = params->tiles.tile_count;
  return Status::Ok();
}

}  // namespace

Status PrepareUnary(UnaryParams* params) { return PrepareRows(params, true); }

Status PrepareChain(ChainParams* params) {
  if (params->post_ops.count < 0 || params->post_ops.count > kMaxPostOps) {
    return Internal("a chain of %d post-ops", static_cast<int>(params->post_ops.count));
  }
  // The rows of operands are addressed by (row, column): they join where the operands' rows do too.
  bool may_join = true;
  for (int i = 0; i < params->post_ops.count; ++i) {
    const PostOp& op = params->post_ops.ops[i];
    if (HasTensorOperand(op.kind) && op.row_stride != params->columns) may_join = false;
  }
  return PrepareRows(params, may_join);
}

}  // namespace mace::kernels
