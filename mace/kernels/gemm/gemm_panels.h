// The packed right-hand side of a GEMM: how columns are cut to panels, how large the result is, and the
// packing itself.
//
// A packed matrix of `columns` x `depth` is a run of panels of width w: w bias values, then depth rows of w
// values, that is [panel][1 + depth][w]. Panels of one matrix may differ in width (gemm.def): the panel that
// begins at column c begins at float c * (1 + depth). Columns that fill up the last panel are zero.
// Everything is plain data: it may be stored and mapped.
#ifndef MACE_KERNELS_GEMM_GEMM_PANELS_H_
#define MACE_KERNELS_GEMM_GEMM_PANELS_H_

#include <cstdint>
#include <span>

#include "mace/core/dtype.h"
#include "mace/simd/isa.h"

namespace mace::kernels {

// A row of gemm.def.
struct GemmRow {
  const char* name;
  DType lhs, rhs, out;
  Isa isa;
  int32_t tile_rows, tile_columns, tile_depth;
  float cost;
};

inline constexpr int kMaxGemmWidths = 3;  // widths within one family

enum class GemmKind : uint8_t { kFloat, kBytes, kWords };

// The rows of gemm.def for `isa` (float32 in and out; integers of one or two bytes in), in the order of the
// file; empty for an isa that has none.
std::span<const GemmRow> GemmRowsOf(Isa isa, GemmKind kind = GemmKind::kFloat);

struct GemmPanelRun {
  int32_t width;      // tile_columns
  int32_t tile_rows;  // most rows of a tile of this width
  int64_t count;      // panels
};

struct GemmPanels {
  int64_t columns = 0;         // as asked
  int64_t padded_columns = 0;  // sum of the widths
  int64_t panel_count = 0;
  int32_t run_count = 0;
  int32_t strip_rows = 1;  // rows that all widths of this matrix divide well
  GemmPanelRun runs[kMaxGemmWidths] = {};
};

// The cheapest cover of `columns` by the widths that `isa` has.
GemmPanels PlanGemmPanels(Isa isa, int64_t columns, GemmKind kind = GemmKind::kFloat);

// Floats of a packed matrix.
inline int64_t PackedGemmFloats(const GemmPanels& panels, int64_t depth) {
  return (depth + 1) * panels.padded_columns;
}

// Where the element (k, n) of a right-hand side lies: depth index k = (i * counts[1] + j) * counts[2] + c is
// at data[n * column_stride + i * strides[0] + j * strides[1] + c * strides[2]], all in elements.
//   [N][K] rows:  counts {1, 1, K}, strides {0, 0, 1}, column_stride K    (OHWI weights, flattened)
//   [K][N] rows:  counts {1, 1, K}, strides {0, 0, N}, column_stride 1    (the B of a MatMul)
struct GemmRhs {
  const void* data = nullptr;
  DType dtype = DType::kF32;  // kF32 or kF16
  int64_t column_stride = 0;
  int64_t depth_counts[3] = {1, 1, 1};
  int64_t depth_strides[3] = {0, 0, 1};
  const void* bias = nullptr;  // [N] of bias_dtype, or null for zero
  DType bias_dtype = DType::kF32;

  int64_t depth() const { return depth_counts[0] * depth_counts[1] * depth_counts[2]; }
};

GemmRhs GemmRhsFromNK(const void* data, DType dtype, int64_t columns, int64_t depth,
                      const void* bias = nullptr);
GemmRhs GemmRhsFromKN(const void* data, DType dtype, int64_t columns, int64_t depth,
                      const void* bias = nullptr);

// Packs panels [panel_begin, panel_end) into `packed` (the start of the whole matrix), each of them written
// in full.
void PackGemmPanels(const GemmPanels& panels, const GemmRhs& rhs, float* packed, int64_t panel_begin,
                    int64_t panel_end);
inline void PackGemm(const GemmPanels& panels, const GemmRhs& rhs, float* packed) {
  PackGemmPanels(panels, rhs, packed, 0, panels.panel_count);
}

// First column of panel `index`, and its width.
struct GemmPanelPosition {
  int64_t column;
  int32_t width;
  int32_t tile_rows;
};
GemmPanelPosition FindGemmPanel(const GemmPanels& panels, int64_t index);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_GEMM_GEMM_PANELS_H_
