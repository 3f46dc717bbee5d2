// On images whose bins are known: a mean of samples of a plane is the plane at the middle of the bin.
#include "mace/ops/detection/roi_align.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

// [1, rows, columns, 2]: 3 * row + column, and its negative.
std::vector<float> Plane(int rows, int columns) {
  std::vector<float> x;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const auto value = static_cast<float>(3 * row + column);
      x.push_back(value);
      x.push_back(-value);
    }
  }
  return x;
}

TEST(RoiAlign, MeansOfAPlane) {
  for (const int64_t ratio : {0, 1, 3}) {
    for (const bool half_pixel : {false, true}) {
      OpTester tester(OpId::kRoiAlign);
      auto& attributes = tester.attributes<RoiAlignAttributes>();
      attributes.output_height = 2;
      attributes.output_width = 3;
      attributes.sampling_ratio = ratio;
      attributes.spatial_scale = 0.5f;
      attributes.half_pixel = half_pixel;
      // In x's pixels: columns 1 to 7, rows 2 to 7.
      ASSERT_OK(tester.Input({1, 10, 12, 2}, Plane(10, 12))
                    .Input<float>({1, 4}, {2, 4, 14, 14})
                    .Input<int64_t>({1}, {0})
                    .Run());
      ASSERT_TRUE(tester.output().shape == (Shape{1, 2, 3, 2}));
      std::vector<float> expected;
      const float offset = half_pixel ? 0.5f : 0;
      for (int row = 0; row < 2; ++row) {
        for (int column = 0; column < 3; ++column) {
          const float y = 2 - offset + 2.5f * (static_cast<float>(row) + 0.5f);
          const float x = 1 - offset + 2 * (static_cast<float>(column) + 0.5f);
          expected.push_back(3 * y + x);
          expected.push_back(-(3 * y + x));
        }
      }
      ExpectNear(tester.Output<float>(), expected);
    }
  }
}

TEST(RoiAlign, MaximumOfWeightedNeighbours) {
  OpTester tester(OpId::kRoiAlign);
  tester.attributes<RoiAlignAttributes>() = {.sampling_ratio = 1, .half_pixel = false, .maximum = true};
  // One sample at (1, 0.75): a quarter of 3, three quarters of 5.
  ASSERT_OK(tester.Input<double>({1, 2, 2, 1}, {1, 2, 3, 5})
                .Input<double>({1, 4}, {0, 0.5, 1.5, 1.5})
                .Input<int64_t>({1}, {0})
                .Run());
  EXPECT_DOUBLE_EQ(tester.Output<double>()[0], 3.75);
}

TEST(RoiAlign, OutsideAndHugeBoxes) {
  OpTester tester(OpId::kRoiAlign);
  ASSERT_OK(tester.Input<float>({1, 2, 2, 1}, {1, 1, 1, 1})
                .Input<float>({4, 4}, {50, 50, 60, 60, -1e20f, -1e20f, 1e20f, 1e20f, 3, 3, 1, 1, 0.5f, 0.5f, 1.5f, 1.5f})
                .Input<int64_t>({4}, {0, 0, 0, 0})
                .Run());
  const auto y = tester.Output<float>();
  EXPECT_EQ(y[0], 0);            // outside
  EXPECT_NEAR(y[1], 0, 1e-6);    // the image is next to nothing of the box
  EXPECT_EQ(y[2], 0);            // ends before it begins
  EXPECT_EQ(y[3], 1);
  OpTester wrong(OpId::kRoiAlign);
  EXPECT_ERROR(wrong.Input<float>({1, 2, 2, 1}, {1, 1, 1, 1})
                   .Input<float>({1, 4}, {0, 0, 1, 1})
                   .Input<int64_t>({1}, {1})
                   .Run(),
               kInvalidArgument);
}

TEST(MaxRoiPool, LargestOfEachBin) {
  OpTester tester(OpId::kMaxRoiPool);
  tester.attributes<MaxRoiPoolAttributes>() = {.output_height = 2, .output_width = 2};
  // Columns 1 to 4, rows 0 to 3: bins of two pixels; a box outside has none.
  ASSERT_OK(
      tester.Input({1, 6, 6, 2}, Plane(6, 6)).Input<float>({2, 5}, {0, 1, 0, 4, 3, 0, 9, 9, 12, 12}).Run());
  ASSERT_TRUE(tester.output().shape == (Shape{2, 2, 2, 2}));
  ExpectNear(tester.Output<float>(), {5, -1, 7, -3, 11, -7, 13, -9, 0, 0, 0, 0, 0, 0, 0, 0});
}

TEST(RoiAlign, Refusals) {
  std::vector<TensorType> inferred;
  OpTester tester(OpId::kRoiAlign);
  const TensorType x = {DType::kF32, {1, 4, 4, 3}, kNone}, indices = {DType::kI64, {kUnknownDim}, kNone};
  ASSERT_OK(tester.Infer({x, {DType::kF32, {SymbolDim(1), 4}, kNone}, indices}, &inferred));
  EXPECT_TRUE(inferred[0].shape == (Shape{SymbolDim(1), 1, 1, 3}));
  EXPECT_ERROR(tester.Infer({x, {DType::kF32, {2, 5}, kNone}, indices}, &inferred), kInvalidArgument);
  tester.attributes<RoiAlignAttributes>().sampling_ratio = -1;
  EXPECT_ERROR(tester.Infer({x, {DType::kF32, {2, 4}, kNone}, indices}, &inferred), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
