// Integer convolution against real arithmetic: the stored result is the nearest to the exact one (that each
// rounding has its place is shown by the goldens of TensorFlow Lite models and by tests/conformance).
#include <gtest/gtest.h>

#include <random>

#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/quantize/integer_tester.h"

namespace mace::ops {
namespace {

struct Case {
  DType x_type, weight_type;
  int64_t height, width, channels, outputs, kernel, stride, dilation, groups;
  Padding padding;
  bool per_channel;
  Rounding rounding;
};

int64_t OutputSize(const Case& c, int64_t in) {
  if (c.padding != Padding::kExplicit) return (in + c.stride - 1) / c.stride;
  return (in - (c.kernel - 1) * c.dilation - 1) / c.stride + 1;
}

int64_t PadBefore(const Case& c, int64_t in, int64_t out) {
  if (c.padding == Padding::kExplicit) return 0;
  const int64_t total = std::max<int64_t>((out - 1) * c.stride + (c.kernel - 1) * c.dilation + 1 - in, 0);
  return c.padding == Padding::kSameUpper ? total / 2 : total - total / 2;
}

void CheckCase(const Case& c, uint32_t seed) {
  std::mt19937 random(seed);
  const int64_t group_channels = c.channels / c.groups;
  const IntegerTensor x = RandomTensor(&random, c.x_type, {2, c.height, c.width, c.channels}, {0.05f},
                                       {c.x_type == DType::kU8   ? 100
                                        : c.x_type == DType::kI8 ? -7
                                                                 : 0});
  std::vector<float> scales(c.per_channel ? static_cast<size_t>(c.outputs) : 1);
  for (size_t i = 0; i < scales.size(); ++i) scales[i] = 0.01f + 0.003f * static_cast<float>(i);
  const std::vector<int32_t> zero_points(scales.size(), c.weight_type == DType::kU8 ? 120 : 0);
  const IntegerTensor weights =
      RandomTensor(&random, c.weight_type, {c.outputs, c.kernel, c.kernel, group_channels}, scales,
                   zero_points, c.per_channel ? 0 : kNone);
  const IntegerTensor bias = RandomTensor(&random, DType::kI32, {c.outputs}, {}, {});
  Conv2dAttributes attributes;
  attributes.strides = {c.stride, c.stride};
  attributes.dilations = {c.dilation, c.dilation};
  attributes.groups = c.groups;
  attributes.padding = c.padding;
  attributes.rounding = c.rounding;
  const float y_scale = c.x_type == DType::kI16 ? 0.7f : 0.9f;
  std::vector<IntegerTensor> y = {{c.x_type, {}, {}, {y_scale}, {c.x_type == DType::kU8 ? 128 : 0}}};
  const Status status = RunIntegers(OpId::kConv2d, attributes, {x, weights, bias}, &y);
  ASSERT_TRUE(status.ok()) << status.message();
  const int64_t out_height = OutputSize(c, c.height), out_width = OutputSize(c, c.width);
  ASSERT_EQ(y[0].shape, (Shape{2, out_height, out_width, c.outputs}));
  const int64_t top = PadBefore(c, c.height, out_height), left = PadBefore(c, c.width, out_width);
  size_t index = 0;
  for (int64_t n = 0; n < 2; ++n) {
    for (int64_t i = 0; i < out_height; ++i) {
      for (int64_t j = 0; j < out_width; ++j) {
        for (int64_t o = 0; o < c.outputs; ++o, ++index) {
          const auto channel = static_cast<size_t>(o);
          double sum = bias.values[channel] * x.scale() * weights.scale(channel);
          for (int64_t a = 0; a < c.kernel; ++a) {
            for (int64_t b = 0; b < c.kernel; ++b) {
              const int64_t row = i * c.stride + a * c.dilation - top;
              const int64_t column = j * c.stride + b * c.dilation - left;
              if (row < 0 || row >= c.height || column < 0 || column >= c.width) continue;
              for (int64_t k = 0; k < group_channels; ++k) {
                const int64_t source = o / (c.outputs / c.groups) * group_channels + k;
                sum += x.real(static_cast<size_t>(((n * c.height + row) * c.width + column) * c.channels +
                                                  source)) *
                       weights.real(
                           static_cast<size_t>(((o * c.kernel + a) * c.kernel + b) * group_channels + k),
                           channel);
              }
            }
          }
          // Two roundings add at most half a unit of the first one; 16-bit multipliers are that much off.
          ExpectStored(y[0], index, sum, c.x_type == DType::kI16 ? 0.3 : 1e-2);
        }
      }
    }
  }
}

TEST(Conv2dInteger, NearestToTheExactResult) {
  const Padding kValid = Padding::kExplicit, kSame = Padding::kSameUpper, kLower = Padding::kSameLower;
  const Rounding kOnnx = Rounding::kHalfEvenFloat, kDouble = Rounding::kTfliteDouble,
                 kSingle = Rounding::kTfliteSingle;
  const Case cases[] = {
      {DType::kU8, DType::kU8, 7, 5, 3, 4, 3, 1, 1, 1, kSame, false, kDouble},
      {DType::kU8, DType::kI8, 7, 5, 3, 4, 3, 2, 1, 1, kLower, true, kOnnx},
      {DType::kI8, DType::kI8, 8, 9, 5, 7, 1, 1, 1, 1, kValid, true, kSingle},
      {DType::kI8, DType::kI8, 9, 8, 6, 6, 3, 1, 2, 6, kSame, true, kDouble},  // depthwise
      {DType::kI8, DType::kI8, 9, 8, 3, 9, 3, 2, 1, 3, kValid, true, kOnnx},   // depthwise with multiplier 3
      {DType::kU8, DType::kU8, 9, 8, 4, 6, 2, 3, 1, 2, kValid, false, kOnnx},  // groups, stride over kernel
      {DType::kI8, DType::kU8, 4, 4, 2, 3, 5, 1, 1, 1, kSame, false, kOnnx},   // kernel over input
      {DType::kI16, DType::kI8, 6, 6, 4, 5, 3, 1, 1, 1, kSame, true, kDouble},
      {DType::kI8, DType::kI8, 3, 3, 4, 130, 1, 1, 1, 1, kValid, true, kDouble},  // three groups of channels
      {DType::kI8, DType::kI8, 3, 3, 70, 70, 3, 1, 1, 70, kSame, true, kOnnx},    // depthwise, two of them
  };
  uint32_t seed = 1;
  for (const Case& c : cases) {
    SCOPED_TRACE(seed);
    CheckCase(c, seed++);
  }
}

TEST(Conv2dInteger, HalvesGoToEvenInTheOnnxForm) {
  Conv2dAttributes attributes;
  const IntegerTensor weights = {DType::kI8, {1, 1, 1, 1}, {1}, {0.5f}, {0}, kNone};
  const IntegerTensor x = {DType::kI8, {1, 1, 4, 1}, {1, 3, -1, -3}, {1.0f}, {0}, kNone};
  std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {1.0f}, {0}}};
  ASSERT_TRUE(RunIntegers(OpId::kConv2d, attributes, {x, weights}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{0, 2, 0, -2}));
  attributes.rounding = Rounding::kTfliteDouble;  // -0.5 is exact after the first rounding: away from zero
  ASSERT_TRUE(RunIntegers(OpId::kConv2d, attributes, {x, weights}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{1, 2, 0, -1}));
}

TEST(Conv2dInteger, RefusesWrongQuantization) {
  std::mt19937 random(1);
  const IntegerTensor x = RandomTensor(&random, DType::kI8, {1, 3, 3, 2}, {0.1f}, {0});
  IntegerTensor weights = RandomTensor(&random, DType::kI8, {4, 1, 1, 2}, {0.1f, 0.1f}, {0, 0}, 0);
  std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {1.0f}, {0}}};
  EXPECT_FALSE(RunIntegers(OpId::kConv2d, Conv2dAttributes(), {x, weights}, &y).ok());
  weights.scales = {0.1f};
  weights.zero_points = {1000};
  EXPECT_FALSE(RunIntegers(OpId::kConv2d, Conv2dAttributes(), {x, weights}, &y).ok());
  weights.scales = {};
  weights.zero_points = {};
  EXPECT_FALSE(RunIntegers(OpId::kConv2d, Conv2dAttributes(), {x, weights}, &y).ok());
}

TEST(Conv2dInteger, NoElements) {
  std::mt19937 random(1);
  const IntegerTensor x = RandomTensor(&random, DType::kI8, {0, 3, 3, 2}, {0.1f}, {0});
  const IntegerTensor weights = RandomTensor(&random, DType::kI8, {4, 1, 1, 2}, {0.1f}, {0});
  std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {1.0f}, {0}}};
  ASSERT_TRUE(RunIntegers(OpId::kConv2d, Conv2dAttributes(), {x, weights}, &y).ok());
  EXPECT_EQ(y[0].shape, (Shape{0, 3, 3, 4}));
}

}  // namespace
}  // namespace mace::ops
