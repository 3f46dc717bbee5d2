// Numbers of ONNX's reference implementation (onnx 1.23, onnx.reference), and Resize where both can.
#include "mace/ops/movement/resize_nd.h"

#include <algorithm>
#include <utility>

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

std::vector<float> Squares() { return {0, 1, 4, 9, 16, 25, 36, 49}; }
const std::vector<float> kPowers = {1, 2, 4, 8, 16, 32};  // [2, 3]

TEST(ResizeNd, Cubic) {
  OpTester tester(OpId::kResizeNd);
  tester.attributes<ResizeNdAttributes>().mode = ResizeNdMode::kCubic;
  ASSERT_OK(tester.Input<float>({2, 3}, kPowers).NoInput().Input<float>({2}, {2, 1.5f}).Run());
  ASSERT_TRUE(tester.output().shape == (Shape{4, 4}));
  ExpectNear(tester.Output<float>(),
             {0.239f, 0.343506f, 0.621279f, 0.976296f, 2.361464f, 3.394043f, 6.138608f, 9.646385f, 5.857286f,
              8.418457f, 15.225975f, 23.926531f, 7.97975f, 11.468994f, 20.743303f, 32.596622f});
}

TEST(ResizeNd, CubicWithoutWhatIsOutside) {
  OpTester tester(OpId::kResizeNd);
  auto& attributes = tester.attributes<ResizeNdAttributes>();
  attributes.mode = ResizeNdMode::kCubic;
  attributes.exclude_outside = true;
  attributes.cubic_coefficient = -0.5f;
  attributes.coordinate_mode = CoordinateMode::kAsymmetric;
  ASSERT_OK(tester.Input<float>({2, 3}, kPowers).NoInput().Input<float>({2}, {2, 1.5f}).Run());
  ExpectNear(tester.Output<float>(),
             {1, 1.535714f, 2.714286f, 4, 4.5f, 6.910715f, 12.214286f, 18, 8, 12.285714f, 21.714285f, 32, 8.875f,
              13.629464f, 24.089285f, 35.5f});
}

TEST(ResizeNd, Antialias) {
  OpTester cubic(OpId::kResizeNd);
  cubic.attributes<ResizeNdAttributes>().mode = ResizeNdMode::kCubic;
  cubic.attributes<ResizeNdAttributes>().antialias = true;
  ASSERT_OK(cubic.Input<float>({2, 3}, kPowers).NoInput().NoInput().Input<int64_t>({2}, {1, 2}).Run());
  ExpectNear(cubic.Output<float>(), {5.34375f, 15.375f});

  OpTester linear(OpId::kResizeNd);
  linear.attributes<ResizeNdAttributes>().mode = ResizeNdMode::kLinear;
  linear.attributes<ResizeNdAttributes>().antialias = true;
  ASSERT_OK(linear.Input<float>({8}, Squares()).NoInput().Input<float>({1}, {0.4f}).Run());
  ExpectNear(linear.Output<float>(), {1.52f, 11.56f, 33.64f});
}

TEST(ResizeNd, LengthsThatAreNotWhole) {
  const std::pair<CoordinateMode, std::vector<float>> cases[] = {
      {CoordinateMode::kHalfPixelSymmetric, {1, 12.5f, 36}},
      {CoordinateMode::kAlignCorners, {0, 10.272727f, 40.727272f}},
  };
  for (const auto& [mode, expected] : cases) {
    OpTester tester(OpId::kResizeNd);
    tester.attributes<ResizeNdAttributes>().mode = ResizeNdMode::kLinear;
    tester.attributes<ResizeNdAttributes>().coordinate_mode = mode;
    ASSERT_OK(tester.Input<float>({8}, Squares()).NoInput().Input<float>({1}, {0.4f}).Run());
    ExpectNear(tester.Output<float>(), expected);
  }
}

TEST(ResizeNd, CropsARegion) {
  OpTester tester(OpId::kResizeNd);
  auto& attributes = tester.attributes<ResizeNdAttributes>();
  attributes.mode = ResizeNdMode::kLinear;
  attributes.coordinate_mode = CoordinateMode::kTfCropAndResize;
  attributes.extrapolation_value = 9;
  ASSERT_OK(tester.Input<float>({2, 3}, kPowers)
                .Input<float>({4}, {0.5f, -0.5f, 1.5f, 0.5f})
                .NoInput()
                .Input<int64_t>({2}, {3, 3})
                .Run());
  ExpectNear(tester.Output<float>(), {9, 4.5f, 9, 9, 8, 16, 9, 9, 9});
}

TEST(ResizeNd, KeepsTheAspectRatio) {
  OpTester larger(OpId::kResizeNd);
  larger.attributes<ResizeNdAttributes>().aspect_ratio = AspectRatio::kNotSmaller;
  ASSERT_OK(larger.Input<float>({2, 3}, kPowers).NoInput().NoInput().Input<int64_t>({2}, {5, 6}).Run());
  ASSERT_TRUE(larger.output().shape == (Shape{5, 8}));
  ExpectNear(larger.Output<float>(), {1, 1, 1,  2,  2,  4,  4,  4,  1, 1, 1, 2,  2,  4,  4,  4,  1,  1,  1,  2,
                                      2, 4, 4,  4,  8,  8,  8,  16, 16, 32, 32, 32, 8, 8, 8, 16, 16, 32, 32, 32});
  OpTester smaller(OpId::kResizeNd);
  smaller.attributes<ResizeNdAttributes>().aspect_ratio = AspectRatio::kNotLarger;
  smaller.attributes<ResizeNdAttributes>().axes = {1, 0};
  ASSERT_OK(smaller.Input<float>({2, 3}, kPowers).NoInput().NoInput().Input<int64_t>({2}, {5, 6}).Run());
  ASSERT_TRUE(smaller.output().shape == (Shape{3, 5}));
  ExpectNear(smaller.Output<float>(), {1, 1, 2, 4, 4, 1, 1, 2, 4, 4, 8, 8, 16, 32, 32});
}

TEST(ResizeNd, NearestOfAnyAxisAndType) {
  const std::pair<NearestMode, std::vector<int64_t>> cases[] = {
      {NearestMode::kRoundPreferFloor, {0, 0, 1, 1, 2, 2, 3, 3}},
      {NearestMode::kRoundPreferCeil, {0, 1, 1, 2, 2, 3, 3, 3}},
      {NearestMode::kFloor, {0, 0, 1, 1, 2, 2, 3, 3}},
      {NearestMode::kCeil, {0, 1, 1, 2, 2, 3, 3, 3}},
  };
  constexpr int64_t kLarge = (int64_t{1} << 60) + 1;  // no double
  for (const auto& [mode, expected] : cases) {
    OpTester tester(OpId::kResizeNd);
    auto& attributes = tester.attributes<ResizeNdAttributes>();
    attributes.nearest_mode = mode;
    attributes.coordinate_mode = CoordinateMode::kAsymmetric;
    attributes.axes = {0};
    ASSERT_OK(tester.Input<int64_t>({4, 1}, {kLarge, kLarge + 1, kLarge + 2, kLarge + 3})
                  .NoInput()
                  .Input<float>({1}, {2})
                  .Run());
    auto y = tester.Output<int64_t>();
    for (int64_t& element : y) element -= kLarge;
    EXPECT_EQ(y, expected);
  }
}

TEST(ResizeNd, IsResizeOfImages) {
  const auto x = TestValues(2 * 5 * 6 * 3);
  for (int mode = 0; mode < static_cast<int>(CoordinateMode::kTfCropAndResize); ++mode) {
    for (const bool linear : {false, true}) {
      OpTester image(OpId::kResize), any(OpId::kResizeNd);
      image.attributes<ResizeAttributes>().mode = linear ? ResizeMode::kLinear : ResizeMode::kNearest;
      image.attributes<ResizeAttributes>().coordinate_mode = static_cast<CoordinateMode>(mode);
      auto& attributes = any.attributes<ResizeNdAttributes>();
      attributes.mode = linear ? ResizeNdMode::kLinear : ResizeNdMode::kNearest;
      attributes.coordinate_mode = static_cast<CoordinateMode>(mode);
      attributes.axes = {1, 2};
      ASSERT_OK(image.Input({2, 5, 6, 3}, x).Input<float>({2}, {1.7f, 0.7f}).Run());
      ASSERT_OK(any.Input({2, 5, 6, 3}, x).NoInput().Input<float>({2}, {1.7f, 0.7f}).Run());
      ExpectNear(any.Output<float>(), image.Output<float>());
    }
  }
}

TEST(ResizeNd, IntegersAreCutOffAndSaturate) {
  OpTester tester(OpId::kResizeNd);
  tester.attributes<ResizeNdAttributes>().mode = ResizeNdMode::kCubic;
  // Cubic means leave the range at the edge of a step.
  ASSERT_OK(tester.Input<uint8_t>({6}, {0, 0, 0, 255, 255, 255}).NoInput().Input<float>({1}, {2}).Run());
  const auto y = tester.Output<uint8_t>();
  EXPECT_EQ(*std::min_element(y.begin(), y.end()), 0);
  EXPECT_EQ(*std::max_element(y.begin(), y.end()), 255);
  EXPECT_EQ(y[4], 0);
  EXPECT_EQ(y[7], 255);
}

TEST(ResizeNd, Refusals) {
  std::vector<TensorType> inferred;
  OpTester tester(OpId::kResizeNd);
  const TensorType x = {DType::kF32, {2, kUnknownDim}, kNone}, scales = {DType::kF32, {2}, kNone};
  EXPECT_ERROR(tester.Infer({x}, &inferred), kInvalidArgument);
  ASSERT_OK(tester.Infer({x, TensorType{}, scales}, &inferred));
  EXPECT_TRUE(inferred[0].shape == (Shape{kUnknownDim, kUnknownDim}));
  tester.attributes<ResizeNdAttributes>().axes = {1, 1};
  EXPECT_ERROR(tester.Infer({x, TensorType{}, scales}, &inferred), kInvalidArgument);
  tester.attributes<ResizeNdAttributes>().axes = {};
  tester.attributes<ResizeNdAttributes>().coordinate_mode = CoordinateMode::kTfCropAndResize;
  EXPECT_ERROR(tester.Infer({x, TensorType{}, scales}, &inferred), kInvalidArgument);
  OpTester image(OpId::kResize);
  image.attributes<ResizeAttributes>().coordinate_mode = CoordinateMode::kTfCropAndResize;
  EXPECT_ERROR(image.Infer({{DType::kF32, {1, 2, 2, 1}, kNone}, scales}, &inferred), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
