// The tiles of integer_tile-inl.h for a panel of gemm.def, by their number of rows. For *.simd.cc files.
#ifndef MACE_KERNELS_INTEGER_GEMM_FIND_TILES_INL_H_
#define MACE_KERNELS_INTEGER_GEMM_FIND_TILES_INL_H_

#include "mace/kernels/integer_gemm/integer_tile-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using TileFunction = void (*)(const IntegerTile&);

inline constexpr int kMostTileRows = 12;
inline constexpr int kMostTileColumns = 32;
// Most rows of a tile of magnitudes and signs: 16 registers hold the sums of 4 rows beside the weights and
// signs of 16 columns.
inline constexpr int kSignedTileRows = kF32Lanes <= 8 ? 4 : kMostTileRows;
// Panels that a single row takes at a time, to hide the latency of a dot product.
inline constexpr int kRowPanels = 4;

template <TileMethod kMethod, int kVectors, int kPanels, int... kIndices>
static const TileFunction* TilesOf(IndexList<kIndices...>) {
#if defined(MACE_SIMD_I8MM)
  if constexpr (kMethod == TileMethod::kBytes) {
    static constexpr TileFunction kTiles[] = {ComputeMatrixTile<kIndices + 1, kVectors, kPanels>...};
    return kTiles;
  } else
#endif
  {
    static constexpr TileFunction kTiles[] = {
        ComputeIntegerTile<kMethod, kIndices + 1, kVectors, kPanels>...};
    return kTiles;
  }
}

template <TileMethod kMethod, int kTileRows, int kWidth>
static const TileFunction* TilesOfWidth(int panels) {
  static_assert(kWidth % kF32Lanes == 0 && kTileRows <= kMostTileRows && kWidth <= kMostTileColumns);
  constexpr int kVectors = kWidth / kF32Lanes;
  constexpr int kRows =
      kMethod == TileMethod::kOrderedBytes && kTileRows > kSignedTileRows ? kSignedTileRows : kTileRows;
  if constexpr (kMethod != TileMethod::kOrderedBytes) {
    if (panels > 1) return TilesOf<kMethod, kVectors, kRowPanels>(typename MakeIndexList<1>::Type{});
  }
  return TilesOf<kMethod, kVectors, 1>(typename MakeIndexList<kRows>::Type{});
}

// The rows of gemm.def of this instruction set, as calls of TilesOfWidth.
template <TileMethod kMethod>
static const TileFunction* FindTiles(int width, int panels) {
#define MACE_GEMM_IS_kF32 0
#define MACE_GEMM_IS_kU8 1
#define MACE_GEMM_IS_kI8 1
#define MACE_GEMM_IS_kI16 2
#define MACE_GEMM(name, lhs, rhs, out, gemm_isa, tile_rows, tile_columns, tile_depth, cost)              \
  if constexpr (MACE_GEMM_IS_##lhs == (kMethod == TileMethod::kWords ? 2 : 1) && IsThisIsa(#gemm_isa)) { \
    if (width == tile_columns) return TilesOfWidth<kMethod, tile_rows, tile_columns>(panels);            \
  }
#define MACE_QUOTE(name) #name
#define MACE_QUOTE_VALUE(name) MACE_QUOTE(name)
  constexpr auto IsThisIsa = [](const char* name) {
    const char* here = MACE_QUOTE_VALUE(MACE_ISA_NAMESPACE);
    here += 4;  // isa_
    while (*name != '\0' && *name == *here) ++name, ++here;
    return *name == *here;
  };
#include "mace/kernels/gemm/gemm.def"
#undef MACE_GEMM
  return nullptr;
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_INTEGER_GEMM_FIND_TILES_INL_H_
