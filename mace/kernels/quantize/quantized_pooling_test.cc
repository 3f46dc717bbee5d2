#include "mace/kernels/quantize/quantized_pooling.h"

#include "mace/kernels/kernel_test_support.h"
#include "mace/kernels/quantize/quantize.h"
#include "mace/kernels/quantize/quantize_test_support.h"

namespace mace::kernels {
namespace {

PoolingParams RandomWindow(Random& random) {
  PoolingParams p;
  p.batch = Pick(random, 1, 2),
  p.channels = Pick(random, 0, 4) == 0 ? Pick(random, 200, 600) : Pick(random, 1, 40);
  p.input_height = Pick(random, 1, 9), p.input_width = Pick(random, 1, 9);
  p.kernel_height = Pick(random, 1, 4), p.kernel_width = Pick(random, 1, 4);
  p.stride_y = Pick(random, 1, 4), p.stride_x = Pick(random, 1, 4);
  p.dilation_y = Pick(random, 1, 2), p.dilation_x = Pick(random, 1, 2);
  p.pad_top = Pick(random, 0, 3), p.pad_left = Pick(random, 0, 3);
  p.pad_bottom = Pick(random, 0, 3), p.pad_right = Pick(random, 0, 3);
  p.count_include_pad = Pick(random, 0, 1) == 1;
  const auto size = [&](int64_t input, int64_t pads, int64_t kernel, int64_t dilation, int64_t stride) {
    const int64_t room = input + pads - (kernel - 1) * dilation - 1;
    return room < 0 ? int64_t{0} : (room + (Pick(random, 0, 1) == 1 ? stride - 1 : 0)) / stride + 1;
  };
  p.output_height = size(p.input_height, p.pad_top + p.pad_bottom, p.kernel_height, p.dilation_y, p.stride_y);
  p.output_width = size(p.input_width, p.pad_left + p.pad_right, p.kernel_width, p.dilation_x, p.stride_x);
  return p;
}

// What was found in a window.
struct Found {
  int64_t sum = 0, most = 0, inside = 0, padded = 0;
};

template <typename T>
int64_t Expected(const QuantizedPoolingParams& p, const Found& found) {
  const bool is_sum = p.kind == PoolKind::kMean || p.kind == PoolKind::kSum;
  const int64_t count = p.window.count_include_pad ? found.padded : found.inside;
  if (p.scaling == PoolScaling::kStored) {
    if (!is_sum) return found.most;
    if (count == 0) return p.input_zero;
    // lround goes away from zero at halves; a quotient of integers of 40 bits has its halves exactly.
    const int64_t sum = found.sum + (count - found.inside) * p.input_zero;
    return std::llround(static_cast<double>(sum) / static_cast<double>(count));
  }
  if (count == 0) return p.scaling == PoolScaling::kHalfEvenFloat ? p.output_zero : 0;
  const int64_t distance = is_sum ? found.sum - found.inside * p.input_zero : found.most - p.input_zero;
  if (p.scaling == PoolScaling::kTwoRoundings) {
    return p.output_zero +
           Scaled(static_cast<int32_t>(distance), p.output_multiplier, IntegerRounding::kTwoRoundings);
  }
  const float n = p.kind == PoolKind::kMean ? static_cast<float>(count) : 1.0f;
  const float real = static_cast<float>(distance) * (p.input_scale / (p.output_scale * n));
  return p.output_zero + std::llround(std::nearbyint(std::clamp(static_cast<double>(real), -1e9, 1e9)));
}

template <typename T>
void CheckPool(Isa isa, QuantizedPoolingParams p, Random& random) {
  PoolingParams& w = p.window;
  p.type = DTypeOf<T>();
  w.input_pixel_stride = w.channels + Pick(random, 0, 2);
  w.output_pixel_stride = w.channels + Pick(random, 0, 2);
  p.input_zero = sizeof(T) == 2 ? 0 : AnyInteger<T>(random);
  p.output_zero = AnyInteger<T>(random);
  p.input_scale = static_cast<float>(Pick(random, 1, 1000)) / 512.0f;
  p.output_scale = static_cast<float>(Pick(random, 1, 1000)) / 300.0f;
  p.output_multiplier = {AnyMultiplier(random), static_cast<int32_t>(Pick(random, -20, 2))};
  p.low = std::numeric_limits<T>::min();
  p.high = std::numeric_limits<T>::max();
  if (Pick(random, 0, 3) == 0) {
    p.low = p.low / 2 + 3;
    p.high = p.high / 2;
  }
  ASSERT_TRUE(PrepareQuantizedPooling(&p).ok());
  const auto span = [&](int64_t pixels, int64_t stride) {
    return pixels == 0 ? 0 : (pixels - 1) * stride + w.channels;
  };
  const int64_t output_pixels = w.batch * w.output_height * w.output_width;
  Guarded<T> in(span(w.batch * w.input_height * w.input_width, w.input_pixel_stride));
  Guarded<T> out(span(output_pixels, w.output_pixel_stride));
  const bool is_extreme = Pick(random, 0, 3) == 0;  // sums as large as they get
  const T extreme = Pick(random, 0, 1) == 0 ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
  for (T& value : in) value = is_extreme ? extreme : AnyInteger<T>(random);
  std::memset(out.data(), 77, static_cast<size_t>(out.size()) * sizeof(T));
  RunTiles(KernelsOf(isa).quantize->pool, &p, {in.data(), out.data()}, p.tile_count, 0, random);
  for (int64_t pixel = 0; pixel < output_pixels; ++pixel) {
    const int64_t x = pixel % w.output_width, y = pixel / w.output_width % w.output_height;
    const int64_t b = pixel / w.output_width / w.output_height;
    for (int64_t c = 0; c < w.channels; ++c) {
      Found found;
      found.most = p.kind == PoolKind::kMax ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
      for (int64_t tap = 0; tap < w.kernel_height * w.kernel_width; ++tap) {
        const int64_t iy = y * w.stride_y - w.pad_top + tap / w.kernel_width * w.dilation_y;
        const int64_t ix = x * w.stride_x - w.pad_left + tap % w.kernel_width * w.dilation_x;
        found.padded += iy < w.input_height + w.pad_bottom && ix < w.input_width + w.pad_right;
        if (iy < 0 || iy >= w.input_height || ix < 0 || ix >= w.input_width) continue;
        const int64_t v = in[((b * w.input_height + iy) * w.input_width + ix) * w.input_pixel_stride + c];
        ++found.inside;
        found.sum += v;
        found.most = p.kind == PoolKind::kMax ? std::max(found.most, v) : std::min(found.most, v);
      }
      ASSERT_EQ(out[pixel * w.output_pixel_stride + c],
                std::clamp<int64_t>(Expected<T>(p, found), p.low, p.high))
          << NameOf(isa) << " kind " << static_cast<int>(p.kind) << " scaling " << static_cast<int>(p.scaling)
          << " y " << y << " x " << x << " channel " << c << " sum " << found.sum << " of " << found.inside;
    }
    for (int64_t c = w.channels; pixel + 1 < output_pixels && c < w.output_pixel_stride; ++c) {
      ASSERT_EQ(out[pixel * w.output_pixel_stride + c], static_cast<T>(sizeof(T) == 1 ? 77 : 77 * 257));
    }
  }
}

template <typename T>
void CheckKinds(Isa isa, const PoolingParams& window, Random& random) {
  for (PoolKind kind : {PoolKind::kMax, PoolKind::kMin, PoolKind::kMean, PoolKind::kSum}) {
    for (PoolScaling scaling :
         {PoolScaling::kStored, PoolScaling::kHalfEvenFloat, PoolScaling::kTwoRoundings}) {
      if (kind == PoolKind::kSum && scaling == PoolScaling::kStored) continue;
      QuantizedPoolingParams params;
      params.window = window;
      params.kind = kind;
      params.scaling = scaling;
      CheckPool<T>(isa, params, random);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(QuantizedPooling, RandomShapes) {
  Random random(1);
  for (Isa isa : TestIsas()) {
    for (int round = 0; round < 12; ++round) {
      CheckKinds<int8_t>(isa, RandomWindow(random), random);
      CheckKinds<uint8_t>(isa, RandomWindow(random), random);
      CheckKinds<int16_t>(isa, RandomWindow(random), random);
      if (HasFatalFailure()) return;
    }
  }
}

// Whole maps: sums that pass 16 bits, counts beyond what floats divide exactly, rows of one channel.
TEST(QuantizedPooling, LargeWindows) {
  Random random(2);
  for (Isa isa : TestIsas()) {
    const auto check = [&](auto type, int64_t height, int64_t width, int64_t channels) {
      PoolingParams window;
      window.batch = 2;
      window.input_height = window.kernel_height = height;
      window.input_width = window.kernel_width = width;
      window.channels = channels;
      window.output_height = window.output_width = 1;
      CheckKinds<decltype(type)>(isa, window, random);
    };
    check(int8_t{}, 7, 7, 1280);
    check(uint8_t{}, 16, 16, 70);
    check(int16_t{}, 23, 29, 5);
    check(int16_t{}, 1, 400, 1);
    check(uint8_t{}, 1, 4000, 1);
    check(uint8_t{}, 255, 257, 1);
    check(int8_t{}, 256, 257, 1);
    if (HasFatalFailure()) return;
  }
}

TEST(QuantizedPooling, EmptySizes) {
  Random random(3);
  PoolingParams window;
  window.channels = 3, window.input_height = 4, window.input_width = 4, window.output_height = 2,
  window.output_width = 2;
  CheckKinds<int8_t>(Isa::kScalar, window, random);  // no images
  window.batch = 1, window.channels = 0;
  CheckKinds<int8_t>(Isa::kScalar, window, random);
  window.channels = 3, window.input_height = 0;  // windows of nothing
  CheckKinds<int8_t>(Isa::kScalar, window, random);
}

TEST(QuantizedPooling, RefusesSumsBeyond32Bits) {
  QuantizedPoolingParams params;
  params.type = DType::kI16;
  params.kind = PoolKind::kMean;
  params.window.batch = params.window.channels = params.window.output_height = params.window.output_width = 1;
  params.window.input_height = params.window.kernel_height = 256;
  params.window.input_width = params.window.kernel_width = 128;
  params.window.input_pixel_stride = params.window.output_pixel_stride = 1;
  EXPECT_EQ(PrepareQuantizedPooling(&params).code(), StatusCode::kUnsupported);
  params.type = DType::kI8;
  EXPECT_TRUE(PrepareQuantizedPooling(&params).ok());
}

}  // namespace
}  // namespace mace::kernels
