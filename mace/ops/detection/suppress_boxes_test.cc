#include "mace/ops/detection/suppress_boxes.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

// Two boxes that share a half of each (overlap 1/3), and one far away.
OpTester Boxes(int32_t rows, float overlap, float lowest, float sigma) {
  OpTester tester(OpId::kSuppressBoxes, 3);
  tester.Input<float>({3, 4}, {0, 0, 2, 2, 0, 1, 2, 3, 5, 5, 6, 6});
  tester.Input<float>({3}, {0.9f, 0.8f, 0.3f}).Input<int32_t>({}, {rows});
  tester.Input<float>({}, {overlap}).Input<float>({}, {lowest}).Input<float>({}, {sigma});
  return tester;
}

TEST(SuppressBoxes, DropsWhatOverlapsABetterOne) {
  OpTester tester = Boxes(4, 0.3f, 0, 0);
  ASSERT_OK(tester.Run());
  EXPECT_EQ(tester.Output<int32_t>(0), (std::vector<int32_t>{0, 2, 0, 0}));
  EXPECT_EQ(tester.Output<float>(1), (std::vector<float>{0.9f, 0.3f, 0, 0}));
  EXPECT_EQ(tester.Output<int32_t>(2), (std::vector<int32_t>{2}));
}

TEST(SuppressBoxes, KeepsNoMoreThanAskedForAndNoneBelowTheLowestScore) {
  OpTester tester = Boxes(1, 0.5f, 0, 0);
  ASSERT_OK(tester.Run());
  EXPECT_EQ(tester.Output<int32_t>(0), (std::vector<int32_t>{0}));
  OpTester high = Boxes(3, 0.5f, 0.3f, 0);
  ASSERT_OK(high.Run());
  EXPECT_EQ(high.Output<int32_t>(0), (std::vector<int32_t>{0, 1, 0}));
}

TEST(SuppressBoxes, SigmaTakesScoreInsteadOfDropping) {
  OpTester tester = Boxes(3, 1.0f, 0, 0.05f);
  ASSERT_OK(tester.Run());  // 0.8 * exp(-(1/3)^2 / 0.1) is below the third one's score
  EXPECT_EQ(tester.Output<int32_t>(0), (std::vector<int32_t>{0, 2, 1}));
  EXPECT_NEAR(tester.Output<float>(1)[2], 0.8 * std::exp(-1.0 / 9 / 0.1), 1e-6);
}

TEST(SuppressBoxes, RefusesOtherShapes) {
  OpTester tester(OpId::kSuppressBoxes, 3);
  tester.Input<float>({1, 3}, {0, 0, 2}).Input<float>({1}, {1}).Input<int32_t>({}, {1});
  EXPECT_ERROR(tester.Input<float>({}, {0.5f}).Input<float>({}, {0}).Run(), kInvalidArgument);
  EXPECT_ERROR(Boxes(-1, 0.5f, 0, 0).Run(), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
