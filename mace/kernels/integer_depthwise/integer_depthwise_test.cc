#include "mace/kernels/integer_depthwise/integer_depthwise.h"

#include "mace/kernels/convolution/conv2d.h"
#include "mace/kernels/integer_gemm/integer_test_support.h"
#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

void Check(IntegerDepthwiseParams p, bool large_weights, bool extreme_input, Random& random) {
  const int64_t in_bytes = BytesOf(p.input), out_bytes = BytesOf(p.requantization.out);
  const int64_t taps = p.kernel_height * p.kernel_width;
  const int64_t in_pixels = p.batch * p.input_height * p.input_width;
  const int64_t in_elements = in_pixels == 0 ? 0 : (in_pixels - 1) * p.input_pixel_stride + p.channels;
  GuardedBytes input(static_cast<size_t>(in_elements * in_bytes));
  for (int64_t i = 0; i < in_elements * in_bytes; ++i) {
    input.data()[i] =
        static_cast<uint8_t>(extreme_input ? (Pick(random, 0, 1) ? 0xff : 0) : Pick(random, 0, 255));
  }
  std::vector<uint8_t> weights(static_cast<size_t>(p.channels * taps));
  FillWeights(random, p.weights, large_weights, &weights);
  const TestChannels channels(random, p.channels, p.weights, p.has_weight_zero_points, p.wide);
  ASSERT_TRUE(PrepareIntegerDepthwise(&p).ok());
  GuardedBytes packed(static_cast<size_t>(p.packed_bytes));
  PackIntegerDepthwise(p, weights.data(), channels.view, packed.data());
  const int64_t out_pixels = p.batch * p.output_height * p.output_width;
  const int64_t out_elements = out_pixels == 0 ? 0 : (out_pixels - 1) * p.output_pixel_stride + p.channels;
  GuardedBytes output(static_cast<size_t>(out_elements * out_bytes));
  std::memset(output.data(), 0x55, static_cast<size_t>(out_elements * out_bytes));
  RunTiles(KernelsOf(p.isa).integer_depthwise->depthwise_integer, &p,
           {input.data(), packed.data(), output.data()}, p.tile_count, p.workspace_bytes, random);
  for (int64_t pixel = 0; pixel < out_pixels; ++pixel) {
    const int64_t x = pixel % p.output_width, y = pixel / p.output_width % p.output_height;
    const int64_t image = pixel / p.output_width / p.output_height;
    for (int64_t c = 0; c < p.channels; ++c) {
      int64_t sum = channels.BiasOf(c);
      for (int64_t tap = 0; tap < taps; ++tap) {
        const int64_t iy = y * p.stride_y - p.pad_top + tap / p.kernel_width * p.dilation_y;
        const int64_t ix = x * p.stride_x - p.pad_left + tap % p.kernel_width * p.dilation_x;
        if (iy < 0 || ix < 0 || iy >= p.input_height || ix >= p.input_width) continue;
        const int64_t at = ((image * p.input_height + iy) * p.input_width + ix) * p.input_pixel_stride + c;
        sum += (Read(input.data(), p.input, at) - p.input_zero_point) *
               (Read(weights.data(), p.weights, c * taps + tap) - channels.zeros[c]);
      }
      ASSERT_EQ(Read(output.data(), p.requantization.out, pixel * p.output_pixel_stride + c),
                channels.Requantized(p.requantization, sum, c))
          << NameOf(p.isa) << " pixel " << pixel << " channel " << c << " of " << p.channels << ", input "
          << NameOf(p.input) << ", weights " << NameOf(p.weights) << ", kernel " << p.kernel_height << "x"
          << p.kernel_width << ", stride " << p.stride_x;
    }
    if (pixel + 1 < out_pixels) {  // what lies between the pixels is nobody's
      for (int64_t i = p.channels * out_bytes; i < p.output_pixel_stride * out_bytes; ++i) {
        ASSERT_EQ(output.data()[pixel * p.output_pixel_stride * out_bytes + i], 0x55);
      }
    }
  }
}

class IntegerDepthwise : public ::testing::TestWithParam<Isa> {};

TEST_P(IntegerDepthwise, RandomConvolutions) {
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    IntegerDepthwiseParams p;
    p.isa = KernelsOf(GetParam()).integer_depthwise_isa;
    SetRandomTypes(random, &p);
    if (p.requantization.out == DType::kI32) continue;
    const bool is_usual = Pick(random, 0, 1) != 0;  // 3x3
    // Of many blocks of outputs, which no instruction set takes more than 512 of.
    const bool is_long = Pick(random, 0, 9) == 0;
    p.channels = i == 0 ? 0 : Pick(random, 1, !is_long && Pick(random, 0, 2) == 0 ? 70 : 20);
    p.batch = Pick(random, 1, is_long ? 1 : 2);
    p.kernel_height = is_usual ? 3 : Pick(random, 1, 9);
    const int64_t most_width = is_long && Pick(random, 0, 2) == 0 ? kMostDepthwiseTaps / p.kernel_height : 9;
    p.kernel_width = is_usual ? 3 : Pick(random, 1, most_width);
    p.stride_y = Pick(random, 1, is_usual ? 2 : 3);
    p.stride_x = Pick(random, 1, is_usual || is_long ? 2 : 12);
    p.dilation_y = is_usual ? 1 : Pick(random, 1, 2);
    p.pad_top = Pick(random, 0, 3);
    p.pad_left = Pick(random, 0, 3);
    p.input_height = Pick(random, 1, is_long ? 2 : 12);
    p.input_width = Pick(random, 1, is_long ? 1600 : Pick(random, 0, 3) == 0 ? 80 : 12);
    // Columns far apart are each loaded for one output alone.
    const int64_t most_dilation = (p.input_width + p.pad_left) / p.kernel_width + 1;
    p.dilation_x = is_usual ? 1 : Pick(random, 1, Pick(random, 0, 1) == 0 ? 3 : most_dilation);
    p.input_pixel_stride = p.channels + (Pick(random, 0, 2) == 0 ? Pick(random, 1, 9) : 0);
    p.output_pixel_stride = p.channels + (Pick(random, 0, 2) == 0 ? Pick(random, 1, 9) : 0);
    p.output_height = Conv2dOutputSize(p.input_height, p.pad_top, Pick(random, 0, 3), p.kernel_height,
                                       p.stride_y, p.dilation_y);
    p.output_width = Conv2dOutputSize(p.input_width, p.pad_left, Pick(random, 0, 3), p.kernel_width,
                                      p.stride_x, p.dilation_x);
    ASSERT_NO_FATAL_FAILURE(Check(p, Pick(random, 0, 1) != 0, Pick(random, 0, 3) == 0, random))
        << "case " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, IntegerDepthwise, ::testing::ValuesIn(TestIsas()),
                         [](const auto& info) { return NameOf(info.param); });

TEST(IntegerDepthwisePlan, RefusesWhatNoKernelTakes) {
  IntegerDepthwiseParams p;
  p.requantization.out = DType::kI32;
  EXPECT_EQ(PrepareIntegerDepthwise(&p).code(), StatusCode::kInvalidArgument);
  p = IntegerDepthwiseParams();
  p.kernel_height = p.kernel_width = 17;
  EXPECT_EQ(PrepareIntegerDepthwise(&p).code(), StatusCode::kInvalidArgument);
  p = IntegerDepthwiseParams();
  p.batch = p.input_height = p.input_width = int64_t{1} << 40;
  EXPECT_EQ(PrepareIntegerDepthwise(&p).code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mace::kernels
