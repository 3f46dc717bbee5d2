// Results: ONNX's own suite. Here: ignored targets, weights, empty batches, targets outside, refusals.
#include "mace/ops/loss/negative_log_likelihood_loss.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

using Attributes = NegativeLogLikelihoodLossAttributes;

const std::vector<float> kX = {-1, -2, -3, -4, -5, -6};  // [1, 3, 2]: classes of two pixels

OpTester Loss(const Attributes& attributes, const std::vector<int64_t>& targets) {
  OpTester tester(OpId::kNegativeLogLikelihoodLoss);
  tester.attributes<Attributes>() = attributes;
  tester.Input<float>({1, 3, 2}, kX).Input<int64_t>({1, 2}, targets);
  return tester;
}

TEST(NegativeLogLikelihoodLoss, Reductions) {
  OpTester none = Loss({.reduction = LossReduction::kNone}, {2, 0});
  ASSERT_OK(none.Run());
  EXPECT_EQ(none.Output<float>(), (std::vector<float>{5, 2}));
  OpTester sum = Loss({.reduction = LossReduction::kSum}, {2, 0});
  ASSERT_OK(sum.Input<float>({3}, {10, 1, 0.5f}).Run());
  EXPECT_EQ(sum.Output<float>(), (std::vector<float>{22.5f}));
  OpTester mean = Loss({}, {2, 0});
  ASSERT_OK(mean.Input<float>({3}, {10, 1, 0.5f}).Run());
  ExpectNear(mean.Output<float>(), {22.5f / 10.5f});
}

TEST(NegativeLogLikelihoodLoss, IgnoredTargets) {
  OpTester one = Loss({.ignores = true, .ignored = -7}, {-7, 1});
  ASSERT_OK(one.Run());
  EXPECT_EQ(one.Output<float>(), (std::vector<float>{4}));
  OpTester all = Loss({.ignores = true, .ignored = 1}, {1, 1});
  ASSERT_OK(all.Run());
  EXPECT_TRUE(std::isnan(all.Output<float>()[0]));
}

TEST(NegativeLogLikelihoodLoss, TargetsOutsideAndEmptyBatches) {
  EXPECT_ERROR(Loss({}, {3, 0}).Run(), kInvalidArgument);
  EXPECT_ERROR(Loss({}, {-1, 0}).Run(), kInvalidArgument);
  OpTester empty(OpId::kNegativeLogLikelihoodLoss);
  empty.attributes<Attributes>().reduction = LossReduction::kSum;
  ASSERT_OK(empty.Input<double>({0, 3}, {}).Input<int32_t>({0}, {}).Run());
  EXPECT_EQ(empty.Output<double>(), (std::vector<double>{0}));
}

TEST(NegativeLogLikelihoodLoss, Refusals) {
  std::vector<TensorType> y;
  OpTester tester(OpId::kNegativeLogLikelihoodLoss);
  const auto of = [](DType dtype, const Shape& shape) { return TensorType{dtype, shape, kNone}; };
  EXPECT_ERROR(tester.Infer({of(DType::kF32, {2}), of(DType::kI64, {2})}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({of(DType::kF32, {2, 3}), of(DType::kI64, {3})}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({of(DType::kF32, {2, 3}), of(DType::kI64, {2}), of(DType::kF32, {2})}, &y),
               kInvalidArgument);
  EXPECT_ERROR(tester.Infer({of(DType::kF32, {2, 3}), of(DType::kF32, {2})}, &y), kUnsupported);
}

}  // namespace
}  // namespace mace::ops
