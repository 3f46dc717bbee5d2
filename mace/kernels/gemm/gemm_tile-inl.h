// The inner loop of every GEMM, once for all instruction sets of fixed width. For *.simd.cc files, after
// simd.h.
//
// Accumulators are an array indexed by compile-time constants only: with plain loops g++ 12 keeps them in
// memory and falls from 103 to 34 GFLOP/s (Zen 3, docs/design/14-simd.md; tests/check_inner_loops.py watches
// it).
#ifndef MACE_KERNELS_GEMM_GEMM_TILE_INL_H_
#define MACE_KERNELS_GEMM_GEMM_TILE_INL_H_

#include "mace/simd/unroll.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

struct GemmTile {
  const float* const* table;  // [tap][table_stride]; the tile's first row at [0]
  int64_t table_stride;
  int64_t taps, run;
  int64_t lhs_offset;
  const float* panel;            // bias, then depth rows
  int64_t panel_stride;          // floats from a panel to the next, where the tile spans several
  int64_t prefetch_ahead;        // floats from a panel line to what is fetched into L2 with it
  int64_t columns;               // that exist, <= those of the tile
  float* const* out;             // [row], at the tile's first column
  const float* const* residual;  // the same, or null
  float low, high;
};

inline constexpr int kLineFloats = 16;  // of a cache line

// kRows rows by kPanels panels of kVectors vectors each.
template <int kRows, int kVectors, int kPanels>
static void ComputeTile(const GemmTile& tile) {
  constexpr int kWidth = kVectors * kF32Lanes;
  constexpr int kAll = kVectors * kPanels;
  // Where the result (and the residual) will go is fetched while the sum is made: 1.2 x on a ResNet-50 layer
  // with a residual.
  for (int r = 0; r < kRows; ++r) {
    for (int64_t c = 0; c < tile.columns; c += kLineFloats) __builtin_prefetch(tile.out[r] + c, 1);
    if (tile.residual != nullptr) {
      for (int64_t c = 0; c < tile.columns; c += kLineFloats) __builtin_prefetch(tile.residual[r] + c, 0);
    }
  }
  const float* panel = tile.panel;
  const int64_t panel_stride = tile.panel_stride;
  VecF32 sums[kRows][kAll];
  Unroll<kAll>([&](auto v) MACE_LAMBDA_INLINE {
    constexpr int kV = decltype(v)::value;
    const VecF32 bias = Load(kF32, panel + (kV / kVectors) * panel_stride + (kV % kVectors) * kF32Lanes);
    Unroll<kRows>([&](auto r) MACE_LAMBDA_INLINE { sums[decltype(r)::value][kV] = bias; });
  });
  panel += kWidth;
  const int64_t ahead = tile.prefetch_ahead;
  for (int64_t tap = 0; tap < tile.taps; ++tap) {
    const float* const* rows = tile.table + tap * tile.table_stride;
    const float* lhs[kRows];
    Unroll<kRows>([&](auto r) MACE_LAMBDA_INLINE {
      lhs[decltype(r)::value] = rows[decltype(r)::value] + tile.lhs_offset + tile.run;
    });
    // Counted up to zero: one register is index, counter and limit.
    for (int64_t k = -tile.run; k < 0; ++k) {
      VecF32 right[kAll];
      Unroll<kAll>([&](auto v) MACE_LAMBDA_INLINE {
        constexpr int kV = decltype(v)::value;
        right[kV] = Load(kF32, panel + (kV / kVectors) * panel_stride + (kV % kVectors) * kF32Lanes);
      });
      if constexpr (kPanels == 1) {
        Unroll<(kWidth + kLineFloats - 1) / kLineFloats>([&](auto line) MACE_LAMBDA_INLINE {
          __builtin_prefetch(panel + ahead + decltype(line)::value * kLineFloats, 0, 2);
        });
      }
      Unroll<kRows>([&](auto r) MACE_LAMBDA_INLINE {
        constexpr int kR = decltype(r)::value;
        const VecF32 left = Broadcast(kF32, lhs[kR] + k);
        Unroll<kAll>([&](auto v) MACE_LAMBDA_INLINE {
          constexpr int kV = decltype(v)::value;
          sums[kR][kV] = MulAdd(left, right[kV], sums[kR][kV]);
        });
      });
      panel += kWidth;
    }
  }
  const VecF32 low = Set(kF32, tile.low);
  const VecF32 high = Set(kF32, tile.high);
  Unroll<kRows>([&](auto r) MACE_LAMBDA_INLINE {
    constexpr int kR = decltype(r)::value;
    float* out = tile.out[kR];
    const float* residual = tile.residual != nullptr ? tile.residual[kR] : nullptr;
    Unroll<kAll>([&](auto v) MACE_LAMBDA_INLINE {
      constexpr int kV = decltype(v)::value;
      const int64_t left = tile.columns - kV * kF32Lanes;
      VecF32 sum = sums[kR][kV];
      if (left >= kF32Lanes) [[likely]] {
        if (residual != nullptr) sum = Add(sum, Load(kF32, residual + kV * kF32Lanes));
        Store(out + kV * kF32Lanes, Clamp(sum, low, high));
      } else if (left > 0) {
        if (residual != nullptr) sum = Add(sum, LoadPartial(kF32, residual + kV * kF32Lanes, left));
        StorePartial(out + kV * kF32Lanes, Clamp(sum, low, high), left);
      }
    });
  });
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_GEMM_TILE_INL_H_
