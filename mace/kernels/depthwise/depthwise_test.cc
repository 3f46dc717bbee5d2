#include "mace/kernels/depthwise/depthwise.h"

#include <limits>

#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

struct Extra {
  int64_t gap = 0;
  bool residual = false, relu6 = false, sigmoid = false, nan = false;
};

int64_t Span(int64_t pixels, int64_t channels, int64_t stride) {
  return pixels == 0 ? 0 : (pixels - 1) * stride + channels;
}

void CheckDepthwise(Isa isa, DepthwiseParams p, const Extra& extra, Random& random) {
  const KernelTable table = KernelsOf(isa);
  const int64_t channels = p.input_channels * p.multiplier;
  p.input_pixel_stride = p.input_channels + extra.gap;
  p.output_pixel_stride = channels + extra.gap;
  const int64_t residual_stride = channels + 1;
  if (extra.residual) p.post_ops.ops[p.post_ops.count++] = {PostOpKind::kAdd, 3, 0, 0, residual_stride};
  if (extra.relu6) p.post_ops.ops[p.post_ops.count++] = {PostOpKind::kClip, -1, 0.0f, 6.0f, 0};
  if (extra.sigmoid) p.post_ops.ops[p.post_ops.count++] = {PostOpKind::kSigmoid, -1, 0, 0, 0};
  ASSERT_TRUE(PrepareDepthwise(&p).ok());
  const bool at_start = Pick(random, 0, 1) == 1;
  const int64_t input_pixels = p.batch * p.input_height * p.input_width,
                output_pixels = p.batch * p.output_height * p.output_width;
  Guarded<float> input(RandomFloats(random, Span(input_pixels, p.input_channels, p.input_pixel_stride)),
                       at_start);
  if (extra.nan && input.size() > 0) input[input.size() / 2] = std::numeric_limits<float>::quiet_NaN();
  Guarded<float> residual(RandomFloats(random, Span(output_pixels, channels, residual_stride)), at_start);
  const int64_t taps = p.kernel_height * p.kernel_width;
  std::vector<float> weights = RandomFloats(random, channels * taps), bias = RandomFloats(random, channels);
  Guarded<uint8_t> packed(DepthwisePackedBytes(p));
  PackDepthwise(p, weights.data(), DType::kF32, bias.data(), DType::kF32, packed.data());
  Guarded<float> out(
      std::vector<float>(static_cast<size_t>(Span(output_pixels, channels, p.output_pixel_stride)), -77.0f),
      at_start);
  RunTiles(table.depthwise->depthwise_f32, &p, {input.data(), packed.data(), out.data(), residual.data()},
           p.tile_count, p.workspace_bytes, random);
  for (int64_t b = 0, pixel = 0; b < p.batch; ++b) {
    for (int64_t y = 0; y < p.output_height; ++y) {
      for (int64_t x = 0; x < p.output_width; ++x, ++pixel) {
        for (int64_t o = 0; o < channels; ++o) {
          double sum = bias[o];
          for (int64_t t = 0; t < taps; ++t) {
            const int64_t iy = y * p.stride_y - p.pad_top + t / p.kernel_width * p.dilation_y;
            const int64_t ix = x * p.stride_x - p.pad_left + t % p.kernel_width * p.dilation_x;
            if (iy < 0 || iy >= p.input_height || ix < 0 || ix >= p.input_width) continue;
            sum += static_cast<double>(
                       input[((b * p.input_height + iy) * p.input_width + ix) * p.input_pixel_stride +
                             o / p.multiplier]) *
                   weights[o * taps + t];
          }
          if (extra.residual) sum += residual[pixel * residual_stride + o];
          if (extra.relu6 && !std::isnan(sum)) sum = std::min(std::max(sum, 0.0), 6.0);
          if (extra.sigmoid) sum = 1 / (1 + std::exp(-sum));
          ASSERT_TRUE(IsNear(out[pixel * p.output_pixel_stride + o], sum, 1e-6 * (5 + taps)))
              << NameOf(isa) << " y " << y << " x " << x << " channel " << o;
        }
        for (int64_t o = channels; pixel + 1 < output_pixels && o < p.output_pixel_stride; ++o) {
          ASSERT_EQ(out[pixel * p.output_pixel_stride + o], -77.0f);
        }
      }
    }
  }
}

DepthwiseParams Shape(int64_t batch, int64_t height, int64_t width, int64_t channels, int64_t kernel_y,
                      int64_t kernel_x, int64_t stride, int64_t pad, int64_t dilation = 1,
                      int64_t multiplier = 1) {
  DepthwiseParams p;
  p.batch = batch, p.input_height = height, p.input_width = width, p.input_channels = channels,
  p.multiplier = multiplier;
  p.kernel_height = kernel_y, p.kernel_width = kernel_x, p.stride_y = p.stride_x = stride;
  p.pad_top = p.pad_left = pad, p.dilation_y = p.dilation_x = dilation;
  const auto size = [&](int64_t input, int64_t kernel) {
    const int64_t room = input + 2 * pad - (kernel - 1) * dilation - 1;
    return room < 0 ? 0 : room / stride + 1;
  };
  p.output_height = size(height, kernel_y), p.output_width = size(width, kernel_x);
  return p;
}

TEST(Depthwise, ThreeByThree) {
  Random random(1);
  for (Isa isa : TestIsas()) {
    for (int64_t stride : {1, 2, 3}) {
      for (int64_t size = 1; size <= 14; ++size) {
        CheckDepthwise(isa, Shape(1, size, 15 - size, 5 + 4 * size, 3, 3, stride, 1),
                       {.gap = size % 3, .relu6 = size % 2 == 0}, random);
      }
    }
    CheckDepthwise(isa, Shape(2, 7, 7, 300, 3, 3, 1, 1), {.residual = true, .sigmoid = true},
                   random);                                             // beyond a channel block
    CheckDepthwise(isa, Shape(1, 40, 40, 32, 3, 3, 1, 1), {}, random);  // several tiles
  }
}

TEST(Depthwise, OtherKernels) {
  Random random(2);
  for (Isa isa : TestIsas()) {
    CheckDepthwise(isa, Shape(1, 9, 11, 19, 5, 5, 1, 2), {.residual = true}, random);
    CheckDepthwise(isa, Shape(1, 12, 11, 40, 5, 5, 2, 2), {.relu6 = true}, random);
    CheckDepthwise(isa, Shape(1, 9, 9, 17, 7, 7, 1, 3), {}, random);
    CheckDepthwise(isa, Shape(1, 20, 1, 33, 9, 1, 1, 4), {}, random);
    CheckDepthwise(isa, Shape(1, 10, 10, 7, 1, 1, 1, 0), {}, random);
    CheckDepthwise(isa, Shape(1, 10, 10, 7, 2, 2, 4, 0), {}, random);  // stride beyond the kernel
    CheckDepthwise(isa, Shape(1, 13, 13, 24, 3, 3, 1, 2, 2), {.sigmoid = true}, random);
    CheckDepthwise(isa, Shape(1, 3, 3, 9, 3, 3, 1, 8), {}, random);  // windows wholly in the padding
    DepthwiseParams p = Shape(1, 8, 8, 21, 3, 3, 2, 0);              // asymmetric: nothing above, one below
    p.output_height = p.output_width = 4;
    CheckDepthwise(isa, p, {}, random);
  }
}

TEST(Depthwise, Multiplier) {
  Random random(3);
  for (Isa isa : TestIsas()) {
    CheckDepthwise(isa, Shape(2, 6, 7, 5, 3, 3, 1, 1, 1, 3), {.gap = 2, .residual = true, .relu6 = true},
                   random);
    CheckDepthwise(isa, Shape(1, 10, 49, 1, 10, 8, 2, 4, 1, 8), {}, random);
  }
}

TEST(Depthwise, HugeDilationsAndStridesTakeLittleWorkspace) {
  constexpr int64_t kHuge = 1000 * 1000;
  Random random(9);
  for (Isa isa : TestIsas()) {
    DepthwiseParams all[] = {Shape(1, 8, 12, 19, 3, 3, 1, kHuge, kHuge),
                             Shape(1, 8, 12, 19, 3, 3, kHuge, kHuge), Shape(1, 300, 8, 5, 3, 3, 1, 120, 120)};
    for (DepthwiseParams& p : all) {
      p.input_pixel_stride = p.output_pixel_stride = p.input_channels;
      ASSERT_TRUE(PrepareDepthwise(&p).ok());
      ASSERT_GT(p.output_height * p.output_width, 0);
      EXPECT_LE(p.workspace_bytes, 512 << 10);
      CheckDepthwise(isa, p, {.residual = true, .relu6 = true}, random);
    }
  }
}

TEST(Depthwise, ZeroSizesAndNaN) {
  Random random(4);
  for (Isa isa : TestIsas()) {
    CheckDepthwise(isa, Shape(0, 6, 7, 5, 3, 3, 1, 1), {}, random);
    CheckDepthwise(isa, Shape(1, 6, 7, 0, 3, 3, 1, 1), {}, random);
    CheckDepthwise(isa, Shape(1, 2, 2, 5, 3, 3, 1, 0), {}, random);
    CheckDepthwise(isa, Shape(1, 6, 7, 20, 3, 3, 1, 1), {.relu6 = true, .nan = true}, random);
  }
}

TEST(Depthwise, RandomShapes) {
  Random random(5);
  for (Isa isa : TestIsas()) {
    for (int i = 0; i < 60; ++i) {
      DepthwiseParams p = Shape(Pick(random, 1, 2), Pick(random, 1, 14), Pick(random, 1, 14),
                                Pick(random, 1, 50), Pick(random, 1, 5), Pick(random, 1, 5),
                                Pick(random, 1, 3), Pick(random, 0, 3), Pick(random, 1, 2));
      p.pad_top = Pick(random, 0, p.pad_top);
      p.stride_y = Pick(random, p.stride_y, 3);
      CheckDepthwise(
          isa, p,
          {.gap = Pick(random, 0, 2), .residual = Pick(random, 0, 1) == 1, .relu6 = Pick(random, 0, 1) == 1},
          random);
    }
  }
}

}  // namespace
}  // namespace mace::kernels
