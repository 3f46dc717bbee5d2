#include "mace/kernels/resize/resize.h"

#include "mace/kernels/gemm/kernel_test_support.h"

namespace mace::kernels {
namespace {

// ONNX Resize, straight from its text, in double precision.
double Coordinate(ResizeCoordinates mode, int64_t x, double scale, int64_t input, int64_t output) {
  switch (mode) {
    case ResizeCoordinates::kHalfPixel:
      return (x + 0.5) / scale - 0.5;
    case ResizeCoordinates::kPytorchHalfPixel:
      return output > 1 ? (x + 0.5) / scale - 0.5 : 0;
    case ResizeCoordinates::kAsymmetric:
      return x / scale;
    case ResizeCoordinates::kAlignCorners:
      return output > 1 ? static_cast<double>(x) * (input - 1) / (output - 1) : 0;
    case ResizeCoordinates::kTensorflowHalfPixelForNearest:
      return (x + 0.5) / scale;
  }
  return 0;
}

int64_t Nearest(ResizeRounding rounding, double x, int64_t size) {
  double rounded = 0;
  switch (rounding) {
    case ResizeRounding::kRoundPreferFloor:
      rounded = std::ceil(x - 0.5);
      break;
    case ResizeRounding::kRoundPreferCeil:
      rounded = std::floor(x + 0.5);
      break;
    case ResizeRounding::kFloor:
      rounded = std::floor(x);
      break;
    case ResizeRounding::kCeil:
      rounded = std::ceil(x);
      break;
  }
  return std::min(std::max(static_cast<int64_t>(rounded), int64_t{0}), size - 1);
}

void CheckResize(Isa isa, ResizeParams p, Random& random) {
  const KernelTable table = KernelsOf(isa);
  p.input_pixel_stride = p.channels + Pick(random, 0, 2);
  p.output_pixel_stride = p.channels + Pick(random, 0, 2);
  ASSERT_TRUE(PrepareResize(&p).ok());
  const auto span = [&](int64_t pixels, int64_t stride) {
    return pixels == 0 ? 0 : (pixels - 1) * stride + p.channels;
  };
  Guarded<float> input(
      RandomFloats(random, span(p.batch * p.input_height * p.input_width, p.input_pixel_stride)));
  Guarded<float> out(span(p.batch * p.output_height * p.output_width, p.output_pixel_stride));
  Guarded<uint8_t> taps(ResizeTableBytes(p));
  FillResizeTable(p, taps.data());
  RunTiles(p.linear ? table.resize->resize_linear_f32 : table.resize->resize_nearest_f32, &p,
           {input.data(), taps.data(), out.data()}, p.tile_count, p.workspace_bytes, random);
  const auto scale = [](float given, int64_t in, int64_t out_size) {
    return given > 0 ? static_cast<double>(given) : static_cast<double>(out_size) / static_cast<double>(in);
  };
  for (int64_t b = 0; b < p.batch; ++b) {
    for (int64_t y = 0; y < p.output_height; ++y) {
      for (int64_t x = 0; x < p.output_width; ++x) {
        double iy = Coordinate(p.coordinates, y, scale(p.scale_y, p.input_height, p.output_height),
                               p.input_height, p.output_height);
        double ix = Coordinate(p.coordinates, x, scale(p.scale_x, p.input_width, p.output_width),
                               p.input_width, p.output_width);
        for (int64_t c = 0; c < p.channels; ++c) {
          const auto at = [&](int64_t row, int64_t column) {
            return static_cast<double>(
                input[((b * p.input_height + row) * p.input_width + column) * p.input_pixel_stride + c]);
          };
          double expected = 0;
          if (p.linear) {
            const double cy = std::min(std::max(iy, 0.0), static_cast<double>(p.input_height - 1));
            const double cx = std::min(std::max(ix, 0.0), static_cast<double>(p.input_width - 1));
            const int64_t y0 = static_cast<int64_t>(cy), x0 = static_cast<int64_t>(cx);
            const int64_t y1 = std::min(y0 + 1, p.input_height - 1), x1 = std::min(x0 + 1, p.input_width - 1);
            const double wy = cy - static_cast<double>(y0), wx = cx - static_cast<double>(x0);
            expected = (1 - wy) * ((1 - wx) * at(y0, x0) + wx * at(y0, x1)) +
                       wy * ((1 - wx) * at(y1, x0) + wx * at(y1, x1));
          } else {
            expected = at(Nearest(p.rounding, iy, p.input_height), Nearest(p.rounding, ix, p.input_width));
          }
          ASSERT_TRUE(
              IsNear(out[((b * p.output_height + y) * p.output_width + x) * p.output_pixel_stride + c],
                     expected, p.linear ? 2e-5 : 0))
              << NameOf(isa) << " mode " << static_cast<int>(p.coordinates) << " y " << y << " x " << x;
        }
      }
    }
  }
}

TEST(Resize, EveryModeUpAndDown) {
  Random random(1);
  for (Isa isa : TestIsas()) {
    for (int mode = 0; mode < 5; ++mode) {
      for (int i = 0; i < 12; ++i) {
        ResizeParams p;
        p.linear = i % 3 == 0 && mode != 4;
        p.coordinates = static_cast<ResizeCoordinates>(mode);
        p.rounding = static_cast<ResizeRounding>(i % 4);
        p.batch = Pick(random, 1, 2), p.channels = Pick(random, 1, 40);
        // Powers of two where a coordinate is rounded: the two precisions then agree on ties.
        const bool free = p.linear;
        p.input_height = free ? Pick(random, 1, 9) : int64_t{1} << Pick(random, 0, 3);
        p.input_width = free ? Pick(random, 1, 9) : int64_t{1} << Pick(random, 0, 3);
        p.output_height = free ? Pick(random, 1, 20) : int64_t{1} << Pick(random, 0, 4);
        p.output_width = free ? Pick(random, 1, 20) : int64_t{1} << Pick(random, 0, 4);
        if (!p.linear && p.coordinates == ResizeCoordinates::kAlignCorners) {
          p.output_height = 2 * p.input_height - 1, p.output_width = 2 * p.input_width - 1;
        }
        CheckResize(isa, p, random);
      }
    }
  }
}

TEST(Resize, GivenScalesSeveralTilesZeroSizes) {
  Random random(2);
  for (Isa isa : TestIsas()) {
    ResizeParams p;
    p.linear = true;
    p.batch = 1, p.channels = 32, p.input_height = 20, p.input_width = 31, p.output_height = 50,
    p.output_width = 77;
    p.scale_y = 2.5f, p.scale_x = 2.5f;
    CheckResize(isa, p, random);
    p.linear = false, p.scale_y = p.scale_x = 0.0f;
    p.output_height = 40, p.output_width = 62;
    p.coordinates = ResizeCoordinates::kAsymmetric, p.rounding = ResizeRounding::kFloor;
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
