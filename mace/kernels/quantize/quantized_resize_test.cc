#include "mace/kernels/quantize/quantized_resize.h"

#include "mace/kernels/kernel_test_support.h"
#include "mace/kernels/quantize/quantize.h"
#include "mace/kernels/quantize/quantize_test_support.h"

namespace mace::kernels {
namespace {

// Any taps will do: how an operator's coordinates become taps is tested where they are made.
void FillTaps(Random& random, ResizeArithmetic arithmetic, int64_t input, int64_t output, ResizeTap* taps) {
  for (int64_t i = 0; i < output; ++i) {
    taps[i].low = static_cast<int32_t>(Pick(random, 0, input - 1));
    taps[i].high = static_cast<int32_t>(std::min<int64_t>(taps[i].low + 1, input - 1));
    const auto part = static_cast<float>(Pick(random, 0, 1024));
    taps[i].weight = arithmetic == ResizeArithmetic::kFixedPoint ? part : part / 1024.0f;
  }
}

template <typename T>
void CheckResize(Isa isa, ResizeArithmetic arithmetic, Random& random) {
  QuantizedResizeParams params;
  ResizeParams& p = params.shape;
  params.arithmetic = arithmetic;
  params.type = DTypeOf<T>();
  p.batch = Pick(random, 0, 2), p.channels = Pick(random, 1, 40);
  p.input_height = Pick(random, 1, 6), p.input_width = Pick(random, 1, 6);
  p.output_height = Pick(random, 0, 9), p.output_width = Pick(random, 1, 9);
  p.input_pixel_stride = p.channels + Pick(random, 0, 2);
  p.output_pixel_stride = p.channels + Pick(random, 0, 2);
  params.input_zero = AnyInteger<T>(random);
  params.output_zero = AnyInteger<T>(random);
  params.input_scale = static_cast<float>(Pick(random, 1, 99)) / 64.0f;
  params.output_scale = static_cast<float>(Pick(random, 1, 99)) / 50.0f;
  ASSERT_TRUE(PrepareQuantizedResize(&params).ok());
  const auto span = [&](int64_t pixels, int64_t stride) {
    return pixels == 0 ? 0 : (pixels - 1) * stride + p.channels;
  };
  Guarded<T> in(span(p.batch * p.input_height * p.input_width, p.input_pixel_stride));
  Guarded<T> out(span(p.batch * p.output_height * p.output_width, p.output_pixel_stride));
  for (T& value : in) value = AnyInteger<T>(random);
  Guarded<uint8_t> table(ResizeTableBytes(p));
  auto* rows = reinterpret_cast<ResizeTap*>(table.data());
  ResizeTap* columns = rows + p.output_height;
  FillTaps(random, arithmetic, p.input_height, p.output_height, rows);
  FillTaps(random, arithmetic, p.input_width, p.output_width, columns);
  RunTiles(KernelsOf(isa).quantize->resize, &params, {in.data(), table.data(), out.data()}, params.tile_count,
           0, random);
  for (int64_t b = 0; b < p.batch; ++b) {
    for (int64_t y = 0; y < p.output_height; ++y) {
      for (int64_t x = 0; x < p.output_width; ++x) {
        for (int64_t c = 0; c < p.channels; ++c) {
          const auto at = [&](int64_t row, int64_t column) {
            return static_cast<double>(
                in[((b * p.input_height + row) * p.input_width + column) * p.input_pixel_stride + c]);
          };
          const ResizeTap &down = rows[y], &across = columns[x];
          const double unit = arithmetic == ResizeArithmetic::kFixedPoint ? 1024.0 : 1.0;
          const double below = down.weight / unit, behind = across.weight / unit;
          const double mean =
              (1 - below) * ((1 - behind) * at(down.low, across.low) + behind * at(down.low, across.high)) +
              below * ((1 - behind) * at(down.high, across.low) + behind * at(down.high, across.high));
          const double got =
              out[((b * p.output_height + y) * p.output_width + x) * p.output_pixel_stride + c];
          double expected = mean, slack = 0.5001;
          if (arithmetic == ResizeArithmetic::kNearest) expected = at(down.low, across.low), slack = 0;
          if (arithmetic == ResizeArithmetic::kFixedPoint) expected = std::round(mean), slack = 0;
          if (arithmetic == ResizeArithmetic::kHalfEven) {
            const double units = (mean - params.input_zero) * static_cast<double>(params.input_scale) /
                                 static_cast<double>(params.output_scale);
            slack = 0.5 + std::abs(units) * 1e-6 + 1e-4;
            expected = std::clamp<double>(units + params.output_zero, std::numeric_limits<T>::min(),
                                          std::numeric_limits<T>::max());
          }
          ASSERT_NEAR(got, expected, slack) << NameOf(isa) << " y " << y << " x " << x << " channel " << c;
        }
      }
    }
  }
}

// (That the floats' last bits are those of the reference kernel is lower_quantize_test.cc's.)
TEST(QuantizedResize, EveryArithmetic) {
  Random random(1);
  for (Isa isa : TestIsas()) {
    for (int round = 0; round < 60; ++round) {
      CheckResize<uint8_t>(isa, ResizeArithmetic::kNearest, random);
      CheckResize<uint8_t>(isa, ResizeArithmetic::kFloat, random);
      CheckResize<int8_t>(isa, ResizeArithmetic::kFixedPoint, random);
      CheckResize<int16_t>(isa, ResizeArithmetic::kFixedPoint, random);
      CheckResize<int8_t>(isa, ResizeArithmetic::kHalfEven, random);
      CheckResize<uint8_t>(isa, ResizeArithmetic::kHalfEven, random);
      CheckResize<int16_t>(isa, ResizeArithmetic::kHalfEven, random);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace mace::kernels
