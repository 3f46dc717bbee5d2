// Results: onnx_cases_test. Here: stability, special values, refusals.
#include "mace/ops/norm/norm.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

std::vector<float> Softmax(const std::vector<float>& x, float beta = 1) {
  OpTester tester(OpId::kSoftmax);
  tester.attributes<SoftmaxAttributes>().beta = beta;
  EXPECT_OK(tester.Input({1, static_cast<int64_t>(x.size())}, x).Run());
  return tester.Output<float>();
}

TEST(Softmax, IsStable) {
  ExpectNear(Softmax({1e30f, 1e30f}), {0.5f, 0.5f});
  ExpectNear(Softmax({-3e38f, 3e38f}), {0, 1});
  ExpectNear(Softmax({0, -HUGE_VALF}), {1, 0});
  ExpectNear(Softmax({1, 2}, -1), Softmax({2, 1}));
  ExpectNear(Softmax({1, 2}, 0), {0.5f, 0.5f});
  EXPECT_TRUE(std::isnan(Softmax({1, std::nanf("")})[0]));
  EXPECT_TRUE(Softmax({}).empty());
}

TEST(Softmax, Refusals) {
  OpTester axis(OpId::kSoftmax), integers(OpId::kSoftmax), scalar(OpId::kSoftmax);
  axis.attributes<SoftmaxAttributes>().axis = 2;
  EXPECT_ERROR(axis.Input<float>({1, 1}, {1}).Run(), kInvalidArgument);
  integers.attributes<SoftmaxAttributes>() = {.axis = 0, .rounding = Rounding::kTfliteDouble};
  EXPECT_ERROR(integers.Input<uint8_t>({1, 1}, {1}).Run(), kUnsupported);
  EXPECT_ERROR(scalar.Input<float>({}, {1}).Run(), kInvalidArgument);
}

TEST(LayerNormalization, SurvivesLargeMeans) {
  OpTester tester(OpId::kLayerNormalization);
  ASSERT_OK(tester.Input<float>({1, 2}, {16777216, 16777218}).Input<float>({2}, {1, 2}).Run());
  ExpectNear(tester.Output<float>(), {-1, 2}, 1e-5);
  OpTester constant(OpId::kLayerNormalization);
  ASSERT_OK(constant.Input<float>({1, 2}, {3, 3}).Input<float>({2}, {1, 1}).Input<float>({2}, {5, 6}).Run());
  ExpectNear(constant.Output<float>(), {5, 6});
}

TEST(LayerNormalization, Refusals) {
  OpTester tester(OpId::kLayerNormalization);
  EXPECT_ERROR(tester.Input<float>({2, 2}, {1, 2, 3, 4}).Input<float>({3}, {1, 1, 1}).Run(),
               kInvalidArgument);
  OpTester epsilon(OpId::kLayerNormalization);
  epsilon.attributes<LayerNormalizationAttributes>().epsilon = -1;
  EXPECT_ERROR(epsilon.Input<float>({2}, {1, 2}).Input<float>({2}, {1, 1}).Run(), kInvalidArgument);
}

TEST(BatchNormalization, OpenDimensionsAndRefusals) {
  OpTester tester(OpId::kBatchNormalization);
  std::vector<TensorType> y;
  const TensorType four = {DType::kF32, {4}, kNone}, five = {DType::kF32, {5}, kNone};
  ASSERT_OK(tester.Infer({{DType::kF32, {SymbolDim(0), kUnknownDim}, kNone}, four, four, four, four}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{SymbolDim(0), 4}));
  EXPECT_ERROR(tester.Infer({{DType::kF32, {2, 4}, kNone}, four, four, five, four}, &y), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
