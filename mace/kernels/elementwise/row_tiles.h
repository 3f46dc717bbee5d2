// A matrix cut to tiles of about the same number of elements: whole rows where they are short, parts of rows
// where they are long. What lies in a row is contiguous.
#ifndef MACE_KERNELS_ELEMENTWISE_ROW_TILES_H_
#define MACE_KERNELS_ELEMENTWISE_ROW_TILES_H_

#include <cstdint>

namespace mace::kernels {

struct RowTiles {
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t rows_per_tile = 1;
  int64_t columns_per_tile = 1;  // a multiple of 64 unless it is all columns
  int64_t column_tiles = 0;      // tiles side by side
  int64_t tile_count = 0;
};

// `elements`: how many a tile should have. 16,384 floats are read and written within L2.
inline constexpr int64_t kTileElements = 16384;
RowTiles CutRows(int64_t rows, int64_t columns, int64_t elements = kTileElements);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_ELEMENTWISE_ROW_TILES_H_
