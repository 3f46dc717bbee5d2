#include "mace/kernels/gemm/gemm.h"

#include <limits>

#include "mace/kernels/half.h"
#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Case {
  int64_t rows, columns, depth;
  int64_t lhs_gap = 0, out_gap = 0;  // floats between rows beyond their length
  bool from_kn = false, half = false, bias = true;
  bool residual = false, relu6 = false, leaky = false;
};

uint16_t SmallHalf(Random& random) {  // sign, exponent 2^-3..2^0, random fraction
  return static_cast<uint16_t>(Pick(random, 0, 1) << 15 | Pick(random, 12, 15) << 10 | Pick(random, 0, 1023));
}

void CheckCase(Isa isa, const Case& c, Random& random) {
  const KernelTable table = KernelsOf(isa);
  GemmParams params;
  params.isa = table.gemm_isa;
  params.rows = c.rows, params.columns = c.columns, params.depth = c.depth;
  params.lhs_stride = c.depth + c.lhs_gap, params.out_stride = c.columns + c.out_gap;
  const int64_t residual_stride = c.columns + 3;
  if (c.residual) params.post_ops.ops[params.post_ops.count++] = {PostOpKind::kAdd, 3, 0, 0, residual_stride};
  if (c.relu6) params.post_ops.ops[params.post_ops.count++] = {PostOpKind::kClip, -1, 0.0f, 6.0f, 0};
  if (c.leaky) params.post_ops.ops[params.post_ops.count++] = {PostOpKind::kLeakyRelu, -1, 0.25f, 0, 0};
  ASSERT_TRUE(PrepareGemm(&params).ok());

  // The last row ends at its last element: nothing behind it may be touched.
  const auto span = [](int64_t rows, int64_t width, int64_t stride) {
    return rows == 0 ? 0 : (rows - 1) * stride + width;
  };
  const bool at_start = Pick(random, 0, 1) == 1;
  Guarded<float> lhs(RandomFloats(random, span(c.rows, c.depth, params.lhs_stride)), at_start);
  Guarded<float> residual(RandomFloats(random, span(c.rows, c.columns, residual_stride)), at_start);
  std::vector<float> bias = RandomFloats(random, c.columns);
  std::vector<float> rhs = RandomFloats(random, c.columns * c.depth);
  std::vector<uint16_t> half(rhs.size());
  if (c.half) {
    for (size_t i = 0; i < rhs.size(); ++i) rhs[i] = HalfToFloat(half[i] = SmallHalf(random));
  }
  const void* source = c.half ? static_cast<const void*>(half.data()) : rhs.data();
  const DType dtype = c.half ? DType::kF16 : DType::kF32;
  const void* given_bias = c.bias ? bias.data() : nullptr;
  Guarded<float> packed(params.packed_floats);
  PackGemmMatrix(params,
                 c.from_kn ? GemmRhsFromKN(source, dtype, c.columns, c.depth, given_bias)
                           : GemmRhsFromNK(source, dtype, c.columns, c.depth, given_bias),
                 packed.data());
  const int64_t out_size = span(c.rows, c.columns, params.out_stride);
  Guarded<float> out(std::vector<float>(static_cast<size_t>(out_size), -77.0f), at_start);
  RunTiles(table.gemm->gemm_f32, &params, {lhs.data(), packed.data(), out.data(), residual.data()},
           params.tile_count, params.workspace_bytes, random);

  for (int64_t m = 0; m < c.rows; ++m) {
    for (int64_t n = 0; n < c.columns; ++n) {
      double sum = c.bias ? bias[n] : 0.0;
      for (int64_t k = 0; k < c.depth; ++k) {
        sum += static_cast<double>(lhs[m * params.lhs_stride + k]) *
               rhs[c.from_kn ? k * c.columns + n : n * c.depth + k];
      }
      if (c.residual) sum += residual[m * residual_stride + n];
      if (c.relu6) sum = std::min(std::max(sum, 0.0), 6.0);
      if (c.leaky) sum = sum < 0 ? 0.25 * sum : sum;
      ASSERT_TRUE(IsNear(out[m * params.out_stride + n], sum, 1e-6 * (4.0 + static_cast<double>(c.depth))))
          << NameOf(isa) << " at " << m << ", " << n << " of " << c.rows << "x" << c.columns << "x"
          << c.depth;
    }
    for (int64_t n = c.columns; m + 1 < c.rows && n < params.out_stride; ++n)
      ASSERT_EQ(out[m * params.out_stride + n], -77.0f);
  }
}

// A line of gemm.def gives a test of each number of rows, full and cut columns.
TEST(Gemm, EveryTileOfEveryRow) {
  Random random(1);
  for (Isa isa : TestIsas()) {
    const Isa gemm_isa = KernelsOf(isa).gemm_isa;
    for (const GemmRow& row : GemmRowsOf(gemm_isa)) {
      for (int64_t rows = 1; rows <= 2 * row.tile_rows + 1; ++rows) {
        CheckCase(isa, {.rows = rows, .columns = row.tile_columns, .depth = 1 + rows % 5, .relu6 = true},
                  random);
        CheckCase(
            isa,
            {.rows = rows, .columns = row.tile_columns - 1 - rows % 3, .depth = 9, .residual = rows % 2 == 0},
            random);
      }
    }
  }
}

TEST(Gemm, EveryColumnCount) {
  Random random(2);
  for (Isa isa : TestIsas()) {
    for (int64_t columns = 1; columns <= 150; ++columns) {
      CheckCase(isa, {.rows = 1 + columns % 30, .columns = columns, .depth = 5, .from_kn = columns % 2 == 1},
                random);
      CheckCase(isa, {.rows = 1, .columns = columns, .depth = 7, .leaky = columns % 3 == 0}, random);
    }
  }
}

TEST(Gemm, RandomShapes) {
  Random random(3);
  for (Isa isa : TestIsas()) {
    for (int i = 0; i < 60; ++i) {
      Case c = {.rows = Pick(random, 1, 90), .columns = Pick(random, 1, 200), .depth = Pick(random, 1, 100)};
      c.lhs_gap = Pick(random, 0, 5), c.out_gap = Pick(random, 0, 5);
      c.from_kn = Pick(random, 0, 1), c.half = Pick(random, 0, 1), c.bias = Pick(random, 0, 3) > 0;
      c.residual = Pick(random, 0, 1), c.relu6 = Pick(random, 0, 1), c.leaky = Pick(random, 0, 1);
      CheckCase(isa, c, random);
    }
  }
}

TEST(Gemm, BlocksOfLargeMatrices) {  // beyond 256 KiB of weights the panels are the outer loop
  Random random(4);
  for (Isa isa : TestIsas()) {
    CheckCase(isa, {.rows = 49, .columns = 333, .depth = 300}, random);
    CheckCase(isa, {.rows = 700, .columns = 24, .depth = 16, .relu6 = true}, random);
    CheckCase(isa, {.rows = 300, .columns = 280, .depth = 260, .residual = true}, random);
    CheckCase(isa, {.rows = 1, .columns = 1001, .depth = 128}, random);
  }
}

TEST(Gemm, ZeroSizes) {
  Random random(5);
  for (Isa isa : TestIsas()) {
    CheckCase(isa, {.rows = 0, .columns = 8, .depth = 8}, random);
    CheckCase(isa, {.rows = 8, .columns = 0, .depth = 8}, random);
    CheckCase(isa, {.rows = 8, .columns = 9, .depth = 0}, random);
    CheckCase(isa, {.rows = 1, .columns = 70, .depth = 0, .relu6 = true}, random);
  }
}

TEST(Gemm, NaNAndInfinityComeThroughTheClamp) {
  Random random(6);
  for (Isa isa : TestIsas()) {
    const KernelTable table = KernelsOf(isa);
    GemmParams params;
    params.isa = table.gemm_isa;
    params.rows = 7, params.columns = 19, params.depth = 3, params.lhs_stride = 3, params.out_stride = 19;
    params.post_ops.ops[params.post_ops.count++] = {PostOpKind::kClip, -1, 0.0f, 6.0f, 0};
    ASSERT_TRUE(PrepareGemm(&params).ok());
    Guarded<float> lhs(std::vector<float>(21, 1.0f)), packed(params.packed_floats), out(7 * 19);
    lhs[2 * 3 + 1] = kNaN;
    lhs[4 * 3 + 1] = std::numeric_limits<float>::infinity();
    std::vector<float> ones(19 * 3, 1.0f);
    PackGemmMatrix(params, GemmRhsFromNK(ones.data(), DType::kF32, 19, 3), packed.data());
    RunTiles(table.gemm->gemm_f32, &params, {lhs.data(), packed.data(), out.data()}, params.tile_count, 0,
             random);
    for (int64_t m = 0; m < 7; ++m) {
      for (int64_t n = 0; n < 19; ++n) {
        if (m == 2) {
          EXPECT_TRUE(std::isnan(out[m * 19 + n])) << NameOf(isa);
        } else {
          EXPECT_EQ(out[m * 19 + n], m == 4 ? 6.0f : 3.0f) << NameOf(isa);
        }
      }
    }
  }
}

TEST(Gemm, BatchesBroadcastAndRunTimePacking) {
  Random random(7);
  constexpr int64_t kRows = 10, kColumns = 21, kDepth = 13, kOuter = 2, kHeads = 3;
  for (Isa isa : TestIsas()) {
    const KernelTable table = KernelsOf(isa);
    // lhs [outer, rows, heads, depth], rhs [heads, depth, columns] for every outer: as in attention, without
    // transposes.
    GemmPackParams pack;
    pack.isa = table.gemm_isa;
    pack.columns = kColumns, pack.depth = kDepth, pack.column_stride = 1, pack.depth_stride = kColumns;
    pack.batch[2] = kHeads, pack.batch_strides[2] = kDepth * kColumns;
    ASSERT_TRUE(PrepareGemmPack(&pack).ok());
    GemmParams params;
    params.isa = table.gemm_isa;
    params.rows = kRows, params.columns = kColumns, params.depth = kDepth;
    params.lhs_stride = kHeads * kDepth, params.out_stride = kHeads * kColumns;
    params.batch[1] = kOuter, params.batch[2] = kHeads;
    params.lhs_batch_strides[1] = kRows * kHeads * kDepth, params.lhs_batch_strides[2] = kDepth;
    params.rhs_batch_strides[2] = 1;
    params.out_batch_strides[1] = kRows * kHeads * kColumns, params.out_batch_strides[2] = kColumns;
    ASSERT_TRUE(PrepareGemm(&params).ok());
    ASSERT_EQ(params.packed_floats, pack.packed_floats);
    Guarded<float> lhs(RandomFloats(random, kOuter * kRows * kHeads * kDepth));
    Guarded<float> rhs(RandomFloats(random, kHeads * kDepth * kColumns));
    Guarded<float> packed(pack.packed_floats * kHeads), out(kOuter * kRows * kHeads * kColumns);
    RunTiles(table.gemm->gemm_pack_f32, &pack, {rhs.data(), packed.data(), nullptr}, pack.tile_count, 0,
             random);
    RunTiles(table.gemm->gemm_f32, &params, {lhs.data(), packed.data(), out.data()}, params.tile_count, 0,
             random);
    for (int64_t o = 0; o < kOuter; ++o) {
      for (int64_t m = 0; m < kRows; ++m) {
        for (int64_t h = 0; h < kHeads; ++h) {
          for (int64_t n = 0; n < kColumns; ++n) {
            double sum = 0;
            for (int64_t k = 0; k < kDepth; ++k) {
              sum += static_cast<double>(lhs[((o * kRows + m) * kHeads + h) * kDepth + k]) *
                     rhs[(h * kDepth + k) * kColumns + n];
            }
            ASSERT_TRUE(IsNear(out[((o * kRows + m) * kHeads + h) * kColumns + n], sum, 2e-5)) << NameOf(isa);
          }
        }
      }
    }
  }
}

TEST(Gemm, RowsDoNotDependOnTheirNeighbours) {  // the same bytes for any number of rows: no split of K, one
                                                // order of summing
  Random random(8);
  for (Isa isa : TestIsas()) {
    const KernelTable table = KernelsOf(isa);
    const int64_t columns = 100, depth = 57;
    const std::vector<float> lhs = RandomFloats(random, 50 * depth),
                             rhs = RandomFloats(random, columns * depth);
    std::vector<float> first;
    for (int64_t rows : {50, 1, 2, 13}) {
      GemmParams params;
      params.isa = table.gemm_isa;
      params.rows = rows, params.columns = columns, params.depth = depth, params.lhs_stride = depth,
      params.out_stride = columns;
      ASSERT_TRUE(PrepareGemm(&params).ok());
      std::vector<float> packed(static_cast<size_t>(params.packed_floats)),
          out(static_cast<size_t>(rows * columns));
      PackGemmMatrix(params, GemmRhsFromNK(rhs.data(), DType::kF32, columns, depth), packed.data());
      RunTiles(table.gemm->gemm_f32, &params, {const_cast<float*>(lhs.data()), packed.data(), out.data()},
               params.tile_count, 0, random);
      if (first.empty()) first = out;
      EXPECT_EQ(std::memcmp(first.data(), out.data(), out.size() * sizeof(float)), 0)
          << NameOf(isa) << " " << rows;
    }
  }
}

TEST(GemmPanels, CoverEveryCountOnce) {
  for (Isa isa : {Isa::kScalar, Isa::kSse4, Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    for (int64_t columns = 1; columns < 400; ++columns) {
      const GemmPanels panels = PlanGemmPanels(isa, columns);
      ASSERT_GE(panels.padded_columns, columns);
      int64_t next = 0;
      for (int64_t p = 0; p < panels.panel_count; ++p) {
        const GemmPanelPosition position = FindGemmPanel(panels, p);
        ASSERT_EQ(position.column, next);
        ASSERT_LT(position.column, columns);
        next += position.width;
      }
      ASSERT_EQ(next, panels.padded_columns);
    }
  }
  // The costs of gemm.def decide: wide panels where they waste no column, else the narrower ones.
  EXPECT_EQ(PlanGemmPanels(Isa::kAvx2, 24).runs[0].width, 24);
  EXPECT_EQ(PlanGemmPanels(Isa::kAvx2, 40).padded_columns, 40);
  EXPECT_EQ(PlanGemmPanels(Isa::kAvx2, 512).runs[0].width, 16);
}

TEST(Gemm, RefusesSizesThatOverflow) {
  GemmParams params;
  params.rows = int64_t{1} << 40, params.columns = 4, params.depth = 4, params.lhs_stride = int64_t{1} << 40,
  params.out_stride = 4;
  EXPECT_FALSE(PrepareGemm(&params).ok());
  params.rows = -1, params.lhs_stride = 4;
  EXPECT_FALSE(PrepareGemm(&params).ok());
}

TEST(Half, AllValues) {
  for (uint32_t h = 0; h < 0x10000; ++h) {
    const int exponent = static_cast<int>(h >> 10 & 31), fraction = static_cast<int>(h & 1023);
    const float value = HalfToFloat(static_cast<uint16_t>(h));
    if (exponent == 31 && fraction != 0) {
      ASSERT_TRUE(std::isnan(value));
      continue;
    }
    double expected = exponent == 0    ? std::ldexp(fraction, -24)
                      : exponent == 31 ? std::numeric_limits<double>::infinity()
                                       : std::ldexp(1024 + fraction, exponent - 25);
    ASSERT_EQ(value, (h & 0x8000) != 0 ? -expected : expected);
    ASSERT_EQ(std::signbit(value), (h & 0x8000) != 0);
  }
}

}  // namespace
}  // namespace mace::kernels
