#include "mace/kernels/convolution/conv2d.h"
#include "mace/kernels/integer_gemm/integer_gemm.h"
#include "mace/kernels/integer_gemm/integer_test_support.h"
#include "mace/kernels/kernel_test_support.h"
#include "mace/simd/dot_forms.h"

namespace mace::kernels {
namespace {

struct Case {
  IntegerConv2dParams params;
  int64_t pad_bottom = 0, pad_right = 0;
  bool large_weights = false;
  bool extreme_input = false;
  int64_t pair_sum = 0;  // where not 0: neighbouring weights have one sign and magnitudes of this together
  // Where not null: each step of four channels has small weights, large ones of one sign, or pairs of large
  // ones of two signs, and how many steps have each form of StepOrder is added here.
  int64_t* forms = nullptr;
};

void FillWithEveryForm(Random& random, int64_t depth, std::vector<uint8_t>* weights) {
  const int64_t channels = static_cast<int64_t>(weights->size()) / depth;
  for (int64_t first = 0; first < channels; first += 4) {
    for (int64_t step = 0; step < depth; step += 4) {
      const int64_t kind = Pick(random, 0, 2);
      for (int64_t c = first; c < std::min(first + 4, channels); ++c) {
        const bool negative = Pick(random, 0, 1) != 0;
        for (int64_t k = step; k < std::min(step + 4, depth); ++k) {
          const bool is_negative = negative != (kind == 2 && k % 2 == 1);
          const int64_t large = is_negative ? -128 : 127;
          (*weights)[static_cast<size_t>(c * depth + k)] =
              static_cast<uint8_t>(kind == 0 ? Pick(random, -64, 64) : large);
        }
      }
    }
  }
}

void CountForms(const IntegerConv2dParams& p, const uint8_t* packed, int64_t* forms) {
  for (int64_t panel = 0; panel < p.panels.panel_count; ++panel) {
    int64_t entry;
    std::memcpy(&entry, packed + panel * 8, sizeof(entry));
    if ((entry & kPanelSigns) == 0) continue;
    StepOrder order;
    const int64_t width = FindGemmPanel(p.panels, panel).width;
    std::memcpy(&order, packed + (entry & ~kPanelFlags) + ChannelArrayBytes(width, p.wide), sizeof(order));
    for (int form = 0; form < StepOrder::kForms; ++form) forms[form] += order.counts[form];
  }
}

void Check(const Case& test, Random& random) {
  IntegerConv2dParams p = test.params;
  const int64_t in_bytes = BytesOf(p.input), out_bytes = BytesOf(p.requantization.out);
  const int64_t taps = p.kernel_height * p.kernel_width, group_inputs = p.input_channels / p.groups;
  const int64_t group_outputs = p.output_channels / p.groups, depth = taps * group_inputs;
  // Everything ends at an unreadable page. The last pixel holds its channels only.
  const int64_t in_pixels = p.batch * p.input_height * p.input_width;
  const int64_t in_elements = in_pixels == 0 ? 0 : (in_pixels - 1) * p.input_pixel_stride + p.input_channels;
  GuardedBytes input(static_cast<size_t>(in_elements * in_bytes));
  for (int64_t i = 0; i < in_elements * in_bytes; ++i) {
    input.data()[i] =
        static_cast<uint8_t>(test.extreme_input ? (Pick(random, 0, 1) ? 0xff : 0) : Pick(random, 0, 255));
  }
  if (test.pair_sum != 0) {
    const int largest = p.input == DType::kU8 ? 0xff : 0x7f;
    std::memset(input.data(), largest,
                static_cast<size_t>(std::min<int64_t>(in_elements, 2 * p.input_pixel_stride)));
  }
  std::vector<uint8_t> weights(static_cast<size_t>(p.output_channels * depth));
  FillWeights(random, p.weights, test.large_weights, &weights);
  for (size_t i = 0; test.pair_sum != 0 && i + 1 < weights.size(); i += 2) {
    const int64_t first =
        Pick(random, std::max<int64_t>(0, test.pair_sum - 127), std::min<int64_t>(test.pair_sum, 127));
    const int64_t sign = Pick(random, 0, 1) ? 1 : -1;
    weights[i] = static_cast<uint8_t>(sign * first);
    weights[i + 1] = static_cast<uint8_t>(sign * (test.pair_sum - first));
  }
  if (test.forms != nullptr) FillWithEveryForm(random, depth, &weights);
  const TestChannels channels(random, p.output_channels, p.weights, p.has_weight_zero_points, p.wide);

  ASSERT_TRUE(PrepareIntegerConv2d(weights.data(), &p).ok());
  GuardedBytes packed(static_cast<size_t>(p.packed_bytes));
  PackIntegerConv2d(p, weights.data(), channels.view, packed.data());
  if (test.forms != nullptr) CountForms(p, packed.data(), test.forms);
  const int64_t out_pixels = p.batch * p.output_height * p.output_width;
  const int64_t out_elements =
      out_pixels == 0 ? 0 : (out_pixels - 1) * p.output_pixel_stride + p.output_channels;
  GuardedBytes output(static_cast<size_t>(out_elements * out_bytes));
  std::memset(output.data(), 0x55, static_cast<size_t>(out_elements * out_bytes));
  RunTiles(KernelsOf(p.isa).integer_gemm->conv2d_integer, &p, {input.data(), packed.data(), output.data()},
           p.tile_count, p.workspace_bytes, random);

  const Requantization& q = p.requantization;
  for (int64_t pixel = 0; pixel < out_pixels; ++pixel) {
    const int64_t x = pixel % p.output_width, y = pixel / p.output_width % p.output_height;
    const int64_t image = pixel / p.output_width / p.output_height;
    for (int64_t n = 0; n < p.output_channels; ++n) {
      int64_t sum = channels.BiasOf(n);
      for (int64_t ky = 0; ky < p.kernel_height; ++ky) {
        for (int64_t kx = 0; kx < p.kernel_width; ++kx) {
          const int64_t iy = y * p.stride_y - p.pad_top + ky * p.dilation_y;
          const int64_t ix = x * p.stride_x - p.pad_left + kx * p.dilation_x;
          if (iy < 0 || ix < 0 || iy >= p.input_height || ix >= p.input_width) continue;
          const int64_t at = ((image * p.input_height + iy) * p.input_width + ix) * p.input_pixel_stride +
                             n / group_outputs * group_inputs;
          for (int64_t c = 0; c < group_inputs; ++c) {
            const int64_t w =
                Read(weights.data(), p.weights, n * depth + (ky * p.kernel_width + kx) * group_inputs + c);
            sum += (Read(input.data(), p.input, at + c) - p.input_zero_point) * (w - channels.zeros[n]);
          }
        }
      }
      const int64_t expected = channels.Requantized(q, sum, n);
      ASSERT_EQ(Read(output.data(), q.out, pixel * p.output_pixel_stride + n), expected)
          << NameOf(p.isa) << " pixel " << pixel << " channel " << n << " of " << p.output_channels
          << ", depth " << depth << ", input " << NameOf(p.input) << ", weights " << NameOf(p.weights);
    }
    if (pixel + 1 < out_pixels) {  // what lies between the pixels is nobody's
      for (int64_t i = p.output_channels * out_bytes; i < p.output_pixel_stride * out_bytes; ++i) {
        ASSERT_EQ(output.data()[pixel * p.output_pixel_stride * out_bytes + i], 0x55);
      }
    }
  }
}

void SetOutputSize(Case* test) {
  IntegerConv2dParams& p = test->params;
  p.output_height = Conv2dOutputSize(p.input_height, p.pad_top, test->pad_bottom, p.kernel_height, p.stride_y,
                                     p.dilation_y);
  p.output_width =
      Conv2dOutputSize(p.input_width, p.pad_left, test->pad_right, p.kernel_width, p.stride_x, p.dilation_x);
}

Case RandomTypes(Random& random, Isa isa) {
  Case test;
  IntegerConv2dParams& p = test.params;
  p.isa = KernelsOf(isa).integer_gemm_isa;
  SetRandomTypes(random, &p);
  test.large_weights = Pick(random, 0, 1) != 0;
  test.extreme_input = Pick(random, 0, 3) == 0;
  return test;
}

class IntegerConv2d : public ::testing::TestWithParam<Isa> {};

TEST_P(IntegerConv2d, RandomConvolutions) {
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    Case test = RandomTypes(random, GetParam());
    IntegerConv2dParams& p = test.params;
    p.groups = Pick(random, 0, 3) == 0 ? Pick(random, 2, 3) : 1;
    p.input_channels = p.groups * Pick(random, 1, Pick(random, 0, 3) == 0 ? 70 : 9);
    p.output_channels = p.groups * Pick(random, 1, Pick(random, 0, 3) == 0 ? 70 : 20);
    p.batch = Pick(random, 1, 2);
    p.kernel_height = Pick(random, 1, 4);
    p.kernel_width = Pick(random, 1, 4);
    p.stride_y = Pick(random, 1, 3);
    p.stride_x = Pick(random, 1, 5);
    p.dilation_y = Pick(random, 1, 2);
    p.dilation_x = Pick(random, 1, 3);
    p.pad_top = Pick(random, 0, 3);
    p.pad_left = Pick(random, 0, 3);
    test.pad_bottom = Pick(random, 0, 3);
    test.pad_right = Pick(random, 0, 3);
    p.input_height = Pick(random, 1, 12);
    p.input_width = Pick(random, 1, 12);
    p.input_pixel_stride = p.input_channels + (Pick(random, 0, 2) == 0 ? Pick(random, 1, 9) : 0);
    p.output_pixel_stride = p.output_channels + (Pick(random, 0, 2) == 0 ? Pick(random, 1, 9) : 0);
    SetOutputSize(&test);
    ASSERT_NO_FATAL_FAILURE(Check(test, random)) << "case " << i;
  }
}

// 1x1: the rows of all images, in place where their form allows it; single rows; depths of all tails.
TEST_P(IntegerConv2d, RandomMatrices) {
  Random random(2);
  for (int i = 0; i < 300; ++i) {
    Case test = RandomTypes(random, GetParam());
    IntegerConv2dParams& p = test.params;
    p.batch = Pick(random, 1, 3);
    p.input_height = 1;
    p.input_width = Pick(random, 0, 2) == 0 ? 1 : Pick(random, 1, 60);
    p.input_channels = Pick(random, 0, 3) == 0 ? Pick(random, 100, 700) : Pick(random, 1, 40);
    p.output_channels = Pick(random, 1, Pick(random, 0, 2) == 0 ? 200 : 50);
    p.input_pixel_stride = p.input_channels;
    p.output_pixel_stride = p.output_channels;
    SetOutputSize(&test);
    ASSERT_NO_FATAL_FAILURE(Check(test, random)) << "case " << i;
  }
}

// Every tile of every row of gemm.def: all numbers of rows and of columns around its size.
TEST_P(IntegerConv2d, EveryTileOfEveryRow) {
  Random random(3);
  for (GemmKind kind : {GemmKind::kBytes, GemmKind::kWords}) {
    for (const GemmRow& row : GemmRowsOf(KernelsOf(GetParam()).integer_gemm_isa, kind)) {
      for (int64_t rows = 1; rows <= row.tile_rows + 1; ++rows) {
        for (int64_t columns : {int64_t{row.tile_columns}, int64_t{row.tile_columns} - 1, int64_t{1}}) {
          Case test = RandomTypes(random, GetParam());
          IntegerConv2dParams& p = test.params;
          p.input = kind == GemmKind::kWords ? DType::kI16 : Pick(random, 0, 1) ? DType::kU8 : DType::kI8;
          p.wide = false;
          p.input_zero_point = static_cast<int32_t>(Pick(random, 0, 100));
          p.batch = p.input_height = 1;
          p.input_width = rows;
          p.input_channels = Pick(random, 1, 33);
          p.output_channels = columns;
          p.input_pixel_stride = p.input_channels;
          p.output_pixel_stride = p.output_channels;
          SetOutputSize(&test);
          ASSERT_NO_FATAL_FAILURE(Check(test, random)) << row.name;
        }
      }
    }
  }
}

// Every pair of products at its worst, for which vpmaddubsw alone would saturate.
TEST_P(IntegerConv2d, NothingSaturates) {
  Random random(4);
  for (DType input : {DType::kU8, DType::kI8}) {
    for (int i = 0; i < 8; ++i) {
      Case test;
      IntegerConv2dParams& p = test.params;
      p.isa = KernelsOf(GetParam()).integer_gemm_isa;
      p.input = input;
      p.input_zero_point = static_cast<int32_t>(Pick(random, LowOf(input), HighOf(input)));
      p.requantization.out = DType::kI32;
      p.batch = p.input_height = 1;
      p.input_width = 13;
      p.input_channels = p.input_pixel_stride = 64;
      p.output_channels = p.output_pixel_stride = 40;
      test.large_weights = test.extreme_input = true;
      SetOutputSize(&test);
      ASSERT_NO_FATAL_FAILURE(Check(test, random));
    }
  }
}

// Weights at the bound up to which two products are added in 16 bits, and just beyond; the first two pixels
// hold the largest bytes everywhere.
TEST_P(IntegerConv2d, WeightsAtTheBounds) {
  Random random(6);
  for (int64_t pair_sum : {20, 60, 63, 64, 65, 66, 70, 90, 127, 128, 129, 130, 140, 200, 254}) {
    for (DType input : {DType::kU8, DType::kI8}) {
      Case test;
      IntegerConv2dParams& p = test.params;
      p.isa = KernelsOf(GetParam()).integer_gemm_isa;
      p.input = input;
      p.requantization.out = DType::kI32;
      p.batch = p.input_height = 1;
      p.input_width = Pick(random, 1, 14);
      p.input_channels = p.input_pixel_stride = 2 * Pick(random, 2, 40);
      p.output_channels = p.output_pixel_stride = Pick(random, 1, 40);
      test.extreme_input = true;
      test.pair_sum = pair_sum;
      SetOutputSize(&test);
      ASSERT_NO_FATAL_FAILURE(Check(test, random)) << "pairs of " << pair_sum;
    }
  }
}

// Steps of every form in one panel, beside pairs of large weights that lean against each other.
TEST_P(IntegerConv2d, StepsOfEveryForm) {
  Random random(7);
  int64_t forms[StepOrder::kForms] = {};
  for (DType input : {DType::kU8, DType::kI8}) {
    for (int i = 0; i < 10; ++i) {
      Case test;
      IntegerConv2dParams& p = test.params;
      p.isa = KernelsOf(GetParam()).integer_gemm_isa;
      p.input = input;
      p.input_zero_point = static_cast<int32_t>(Pick(random, LowOf(input), HighOf(input)));
      p.requantization.out = DType::kI32;
      p.batch = p.input_height = 1;
      p.input_width = Pick(random, 1, 14);
      p.input_channels = p.input_pixel_stride = Pick(random, 1, 90);
      p.output_channels = p.output_pixel_stride = Pick(random, 1, 70);
      test.extreme_input = i % 2 == 0;
      test.forms = forms;
      SetOutputSize(&test);
      ASSERT_NO_FATAL_FAILURE(Check(test, random));
    }
  }
  const bool has_forms = DotNeedsBound(KernelsOf(GetParam()).integer_gemm_isa);
  for (int64_t count : forms) EXPECT_EQ(count > 0, has_forms);
}

TEST_P(IntegerConv2d, NothingToDo) {
  Random random(5);
  for (int i = 0; i < 4; ++i) {
    Case test = RandomTypes(random, GetParam());
    IntegerConv2dParams& p = test.params;
    p.batch = i == 0 ? 0 : 1;
    p.input_height = i == 1 ? 0 : 3;
    p.input_width = 3;
    p.input_channels = p.input_pixel_stride = i == 2 ? 0 : 5;  // no depth: the bias alone
    p.output_channels = p.output_pixel_stride = i == 3 ? 0 : 4;
    SetOutputSize(&test);
    if (i == 1) p.output_height = 0;
    ASSERT_NO_FATAL_FAILURE(Check(test, random));
  }
}

INSTANTIATE_TEST_SUITE_P(All, IntegerConv2d, ::testing::ValuesIn(TestIsas()),
                         [](const auto& info) { return NameOf(info.param); });

TEST(IntegerConv2dPlan, RefusesWhatNoKernelTakes) {
  IntegerConv2dParams p;
  p.input = DType::kF32;
  EXPECT_EQ(PrepareIntegerConv2d(nullptr, &p).code(), StatusCode::kInvalidArgument);
  p = IntegerConv2dParams();
  p.groups = 2;
  p.input_channels = 3;
  EXPECT_EQ(PrepareIntegerConv2d(nullptr, &p).code(), StatusCode::kInvalidArgument);
  p = IntegerConv2dParams();
  p.batch = p.input_height = p.input_width = p.input_channels = p.input_pixel_stride = int64_t{1} << 40;
  EXPECT_EQ(PrepareIntegerConv2d(nullptr, &p).code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mace::kernels
