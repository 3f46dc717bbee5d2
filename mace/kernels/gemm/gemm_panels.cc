#include "mace/kernels/gemm/gemm_panels.h"

#include <cstring>
#include <type_traits>

#include "mace/kernels/half.h"
#include "mace/kernels/sizes.h"

namespace mace::kernels {
namespace {

constexpr GemmRow kRows[] = {
#define MACE_GEMM(name, lhs, rhs, out, isa, tile_rows, tile_columns, tile_depth, cost) \
  {#name, DType::lhs, DType::rhs, DType::out, MACE_GEMM_ISA_##isa, tile_rows, tile_columns, tile_depth, cost},
#define MACE_GEMM_ISA_scalar Isa::kScalar
#define MACE_GEMM_ISA_sse4 Isa::kSse4
#define MACE_GEMM_ISA_avx2 Isa::kAvx2
#define MACE_GEMM_ISA_avxvnni Isa::kAvxVnni
#define MACE_GEMM_ISA_avx512 Isa::kAvx512
#define MACE_GEMM_ISA_avx512vnni Isa::kAvx512Vnni
#define MACE_GEMM_ISA_neon Isa::kNeon
#define MACE_GEMM_ISA_dotprod Isa::kDotProd
#define MACE_GEMM_ISA_i8mm Isa::kI8mm
#include "mace/kernels/gemm/gemm.def"
#undef MACE_GEMM
};

// One panel of `width` columns from `column`, of which `valid` exist.
template <typename T, float (*kConvert)(T)>
void PackPanel(const GemmRhs& rhs, int64_t column, int64_t width, int64_t valid, float* packed) {
  for (int64_t j = 0; j < width; ++j) {
    packed[j] = rhs.bias != nullptr && j < valid ? ReadFloat(rhs.bias, rhs.bias_dtype, column + j) : 0.0f;
  }
  packed += width;
  const T* base = static_cast<const T*>(rhs.data) + column * rhs.column_stride;
  const int64_t run = rhs.depth_counts[2], run_stride = rhs.depth_strides[2];
  for (int64_t i = 0; i < rhs.depth_counts[0]; ++i) {
    for (int64_t j = 0; j < rhs.depth_counts[1]; ++j) {
      const T* source = base + i * rhs.depth_strides[0] + j * rhs.depth_strides[1];
      if (rhs.column_stride == 1) {
        for (int64_t c = 0; c < run; ++c, packed += width) {
          const T* line = source + c * run_stride;
          if constexpr (std::is_same_v<T, float>) {
            std::memcpy(packed, line, static_cast<size_t>(valid) * sizeof(float));
          } else {
            for (int64_t n = 0; n < valid; ++n) packed[n] = kConvert(line[n]);
          }
          for (int64_t n = valid; n < width; ++n) packed[n] = 0.0f;
        }
        continue;
      }
      // Blocks of 16 along the depth: a source line is then used whole while it is in L1.
      for (int64_t c0 = 0; c0 < run; c0 += 16) {
        const int64_t block = run - c0 < 16 ? run - c0 : 16;
        for (int64_t n = 0; n < width; ++n) {
          if (n >= valid) {
            for (int64_t c = 0; c < block; ++c) packed[c * width + n] = 0.0f;
            continue;
          }
          const T* line = source + n * rhs.column_stride + c0 * run_stride;
          for (int64_t c = 0; c < block; ++c) packed[c * width + n] = kConvert(line[c * run_stride]);
        }
        packed += block * width;
      }
    }
  }
}

float Same(float x) { return x; }

}  // namespace

std::span<const GemmRow> GemmRowsOf(Isa isa, GemmKind kind) {
  constexpr size_t kCount = sizeof(kRows) / sizeof(kRows[0]);
  const auto is_one = [&](const GemmRow& row) {
    const GemmKind row_kind = row.lhs == DType::kF32   ? GemmKind::kFloat
                              : row.lhs == DType::kI16 ? GemmKind::kWords
                                                       : GemmKind::kBytes;
    return row.isa == isa && row_kind == kind;
  };
  size_t begin = 0;
  while (begin < kCount && !is_one(kRows[begin])) ++begin;
  size_t end = begin;
  while (end < kCount && is_one(kRows[end])) ++end;
  return {kRows + begin, end - begin};
}

GemmPanels PlanGemmPanels(Isa isa, int64_t columns, GemmKind kind) {
  GemmPanels panels;
  const std::span<const GemmRow> rows = GemmRowsOf(isa, kind);
  if (rows.empty() || columns <= 0) return panels;
  panels.columns = columns;
  int64_t best_counts[kMaxGemmWidths] = {};
  float best_cost = 0.0f;
  const int64_t seconds = rows.size() > 1 ? columns / rows[1].tile_columns + 1 : 0;
  const int64_t thirds = rows.size() > 2 ? 2 : 0;
  for (int64_t second = 0; second <= seconds; ++second) {
    for (int64_t third = 0; third <= thirds; ++third) {
      int64_t rest = columns;
      float cost = 0.0f;
      if (second > 0)
        rest -= second * rows[1].tile_columns, cost += second * rows[1].tile_columns * rows[1].cost;
      if (third > 0)
        rest -= third * rows[2].tile_columns, cost += third * rows[2].tile_columns * rows[2].cost;
      const int64_t first = rest > 0 ? DivideRoundUp(rest, rows[0].tile_columns) : 0;
      cost += first * rows[0].tile_columns * rows[0].cost;
      // Panels before the last must be full.
      int64_t last = rows[0].tile_columns;
      if (second > 0) last = rows[1].tile_columns;
      if (third > 0) last = rows[2].tile_columns;
      if (rest - first * rows[0].tile_columns + last <= 0) continue;
      if (best_cost == 0.0f || cost < best_cost) {
        best_cost = cost;
        best_counts[0] = first, best_counts[1] = second, best_counts[2] = third;
      }
    }
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (best_counts[i] == 0) continue;
    panels.runs[panels.run_count++] = {rows[i].tile_columns, rows[i].tile_rows, best_counts[i]};
    panels.panel_count += best_counts[i];
    panels.padded_columns += best_counts[i] * rows[i].tile_columns;
  }
  panels.strip_rows = panels.runs[0].tile_rows;
  for (int i = 1; i < panels.run_count; ++i) {  // the least common multiple
    const int32_t tile_rows = panels.runs[i].tile_rows;
    int32_t common = panels.strip_rows;
    while (common % tile_rows != 0) common += panels.strip_rows;
    panels.strip_rows = common;
  }
  return panels;
}

GemmPanelPosition FindGemmPanel(const GemmPanels& panels, int64_t index) {
  int64_t column = 0;
  for (int i = 0; i < panels.run_count; ++i) {
    const GemmPanelRun& run = panels.runs[i];
    if (index < run.count) return {column + index * run.width, run.width, run.tile_rows};
    index -= run.count;
    column += run.count * run.width;
  }
  return {column, 0, 1};
}

GemmRhs GemmRhsFromNK(const void* data, DType dtype, int64_t columns, int64_t depth, const void* bias) {
  return {data, dtype, depth, {1, 1, depth}, {0, 0, 1}, bias, DType::kF32};
}

GemmRhs GemmRhsFromKN(const void* data, DType dtype, int64_t columns, int64_t depth, const void* bias) {
  return {data, dtype, 1, {1, 1, depth}, {0, 0, columns}, bias, DType::kF32};
}

void PackGemmPanels(const GemmPanels& panels, const GemmRhs& rhs, float* packed, int64_t panel_begin,
                    int64_t panel_end) {
  const int64_t depth = rhs.depth();
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    const GemmPanelPosition position = FindGemmPanel(panels, p);
    const int64_t left = panels.columns - position.column;
    const int64_t valid = left < position.width ? left : position.width;
    float* panel = packed + position.column * (depth + 1);
    if (rhs.dtype == DType::kF16) {
      PackPanel<uint16_t, HalfToFloat>(rhs, position.column, position.width, valid, panel);
    } else {
      PackPanel<float, Same>(rhs, position.column, position.width, valid, panel);
    }
  }
}

}  // namespace mace::kernels
