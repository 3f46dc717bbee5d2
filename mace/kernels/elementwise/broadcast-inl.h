// Walks the rows of a Broadcast: for *.simd.cc files.
#ifndef MACE_KERNELS_ELEMENTWISE_BROADCAST_INL_H_
#define MACE_KERNELS_ELEMENTWISE_BROADCAST_INL_H_

#include "mace/kernels/elementwise/binary.h"
#include "mace/kernels/elementwise/row_tiles-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

// Calls row(out_offset, offsets, count) for each row part of the tiles; an operand's offset is that of its
// first element there.
template <int kOperands, typename Row>
MACE_INLINE void ForEachRow(const kernels::Broadcast& broadcast, int64_t tile_begin, int64_t tile_end,
                            Row row) {
  OuterCursor<kOperands> cursor;
  cursor.rank = broadcast.rank;
  cursor.dims = broadcast.dims;
  for (int k = 0; k < kOperands; ++k) cursor.strides[k] = broadcast.strides[k];
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(broadcast.tiles, tile);
    MoveTo(&cursor, range.row_begin);
    for (int64_t r = range.row_begin; r < range.row_end; ++r) {
      int64_t offsets[kOperands];
      for (int k = 0; k < kOperands; ++k) {
        offsets[k] = cursor.offset[k] + range.column_begin * broadcast.row_steps[k];
      }
      row(r * broadcast.tiles.columns + range.column_begin, offsets, range.column_end - range.column_begin);
      MoveToNext(&cursor);
    }
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_ELEMENTWISE_BROADCAST_INL_H_
