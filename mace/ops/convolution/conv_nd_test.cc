// ConvNd against Conv2d, and ConvTransposeNd as the adjoint of ConvNd: <conv(x), y> = <x, transposed(y)>.
#include "mace/ops/convolution/conv_nd.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

std::vector<double> Wide(const std::vector<float>& values) { return {values.begin(), values.end()}; }

double Dot(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

TEST(ConvNd, IsConv2dOverTwoAxes) {
  const Conv2dAttributes cases[] = {
      {.strides = {2, 1}, .pads = {1, 0, 2, 1}},
      {.dilations = {2, 3}, .pads = {2, 2, 2, 2}, .groups = 2},
      {.strides = {3, 2}, .padding = Padding::kSameLower},
  };
  for (const Conv2dAttributes& one : cases) {
    const Shape in = {2, 7, 6, 4}, kernel = {6, 3, 2, 4 / one.groups};
    const auto x = TestValues(in.ElementCount(), 1), w = TestValues(kernel.ElementCount(), 2);
    const auto bias = TestValues(6, 3);
    OpTester image(OpId::kConv2d), narrow(OpId::kConvNd), wide(OpId::kConvNd);
    image.attributes<Conv2dAttributes>() = one;
    for (OpTester* tester : {&narrow, &wide}) {
      tester->attributes<ConvNdAttributes>() = {one.strides, one.dilations, one.pads, one.padding,
                                                one.groups};
    }
    ASSERT_OK(image.Input(in, x).Input(kernel, w).Input({6}, bias).Run());
    ASSERT_OK(narrow.Input(in, x).Input(kernel, w).Input({6}, bias).Run());
    ASSERT_OK(wide.Input(in, Wide(x)).Input(kernel, Wide(w)).Input({6}, Wide(bias)).Run());
    EXPECT_TRUE(narrow.output().shape == image.output().shape);
    ExpectNear(narrow.Output<float>(), image.Output<float>());
    const auto doubles = wide.Output<double>();
    ExpectNear({doubles.begin(), doubles.end()}, image.Output<float>());
  }
}

// A window over three axes is the sum over its planes of windows over two.
TEST(ConvNd, SumsPlanes) {
  const auto x = TestValues(4 * 5 * 6 * 2, 1), w = TestValues(3 * 2 * 3 * 3 * 2, 2);
  OpTester volume(OpId::kConvNd);
  volume.attributes<ConvNdAttributes>().strides = {2, 1, 1};
  ASSERT_OK(volume.Input({1, 4, 5, 6, 2}, x).Input({3, 2, 3, 3, 2}, w).Run());
  ASSERT_TRUE(volume.output().shape == (Shape{1, 2, 3, 4, 3}));
  const auto y = volume.Output<float>();
  for (int depth = 0; depth < 2; ++depth) {
    std::vector<float> sum(3 * 4 * 3);
    for (int tap = 0; tap < 2; ++tap) {
      const auto plane = x.begin() + (2 * depth + tap) * 60;
      std::vector<float> taps;
      for (int o = 0; o < 3; ++o) {
        taps.insert(taps.end(), w.begin() + (o * 2 + tap) * 18, w.begin() + (o * 2 + tap + 1) * 18);
      }
      OpTester image(OpId::kConv2d);
      ASSERT_OK(image.Input<float>({1, 5, 6, 2}, {plane, plane + 60}).Input({3, 3, 3, 2}, taps).Run());
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += image.Output<float>()[i];
    }
    ExpectNear({y.begin() + depth * 36, y.begin() + (depth + 1) * 36}, sum, 1e-5);
  }
}

TEST(ConvTransposeNd, IsTheAdjoint) {
  struct Case {
    Shape x, y;  // of ConvNd: its input and output
    IntList kernel, strides, dilations, pads, output_padding;
    int64_t groups;
  };
  const Case cases[] = {
      {{2, 9, 4}, {2, 4, 6}, {3}, {2}, {1}, {0, 0}, {0}, 2},
      {{1, 6, 7, 4}, {1, 3, 4, 2}, {3, 2}, {2, 2}, {1, 2}, {1, 1, 1, 1}, {1, 0}, 1},
      {{1, 4, 5, 6, 2}, {1, 3, 3, 4, 3}, {2, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0, 0, 0, 0}, {0, 0, 0}, 1},
  };
  for (const Case& one : cases) {
    const int last = one.x.rank - 1;
    const int64_t in = one.x[last], out = one.y[last], groups = one.groups;
    Shape forward = {out}, backward = {in};
    for (int64_t taps : one.kernel) forward.Push(taps), backward.Push(taps);
    forward.Push(in / groups), backward.Push(out / groups);
    const auto w = Wide(TestValues(forward.ElementCount(), 3));
    const int64_t taps = forward.Product(1, last), from = in / groups, to = out / groups;
    std::vector<double> turned(w.size());
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t o = 0; o < to; ++o)
        for (int64_t t = 0; t < taps; ++t)
          for (int64_t i = 0; i < from; ++i)
            turned[((g * from + i) * taps + t) * to + o] = w[((g * to + o) * taps + t) * from + i];
    const auto x = Wide(TestValues(one.x.ElementCount(), 1)), y = Wide(TestValues(one.y.ElementCount(), 2));
    OpTester convolution(OpId::kConvNd), transposed(OpId::kConvTransposeNd);
    convolution.attributes<ConvNdAttributes>() = {one.strides, one.dilations, one.pads, Padding::kExplicit,
                                                  groups};
    auto& attributes = transposed.attributes<ConvTransposeNdAttributes>();
    attributes.strides = one.strides;
    attributes.dilations = one.dilations;
    attributes.pads = one.pads;
    attributes.output_padding = one.output_padding;
    attributes.groups = groups;
    ASSERT_OK(convolution.Input(one.x, x).Input(forward, w).Run());
    ASSERT_OK(transposed.Input(one.y, y).Input(backward, turned).Run());
    ASSERT_TRUE(convolution.output().shape == one.y) << ShapeText(convolution.output().shape).text;
    ASSERT_TRUE(transposed.output().shape == one.x) << ShapeText(transposed.output().shape).text;
    EXPECT_NEAR(Dot(convolution.Output<double>(), y), Dot(x, transposed.Output<double>()), 1e-10);
  }
}

TEST(ConvTransposeNd, OutputShapes) {
  const std::vector<float> ones(3, 1.0f);
  struct {
    IntList shape;
    Padding padding;
    std::vector<float> expected;
  } cases[] = {
      // Stamps of three ones, two apart: 1 1 2 1 2 1 1, cut at one side or both, or with nothing behind.
      {{6}, Padding::kExplicit, {1, 2, 1, 2, 1, 1}},   {{6}, Padding::kSameUpper, {1, 1, 2, 1, 2, 1}},
      {{5}, Padding::kSameLower, {1, 2, 1, 2, 1}},     {{8}, Padding::kExplicit, {1, 1, 2, 1, 2, 1, 1, 0}},
      {{}, Padding::kSameUpper, {1, 1, 2, 1, 2, 1}},   {{}, Padding::kSameLower, {1, 2, 1, 2, 1, 1}},
      {{}, Padding::kExplicit, {1, 1, 2, 1, 2, 1, 1}},
  };
  for (const auto& one : cases) {
    OpTester tester(OpId::kConvTransposeNd);
    auto& attributes = tester.attributes<ConvTransposeNdAttributes>();
    attributes.strides = {2};
    attributes.output_shape = one.shape;
    attributes.padding = one.padding;
    ASSERT_OK(tester.Input<float>({1, 3, 1}, ones).Input<float>({1, 3, 1}, ones).Run());
    ExpectNear(tester.Output<float>(), one.expected);
  }
}

TEST(ConvNd, OpenDimensionsAndRefusals) {
  std::vector<TensorType> inferred;
  OpTester tester(OpId::kConvNd);
  const TensorType weights = {DType::kF32, {8, 3, 3, 3, 4}, kNone};
  ASSERT_OK(tester.Infer({{DType::kF32, {SymbolDim(0), kUnknownDim, 5, 6, 4}, kNone}, weights}, &inferred));
  EXPECT_TRUE(inferred[0].shape == (Shape{SymbolDim(0), kUnknownDim, 3, 4, 8}));
  EXPECT_ERROR(tester.Infer({{DType::kF32, {1, 5, 5, 5, 3}, kNone}, weights}, &inferred), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kF64, {1, 5, 5, 5, 4}, kNone}, weights}, &inferred), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kI8, {1, 5, 5, 5, 4}, kNone}, weights}, &inferred), kUnsupported);
  EXPECT_ERROR(tester.Infer({{DType::kF32, {1, 5, 5, 4}, kNone}, weights}, &inferred), kInvalidArgument);
  tester.attributes<ConvNdAttributes>().strides = {1, 1};
  EXPECT_ERROR(tester.Infer({{DType::kF32, {1, 5, 5, 5, 4}, kNone}, weights}, &inferred), kInvalidArgument);
}

TEST(ConvNd, ZeroSizes) {
  OpTester no_channels(OpId::kConvNd);
  ASSERT_OK(
      no_channels.Input<float>({1, 3, 0}, {}).Input<float>({2, 2, 0}, {}).Input<float>({2}, {5, 6}).Run());
  ExpectNear(no_channels.Output<float>(), {5, 6, 5, 6});
  OpTester no_batch(OpId::kConvTransposeNd);
  ASSERT_OK(no_batch.Input<float>({0, 3, 1}, {}).Input<float>({2, 2, 1}, {1, 2, 3, 4}).Run());
  EXPECT_TRUE(no_batch.output().shape == (Shape{0, 4, 2}));
}

}  // namespace
}  // namespace mace::ops
