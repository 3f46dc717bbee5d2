// The inner loops of the integer GEMM, once for all instruction sets of fixed width but for the matrix
// products of i8mm. For
// *.simd.cc files. Accumulators are indexed by constants only: see gemm_tile-inl.h.
#ifndef MACE_KERNELS_INTEGER_GEMM_INTEGER_TILE_INL_H_
#define MACE_KERNELS_INTEGER_GEMM_INTEGER_TILE_INL_H_

#include "mace/simd/dot.h"
#include "mace/simd/unroll.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

// Tiles of a function's rows, one below the other, of one panel or of several side by side.
struct IntegerTile {
  const uint8_t* const* rows;  // left-hand rows, as the dot product takes them
  int64_t tile_count;
  int64_t begin_bytes, end_bytes;  // the part of the depth to sum over, a multiple of a step
  const uint8_t* weights;          // of the panel, at begin_bytes
  int64_t panel_stride;            // bytes from a panel to the next and from its initial sums to theirs
  int64_t prefetch_ahead;          // bytes from a panel line to what is fetched into L2 with it
  const int32_t* step_offsets;     // kOrderedBytes: see StepOrder
  const int32_t* form_counts;
  const int32_t* initial;  // [column]: what the sums begin with
  int32_t* sums;           // [row][column] of the tile
  int64_t sums_stride;
};

// kOrderedBytes: steps in the order that a StepOrder gives, some of magnitudes and signs.
enum class TileMethod { kBytes, kOrderedBytes, kWords };

inline constexpr int kLineBytes = 64;

MACE_INLINE const int32_t* InitialOf(const IntegerTile& tile, int panel) {
  return reinterpret_cast<const int32_t*>(reinterpret_cast<const uint8_t*>(tile.initial) +
                                          panel * tile.panel_stride);
}

// kRows rows by kPanels panels of kVectors vectors each.
template <TileMethod kMethod, int kRows, int kVectors, int kPanels>
static void ComputeIntegerTile(const IntegerTile& tile) {
  constexpr bool kIsOrdered = kMethod == TileMethod::kOrderedBytes;
  static_assert(!kIsOrdered || (kPanels == 1 && kVectors <= 2));
  constexpr int kAll = kVectors * kPanels;
  constexpr int64_t kVectorBytes = kF32Lanes * 4;
  const int64_t panel_stride = tile.panel_stride;
  // While the first tile is computed the next panel comes into L2.
  int64_t ahead = tile.prefetch_ahead;
  const uint8_t* const* rows = tile.rows;
  int32_t* to = tile.sums;
  for (int64_t tiles = tile.tile_count; tiles > 0; --tiles, rows += kRows, to += kRows * tile.sums_stride) {
    const uint8_t* panel = tile.weights;
    VecI32 sums[kRows][kAll];
    Unroll<kAll>([&](auto v) MACE_LAMBDA_INLINE {
      constexpr int kV = decltype(v)::value;
      const VecI32 initial = Load(kI32, InitialOf(tile, kV / kVectors) + kV % kVectors * kF32Lanes);
      Unroll<kRows>([&](auto r) MACE_LAMBDA_INLINE { sums[decltype(r)::value][kV] = initial; });
    });
    const uint8_t* lhs[kRows];
    Unroll<kRows>([&](auto r) MACE_LAMBDA_INLINE {
      lhs[decltype(r)::value] = rows[decltype(r)::value] + (kIsOrdered ? 0 : tile.end_bytes);
    });
    // The step of `form` that reads the rows from byte k on.
    const auto add_step = [&](auto form, int64_t k) MACE_LAMBDA_INLINE {
      constexpr int kForm = decltype(form)::value;
      constexpr int64_t kStepBytes = kVectorBytes * (kVectors + (kForm & 1) + (kForm >> 1));
      if constexpr (kPanels == 1) {
        Unroll<(kStepBytes + kLineBytes - 1) / kLineBytes>([&](auto line) MACE_LAMBDA_INLINE {
          __builtin_prefetch(panel + ahead + decltype(line)::value * kLineBytes, 0, 2);
        });
      }
      Unroll<kRows>([&](auto r) MACE_LAMBDA_INLINE {
        constexpr int kR = decltype(r)::value;
        const VecI32 left = BroadcastBytes(lhs[kR] + k);
        const uint8_t* step = panel;
        // 16 registers do not hold twelve sums, weights and what products of bytes need: each row loads the
        // weights anew, as operands of the multiplication. The compiler must not see that they are the same.
        if constexpr (kDotNeedsBound && kMethod != TileMethod::kWords && kF32Lanes <= 8 && kRows * kAll > 10)
          asm volatile("" : "+r"(step));
        Unroll<kAll>([&](auto v) MACE_LAMBDA_INLINE {
          constexpr int kV = decltype(v)::value;
          constexpr int kSignsBefore = kV == 0 ? 0 : kForm & 1;
          const uint8_t* at =
              step + (kV / kVectors) * panel_stride + (kV % kVectors + kSignsBefore) * kVectorBytes;
          const VecI32 right = Load(kI32, reinterpret_cast<const int32_t*>(at));
          if constexpr (kMethod == TileMethod::kWords) {
            sums[kR][kV] = DotWords(sums[kR][kV], left, right);
          } else if constexpr (kMethod == TileMethod::kBytes) {
            sums[kR][kV] = DotBytes(sums[kR][kV], left, right);
          } else if constexpr ((kForm >> kV & 1) == 0) {
            sums[kR][kV] = DotBytes(sums[kR][kV], left, right);
          } else {
            const VecI32 signs = Load(kI32, reinterpret_cast<const int32_t*>(at + kVectorBytes));
            sums[kR][kV] = DotMagnitudes(sums[kR][kV], Xor(left, signs), right);
          }
        });
      });
      panel += kStepBytes;
    };
    if constexpr (kIsOrdered) {
      const int32_t* offset = tile.step_offsets;
      Unroll<1 << kVectors>([&](auto form) MACE_LAMBDA_INLINE {
        const int32_t* const end = offset + tile.form_counts[decltype(form)::value];
        for (; offset != end; ++offset) add_step(form, *offset);
      });
    } else {
      // Counted up to zero: one register is index, counter and limit.
      for (int64_t k = tile.begin_bytes - tile.end_bytes; k < 0; k += 4) add_step(Constant<0>{}, k);
    }
    Unroll<kRows>([&](auto r) MACE_LAMBDA_INLINE {
      Unroll<kAll>([&](auto v) MACE_LAMBDA_INLINE {
        constexpr int kR = decltype(r)::value, kV = decltype(v)::value;
        Store(to + kR * tile.sums_stride + kV * kF32Lanes, sums[kR][kV]);
      });
    });
    ahead = 0;
  }
}

#if defined(MACE_SIMD_I8MM)
// Two rows by two columns of eight bytes each at a time: smmla gives [row 0 column 0, row 0 column 1, row 1
// column 0, row 1 column 1].
template <int kRows, int kVectors, int kPanels>
static void ComputeMatrixTile(const IntegerTile& tile) {
  constexpr int kPairs = (kRows + 1) / 2;
  constexpr int kColumnPairs = 2 * kVectors;  // of a panel
  constexpr int kAll = kColumnPairs * kPanels;
  const uint8_t* const* rows = tile.rows;
  int32_t* sums_of_tile = tile.sums;
  for (int64_t tiles = tile.tile_count; tiles > 0;
       --tiles, rows += kRows, sums_of_tile += kRows * tile.sums_stride) {
    const int8_t* panel = reinterpret_cast<const int8_t*>(tile.weights);
    int32x4_t sums[kPairs][kAll];
    Unroll<kAll>([&](auto v) MACE_LAMBDA_INLINE {
      constexpr int kV = decltype(v)::value;
      const int32x2_t columns = vld1_s32(InitialOf(tile, kV / kColumnPairs) + kV % kColumnPairs * 2);
      const int32x4_t initial = vcombine_s32(columns, columns);
      Unroll<kPairs>([&](auto r) MACE_LAMBDA_INLINE { sums[decltype(r)::value][kV] = initial; });
    });
    // The last of an odd number of rows is its own partner.
    const int8_t* first[kPairs];
    const int8_t* second[kPairs];
    Unroll<kPairs>([&](auto r) MACE_LAMBDA_INLINE {
      constexpr int kR = decltype(r)::value;
      first[kR] = reinterpret_cast<const int8_t*>(rows[2 * kR] + tile.end_bytes);
      second[kR] =
          reinterpret_cast<const int8_t*>(rows[2 * kR + 1 < kRows ? 2 * kR + 1 : 2 * kR] + tile.end_bytes);
    });
    for (int64_t k = tile.begin_bytes - tile.end_bytes; k < 0; k += 8) {
      int8x16_t right[kAll];
      Unroll<kAll>([&](auto v) MACE_LAMBDA_INLINE {
        constexpr int kV = decltype(v)::value;
        right[kV] = vld1q_s8(panel + (kV / kColumnPairs) * tile.panel_stride + (kV % kColumnPairs) * 16);
      });
      Unroll<kPairs>([&](auto r) MACE_LAMBDA_INLINE {
        constexpr int kR = decltype(r)::value;
        const int8x16_t left = vcombine_s8(vld1_s8(first[kR] + k), vld1_s8(second[kR] + k));
        Unroll<kAll>([&](auto v) MACE_LAMBDA_INLINE {
          constexpr int kV = decltype(v)::value;
          sums[kR][kV] = vmmlaq_s32(sums[kR][kV], left, right[kV]);
        });
      });
      panel += kColumnPairs * 16;
    }
    Unroll<kPairs>([&](auto r) MACE_LAMBDA_INLINE {
      Unroll<kAll>([&](auto v) MACE_LAMBDA_INLINE {
        constexpr int kR = decltype(r)::value, kV = decltype(v)::value;
        int32_t* to = sums_of_tile + 2 * kR * tile.sums_stride + 2 * kV;
        vst1_s32(to, vget_low_s32(sums[kR][kV]));
        if constexpr (2 * kR + 1 < kRows) vst1_s32(to + tile.sums_stride, vget_high_s32(sums[kR][kV]));
      });
    });
  }
}
#endif

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_INTEGER_GEMM_INTEGER_TILE_INL_H_
