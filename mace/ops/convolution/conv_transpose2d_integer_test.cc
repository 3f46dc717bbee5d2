// Integer transposed convolution against real arithmetic: the stored result is the nearest to the exact one.
// (Bit equality with TensorFlow Lite: tests/python/test_tflite_layers.py.)
#include <gtest/gtest.h>

#include "mace/ops/convolution/conv_transpose2d.h"
#include "mace/ops/quantize/integer_tester.h"

namespace mace::ops {
namespace {

void CheckCase(DType x_type, DType weight_type, int64_t groups, bool per_channel, Rounding rounding,
               uint32_t seed) {
  std::mt19937 random(seed);
  constexpr int64_t kHeight = 3, kWidth = 4, kGroupChannels = 5, kKernel = 3, kOutputs = 4;
  const int32_t x_zero = x_type == DType::kU8 ? 100 : x_type == DType::kI8 ? -7 : 0;
  const IntegerTensor x =
      RandomTensor(&random, x_type, {2, kHeight, kWidth, groups * kGroupChannels}, {0.05f}, {x_zero});
  std::vector<float> scales(per_channel ? kOutputs : 1);
  for (size_t i = 0; i < scales.size(); ++i) scales[i] = 0.01f + 0.003f * static_cast<float>(i);
  const std::vector<int32_t> zeros(scales.size(), weight_type == DType::kU8 ? 120 : 0);
  const IntegerTensor weights =
      RandomTensor(&random, weight_type, {kOutputs, kKernel, kKernel, kGroupChannels}, scales, zeros,
                   per_channel ? 0 : kNone);
  const IntegerTensor bias = RandomTensor(&random, DType::kI32, {kOutputs}, {}, {});
  ConvTranspose2dAttributes attributes;
  attributes.strides = {2, 1};
  attributes.dilations = {1, 2};
  attributes.pads = {1, 0, 0, 2};
  attributes.output_padding = {1, 0};
  attributes.groups = groups;
  attributes.rounding = rounding;
  std::vector<IntegerTensor> y = {{x_type, {}, {}, {x_type == DType::kI16 ? 0.5f : 0.9f}, {x_zero}}};
  const Status status = RunIntegers(OpId::kConvTranspose2d, attributes, {x, weights, bias}, &y);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(y[0].shape, (Shape{2, 7, 6, kOutputs}));
  std::vector<double> exact(y[0].values.size());
  const auto at = [&](int64_t n, int64_t row, int64_t column, int64_t o) {
    return static_cast<size_t>(((n * 7 + row) * 6 + column) * kOutputs + o);
  };
  const auto channel_of = [&](int64_t o) { return per_channel ? static_cast<size_t>(o) : 0; };
  for (int64_t n = 0; n < 2; ++n) {  // every input pixel stamps its kernel
    for (int64_t i = 0; i < kHeight * kWidth * kKernel * kKernel; ++i) {
      const int64_t kw = i % kKernel, kh = i / kKernel % kKernel, pixel = i / (kKernel * kKernel);
      const int64_t row = pixel / kWidth * 2 + kh - 1, column = pixel % kWidth + 2 * kw;
      if (row < 0 || row >= 7 || column >= 6) continue;
      for (int64_t o = 0; o < kOutputs; ++o) {
        for (int64_t k = 0; k < kGroupChannels; ++k) {
          const int64_t input = o / (kOutputs / groups) * kGroupChannels + k;
          const auto w = static_cast<size_t>(((o * kKernel + kh) * kKernel + kw) * kGroupChannels + k);
          exact[at(n, row, column, o)] +=
              x.real(static_cast<size_t>((n * kHeight * kWidth + pixel) * groups * kGroupChannels + input)) *
              weights.real(w, channel_of(o));
        }
      }
    }
  }
  for (size_t i = 0; i < exact.size(); ++i) {
    const auto o = static_cast<int64_t>(i % kOutputs);
    const double real =
        exact[i] + bias.values[static_cast<size_t>(o)] * x.scale() * weights.scale(channel_of(o));
    ExpectStored(y[0], i, real, 1e-3 + (x_type == DType::kI16 ? std::fabs(real) * 1e-4 : 0));
  }
}

TEST(ConvTranspose2dInteger, NearestToTheExactResult) {
  uint32_t seed = 0;
  for (Rounding rounding : {Rounding::kTfliteDouble, Rounding::kTfliteSingle, Rounding::kHalfEvenFloat}) {
    for (int64_t groups : {1, 2}) {
      CheckCase(DType::kI8, DType::kI8, groups, true, rounding, ++seed);
      CheckCase(DType::kI8, DType::kI8, groups, false, rounding, ++seed);
      CheckCase(DType::kU8, DType::kU8, groups, false, rounding, ++seed);
      CheckCase(DType::kI16, DType::kI8, groups, true, rounding, ++seed);
    }
  }
}

TEST(ConvTranspose2dInteger, ScalesMustFit) {
  std::mt19937 random(1);
  const IntegerTensor x = RandomTensor(&random, DType::kI8, {1, 2, 2, 1}, {0.5f}, {0});
  const IntegerTensor weights =
      RandomTensor(&random, DType::kI8, {3, 1, 1, 1}, {0.5f, 0.25f}, {0, 0}, /*axis=*/0);
  std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {0.5f}, {0}}};
  const Status status = RunIntegers(OpId::kConvTranspose2d, ConvTranspose2dAttributes{}, {x, weights}, &y);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
