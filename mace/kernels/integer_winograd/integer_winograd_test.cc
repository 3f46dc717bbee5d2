#include "mace/kernels/integer_winograd/integer_winograd.h"

#include "mace/kernels/integer_gemm/integer_test_support.h"
#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

// What the elements of an input or the weights are.
enum class Fill { kRandom, kExtremes, kLowest, kHighest };

struct Case {
  IntegerWinogradParams params;
  int64_t pad_bottom = 0, pad_right = 0;
  Fill inputs = Fill::kRandom, weights = Fill::kRandom;
};

void FillBytes(Random& random, DType dtype, Fill fill, uint8_t* bytes, int64_t count) {
  const auto low = static_cast<uint8_t>(LowOf(dtype)), high = static_cast<uint8_t>(HighOf(dtype));
  for (int64_t i = 0; i < count; ++i) {
    const bool first = Pick(random, 0, 1) != 0;
    bytes[i] = fill == Fill::kRandom     ? static_cast<uint8_t>(Pick(random, 0, 255))
               : fill == Fill::kExtremes ? (first ? low : high)
               : fill == Fill::kLowest   ? low
                                         : high;
  }
}

void Check(const Case& test, Random& random) {
  IntegerWinogradParams p = test.params;
  const int64_t depth = 9 * p.input_channels;
  // Everything ends at an unreadable page. The last pixel holds its channels only.
  const int64_t in_pixels = p.batch * p.input_height * p.input_width;
  const int64_t in_bytes = in_pixels == 0 ? 0 : (in_pixels - 1) * p.input_pixel_stride + p.input_channels;
  GuardedBytes input(static_cast<size_t>(in_bytes));
  FillBytes(random, p.input, test.inputs, input.data(), in_bytes);
  std::vector<uint8_t> weights(static_cast<size_t>(p.output_channels * depth));
  FillBytes(random, p.weights, test.weights, weights.data(), static_cast<int64_t>(weights.size()));
  const TestChannels channels(random, p.output_channels, p.weights, p.has_weight_zero_points, false);
  ASSERT_GE(MostExactPatch(p, weights.data(), channels.view.weight_zero_points), p.patch);

  ASSERT_TRUE(PrepareIntegerWinograd(&p).ok());
  GuardedBytes packed(static_cast<size_t>(p.packed_bytes));
  PackIntegerWinograd(p, weights.data(), channels.view, packed.data());
  const Requantization& q = p.requantization;
  const int64_t out_bytes = BytesOf(q.out), out_pixels = p.batch * p.output_height * p.output_width;
  const int64_t out_elements =
      out_pixels == 0 ? 0 : (out_pixels - 1) * p.output_pixel_stride + p.output_channels;
  GuardedBytes output(static_cast<size_t>(out_elements * out_bytes));
  std::memset(output.data(), 0x55, static_cast<size_t>(out_elements * out_bytes));
  RunTiles(KernelsOf(p.isa).integer_winograd->conv2d_winograd_integer, &p,
           {input.data(), packed.data(), output.data()}, p.tile_count, p.workspace_bytes, random);

  for (int64_t pixel = 0; pixel < out_pixels; ++pixel) {
    const int64_t x = pixel % p.output_width, y = pixel / p.output_width % p.output_height;
    const int64_t image = pixel / p.output_width / p.output_height;
    for (int64_t n = 0; n < p.output_channels; ++n) {
      int64_t sum = channels.BiasOf(n);
      for (int64_t tap = 0; tap < 9; ++tap) {
        const int64_t iy = y - p.pad_top + tap / 3, ix = x - p.pad_left + tap % 3;
        if (iy < 0 || ix < 0 || iy >= p.input_height || ix >= p.input_width) continue;
        const int64_t at = ((image * p.input_height + iy) * p.input_width + ix) * p.input_pixel_stride;
        for (int64_t c = 0; c < p.input_channels; ++c) {
          const int64_t w = Read(weights.data(), p.weights, n * depth + tap * p.input_channels + c);
          sum += (Read(input.data(), p.input, at + c) - p.input_zero_point) * (w - channels.zeros[n]);
        }
      }
      ASSERT_EQ(Read(output.data(), q.out, pixel * p.output_pixel_stride + n),
                channels.Requantized(q, sum, n))
          << NameOf(p.isa) << " pixel " << pixel << " channel " << n << " of " << p.output_channels
          << ", inputs " << p.input_channels << " " << NameOf(p.input) << ", weights " << NameOf(p.weights);
    }
    if (pixel + 1 < out_pixels) {  // what lies between the pixels is nobody's
      for (int64_t i = p.output_channels * out_bytes; i < p.output_pixel_stride * out_bytes; ++i) {
        ASSERT_EQ(output.data()[pixel * p.output_pixel_stride * out_bytes + i], 0x55);
      }
    }
  }
}

void SetSizes(Random& random, Case* test) {
  IntegerWinogradParams& p = test->params;
  p.pad_top = Pick(random, 0, 2);
  p.pad_left = Pick(random, 0, 2);
  test->pad_bottom = Pick(random, 0, 2);
  test->pad_right = Pick(random, 0, 2);
  p.output_height = std::max<int64_t>(0, p.input_height + p.pad_top + test->pad_bottom - 2);
  p.output_width = std::max<int64_t>(0, p.input_width + p.pad_left + test->pad_right - 2);
  p.input_pixel_stride = p.input_channels + (Pick(random, 0, 2) == 0 ? Pick(random, 1, 9) : 0);
  p.output_pixel_stride = p.output_channels + (Pick(random, 0, 2) == 0 ? Pick(random, 1, 9) : 0);
}

Case RandomTypes(Random& random, Isa isa) {
  Case test;
  IntegerWinogradParams& p = test.params;
  p.isa = KernelsOf(isa).integer_winograd_isa;
  do {
    SetRandomTypes(random, &p);
  } while (p.input == DType::kI16);
  // Weights less their zero points have nine bits: too much for a patch of 4x4.
  p.patch = p.has_weight_zero_points && p.weights == DType::kU8 ? 2 : 2 * Pick(random, 1, 2);
  if (p.weights == DType::kI8) p.has_weight_zero_points = false;
  test.inputs = static_cast<Fill>(Pick(random, 0, 3));
  test.weights = static_cast<Fill>(Pick(random, 0, 3));
  return test;
}

class IntegerWinograd : public ::testing::TestWithParam<Isa> {};

TEST_P(IntegerWinograd, RandomConvolutions) {
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    Case test = RandomTypes(random, GetParam());
    IntegerWinogradParams& p = test.params;
    p.input_channels = Pick(random, 1, Pick(random, 0, 2) == 0 ? 70 : 9);
    p.output_channels = Pick(random, 1, Pick(random, 0, 2) == 0 ? 70 : 20);
    p.batch = Pick(random, 1, 2);
    p.input_height = Pick(random, 1, 13);
    p.input_width = Pick(random, 1, 13);
    SetSizes(random, &test);
    ASSERT_NO_FATAL_FAILURE(Check(test, random)) << "case " << i;
  }
}

// Several blocks of patches, runs of patches longer than what is finished at once, blocks of columns.
TEST_P(IntegerWinograd, ManyPatches) {
  Random random(2);
  for (int i = 0; i < 6; ++i) {
    Case test = RandomTypes(random, GetParam());
    IntegerWinogradParams& p = test.params;
    p.input_channels = Pick(random, 1, 12);
    p.output_channels = i < 3 ? Pick(random, 150, 200) : Pick(random, 1, 20);
    p.batch = 1;
    p.input_height = i < 3 ? Pick(random, 6, 12) : Pick(random, 30, 50);
    p.input_width = i < 3 ? Pick(random, 6, 12) : Pick(random, 38, 60);
    SetSizes(random, &test);
    IntegerWinogradParams prepared = p;
    ASSERT_TRUE(PrepareIntegerWinograd(&prepared).ok());
    EXPECT_GT(i < 3 ? prepared.column_blocks : prepared.patch_blocks, 1);
    ASSERT_NO_FATAL_FAILURE(Check(test, random)) << "case " << i;
  }
}

// The largest sums that a patch may meet, of both signs, and none of them an overflow.
TEST_P(IntegerWinograd, SumsAtTheBound) {
  Random random(3);
  for (Fill inputs : {Fill::kLowest, Fill::kHighest, Fill::kExtremes}) {
    for (Fill weights : {Fill::kLowest, Fill::kHighest}) {
      Case test;
      IntegerWinogradParams& p = test.params;
      p.isa = KernelsOf(GetParam()).integer_winograd_isa;
      p.input_zero_point = inputs == Fill::kLowest ? 255 : 0;
      p.requantization.out = DType::kI32;
      p.batch = 1;
      p.input_height = p.input_width = 5;
      p.input_channels = 114;  // 9 * 128 * 255 * 114 < 2^25
      p.output_channels = 3;
      SetSizes(random, &test);
      test.inputs = inputs;
      test.weights = weights;
      ASSERT_NO_FATAL_FAILURE(Check(test, random));
    }
  }
}

TEST_P(IntegerWinograd, NothingToDo) {
  Random random(4);
  for (int i = 0; i < 4; ++i) {
    Case test = RandomTypes(random, GetParam());
    IntegerWinogradParams& p = test.params;
    p.batch = i == 0 ? 0 : 1;
    p.input_height = p.input_width = 3;
    p.input_channels = i == 1 ? 0 : 5;  // no depth: the bias alone
    p.output_channels = i == 2 ? 0 : 4;
    SetSizes(random, &test);
    if (i == 3) p.output_height = 0;
    ASSERT_NO_FATAL_FAILURE(Check(test, random));
  }
}

INSTANTIATE_TEST_SUITE_P(All, IntegerWinograd, ::testing::ValuesIn(TestIsas()),
                         [](const auto& info) { return NameOf(info.param); });

TEST(IntegerWinogradPlan, PatchesThatAreExact) {
  IntegerWinogradParams p;
  p.output_channels = 1;
  const auto most = [&](int64_t channels, uint8_t weight, const int32_t* zero_points = nullptr) {
    p.input_channels = channels;
    const std::vector<uint8_t> weights(static_cast<size_t>(9 * channels), weight);
    return MostExactPatch(p, weights.data(), zero_points);
  };
  // Sums of 2^25 and of 2^29 are too much, unless they are negative and no larger.
  EXPECT_EQ(most(114, 0x80), 4);
  EXPECT_EQ(most(115, 0x80), 2);
  EXPECT_EQ(most(115, 0x7f), 4);
  EXPECT_EQ(most(116, 0x7f), 2);
  EXPECT_EQ(most(1827, 0x80), 2);
  EXPECT_EQ(most(1828, 0x80), 0);
  // The zero point in the middle halves the sums.
  p.input_zero_point = 128;
  EXPECT_EQ(most(227, 0x80), 4);
  EXPECT_EQ(most(228, 0x80), 2);
  // Words of more than 16 bits: 144 * 227 fits, 144 * 228 does not.
  p.weights = DType::kU8;
  const int32_t zeros[] = {28, 27};
  EXPECT_EQ(most(1, 255, zeros), 4);
  EXPECT_EQ(most(1, 255, zeros + 1), 2);
  // A zero point that is no byte.
  p.input_zero_point = 400;
  EXPECT_EQ(most(1, 128), 2);
}

TEST(IntegerWinogradPlan, PatchesThatAreFastest) {
  const auto choose = [](int64_t size, int64_t channels, Isa direct, uint8_t weight = 1, int64_t stride = 1) {
    IntegerWinogradParams p;
    p.batch = 1;
    p.input_height = p.input_width = p.output_height = p.output_width = size;
    p.input_channels = p.input_pixel_stride = p.output_channels = p.output_pixel_stride = channels;
    p.pad_top = p.pad_left = 1;
    p.stride_y = p.stride_x = stride;
    const std::vector<uint8_t> weights(static_cast<size_t>(9 * channels * channels), weight);
    return ChooseWinogradPatch(p, direct, weights.data(), nullptr);
  };
  // Layers of ResNet-50. Of 7x7 the weights are too much.
  EXPECT_EQ(choose(56, 64, Isa::kAvx2), 4);
  EXPECT_EQ(choose(28, 128, Isa::kAvx2), 4);
  EXPECT_EQ(choose(14, 256, Isa::kAvx2), 2);
  EXPECT_EQ(choose(7, 512, Isa::kAvx2), 0);
  EXPECT_EQ(choose(56, 64, Isa::kAvx512Vnni), 4);
  EXPECT_EQ(choose(28, 128, Isa::kAvx512Vnni), 4);
  EXPECT_EQ(choose(14, 256, Isa::kAvx512Vnni), 0);
  for (Isa isa : {Isa::kScalar, Isa::kAvxVnni, Isa::kNeon, Isa::kDotProd}) EXPECT_EQ(choose(56, 64, isa), 0);
  EXPECT_EQ(choose(56, 4, Isa::kAvx2), 0);
  EXPECT_EQ(choose(56, 64, Isa::kAvx2, 1, 2), 0);
  // Larger weights make sums that are exact in patches of 2x2 only.
  EXPECT_EQ(choose(28, 128, Isa::kAvx2, 0x80), 2);
}

TEST(IntegerWinogradPlan, RefusesWhatNoKernelTakes) {
  const auto prepare = [](auto change) {
    IntegerWinogradParams p;
    p.input_channels = p.input_pixel_stride = p.output_channels = p.output_pixel_stride = 4;
    change(&p);
    return PrepareIntegerWinograd(&p).code();
  };
  EXPECT_EQ(prepare([](IntegerWinogradParams*) {}), StatusCode::kOk);
  EXPECT_EQ(prepare([](IntegerWinogradParams* p) { p->kernel_width = 1; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(prepare([](IntegerWinogradParams* p) { p->stride_y = 2; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(prepare([](IntegerWinogradParams* p) { p->dilation_x = 2; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(prepare([](IntegerWinogradParams* p) { p->input = DType::kI16; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(prepare([](IntegerWinogradParams* p) { p->patch = 3; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(prepare([](IntegerWinogradParams* p) { p->input_channels = int64_t{1} << 60; }),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mace::kernels
