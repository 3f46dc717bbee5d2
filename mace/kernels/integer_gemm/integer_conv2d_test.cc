#include <cmath>

#include "mace/kernels/convolution/conv2d.h"
#include "mace/kernels/integer_gemm/integer_gemm.h"
#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

using Wide = __int128;

// The arithmetic of TensorFlow Lite's quantization, from its definitions.
int64_t Saturated(Wide x) {
  return static_cast<int64_t>(
      std::clamp<Wide>(x, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}
Wide FloorDivide(Wide a, Wide b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
int64_t TwoRoundings(int64_t sum, int32_t multiplier, int32_t exponent) {
  const int64_t shifted = static_cast<int32_t>(static_cast<uint32_t>(sum) << std::max(exponent, 0));
  const Wide high = FloorDivide(2 * Wide{shifted} * multiplier + (Wide{1} << 31), Wide{1} << 32);
  const Wide divisor = Wide{1} << std::max(-exponent, 0);
  const Wide magnitude = ((high < 0 ? -high : high) * 2 + divisor) / (2 * divisor);  // halves away from zero
  return static_cast<int64_t>(high < 0 ? -magnitude : magnitude);
}
int64_t OneRounding(int64_t sum, int32_t multiplier, int32_t exponent) {
  const Wide divisor = Wide{1} << (31 - exponent);
  return Saturated(FloorDivide(2 * Wide{sum} * multiplier + divisor, 2 * divisor));
}
int64_t WideTwoRoundings(int64_t sum, int32_t multiplier, int32_t exponent) {
  const int64_t reduced = std::min<int64_t>((int64_t{multiplier} + 32768) / 65536, 32767);
  const Wide divisor = Wide{1} << (15 - exponent);
  return Saturated(FloorDivide(2 * Wide{sum} * reduced + divisor, 2 * divisor));
}

struct Case {
  IntegerConv2dParams params;
  int64_t pad_bottom = 0, pad_right = 0;
  bool large_weights = false;
  bool extreme_input = false;
};

int64_t LowOf(DType dtype) { return dtype == DType::kU8 ? 0 : dtype == DType::kI8 ? -128 : -32768; }
int64_t HighOf(DType dtype) { return dtype == DType::kU8 ? 255 : dtype == DType::kI8 ? 127 : 32767; }
int64_t Read(const uint8_t* data, DType dtype, int64_t i) {
  switch (dtype) {
    case DType::kU8:
      return data[i];
    case DType::kI8:
      return static_cast<int8_t>(data[i]);
    case DType::kI16:
      return reinterpret_cast<const int16_t*>(data)[i];
    default:
      return reinterpret_cast<const int32_t*>(data)[i];
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
  std::vector<uint8_t> weights(static_cast<size_t>(p.output_channels * depth));
  const int flip = p.weights == DType::kU8 ? 128 : 0;
  const int64_t most = test.large_weights ? 128 : 64;
  for (uint8_t& w : weights)
    w = static_cast<uint8_t>(std::min<int64_t>(Pick(random, -most, most), 127) + flip);
  std::vector<int32_t> bias32(static_cast<size_t>(p.output_channels)), multipliers(bias32), exponents(bias32),
      zeros(bias32);
  std::vector<int64_t> bias64(bias32.size());
  std::vector<float> floats(bias32.size());
  for (size_t n = 0; n < bias32.size(); ++n) {
    bias32[n] = static_cast<int32_t>(Pick(random, -20000, 20000));
    bias64[n] = p.wide ? Pick(random, -(int64_t{1} << 36), int64_t{1} << 36) : bias32[n];
    multipliers[n] = static_cast<int32_t>(Pick(random, 1 << 30, std::numeric_limits<int32_t>::max()));
    exponents[n] = static_cast<int32_t>(p.wide ? Pick(random, -24, -8) : Pick(random, -12, 2));
    floats[n] = std::ldexp(static_cast<float>(multipliers[n]), exponents[n] - 31);
    zeros[n] = flip + (p.has_weight_zero_points ? static_cast<int32_t>(Pick(random, -flip, 127)) : 0);
  }
  IntegerChannels channels;
  const bool has_bias = Pick(random, 0, 3) != 0;
  channels.bias = !has_bias ? nullptr : p.wide ? static_cast<const void*>(bias64.data()) : bias32.data();
  channels.bias_dtype = p.wide ? DType::kI64 : DType::kI32;
  channels.multipliers = multipliers.data();
  channels.exponents = exponents.data();
  channels.float_multipliers = floats.data();
  channels.weight_zero_points = p.has_weight_zero_points || Pick(random, 0, 1) ? zeros.data() : nullptr;

  ASSERT_TRUE(PrepareIntegerConv2d(weights.data(), &p).ok());
  GuardedBytes packed(static_cast<size_t>(p.packed_bytes));
  PackIntegerConv2d(p, weights.data(), channels, packed.data());
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
      int64_t sum = has_bias ? bias64[n] : 0;
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
            sum += (Read(input.data(), p.input, at + c) - p.input_zero_point) * (w - zeros[n]);
          }
        }
      }
      if (!p.wide) sum = static_cast<int32_t>(sum);
      int64_t expected = sum;
      if (q.out != DType::kI32) {
        switch (q.rounding) {
          case IntegerRounding::kTwoRoundings:
            expected = (p.wide ? WideTwoRoundings : TwoRoundings)(sum, multipliers[n], exponents[n]);
            break;
          case IntegerRounding::kOneRounding:
            expected = OneRounding(sum, multipliers[n], exponents[n]);
            break;
          case IntegerRounding::kHalfEvenFloat:
            expected = static_cast<int64_t>(
                std::nearbyint(std::clamp(static_cast<float>(sum) * floats[n], -1e6f, 1e6f)));
        }
        expected = std::clamp<int64_t>(expected + q.zero_point, q.low, q.high);
      } else {
        expected = static_cast<int32_t>(expected);
      }
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
  p.isa = isa;
  const DType inputs[] = {DType::kU8, DType::kI8, DType::kI16};
  p.input = inputs[Pick(random, 0, 2)];
  p.weights = Pick(random, 0, 1) ? DType::kI8 : DType::kU8;
  p.has_weight_zero_points = Pick(random, 0, 2) == 0;
  p.wide = p.input == DType::kI16 && Pick(random, 0, 1);
  p.input_zero_point =
      static_cast<int32_t>(p.input == DType::kI16 ? Pick(random, 0, 1) * Pick(random, -500, 500)
                                                  : Pick(random, LowOf(p.input), HighOf(p.input)));
  const DType outputs[] = {DType::kU8, DType::kI8, DType::kI16, DType::kI32};
  Requantization& q = p.requantization;
  q.out = outputs[Pick(random, 0, 3)];
  q.rounding = static_cast<IntegerRounding>(Pick(random, 0, 2));
  if (q.out != DType::kI32) {
    const int64_t low = LowOf(q.out), high = HighOf(q.out);
    q.zero_point = static_cast<int32_t>(Pick(random, low, high));
    q.low = static_cast<int32_t>(Pick(random, 0, 1) ? low : Pick(random, low, 0));
    q.high = static_cast<int32_t>(Pick(random, 0, 1) ? high : Pick(random, q.low, high));
  }
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
    for (const GemmRow& row : GemmRowsOf(GetParam(), kind)) {
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
      p.isa = GetParam();
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
