// Against direct sums in float64, written output-first for Conv2d and stamped input-first for
// ConvTranspose2d, and shape rules. ONNX Runtime's answers: onnx_cases_test.
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/convolution/conv_transpose2d.h"
#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

// Padded copy of x, then the textbook sum: shares no index arithmetic with the reference.
std::vector<float> NaiveConv2d(const std::vector<float>& x, const Shape& in, const std::vector<float>& w,
                               const Shape& kernel, const Conv2dAttributes& a, Shape* out) {
  const int64_t h = in[1] + a.pads[0] + a.pads[2], wd = in[2] + a.pads[1] + a.pads[3], c = in[3];
  std::vector<double> padded(in[0] * h * wd * c, 0.0);
  for (int64_t n = 0; n < in[0]; ++n)
    for (int64_t i = 0; i < in[1]; ++i)
      for (int64_t j = 0; j < in[2] * c; ++j)
        padded[((n * h + i + a.pads[0]) * wd + a.pads[1]) * c + j] = x[(n * in[1] + i) * in[2] * c + j];
  *out = {in[0], (h - a.dilations[0] * (kernel[1] - 1) - 1) / a.strides[0] + 1,
          (wd - a.dilations[1] * (kernel[2] - 1) - 1) / a.strides[1] + 1, kernel[0]};
  std::vector<float> y;
  const int64_t per_group = kernel[0] / a.groups;
  for (int64_t n = 0; n < (*out)[0]; ++n)
    for (int64_t i = 0; i < (*out)[1]; ++i)
      for (int64_t j = 0; j < (*out)[2]; ++j)
        for (int64_t o = 0; o < kernel[0]; ++o) {
          double sum = 0;
          for (int64_t p = 0; p < kernel[1]; ++p)
            for (int64_t q = 0; q < kernel[2]; ++q)
              for (int64_t k = 0; k < kernel[3]; ++k) {
                const int64_t row = i * a.strides[0] + p * a.dilations[0];
                const int64_t column = j * a.strides[1] + q * a.dilations[1];
                sum += padded[((n * h + row) * wd + column) * c + o / per_group * kernel[3] + k] *
                       w[((o * kernel[1] + p) * kernel[2] + q) * kernel[3] + k];
              }
          y.push_back(static_cast<float>(sum));
        }
  return y;
}

TEST(Conv2d, MatchesNaiveSums) {
  struct {
    Shape x, w;
    Conv2dAttributes attributes;
  } cases[] = {
      {{2, 6, 5, 3}, {4, 3, 3, 3}, {.strides = {2, 1}, .pads = {1, 0, 2, 1}}},
      {{1, 7, 9, 6}, {6, 3, 2, 1}, {.dilations = {2, 3}, .pads = {2, 2, 2, 2}, .groups = 6}},
      {{1, 5, 5, 4}, {6, 1, 1, 2}, {.strides = {3, 4}, .groups = 2}},
      {{1, 1, 1, 5}, {3, 5, 5, 5}, {.pads = {2, 2, 2, 2}}},
  };
  for (auto& one : cases) {
    const auto x = TestValues(one.x.ElementCount(), 1), w = TestValues(one.w.ElementCount(), 2);
    OpTester tester(OpId::kConv2d);
    tester.attributes<Conv2dAttributes>() = one.attributes;
    ASSERT_OK(tester.Input(one.x, x).Input(one.w, w).Run());
    Shape expected;
    const auto y = NaiveConv2d(x, one.x, w, one.w, one.attributes, &expected);
    EXPECT_TRUE(tester.output().shape == expected) << ShapeText(expected).text;
    ExpectNear(tester.Output<float>(), y);
  }
}

TEST(Conv2d, NanReachesOnlyItsWindows) {
  OpTester tester(OpId::kConv2d);
  tester.attributes<Conv2dAttributes>().pads = {0, 1, 0, 1};
  ASSERT_OK(tester.Input<float>({1, 1, 4, 1}, {std::nanf(""), 1, 2, 3})
                .Input<float>({1, 1, 3, 1}, {1, 1, 1})
                .Run());
  ExpectNear(tester.Output<float>(), {std::nanf(""), std::nanf(""), 6, 5});
}

TEST(Conv2d, ZeroSizes) {
  OpTester no_batch(OpId::kConv2d);
  ASSERT_OK(no_batch.Input<float>({0, 4, 4, 2}, {}).Input<float>({3, 1, 1, 2}, TestValues(6)).Run());
  EXPECT_TRUE(no_batch.output().shape == (Shape{0, 4, 4, 3}));
  OpTester no_channels(OpId::kConv2d);  // sums of nothing: the bias
  ASSERT_OK(
      no_channels.Input<float>({1, 2, 1, 0}, {}).Input<float>({1, 1, 1, 0}, {}).Input<float>({1}, {7}).Run());
  ExpectNear(no_channels.Output<float>(), {7, 7});
}

TEST(Conv2d, OpenDimensions) {
  OpTester tester(OpId::kConv2d);
  std::vector<TensorType> y;
  const int64_t s = SymbolDim(0);
  const TensorType x = {DType::kF32, {s, s, 8, 3}, kNone}, w = {DType::kF32, {4, 3, 3, 3}, kNone};
  ASSERT_OK(tester.Infer({x, w}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{s, kUnknownDim, 6, 4}));
  tester.attributes<Conv2dAttributes>().padding = Padding::kSameUpper;
  ASSERT_OK(tester.Infer({x, w}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{s, s, 8, 4}));
}

TEST(Conv2d, Refusals) {
  const TensorType x = {DType::kF32, {1, 8, 8, 3}, kNone};
  const auto infer = [&](const Shape& w, const Conv2dAttributes& attributes) {
    OpTester tester(OpId::kConv2d);
    tester.attributes<Conv2dAttributes>() = attributes;
    std::vector<TensorType> y;
    return tester.Infer({x, {DType::kF32, w, kNone}}, &y);
  };
  EXPECT_OK(infer({4, 3, 3, 3}, {}));
  EXPECT_ERROR(infer({4, 3, 3, 2}, {}), kInvalidArgument);
  EXPECT_ERROR(infer({4, 3, 3, 1}, {.groups = 3}), kInvalidArgument);
  EXPECT_ERROR(infer({4, 9, 3, 3}, {}), kInvalidArgument);
  EXPECT_ERROR(infer({4, 0, 3, 3}, {}), kInvalidArgument);
  EXPECT_ERROR(infer({4, 3, 3, 3}, {.strides = {0, 1}}), kInvalidArgument);
  EXPECT_ERROR(infer({4, 3, 3, 3}, {.strides = {1}}), kInvalidArgument);
  EXPECT_ERROR(infer({4, 3, 3, 3}, {.dilations = {1, -1}}), kInvalidArgument);
  EXPECT_ERROR(infer({4, 3, 3, 3}, {.pads = {0, 0, -1, 0}}), kInvalidArgument);
  EXPECT_ERROR(infer({4, 3, 3, 3}, {.pads = {0, INT64_MAX, 0, INT64_MAX}}), kInvalidArgument);
  EXPECT_ERROR(infer({4, 3, 3, 3}, {.groups = INT64_MAX}), kInvalidArgument);
  EXPECT_ERROR(infer({4, 3, 3, 3}, {.groups = 0}), kInvalidArgument);
  EXPECT_ERROR(infer({3, 3, 3}, {}), kInvalidArgument);
}

// A kernel of 2^31 taps in the padding alone must not be walked.
TEST(Conv2d, HugePaddingCostsNothing) {
  OpTester tester(OpId::kAveragePool2d);
  std::vector<TensorType> y;
  OpTester conv(OpId::kConv2d);
  conv.attributes<Conv2dAttributes>() = {.strides = {2147483647, 1}, .pads = {2147483647, 0, 0, 0}};
  ASSERT_OK(conv.Input<float>({1, 1, 1, 1}, {3}).Input<float>({1, 1, 1, 1}, {2}).Run());
  ExpectNear(conv.Output<float>(), {0, 6});
}

TEST(ConvTranspose2d, MatchesStampedSums) {
  const Shape x_shape = {2, 3, 2, 4}, w_shape = {6, 3, 2, 2};
  ConvTranspose2dAttributes a = {
      .strides = {2, 3}, .dilations = {2, 1}, .pads = {1, 0, 2, 1}, .output_padding = {1, 2}, .groups = 2};
  const auto x = TestValues(x_shape.ElementCount(), 3), w = TestValues(w_shape.ElementCount(), 4);
  OpTester tester(OpId::kConvTranspose2d);
  tester.attributes<ConvTranspose2dAttributes>() = a;
  ASSERT_OK(tester.Input(x_shape, x).Input(w_shape, w).Run());
  const int64_t oh = 2 * 2 + 1 + 2 * 2 + 1 - 3, ow = 3 * 1 + 2 + 1 + 1 - 1;
  ASSERT_TRUE(tester.output().shape == (Shape{2, oh, ow, 6})) << ShapeText(tester.output().shape).text;
  std::vector<double> sums(2 * oh * ow * 6, 0.0);
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t i = 0; i < 3; ++i)
      for (int64_t j = 0; j < 2; ++j)
        for (int64_t o = 0; o < 6; ++o)
          for (int64_t p = 0; p < 3; ++p)
            for (int64_t q = 0; q < 2; ++q)
              for (int64_t k = 0; k < 2; ++k) {
                const int64_t row = i * 2 - 1 + p * 2, column = j * 3 + q;
                if (row < 0 || row >= oh || column < 0 || column >= ow) continue;
                sums[((n * oh + row) * ow + column) * 6 + o] +=
                    static_cast<double>(x[((n * 3 + i) * 2 + j) * 4 + o / 3 * 2 + k]) *
                    w[((o * 3 + p) * 2 + q) * 2 + k];
              }
  ExpectNear(tester.Output<float>(), std::vector<float>(sums.begin(), sums.end()));
}

TEST(ConvTranspose2d, Refusals) {
  const auto infer = [](const ConvTranspose2dAttributes& attributes) {
    OpTester tester(OpId::kConvTranspose2d);
    tester.attributes<ConvTranspose2dAttributes>() = attributes;
    std::vector<TensorType> y;
    return tester.Infer({{DType::kF32, {1, 2, 2, 3}, kNone}, {DType::kF32, {4, 2, 2, 3}, kNone}}, &y);
  };
  EXPECT_OK(infer({}));
  EXPECT_ERROR(infer({.output_padding = {1, 0}}), kInvalidArgument);
  EXPECT_ERROR(infer({.output_padding = {0}}), kInvalidArgument);
  EXPECT_ERROR(infer({.pads = {9, 0, 0, 0}}), kInvalidArgument);
  EXPECT_ERROR(infer({.strides = {INT64_MAX, 1}}), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
