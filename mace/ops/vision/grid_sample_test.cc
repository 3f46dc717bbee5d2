// Numbers of ONNX's reference implementation (onnx 1.23, onnx.reference; of cubic means with borders, which
// it computes in another way, of onnxruntime 1.32), and grids that change nothing.
#include "mace/ops/vision/grid_sample.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

struct SampleCase {
  SampleMode mode;
  SamplePadding padding;
  bool align_corners;
  std::vector<float> expected;
};

const SampleCase kSampleCases[] = {
    {SampleMode::kNearest, SamplePadding::kZeros, false, {0, 2, 0, 0}},
    {SampleMode::kNearest, SamplePadding::kZeros, true, {8, 2, 32, 0}},
    {SampleMode::kNearest, SamplePadding::kBorder, false, {8, 2, 32, 2}},
    {SampleMode::kNearest, SamplePadding::kBorder, true, {8, 2, 32, 2}},
    {SampleMode::kNearest, SamplePadding::kReflection, false, {8, 2, 32, 16}},
    {SampleMode::kNearest, SamplePadding::kReflection, true, {8, 2, 32, 16}},
    {SampleMode::kLinear, SamplePadding::kZeros, false, {0, 2.475f, 0, 0}},
    {SampleMode::kLinear, SamplePadding::kZeros, true, {2.775f, 6, 14.08f, 0.33f}},
    {SampleMode::kLinear, SamplePadding::kBorder, false, {6.6f, 2.75f, 32, 2.3f}},
    {SampleMode::kLinear, SamplePadding::kBorder, true, {5.55f, 6, 32, 2.2f}},
    {SampleMode::kLinear, SamplePadding::kReflection, false, {8.25f, 2.75f, 20.8f, 18.4f}},
    {SampleMode::kLinear, SamplePadding::kReflection, true, {8.325f, 6, 17.46f, 15.29f}},
    {SampleMode::kCubic, SamplePadding::kZeros, false, {-0.797344f, 1.524686f, -0.649729f, 0}},
    {SampleMode::kCubic, SamplePadding::kZeros, true, {2.687915f, 6.802032f, 18.012577f, 0.061431f}},
    {SampleMode::kCubic, SamplePadding::kBorder, false, {6.768001f, 1.626868f, 32.383995f, 2.336658f}},
    {SampleMode::kCubic, SamplePadding::kBorder, true, {5.137928f, 5.71079f, 36.531849f, 2.001372f}},
    {SampleMode::kCubic, SamplePadding::kReflection, false, {7.8255f, 1.493127f, 22.404146f, 20.656054f}},
    {SampleMode::kCubic, SamplePadding::kReflection, true, {7.346322f, 4.542752f, 19.409836f, 16.954189f}},
};

TEST(GridSample, MatchesOnnx) {
  for (const SampleCase& one : kSampleCases) {
    SCOPED_TRACE(static_cast<int>(one.mode) * 100 + static_cast<int>(one.padding) * 10 + one.align_corners);
    OpTester tester(OpId::kGridSample);
    tester.attributes<GridSampleAttributes>() = {one.mode, one.padding, one.align_corners};
    ASSERT_OK(tester.Input<float>({1, 2, 3, 1}, {1, 2, 4, 8, 16, 32})
                  .Input<float>({1, 1, 4, 2}, {-1.5f, 0.3f, 0.25f, -0.6f, 1.2f, 1.9f, 0.1f, -2.7f})
                  .Run());
    ExpectNear(tester.Output<float>(), one.expected, 2e-6);
  }
}

// The identity's grid gives x back, in any number of axes; one that swaps the axes transposes it.
TEST(GridSample, IdentityGrids) {
  for (const bool align_corners : {false, true}) {
    OpTester grid(OpId::kAffineGrid);
    grid.attributes<AffineGridAttributes>().align_corners = align_corners;
    ASSERT_OK(grid.Input<double>({1, 3, 4}, {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0})
                  .Input<int64_t>({5}, {1, 2, 3, 4, 5})
                  .Run());
    ASSERT_TRUE(grid.output().shape == (Shape{1, 3, 4, 5, 3}));
    const auto x = TestValues(3 * 4 * 5 * 2);
    for (const SampleMode mode : {SampleMode::kNearest, SampleMode::kLinear, SampleMode::kCubic}) {
      OpTester tester(OpId::kGridSample);
      tester.attributes<GridSampleAttributes>() = {mode, SamplePadding::kZeros, align_corners};
      ASSERT_OK(tester.Input({1, 3, 4, 5, 2}, x).Input({1, 3, 4, 5, 3}, grid.Output<double>()).Run());
      ExpectNear(tester.Output<float>(), x);
    }
    OpTester swap(OpId::kAffineGrid), image(OpId::kGridSample);
    swap.attributes<AffineGridAttributes>().align_corners = align_corners;
    image.attributes<GridSampleAttributes>().align_corners = align_corners;
    ASSERT_OK(swap.Input<float>({1, 2, 3}, {0, 1, 0, 1, 0, 0}).Input<int64_t>({4}, {1, 1, 3, 2}).Run());
    ASSERT_OK(
        image.Input<float>({1, 2, 3, 1}, {1, 2, 3, 4, 5, 6}).Input({1, 3, 2, 2}, swap.Output<float>()).Run());
    ExpectNear(image.Output<float>(), {1, 4, 2, 5, 3, 6});
  }
}

TEST(AffineGrid, MovesAndScales) {
  OpTester tester(OpId::kAffineGrid);
  tester.attributes<AffineGridAttributes>().align_corners = true;
  ASSERT_OK(tester.Input<float>({1, 2, 3}, {2, 0, 0.5f, 0, 3, -1}).Input<int64_t>({4}, {1, 1, 1, 3}).Run());
  // An axis of one element has it in the middle.
  ExpectNear(tester.Output<float>(), {-1.5f, -1, 0.5f, -1, 2.5f, -1});
}

TEST(GridSample, MeansOfIntegersAreCutOff) {
  OpTester tester(OpId::kGridSample);
  tester.attributes<GridSampleAttributes>().align_corners = true;
  ASSERT_OK(tester.Input<int8_t>({1, 3, 1}, {-7, 10, 127}).Input<double>({1, 3, 1}, {-0.75, 0, 0.5}).Run());
  EXPECT_EQ(tester.Output<int8_t>(), (std::vector<int8_t>{-2, 10, 68}));  // -2.75, 10, 68.5
}

TEST(GridSample, PlacesThatAreNone) {
  const float nan = std::nanf("");
  for (const SamplePadding padding :
       {SamplePadding::kZeros, SamplePadding::kBorder, SamplePadding::kReflection}) {
    for (const SampleMode mode : {SampleMode::kNearest, SampleMode::kLinear, SampleMode::kCubic}) {
      OpTester tester(OpId::kGridSample);
      tester.attributes<GridSampleAttributes>() = {mode, padding, true};
      ASSERT_OK(tester.Input<float>({1, 3, 1}, {5, 6, 7}).Input<float>({1, 2, 1}, {nan, 1e30f}).Run());
      const float expected = padding == SamplePadding::kZeros ? 0 : 5;
      ExpectNear(tester.Output<float>(), {expected, expected});
    }
  }
}

TEST(GridSample, Refusals) {
  std::vector<TensorType> inferred;
  OpTester tester(OpId::kGridSample);
  const TensorType x = {DType::kF32, {SymbolDim(0), 4, 5, 3}, kNone};
  ASSERT_OK(tester.Infer({x, {DType::kF32, {2, kUnknownDim, 7, 2}, kNone}}, &inferred));
  EXPECT_TRUE(inferred[0].shape == (Shape{2, kUnknownDim, 7, 3}));
  EXPECT_ERROR(tester.Infer({x, {DType::kF32, {2, 7, 7, 3}, kNone}}, &inferred), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({x, {DType::kI64, {2, 7, 7, 2}, kNone}}, &inferred), kUnsupported);
  std::vector<TensorType> types;
  const int64_t open = SymbolDim(0);
  const TensorType theta = {DType::kF32, {1, open, open}, kNone}, sizes = {DType::kI64, {open}, kNone};
  ASSERT_OK(OpTester(OpId::kAffineGrid).Infer({theta, sizes}, &types));
  EXPECT_FALSE(types[0].shape.HasRank());  // nothing tells the number of axes yet
  EXPECT_ERROR(OpTester(OpId::kAffineGrid).Infer({theta, {DType::kI64, {3}, kNone}}, &types),
               kInvalidArgument);
  OpTester grid(OpId::kAffineGrid);
  EXPECT_ERROR(grid.Input<float>({1, 2, 3}, {1, 0, 0, 0, 1, 0}).Input<int64_t>({4}, {2, 1, 1, 3}).Run(),
               kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
