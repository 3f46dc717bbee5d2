// Entries as T5 has them; results beside onnxruntime's: tests/python/test_onnx_microsoft.py.
#include "mace/ops/attention/relative_position_bias.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

TEST(RelativePositionBias, NearDistancesHaveEntriesOfTheirOwn) {
  OpTester tester(OpId::kRelativePositionBias);
  tester.attributes<RelativePositionBiasAttributes>() = {.max_distance = 8, .bidirectional = true};
  // Entries 0 and 1: in front, distances 0 and 1; 2, 3 farther; 4 to 7 the same behind.
  tester.Input<float>({8, 1}, {0, 1, 2, 3, 4, 5, 6, 7}).Input<int64_t>({}, {1}).Input<int64_t>({}, {3});
  ASSERT_OK(tester.Run());
  EXPECT_TRUE(tester.output().shape == (Shape{1, 1, 1, 3}));
  EXPECT_EQ(tester.Output<float>(), (std::vector<float>{0, 5, 6}));
  OpTester causal(OpId::kRelativePositionBias);
  causal.attributes<RelativePositionBiasAttributes>().max_distance = 4;
  causal.Input<float>({4, 1}, {0, 1, 2, 3}).Input<int32_t>({1}, {20}).Input<int32_t>({1}, {1});
  ASSERT_OK(causal.Run());
  const std::vector<float> y = causal.Output<float>();
  EXPECT_EQ(std::vector<float>(y.begin(), y.begin() + 5), (std::vector<float>{0, 1, 2, 3, 3}));
  EXPECT_EQ(y.back(), 3);
}

TEST(RelativePositionBias, OpenSizesAndRefusals) {
  std::vector<TensorType> y;
  OpTester tester(OpId::kRelativePositionBias);
  const TensorType table = {DType::kF32, {32, 8}, kNone}, one = {DType::kI64, {}, kNone};
  ASSERT_OK(tester.Infer({table, one, one}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{1, 8, kUnknownDim, kUnknownDim}));
  int64_t negative = -1;
  const TensorView known = {&negative, DType::kI64, {}};
  EXPECT_ERROR(tester.Infer({table, one, one}, &y, {nullptr, &known}), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kF32, {1, 8}, kNone}, one, one}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({table, {DType::kI64, {2}, kNone}, one}, &y), kInvalidArgument);
  tester.attributes<RelativePositionBiasAttributes>().max_distance = 0;
  EXPECT_ERROR(tester.Infer({table, one, one}, &y), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
