#include "mace/kernels/convolution/conv2d.h"

#include "mace/kernels/convolution/convolution.h"
#include "mace/kernels/half.h"
#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

struct Extra {
  int64_t input_gap = 0, output_gap = 0;
  bool bias = true, half = false, residual = false, relu = false, hard_swish = false;
  float non_finite = 0.0f;  // where not 0: stands in some places of the input
  bool denormal = false;    // inputs are denormal; weights so large that their products are not
};

int64_t Span(int64_t pixels, int64_t channels, int64_t stride) {
  return pixels == 0 ? 0 : (pixels - 1) * stride + channels;
}

// Fills the sizes that follow, runs the kernel and compares with loops in double precision.
void CheckConv(Isa isa, Conv2dParams p, const Extra& extra, Random& random) {
  const KernelTable table = KernelsOf(isa);
  p.isa = table.convolution_isa;
  p.input_pixel_stride = p.input_channels + extra.input_gap;
  p.output_pixel_stride = p.output_channels + extra.output_gap;
  const int64_t residual_stride = p.output_channels + 2;
  if (extra.residual) p.post_ops.ops[p.post_ops.count++] = {PostOpKind::kAdd, 3, 0, 0, residual_stride};
  if (extra.relu) p.post_ops.ops[p.post_ops.count++] = {PostOpKind::kRelu, -1, 0, 0, 0};
  if (extra.hard_swish) p.post_ops.ops[p.post_ops.count++] = {PostOpKind::kHardSwish, -1, 0, 0, 0};
  ASSERT_TRUE(PrepareConv2d(&p).ok());
  const bool at_start = Pick(random, 0, 1) == 1;
  const int64_t input_pixels = p.batch * p.input_height * p.input_width,
                output_pixels = p.batch * p.output_height * p.output_width;
  Guarded<float> input(
      RandomFloats(random, p.input_is_nchw ? input_pixels * p.input_channels
                                           : Span(input_pixels, p.input_channels, p.input_pixel_stride)),
      at_start);
  if (extra.non_finite != 0.0f) Sprinkle(random, extra.non_finite, &input);
  Guarded<float> residual(RandomFloats(random, Span(output_pixels, p.output_channels, residual_stride)),
                          at_start);
  const int64_t group_in = p.input_channels / p.groups, group_out = p.output_channels / p.groups;
  std::vector<float> weights =
      RandomFloats(random, p.output_channels * p.kernel_height * p.kernel_width * group_in);
  std::vector<float> bias = RandomFloats(random, p.output_channels);
  const float scale = extra.denormal ? 0x1p-10f : 1.0f;  // of the sums
  if (extra.denormal) {
    for (float& value : input) value *= 0x1p-130f;
    for (float& value : weights) value *= 0x1p120f;
    for (float& value : bias) value *= scale;
  }
  std::vector<uint16_t> half(weights.size());
  if (extra.half) {
    for (size_t i = 0; i < half.size(); ++i) {
      half[i] = static_cast<uint16_t>(Pick(random, 0, 1) << 15 | Pick(random, 12 << 10, 15 << 10));
      weights[i] = HalfToFloat(half[i]);
    }
  }
  Guarded<uint8_t> packed(Conv2dPackedBytes(p));
  PackConv2d(p, extra.half ? static_cast<const void*>(half.data()) : weights.data(),
             extra.half ? DType::kF16 : DType::kF32, extra.bias ? bias.data() : nullptr, DType::kF32,
             packed.data());
  Guarded<float> out(
      std::vector<float>(static_cast<size_t>(Span(output_pixels, p.output_channels, p.output_pixel_stride)),
                         -77.0f),
      at_start);
  RunTiles(table.convolution->conv2d_f32, &p, {input.data(), packed.data(), out.data(), residual.data()},
           p.tile_count, p.workspace_bytes, random);
  const double bound = 2e-6 * scale * static_cast<double>(4 + group_in * p.kernel_height * p.kernel_width);
  for (int64_t b = 0, pixel = 0; b < p.batch; ++b) {
    for (int64_t y = 0; y < p.output_height; ++y) {
      for (int64_t x = 0; x < p.output_width; ++x, ++pixel) {
        for (int64_t o = 0; o < p.output_channels; ++o) {
          double sum = extra.bias ? bias[o] : 0;
          for (int64_t ky = 0; ky < p.kernel_height; ++ky) {
            for (int64_t kx = 0; kx < p.kernel_width; ++kx) {
              const int64_t iy = y * p.stride_y - p.pad_top + ky * p.dilation_y,
                            ix = x * p.stride_x - p.pad_left + kx * p.dilation_x;
              if (iy < 0 || iy >= p.input_height || ix < 0 || ix >= p.input_width) continue;
              for (int64_t c = 0; c < group_in; ++c) {
                const int64_t channel = o / group_out * group_in + c;
                const float value =
                    p.input_is_nchw
                        ? input[((b * p.input_channels + channel) * p.input_height + iy) * p.input_width + ix]
                        : input[((b * p.input_height + iy) * p.input_width + ix) * p.input_pixel_stride +
                                channel];
                sum += static_cast<double>(value) *
                       weights[((o * p.kernel_height + ky) * p.kernel_width + kx) * group_in + c];
              }
            }
          }
          if (extra.residual) sum += residual[pixel * residual_stride + o];
          if (extra.relu) sum = std::max(sum, 0.0);
          if (extra.hard_swish) sum = sum * std::min(std::max(sum / 6 + 0.5, 0.0), 1.0);
          ASSERT_TRUE(IsNear(out[pixel * p.output_pixel_stride + o], sum, bound * (1 + std::abs(sum))))
              << NameOf(isa) << " image " << b << " y " << y << " x " << x << " channel " << o << " method "
              << static_cast<int>(p.method);
        }
        for (int64_t o = p.output_channels; pixel + 1 < output_pixels && o < p.output_pixel_stride; ++o) {
          ASSERT_EQ(out[pixel * p.output_pixel_stride + o], -77.0f);
        }
      }
    }
  }
}

Conv2dParams Shape(int64_t batch, int64_t height, int64_t width, int64_t in, int64_t out, int64_t kernel_y,
                   int64_t kernel_x, int64_t stride, int64_t pad, int64_t dilation = 1, int64_t groups = 1) {
  Conv2dParams p;
  p.batch = batch, p.input_height = height, p.input_width = width, p.input_channels = in,
  p.output_channels = out;
  p.kernel_height = kernel_y, p.kernel_width = kernel_x, p.stride_y = p.stride_x = stride;
  p.dilation_y = p.dilation_x = dilation, p.pad_top = p.pad_left = pad, p.groups = groups;
  p.output_height = Conv2dOutputSize(height, pad, pad, kernel_y, stride, dilation);
  p.output_width = Conv2dOutputSize(width, pad, pad, kernel_x, stride, dilation);
  return p;
}

TEST(Conv2d, Pointwise) {
  Random random(1);
  for (Isa isa : TestIsas()) {
    CheckConv(isa, Shape(2, 7, 5, 33, 21, 1, 1, 1, 0), {}, random);
    CheckConv(isa, Shape(1, 7, 7, 40, 70, 1, 1, 1, 0),
              {.input_gap = 3, .output_gap = 5, .residual = true, .relu = true}, random);
    CheckConv(isa, Shape(1, 9, 9, 17, 24, 1, 1, 2, 0), {.hard_swish = true}, random);
    CheckConv(isa, Shape(1, 1, 1, 65, 100, 1, 1, 1, 0), {.half = true}, random);
  }
}

TEST(Conv2d, KernelsStridesPadsDilations) {
  Random random(2);
  for (Isa isa : TestIsas()) {
    CheckConv(isa, Shape(1, 8, 9, 16, 20, 3, 3, 1, 1), {}, random);
    CheckConv(isa, Shape(2, 9, 7, 19, 33, 3, 3, 2, 1), {.input_gap = 1, .residual = true}, random);
    CheckConv(isa, Shape(1, 10, 11, 12, 8, 5, 1, 1, 2), {.relu = true}, random);
    CheckConv(isa, Shape(1, 12, 12, 10, 8, 3, 3, 1, 2, 2), {.hard_swish = true}, random);
    CheckConv(isa, Shape(1, 11, 11, 13, 8, 2, 2, 5, 0), {}, random);  // stride beyond the kernel
    CheckConv(isa, Shape(1, 4, 4, 16, 16, 7, 7, 1, 3), {}, random);   // kernel beyond the image
  }
}

TEST(Conv2d, AsymmetricPadsByOutputSize) {
  Random random(3);
  for (Isa isa : TestIsas()) {
    for (int64_t channels : {3, 20}) {
      Conv2dParams p = Shape(1, 9, 8, channels, 17, 3, 3, 2, 0);
      p.pad_left = 1;
      p.output_height = 5, p.output_width = 6;  // far beyond the lower and right edge
      CheckConv(isa, p, {}, random);
    }
  }
}

TEST(Conv2d, FewChannelsFromNhwcAndNchw) {
  Random random(4);
  for (Isa isa : TestIsas()) {
    for (bool nchw : {false, true}) {
      for (int64_t channels : {1, 3, 4, 6}) {
        Conv2dParams p = Shape(2, 17, 19, channels, 30, 3, 3, 2, 1);
        p.input_is_nchw = nchw;
        CheckConv(isa, p, {.input_gap = 2, .relu = true}, random);
      }
      Conv2dParams p = Shape(1, 23, 30, 3, 35, 7, 7, 2, 3);
      p.input_is_nchw = nchw;
      CheckConv(isa, p, {}, random);
      p = Shape(1, 14, 13, 3, 8, 3, 3, 1, 2, 3);  // dilation
      p.input_is_nchw = nchw;
      CheckConv(isa, p, {}, random);
      p = Shape(1, 2, 2, 3, 8, 3, 3, 1, 4);  // windows wholly in the padding
      p.input_is_nchw = nchw;
      CheckConv(isa, p, {}, random);
    }
    Conv2dParams wide = Shape(1, 5, 6, 20, 8, 1, 1, 1, 0);
    wide.input_is_nchw = true;
    CheckConv(isa, wide, {}, random);
  }
}

TEST(Conv2d, Groups) {
  Random random(5);
  for (Isa isa : TestIsas()) {
    CheckConv(isa, Shape(1, 6, 7, 24, 36, 3, 3, 1, 1, 1, 2), {.residual = true, .hard_swish = true}, random);
    CheckConv(isa, Shape(2, 5, 5, 12, 12, 1, 1, 1, 0, 1, 3), {.output_gap = 1}, random);
    CheckConv(isa, Shape(1, 6, 6, 8, 16, 3, 3, 2, 1, 1, 8), {}, random);
  }
}

TEST(Conv2d, RandomShapes) {
  Random random(6);
  for (Isa isa : TestIsas()) {
    for (int i = 0; i < 40; ++i) {
      const int64_t groups = Pick(random, 0, 3) == 0 ? Pick(random, 2, 3) : 1;
      Conv2dParams p =
          Shape(Pick(random, 1, 2), Pick(random, 3, 15), Pick(random, 3, 15), groups * Pick(random, 1, 20),
                groups * Pick(random, 1, 50), Pick(random, 1, 4), Pick(random, 1, 4), Pick(random, 1, 3),
                Pick(random, 0, 3), Pick(random, 1, 2), groups);
      p.input_is_nchw = groups == 1 && Pick(random, 0, 2) == 0;
      CheckConv(isa, p,
                {.input_gap = Pick(random, 0, 3),
                 .output_gap = Pick(random, 0, 3),
                 .bias = Pick(random, 0, 1) == 1,
                 .half = Pick(random, 0, 1) == 1,
                 .residual = Pick(random, 0, 1) == 1,
                 .relu = Pick(random, 0, 1) == 1},
                random);
    }
  }
}

TEST(Conv2d, LargeWeightsTakePanelsOutermost) {
  Random random(7);
  for (Isa isa : TestIsas()) CheckConv(isa, Shape(1, 6, 5, 70, 130, 3, 3, 1, 1), {.relu = true}, random);
}

TEST(Conv2d, NonFiniteAndDenormalInputs) {
  Random random(10);
  for (Isa isa : TestIsas()) {
    Conv2dParams planes = Shape(1, 9, 11, 3, 13, 3, 3, 2, 1);
    planes.input_is_nchw = true;
    const Conv2dParams all[] = {
        Shape(1, 5, 7, 33, 21, 1, 1, 1, 0),        // a plain GEMM
        Shape(1, 1, 1, 65, 100, 1, 1, 1, 0),       // of one row
        Shape(1, 8, 9, 17, 20, 3, 3, 1, 1),        // row pointers
        Shape(1, 6, 7, 24, 36, 3, 3, 1, 1, 1, 2),  // groups
        Shape(1, 9, 11, 3, 13, 3, 3, 2, 1),        // bands
        Shape(1, 14, 13, 3, 8, 3, 3, 1, 2, 3),     // dilated
        planes,
    };
    for (const Conv2dParams& p : all) {
      for (float value : kNonFinite) {
        CheckConv(isa, p, {.input_gap = 2, .non_finite = value}, random);
        CheckConv(isa, p, {.relu = true, .non_finite = value}, random);
      }
      CheckConv(isa, p, {.denormal = true}, random);
    }
  }
}

TEST(Conv2d, ZeroSizes) {
  Random random(8);
  for (Isa isa : TestIsas()) {
    CheckConv(isa, Shape(0, 6, 5, 7, 13, 3, 3, 1, 1), {}, random);
    CheckConv(isa, Shape(1, 2, 2, 9, 13, 3, 3, 1, 0), {}, random);  // no output
    CheckConv(isa, Shape(1, 4, 4, 0, 13, 3, 3, 1, 1), {}, random);  // no input channels: the bias
    CheckConv(isa, Shape(1, 4, 4, 9, 0, 3, 3, 1, 1), {}, random);
    Conv2dParams empty = Shape(1, 4, 4, 9, 5, 3, 3, 1, 1);
    empty.input_height = 0;  // every window lies in the padding
    CheckConv(isa, empty, {}, random);
  }
}

// Workspaces that grew with attributes: a band of 2 * dilation + 1 rows and columns took 1.6 GiB.
TEST(Conv2d, HugeDilationsStridesAndPadsTakeLittleWorkspace) {
  constexpr int64_t kHuge = 1000 * 1000;
  Random random(9);
  for (Isa isa : TestIsas()) {
    for (int64_t channels : {1, 3, 20}) {
      Conv2dParams all[6];
      all[0] = Shape(1, 8, 64, channels, 5, 3, 3, 1, kHuge, kHuge);
      all[1] = all[0];
      all[1].dilation_y = 1, all[1].pad_top = 1;
      all[2] = all[0];
      all[2].dilation_x = 1, all[2].pad_left = 1;
      all[3] = Shape(1, 8, 64, channels, 5, 3, 3, kHuge, kHuge);  // strides, and pads beyond everything
      all[4] = Shape(1, 8, 64, channels, 5, 3, 3, kHuge / 2, 2 * kHuge, kHuge);
      all[5] = Shape(1, 4000, 40, channels, 5, 4000, 1, 1, 0);  // pointers for each tap of a tall kernel
      for (Conv2dParams& p : all) {
        p.isa = KernelsOf(isa).convolution_isa;
        p.input_pixel_stride = channels, p.output_pixel_stride = 5;
        ASSERT_TRUE(PrepareConv2d(&p).ok());
        ASSERT_GT(p.output_height * p.output_width, 0);
        EXPECT_LE(p.workspace_bytes, 4 << 20);
        CheckConv(isa, p, {.relu = true}, random);
      }
    }
  }
  Conv2dParams planes = Shape(1, 8, 64, 3, 5, 3, 3, 1, kHuge, kHuge);
  planes.isa = Isa::kScalar, planes.output_pixel_stride = 5, planes.input_is_nchw = true;
  EXPECT_FALSE(PrepareConv2d(&planes).ok());
  // A table of 8 GiB; and an ordinary picture keeps its bands.
  Conv2dParams tall = Shape(1, 1, kHuge, 1, 5, 1001, 1, 1, 0);
  tall.pad_top = 500, tall.output_height = 1, tall.output_width = kHuge;
  tall.isa = Isa::kScalar, tall.input_pixel_stride = 1, tall.output_pixel_stride = 5;
  ASSERT_TRUE(PrepareConv2d(&tall).ok());
  EXPECT_LE(tall.workspace_bytes, 16 << 20);
  Conv2dParams picture = Shape(1, 1080, 1920, 3, 32, 7, 7, 2, 3);
  picture.isa = Isa::kScalar, picture.input_is_nchw = true, picture.output_pixel_stride = 32;
  ASSERT_TRUE(PrepareConv2d(&picture).ok());
  EXPECT_EQ(picture.method, Conv2dMethod::kBand);
}

TEST(Conv2d, RefusesWhatItCannotDo) {
  Conv2dParams p = Shape(1, 4, 4, 9, 5, 3, 3, 1, 1);
  p.input_pixel_stride = 9, p.output_pixel_stride = 5;
  p.groups = 2;
  EXPECT_FALSE(PrepareConv2d(&p).ok());
  p.groups = 1;
  p.stride_x = 0;
  EXPECT_FALSE(PrepareConv2d(&p).ok());
  p.stride_x = 1;
  p.input_width = int64_t{1} << 60;
  EXPECT_FALSE(PrepareConv2d(&p).ok());
}

}  // namespace
}  // namespace mace::kernels
