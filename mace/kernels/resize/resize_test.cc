#include "mace/kernels/resize/resize.h"

#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

// Any taps will do: how an operator's coordinates become taps is tested where they are made.
void FillTaps(Random& random, const ResizeParams& p, int64_t input, int64_t output, ResizeTap* taps) {
  for (int64_t i = 0; i < output && input > 0; ++i) {
    const auto low = static_cast<int32_t>(Pick(random, 0, input - 1));
    const auto high = static_cast<int32_t>(p.linear ? std::min<int64_t>(low + 1, input - 1) : low);
    const bool between = p.linear && high != low && Pick(random, 0, 3) != 0;
    taps[i] = {low, high, between ? static_cast<float>(Pick(random, 1, 31)) / 32.0f : 0.0f};
  }
}

double Mix(double a, double b, double weight) { return weight == 0 ? a : (1 - weight) * a + weight * b; }

void CheckResize(Isa isa, ResizeParams p, Random& random, bool with_infinities = false) {
  const KernelTable table = KernelsOf(isa);
  p.input_pixel_stride = p.channels + Pick(random, 0, 2);
  p.output_pixel_stride = p.channels + Pick(random, 0, 2);
  ASSERT_TRUE(PrepareResize(&p).ok());
  const auto span = [&](int64_t pixels, int64_t stride) {
    return pixels == 0 ? 0 : (pixels - 1) * stride + p.channels;
  };
  Guarded<float> input(
      RandomFloats(random, span(p.batch * p.input_height * p.input_width, p.input_pixel_stride)));
  for (int64_t i = 0; with_infinities && i < input.size(); ++i) {
    const int64_t kind = Pick(random, 0, 9);
    if (kind < 3) input[i] = kind == 0 ? INFINITY : kind == 1 ? -INFINITY : NAN;
    if (kind == 3) input[i] = 1e-41f;
  }
  Guarded<float> out(span(p.batch * p.output_height * p.output_width, p.output_pixel_stride));
  Guarded<uint8_t> bytes(ResizeTableBytes(p));
  auto* rows = reinterpret_cast<ResizeTap*>(bytes.data());
  ResizeTap* columns = rows + p.output_height;
  FillTaps(random, p, p.input_height, p.output_height, rows);
  FillTaps(random, p, p.input_width, p.output_width, columns);
  RunTiles(p.linear ? table.resize->resize_linear_f32 : table.resize->resize_nearest_f32, &p,
           {input.data(), bytes.data(), out.data()}, p.tile_count, p.workspace_bytes, random);
  for (int64_t b = 0; b < p.batch; ++b) {
    for (int64_t y = 0; y < p.output_height; ++y) {
      for (int64_t x = 0; x < p.output_width; ++x) {
        for (int64_t c = 0; c < p.channels; ++c) {
          const auto at = [&](int64_t row, int64_t column) {
            return static_cast<double>(
                input[((b * p.input_height + row) * p.input_width + column) * p.input_pixel_stride + c]);
          };
          const ResizeTap& down = rows[y];
          const ResizeTap& across = columns[x];
          const double expected =
              Mix(Mix(at(down.low, across.low), at(down.low, across.high), across.weight),
                  Mix(at(down.high, across.low), at(down.high, across.high), across.weight), down.weight);
          ASSERT_TRUE(
              IsNear(out[((b * p.output_height + y) * p.output_width + x) * p.output_pixel_stride + c],
                     expected, p.linear ? 1e-6 : 0))
              << NameOf(isa) << " y " << y << " x " << x << " expected " << expected;
        }
      }
    }
  }
}

TEST(Resize, RandomTaps) {
  Random random(1);
  for (Isa isa : TestIsas()) {
    for (int i = 0; i < 60; ++i) {
      ResizeParams p;
      p.linear = i % 2 == 0;
      p.batch = Pick(random, 1, 2), p.channels = Pick(random, 1, 40);
      p.input_height = Pick(random, 1, 9), p.input_width = Pick(random, 1, 9);
      p.output_height = Pick(random, 1, 20), p.output_width = Pick(random, 1, 20);
      CheckResize(isa, p, random, i % 3 == 0);
    }
  }
}

TEST(Resize, SeveralTilesZeroSizes) {
  Random random(2);
  for (Isa isa : TestIsas()) {
    ResizeParams p;
    p.linear = true;
    p.batch = 1, p.channels = 32, p.input_height = 20, p.input_width = 31, p.output_height = 50,
    p.output_width = 77;
    CheckResize(isa, p, random);
    p.linear = false;
    p.output_height = 40, p.output_width = 62;
    CheckResize(isa, p, random);
    p.channels = 0;
    CheckResize(isa, p, random);
  }
  ResizeParams empty;
  empty.batch = 1, empty.channels = 3, empty.output_height = empty.output_width = 2;
  empty.input_pixel_stride = empty.output_pixel_stride = 3;
  EXPECT_FALSE(PrepareResize(&empty).ok());
}

}  // namespace
}  // namespace mace::kernels
