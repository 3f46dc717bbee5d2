// Results: onnx_cases_test. Here: stability, special values, refusals.
#include "mace/ops/norm/norm.h"

#include "mace/ops/norm/hardmax.h"
#include "mace/ops/norm/local_response_normalization.h"
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

TEST(LayerNormalization, MeanAndDeviation) {
  OpTester tester(OpId::kLayerNormalization, 3);
  tester.attributes<LayerNormalizationAttributes>() = {.axis = 1, .epsilon = 0};
  ASSERT_OK(tester.Input<double>({2, 2, 1}, {1, 3, -6, 2}).Run());
  EXPECT_EQ(tester.Output<double>(0), (std::vector<double>{-1, 1, -1, 1}));
  EXPECT_EQ(tester.Output<double>(1), (std::vector<double>{2, -2}));
  EXPECT_EQ(tester.Output<double>(2), (std::vector<double>{1, 0.25}));
  EXPECT_TRUE(tester.output(1).shape == (Shape{2, 1, 1}));
}

TEST(LayerNormalization, RootMeanSquare) {
  OpTester tester(OpId::kLayerNormalization, 3);
  tester.attributes<LayerNormalizationAttributes>() = {.epsilon = 0, .root_mean_square = true};
  ASSERT_OK(tester.Input<float>({1, 2}, {1, 7}).Input<float>({2}, {10, 1}).Run());
  ExpectNear(tester.Output<float>(0), {2, 1.4f});
  ExpectNear(tester.Output<float>(2), {0.2f});
}

TEST(LayerNormalization, EmptyRows) {
  OpTester tester(OpId::kLayerNormalization, 2);
  ASSERT_OK(tester.Input<float>({2, 0}, {}).Run());
  EXPECT_TRUE(std::isnan(tester.Output<float>(1)[0]));
}

TEST(Norm, DoublesStayDoubles) {
  OpTester softmax(OpId::kSoftmax), batch(OpId::kBatchNormalization);
  ASSERT_OK(softmax.Input<double>({2}, {0, 1e-12}).Run());
  EXPECT_NE(softmax.Output<double>()[0], softmax.Output<double>()[1]);
  batch.attributes<BatchNormalizationAttributes>().epsilon = 0;
  batch.Input<double>({1, 1}, {1 + 1e-12}).Input<double>({1}, {1}).Input<double>({1}, {0});
  ASSERT_OK(batch.Input<double>({1}, {1}).Input<double>({1}, {1}).Run());
  EXPECT_EQ(batch.Output<double>()[0], (1 + 1e-12) - 1);
}

TEST(Hardmax, FirstOfEqualOnes) {
  OpTester tester(OpId::kHardmax);
  tester.attributes<HardmaxAttributes>().axis = 0;
  ASSERT_OK(tester.Input<float>({3, 2}, {1, 5, 3, 5, 3, -1}).Run());
  EXPECT_EQ(tester.Output<float>(), (std::vector<float>{0, 1, 1, 0, 0, 0}));
  OpTester empty(OpId::kHardmax), scalar(OpId::kHardmax);
  ASSERT_OK(empty.Input<double>({2, 0}, {}).Run());
  EXPECT_ERROR(scalar.Input<float>({}, {1}).Run(), kInvalidArgument);
}

TEST(LocalResponseNormalization, WindowsAndRefusals) {
  for (int64_t size = 1; size <= 9; ++size) {
    const std::vector<float> x = TestValues(2 * 5 * 3);
    OpTester tester(OpId::kLocalResponseNormalization);
    tester.attributes<LocalResponseNormalizationAttributes>() = {
        .axis = 1, .size = size, .alpha = 2, .beta = 0.5f, .bias = 3};
    ASSERT_OK(tester.Input({2, 5, 3}, x).Run());
    std::vector<float> expected;
    for (int i = 0; i < 30; ++i) {
      const int channel = i / 3 % 5;
      double sum = 0;
      for (int k = 0; k < 5; ++k) {
        // As ONNX writes it: from floor((size - 1) / 2) in front to ceil((size - 1) / 2) behind.
        if (k < channel - (size - 1) / 2 || k > channel + size / 2) continue;
        const auto neighbour = static_cast<double>(x[i + (k - channel) * 3]);
        sum += neighbour * neighbour;
      }
      expected.push_back(static_cast<float>(static_cast<double>(x[i]) /
                                            std::sqrt(3 + 2.0 / static_cast<double>(size) * sum)));
    }
    ExpectNear(tester.Output<float>(), expected);
  }
  OpTester size(OpId::kLocalResponseNormalization);
  size.attributes<LocalResponseNormalizationAttributes>() = {.axis = 0, .size = 0};
  EXPECT_ERROR(size.Input<float>({1}, {1}).Run(), kInvalidArgument);
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
