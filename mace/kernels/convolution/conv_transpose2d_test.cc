#include "mace/kernels/convolution/conv_transpose2d.h"

#include "mace/kernels/convolution/convolution.h"
#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

int64_t Span(int64_t pixels, int64_t channels, int64_t stride) {
  return pixels == 0 ? 0 : (pixels - 1) * stride + channels;
}

// The reference scatters inputs, as the definition says; the kernel gathers by phases.
// Where non_finite is not 0 it stands in some places of the input; `denormal`: all inputs are, and weights so
// large that their products are not.
void CheckTranspose(Isa isa, ConvTranspose2dParams p, int64_t gap, bool residual, bool relu, Random& random,
                    float non_finite = 0.0f, bool denormal = false) {
  const KernelTable table = KernelsOf(isa);
  p.isa = table.convolution_isa;
  p.input_pixel_stride = p.input_channels + gap;
  p.output_pixel_stride = p.output_channels + gap;
  if (residual) p.post_ops.ops[p.post_ops.count++] = {PostOpKind::kAdd, 3, 0, 0, p.output_channels};
  if (relu) p.post_ops.ops[p.post_ops.count++] = {PostOpKind::kRelu, -1, 0, 0, 0};
  if (relu)
    p.post_ops.ops[p.post_ops.count++] = {PostOpKind::kMul, 4, 0, 0, 0};  // per channel, after the clamp
  const Status prepared = PrepareConvTranspose2d(&p);
  ASSERT_TRUE(prepared.ok()) << prepared.message() << ": kernel " << p.kernel_height << ", stride "
                             << p.stride_y << ", dilation " << p.dilation_y << ", output " << p.output_height
                             << " x " << p.output_width;
  const int64_t group_in = p.input_channels / p.groups, group_out = p.output_channels / p.groups;
  const int64_t input_pixels = p.batch * p.input_height * p.input_width,
                output_pixels = p.batch * p.output_height * p.output_width;
  Guarded<float> input(RandomFloats(random, Span(input_pixels, p.input_channels, p.input_pixel_stride)));
  if (non_finite != 0.0f) Sprinkle(random, non_finite, &input);
  Guarded<float> added(RandomFloats(random, output_pixels * p.output_channels)),
      scale(RandomFloats(random, p.output_channels));
  std::vector<float> weights =
      RandomFloats(random, p.output_channels * p.kernel_height * p.kernel_width * group_in);
  std::vector<float> bias = RandomFloats(random, p.output_channels);
  const float sum_scale = denormal ? 0x1p-10f : 1.0f;
  if (denormal) {
    for (float& value : input) value *= 0x1p-130f;
    for (float& value : weights) value *= 0x1p120f;
    for (float& value : bias) value *= sum_scale;
  }
  Guarded<uint8_t> packed(ConvTranspose2dPackedBytes(p));
  PackConvTranspose2d(p, weights.data(), DType::kF32, bias.data(), DType::kF32, packed.data());
  Guarded<float> out(std::vector<float>(
      static_cast<size_t>(Span(output_pixels, p.output_channels, p.output_pixel_stride)), -77.0f));
  RunTiles(table.convolution->conv_transpose2d_f32, &p,
           {input.data(), packed.data(), out.data(), added.data(), scale.data()}, p.tile_count,
           p.workspace_bytes, random);
  std::vector<double> sums(static_cast<size_t>(output_pixels * p.output_channels));
  for (size_t i = 0; i < sums.size(); ++i) sums[i] = bias[i % static_cast<size_t>(p.output_channels)];
  for (int64_t b = 0; b < p.batch; ++b) {
    for (int64_t iy = 0; iy < p.input_height; ++iy) {
      for (int64_t ix = 0; ix < p.input_width; ++ix) {
        const int64_t in = ((b * p.input_height + iy) * p.input_width + ix) * p.input_pixel_stride;
        for (int64_t ky = 0; ky < p.kernel_height; ++ky) {
          for (int64_t kx = 0; kx < p.kernel_width; ++kx) {
            const int64_t y = iy * p.stride_y - p.pad_top + ky * p.dilation_y,
                          x = ix * p.stride_x - p.pad_left + kx * p.dilation_x;
            if (y < 0 || y >= p.output_height || x < 0 || x >= p.output_width) continue;
            for (int64_t o = 0; o < p.output_channels; ++o) {
              for (int64_t c = 0; c < group_in; ++c) {
                sums[static_cast<size_t>(
                    ((b * p.output_height + y) * p.output_width + x) * p.output_channels + o)] +=
                    static_cast<double>(input[in + o / group_out * group_in + c]) *
                    weights[((o * p.kernel_height + ky) * p.kernel_width + kx) * group_in + c];
              }
            }
          }
        }
      }
    }
  }
  for (int64_t pixel = 0; pixel < output_pixels; ++pixel) {
    for (int64_t o = 0; o < p.output_channels; ++o) {
      double sum = sums[static_cast<size_t>(pixel * p.output_channels + o)];
      if (residual) sum += added[pixel * p.output_channels + o];
      if (relu) sum = std::max(sum, 0.0) * scale[o];
      ASSERT_TRUE(IsNear(out[pixel * p.output_pixel_stride + o], sum,
                         2e-6 * sum_scale * (10 + group_in * p.kernel_height * p.kernel_width)))
          << NameOf(isa) << " pixel " << pixel << " channel " << o;
    }
    for (int64_t o = p.output_channels; pixel + 1 < output_pixels && o < p.output_pixel_stride; ++o) {
      ASSERT_EQ(out[pixel * p.output_pixel_stride + o], -77.0f);
    }
  }
}

ConvTranspose2dParams Shape(int64_t batch, int64_t height, int64_t width, int64_t in, int64_t out,
                            int64_t kernel, int64_t stride, int64_t pad, int64_t output_padding = 0,
                            int64_t dilation = 1, int64_t groups = 1) {
  ConvTranspose2dParams p;
  p.batch = batch, p.input_height = height, p.input_width = width, p.input_channels = in,
  p.output_channels = out;
  p.kernel_height = p.kernel_width = kernel, p.stride_y = p.stride_x = stride, p.pad_top = p.pad_left = pad;
  p.dilation_y = p.dilation_x = dilation, p.groups = groups;
  const auto size = [&](int64_t input) {
    const int64_t full = (input - 1) * stride + (kernel - 1) * dilation + 1 + output_padding - 2 * pad;
    return full > 0 ? full : 0;
  };
  p.output_height = size(height), p.output_width = size(width);
  return p;
}

TEST(ConvTranspose2d, TwoByTwo) {
  Random random(1);
  for (Isa isa : TestIsas()) {
    CheckTranspose(isa, Shape(1, 5, 7, 24, 24, 2, 2, 0), 0, false, false, random);
    CheckTranspose(isa, Shape(2, 4, 3, 33, 1, 2, 2, 0), 3, false, true, random);
    CheckTranspose(isa, Shape(1, 40, 40, 24, 24, 2, 2, 0), 0, true, true, random);
  }
}

TEST(ConvTranspose2d, AnyKernelStridePad) {
  Random random(2);
  for (Isa isa : TestIsas()) {
    CheckTranspose(isa, Shape(1, 5, 4, 11, 7, 3, 2, 1, 1), 1, true, false, random);
    CheckTranspose(isa, Shape(1, 6, 6, 8, 2, 9, 2, 4, 1), 0, false, false, random);
    CheckTranspose(isa, Shape(1, 5, 5, 8, 9, 4, 2, 1), 0, false, true, random);
    CheckTranspose(isa, Shape(1, 5, 5, 8, 9, 3, 1, 1), 0, false, false, random);
    CheckTranspose(isa, Shape(1, 4, 4, 6, 5, 2, 3, 0, 2), 0, false, false,
                   random);  // stride beyond the kernel: phases without taps
    CheckTranspose(isa, Shape(1, 4, 5, 6, 5, 3, 2, 1, 1, 2), 0, false, false,
                   random);  // dilation and stride share a factor
    CheckTranspose(isa, Shape(1, 4, 5, 6, 5, 3, 4, 0, 3, 6), 0, false, false, random);
    CheckTranspose(isa, Shape(1, 5, 4, 12, 8, 3, 2, 1, 1, 1, 4), 2, true, true, random);  // groups
    CheckTranspose(isa, Shape(1, 3, 3, 70, 260, 3, 2, 1, 1), 0, false, false, random);    // large weights
    CheckTranspose(isa, Shape(1, 1, 1, 3, 4, 2, 1, 5), 0, false, false, random);          // no output
    CheckTranspose(isa, Shape(0, 3, 3, 3, 4, 2, 1, 0), 0, false, false, random);
    CheckTranspose(isa, Shape(1, 2, 2, 0, 4, 2, 2, 0), 0, false, true, random);
  }
}

TEST(ConvTranspose2d, NonFiniteAndDenormalInputs) {
  Random random(4);
  for (Isa isa : TestIsas()) {
    const ConvTranspose2dParams all[] = {
        Shape(1, 5, 7, 24, 21, 2, 2, 0), Shape(1, 5, 4, 11, 7, 3, 2, 1, 1),
        Shape(1, 4, 4, 6, 5, 2, 3, 0, 2),         // phases without taps
        Shape(1, 5, 4, 12, 8, 3, 2, 1, 1, 1, 4),  // groups
    };
    for (const ConvTranspose2dParams& p : all) {
      for (float value : kNonFinite) {
        CheckTranspose(isa, p, 2, false, false, random, value);
        CheckTranspose(isa, p, 0, true, true, random, value);
      }
      CheckTranspose(isa, p, 0, false, false, random, 0.0f, true);
    }
  }
}

// Found by mutation: one output pixel for each of 2^31 phases took minutes to plan.
TEST(ConvTranspose2d, HugeStridesAreRefusedAtOnce) {
  for (int64_t stride : {int64_t{100}, int64_t{65536}, int64_t{2147483647}}) {
    ConvTranspose2dParams p = Shape(1, 1, 1, 3, 4, 2, 1, 0);
    p.stride_x = stride;
    EXPECT_FALSE(HasFewPhases(p));
    EXPECT_FALSE(PrepareConvTranspose2d(&p).ok());
  }
  EXPECT_TRUE(HasFewPhases(Shape(1, 4, 4, 6, 5, 2, 4, 0)));
  // One phase of 1024 has all 256 taps: the packed weights would be 1024 times the weights.
  EXPECT_FALSE(HasFewPhases(Shape(1, 4, 4, 6, 5, 16, 32, 0, 0, 32)));
}

TEST(ConvTranspose2d, RandomShapes) {
  Random random(3);
  for (Isa isa : TestIsas()) {
    for (int i = 0; i < 40; ++i) {
      const int64_t groups = Pick(random, 0, 3) == 0 ? 2 : 1;
      CheckTranspose(
          isa,
          Shape(Pick(random, 1, 2), Pick(random, 1, 8), Pick(random, 1, 8), groups * Pick(random, 1, 12),
                groups * Pick(random, 1, 20), Pick(random, 1, 5), Pick(random, 1, 4), Pick(random, 0, 2),
                Pick(random, 0, 2), Pick(random, 1, 3), groups),
          Pick(random, 0, 2), Pick(random, 0, 1) == 1, Pick(random, 0, 1) == 1, random);
    }
  }
}

}  // namespace
}  // namespace mace::kernels
