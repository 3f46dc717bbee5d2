// conv2d_f32 with max_pool against the two kernels one after the other: equal in every byte.
#include "mace/kernels/convolution/convolution.h"
#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

struct Extra {
  int64_t pooled_gap = 0;
  bool relu = false, residual = false;
  float non_finite = 0.0f;  // where not 0: stands in some places of the input
};

// Fills the sizes that follow from those of `p` and the windows of `pool`.
void CheckPooledConv(Isa isa, Conv2dParams p, PoolingParams pool, const Extra& extra, Random& random) {
  const KernelTable table = KernelsOf(isa);
  p.isa = table.convolution_isa;
  p.input_pixel_stride = p.input_channels;
  p.output_pixel_stride = p.output_channels;
  p.output_height =
      Conv2dOutputSize(p.input_height, p.pad_top, p.pad_top, p.kernel_height, p.stride_y, p.dilation_y);
  p.output_width =
      Conv2dOutputSize(p.input_width, p.pad_left, p.pad_left, p.kernel_width, p.stride_x, p.dilation_x);
  if (extra.residual) p.post_ops.ops[p.post_ops.count++] = {PostOpKind::kAdd, 3, 0, 0, p.output_channels};
  if (extra.relu) p.post_ops.ops[p.post_ops.count++] = {PostOpKind::kRelu, -1, 0, 0, 0};
  pool.batch = p.batch, pool.channels = p.output_channels;
  pool.input_height = p.output_height, pool.input_width = p.output_width;
  pool.input_pixel_stride = p.output_pixel_stride;
  pool.output_pixel_stride = pool.channels + extra.pooled_gap;
  pool.output_height = Conv2dOutputSize(pool.input_height, pool.pad_top, pool.pad_bottom, pool.kernel_height,
                                        pool.stride_y, pool.dilation_y);
  pool.output_width = Conv2dOutputSize(pool.input_width, pool.pad_left, pool.pad_right, pool.kernel_width,
                                       pool.stride_x, pool.dilation_x);
  ASSERT_TRUE(PreparePooling(&pool).ok());
  ASSERT_TRUE(PrepareConv2d(&p).ok());
  const int64_t map_floats = p.batch * p.output_height * p.output_width * p.output_channels;
  const int64_t pooled_pixels = pool.batch * pool.output_height * pool.output_width;
  Guarded<float> input(RandomFloats(random, p.batch * p.input_height * p.input_width * p.input_channels));
  if (extra.non_finite != 0.0f) Sprinkle(random, extra.non_finite, &input);
  Guarded<float> residual(RandomFloats(random, map_floats));
  const std::vector<float> weights = RandomFloats(
      random, p.output_channels * p.kernel_height * p.kernel_width * (p.input_channels / p.groups));
  const std::vector<float> bias = RandomFloats(random, p.output_channels);
  Guarded<uint8_t> packed(Conv2dPackedBytes(p));
  PackConv2d(p, weights.data(), DType::kF32, bias.data(), DType::kF32, packed.data());

  const size_t pooled_floats =
      pooled_pixels == 0
          ? 0
          : static_cast<size_t>((pooled_pixels - 1) * pool.output_pixel_stride + pool.channels);
  std::vector<float> map(static_cast<size_t>(map_floats)), expected(pooled_floats, -77.0f);
  RunTiles(table.convolution->conv2d_f32, &p, {input.data(), packed.data(), map.data(), residual.data()},
           p.tile_count, p.workspace_bytes, random);
  RunTiles(table.pooling->max_pool_f32, &pool, {map.data(), expected.data()}, pool.tile_count,
           pool.workspace_bytes, random);

  p.max_pool = &pool;
  ASSERT_TRUE(PrepareConv2d(&p).ok());
  Guarded<float> out(std::vector<float>(pooled_floats, -77.0f));
  RunTiles(table.convolution->conv2d_f32, &p, {input.data(), packed.data(), out.data(), residual.data()},
           p.tile_count, p.workspace_bytes, random);
  for (size_t i = 0; i < pooled_floats; ++i) {
    ASSERT_TRUE(out[i] == expected[i] || (std::isnan(out[i]) && std::isnan(expected[i])))
        << NameOf(isa) << " float " << i << " of " << pooled_floats << ": " << out[i] << " instead of "
        << expected[i] << ", method " << static_cast<int>(p.method) << ", rows of a tile " << p.pooled_rows;
  }
}

Conv2dParams Layer(int64_t batch, int64_t height, int64_t width, int64_t in, int64_t out, int64_t kernel,
                   int64_t stride, int64_t pad, int64_t groups = 1) {
  Conv2dParams p;
  p.batch = batch, p.input_height = height, p.input_width = width;
  p.input_channels = in, p.output_channels = out;
  p.kernel_height = p.kernel_width = kernel, p.stride_y = p.stride_x = stride;
  p.pad_top = p.pad_left = pad, p.groups = groups;
  return p;
}

PoolingParams Windows(int64_t kernel, int64_t stride, int64_t pad_begin, int64_t pad_end,
                      int64_t dilation = 1) {
  PoolingParams p;
  p.kernel_height = p.kernel_width = kernel, p.stride_y = p.stride_x = stride;
  p.dilation_y = p.dilation_x = dilation;
  p.pad_top = p.pad_left = pad_begin, p.pad_bottom = p.pad_right = pad_end;
  return p;
}

TEST(Conv2dMaxPool, EveryMethod) {
  Random random(1);
  for (Isa isa : TestIsas()) {
    for (const PoolingParams& pool : {Windows(2, 2, 0, 0), Windows(3, 2, 1, 1), Windows(3, 1, 1, 1)}) {
      CheckPooledConv(isa, Layer(2, 31, 37, 3, 24, 7, 2, 3), pool, {.relu = true}, random);  // bands
      Conv2dParams planes = Layer(1, 31, 37, 3, 24, 3, 2, 1);
      planes.input_is_nchw = true;
      CheckPooledConv(isa, planes, pool, {.pooled_gap = 3}, random);
      CheckPooledConv(isa, Layer(2, 13, 12, 20, 33, 3, 1, 1), pool, {.relu = true}, random);  // row pointers
      CheckPooledConv(isa, Layer(2, 13, 12, 20, 33, 1, 1, 0), pool, {.residual = true}, random);
      CheckPooledConv(isa, Layer(1, 14, 9, 24, 36, 3, 1, 1, 2), pool, {.residual = true}, random);
    }
  }
}

TEST(Conv2dMaxPool, RandomShapes) {
  Random random(2);
  for (Isa isa : TestIsas()) {
    for (int i = 0; i < 80; ++i) {
      const int64_t groups = Pick(random, 0, 3) == 0 ? 2 : 1;
      Conv2dParams p = Layer(Pick(random, 1, 2), Pick(random, 3, 24), Pick(random, 3, 24),
                             groups * Pick(random, 1, 12), groups * Pick(random, 1, 40), Pick(random, 1, 3),
                             Pick(random, 1, 2), Pick(random, 0, 2), groups);
      p.input_is_nchw = groups == 1 && Pick(random, 0, 2) == 0;
      const PoolingParams pool = Windows(Pick(random, 1, 4), Pick(random, 1, 5), Pick(random, 0, 3),
                                         Pick(random, 0, 3), Pick(random, 1, 2));
      CheckPooledConv(isa, p, pool,
                      {.pooled_gap = Pick(random, 0, 2),
                       .relu = Pick(random, 0, 1) == 1,
                       .residual = Pick(random, 0, 1) == 1,
                       .non_finite = Pick(random, 0, 3) == 0 ? kNonFinite[Pick(random, 0, 2)] : 0.0f},
                      random);
    }
  }
}

TEST(Conv2dMaxPool, EmptyMapsAndWindowsInThePadding) {
  Random random(3);
  for (Isa isa : TestIsas()) {
    CheckPooledConv(isa, Layer(0, 8, 8, 3, 5, 3, 1, 1), Windows(2, 2, 0, 0), {}, random);
    CheckPooledConv(isa, Layer(1, 8, 8, 3, 0, 3, 1, 1), Windows(2, 2, 0, 0), {}, random);
    CheckPooledConv(isa, Layer(1, 2, 2, 9, 5, 3, 1, 0), Windows(2, 1, 2, 2), {}, random);  // no map at all
    CheckPooledConv(isa, Layer(1, 4, 4, 9, 5, 3, 1, 1), Windows(2, 2, 5, 5), {}, random);
  }
}

TEST(Conv2dMaxPool, RefusesAnotherMap) {
  Conv2dParams p = Layer(1, 8, 8, 3, 4, 3, 1, 1);
  p.output_height = p.output_width = 8, p.input_pixel_stride = 3, p.output_pixel_stride = 4;
  PoolingParams pool = Windows(2, 2, 0, 0);
  pool.batch = 1, pool.channels = pool.input_pixel_stride = pool.output_pixel_stride = 4;
  pool.input_height = 8, pool.input_width = 7, pool.output_height = 4, pool.output_width = 3;
  p.max_pool = &pool;
  EXPECT_FALSE(PrepareConv2d(&p).ok());
}

}  // namespace
}  // namespace mace::kernels
