#include "mace/kernels/pooling/pooling.h"

#include <limits>

#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

int64_t Span(int64_t pixels, int64_t channels, int64_t stride) {
  return pixels == 0 ? 0 : (pixels - 1) * stride + channels;
}

void CheckPool(Isa isa, PoolingParams p, bool average, bool nan, Random& random) {
  const KernelTable table = KernelsOf(isa);
  p.input_pixel_stride = p.channels + Pick(random, 0, 2);
  p.output_pixel_stride = p.channels + Pick(random, 0, 2);
  ASSERT_TRUE(PreparePooling(&p).ok());
  const int64_t output_pixels = p.batch * p.output_height * p.output_width;
  Guarded<float> input(
      RandomFloats(random, Span(p.batch * p.input_height * p.input_width, p.channels, p.input_pixel_stride)));
  if (nan) input[input.size() / 2] = std::numeric_limits<float>::quiet_NaN();
  Guarded<float> out(std::vector<float>(
      static_cast<size_t>(Span(output_pixels, p.channels, p.output_pixel_stride)), -77.0f));
  RunTiles(average ? table.pooling->average_pool_f32 : table.pooling->max_pool_f32, &p,
           {input.data(), out.data()}, p.tile_count, p.workspace_bytes, random);
  for (int64_t b = 0, pixel = 0; b < p.batch; ++b) {
    for (int64_t y = 0; y < p.output_height; ++y) {
      for (int64_t x = 0; x < p.output_width; ++x, ++pixel) {
        for (int64_t c = 0; c < p.channels; ++c) {
          double sum = 0, most = -std::numeric_limits<double>::infinity();
          int64_t inside = 0, padded = 0;
          for (int64_t ky = 0; ky < p.kernel_height; ++ky) {
            for (int64_t kx = 0; kx < p.kernel_width; ++kx) {
              const int64_t iy = y * p.stride_y - p.pad_top + ky * p.dilation_y,
                            ix = x * p.stride_x - p.pad_left + kx * p.dilation_x;
              padded += iy < p.input_height + p.pad_bottom && ix < p.input_width + p.pad_right;
              if (iy < 0 || iy >= p.input_height || ix < 0 || ix >= p.input_width) continue;
              ++inside;
              const double v =
                  input[((b * p.input_height + iy) * p.input_width + ix) * p.input_pixel_stride + c];
              sum += v;
              most = std::isnan(v) || std::isnan(most) ? std::numeric_limits<double>::quiet_NaN()
                                                       : std::max(most, v);
            }
          }
          const int64_t divisor = p.count_include_pad ? padded : inside;
          const double expected = average ? (divisor == 0 ? 0 : sum / static_cast<double>(divisor)) : most;
          ASSERT_TRUE(IsNear(out[pixel * p.output_pixel_stride + c], expected, average ? 1e-5 : 0))
              << NameOf(isa) << " average " << average << " y " << y << " x " << x << " channel " << c;
        }
        for (int64_t c = p.channels; pixel + 1 < output_pixels && c < p.output_pixel_stride; ++c) {
          ASSERT_EQ(out[pixel * p.output_pixel_stride + c], -77.0f);
        }
      }
    }
  }
}

PoolingParams RandomShape(Random& random) {
  PoolingParams p;
  p.batch = Pick(random, 1, 2), p.channels = Pick(random, 1, 40);
  p.input_height = Pick(random, 1, 12), p.input_width = Pick(random, 1, 12);
  p.kernel_height = Pick(random, 1, 4), p.kernel_width = Pick(random, 1, 4);
  p.stride_y = Pick(random, 1, 5), p.stride_x = Pick(random, 1, 5);
  p.dilation_y = Pick(random, 1, 2), p.dilation_x = Pick(random, 1, 2);
  p.pad_top = Pick(random, 0, 3), p.pad_left = Pick(random, 0, 3), p.pad_bottom = Pick(random, 0, 3),
  p.pad_right = Pick(random, 0, 3);
  p.count_include_pad = Pick(random, 0, 1) == 1;
  const auto size = [&](int64_t input, int64_t pads, int64_t kernel, int64_t dilation, int64_t stride) {
    const int64_t room = input + pads - (kernel - 1) * dilation - 1;
    if (room < 0) return int64_t{0};
    return Pick(random, 0, 1) == 1 ? room / stride + 1
                                   : (room + stride - 1) / stride + 1;  // floor or ceil mode
  };
  p.output_height = size(p.input_height, p.pad_top + p.pad_bottom, p.kernel_height, p.dilation_y, p.stride_y);
  p.output_width = size(p.input_width, p.pad_left + p.pad_right, p.kernel_width, p.dilation_x, p.stride_x);
  return p;
}

TEST(Pooling, RandomShapes) {
  Random random(1);
  for (Isa isa : TestIsas()) {
    for (int i = 0; i < 150; ++i) {
      PoolingParams p = RandomShape(random);
      CheckPool(isa, p, i % 2 == 0, i % 5 == 0, random);
    }
  }
}

TEST(Pooling, SeveralTilesAndZeroSizes) {
  Random random(2);
  for (Isa isa : TestIsas()) {
    PoolingParams p;
    p.batch = 2, p.input_height = 31, p.input_width = 30, p.channels = 64, p.output_height = 15,
    p.output_width = 15;
    p.kernel_height = p.kernel_width = 3, p.stride_y = p.stride_x = 2;
    CheckPool(isa, p, false, true, random);
    CheckPool(isa, p, true, false, random);
    p.batch = 0;
    CheckPool(isa, p, false, false, random);
    p.batch = 1, p.channels = 0;
    CheckPool(isa, p, false, false, random);
  }
}

// Found by mutation: taps were looked for one by one. Each window holds the whole input.
TEST(Pooling, WindowsFarLargerThanTheInput) {
  for (Isa isa : TestIsas()) {
    PoolingParams p;
    p.batch = 1, p.input_height = 2, p.input_width = 3, p.channels = 1;
    p.output_height = 40, p.output_width = 50;
    p.kernel_height = p.kernel_width = 1 << 28;
    p.pad_top = p.pad_left = p.pad_bottom = p.pad_right = (1 << 28) - 100;
    p.input_pixel_stride = p.output_pixel_stride = 1;
    const KernelTable table = KernelsOf(isa);
    ASSERT_TRUE(PreparePooling(&p).ok());
    ASSERT_GT(p.tile_count, 0);
    Random random(3);
    Guarded<float> input(std::vector<float>{1, 2, 3, 4, 5, 9}), out(std::vector<float>(40 * 50));
    for (const bool average : {true, false}) {
      RunTiles(average ? table.pooling->average_pool_f32 : table.pooling->max_pool_f32, &p,
               {input.data(), out.data()}, p.tile_count, p.workspace_bytes, random);
      for (int64_t i = 0; i < out.size(); ++i)
        ASSERT_EQ(out[i], average ? 4.0f : 9.0f) << NameOf(isa) << " " << i;
    }
    p.channels = int64_t{1} << 26;  // the work of a row does not fit into 64 bits
    p.input_pixel_stride = p.output_pixel_stride = p.channels;
    p.input_width = p.output_width = 2147483647;
    EXPECT_TRUE(!PreparePooling(&p).ok() || p.tile_count > 0);
  }
}

TEST(Pooling, RefusesAStrideOfZero) {
  PoolingParams p;
  p.stride_x = 0;
  EXPECT_FALSE(PreparePooling(&p).ok());
}

}  // namespace
}  // namespace mace::kernels
