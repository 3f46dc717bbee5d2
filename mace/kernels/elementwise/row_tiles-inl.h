// Walks tiles of a RowTiles: for *.simd.cc files.
#ifndef MACE_KERNELS_ELEMENTWISE_ROW_TILES_INL_H_
#define MACE_KERNELS_ELEMENTWISE_ROW_TILES_INL_H_

#include "mace/kernels/elementwise/row_tiles.h"
#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

struct TileRange {
  int64_t row_begin, row_end;
  int64_t column_begin, column_end;
};

MACE_INLINE TileRange RangeOfTile(const kernels::RowTiles& tiles, int64_t tile) {
  TileRange range;
  range.row_begin = tile / tiles.column_tiles * tiles.rows_per_tile;
  range.row_end = ScalarMin(range.row_begin + tiles.rows_per_tile, tiles.rows);
  range.column_begin = tile % tiles.column_tiles * tiles.columns_per_tile;
  range.column_end = ScalarMin(range.column_begin + tiles.columns_per_tile, tiles.columns);
  return range;
}

// Counts through outer dimensions, last fastest, and keeps an offset for each of kOperands operands.
template <int kOperands>
struct OuterCursor {
  static constexpr int kRank = 8;
  int rank;
  const int64_t* dims;
  const int64_t* strides[kOperands];
  int64_t index[kRank];
  int64_t offset[kOperands];
};

template <int kOperands>
MACE_INLINE void MoveTo(OuterCursor<kOperands>* cursor, int64_t row) {
  for (int k = 0; k < kOperands; ++k) cursor->offset[k] = 0;
  for (int d = cursor->rank - 1; d >= 0; --d) {
    const int64_t i = row % cursor->dims[d];
    row /= cursor->dims[d];
    cursor->index[d] = i;
    for (int k = 0; k < kOperands; ++k) cursor->offset[k] += i * cursor->strides[k][d];
  }
}

template <int kOperands>
MACE_INLINE void MoveToNext(OuterCursor<kOperands>* cursor) {
  for (int d = cursor->rank - 1; d >= 0; --d) {
    for (int k = 0; k < kOperands; ++k) cursor->offset[k] += cursor->strides[k][d];
    if (++cursor->index[d] < cursor->dims[d]) return;
    for (int k = 0; k < kOperands; ++k) cursor->offset[k] -= cursor->dims[d] * cursor->strides[k][d];
    cursor->index[d] = 0;
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_ELEMENTWISE_ROW_TILES_INL_H_
