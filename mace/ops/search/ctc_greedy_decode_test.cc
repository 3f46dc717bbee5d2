#include "mace/ops/search/ctc_greedy_decode.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

// Scores whose best class at step t is classes[t], with the score 0.5 + t / 100.
std::vector<float> ScoresOf(const std::vector<int>& classes, int count) {
  std::vector<float> scores;
  for (size_t t = 0; t < classes.size(); ++t) {
    for (int c = 0; c < count; ++c) {
      scores.push_back(c == classes[t] ? 0.5f + static_cast<float>(t) / 100
                                       : 0.1f * static_cast<float>(c % 3));
    }
  }
  return scores;
}

TEST(CtcGreedyDecode, MergesRepeatsAndDropsBlanks) {
  OpTester tester(OpId::kCtcGreedyDecode, 4);
  ASSERT_OK(tester.Input({1, 9, 5}, ScoresOf({0, 3, 3, 0, 3, 1, 1, 4, 0}, 5)).Run());
  EXPECT_EQ(tester.Output<int32_t>(0), (std::vector<int32_t>{3, 3, 1, 4, -1, -1, -1, -1, -1}));
  EXPECT_EQ(tester.Output<int32_t>(1), (std::vector<int32_t>{4}));
  ExpectNear(tester.Output<float>(2), {0.51f, 0.54f, 0.55f, 0.57f, 0, 0, 0, 0, 0});
  EXPECT_EQ(tester.Output<int32_t>(3), (std::vector<int32_t>{1, 4, 5, 7, -1, -1, -1, -1, -1}));
}

// Every path of 5 steps over 3 classes, decoded by the definition: first merge, then delete.
TEST(CtcGreedyDecode, EveryShortPath) {
  for (const int blank : {0, 1, 2, -1, -3}) {
    for (const bool merge : {true, false}) {
      for (int number = 0; number < 243; ++number) {
        std::vector<int> path(5);
        for (int t = 0, rest = number; t < 5; ++t, rest /= 3) path[t] = rest % 3;
        std::vector<int> merged;
        for (int label : path) {
          if (!merge || merged.empty() || merged.back() != label) merged.push_back(label);
        }
        std::vector<int32_t> expected;
        for (int label : merged) {
          if (label != (blank + 3) % 3) expected.push_back(label);
        }
        OpTester tester(OpId::kCtcGreedyDecode, 2);
        tester.attributes<CtcGreedyDecodeAttributes>() = {blank, merge};
        ASSERT_OK(tester.Input({1, 5, 3}, ScoresOf(path, 3)).Run());
        EXPECT_EQ(tester.Output<int32_t>(1)[0], static_cast<int32_t>(expected.size()));
        expected.resize(5, -1);
        EXPECT_EQ(tester.Output<int32_t>(0), expected) << number;
      }
    }
  }
}

TEST(CtcGreedyDecode, TiesNanAndRowsOfTheirOwn) {
  OpTester tester(OpId::kCtcGreedyDecode, 2);
  tester.attributes<CtcGreedyDecodeAttributes>().blank = 2;
  const float nan = std::nanf("");
  ASSERT_OK(tester.Input<float>({2, 2, 3}, {1, 1, 1, 0, nan, 0.5f, 0, 1, 0, 0, 0, 9}).Run());
  EXPECT_EQ(tester.Output<int32_t>(0), (std::vector<int32_t>{0, -1, 1, -1}));
  EXPECT_EQ(tester.Output<int32_t>(1), (std::vector<int32_t>{1, 1}));
}

TEST(CtcGreedyDecode, ShapesAndRefusals) {
  OpTester tester(OpId::kCtcGreedyDecode, 4);
  std::vector<TensorType> y;
  ASSERT_OK(tester.Infer({{DType::kF32, {SymbolDim(0), kUnknownDim, 7}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{SymbolDim(0), kUnknownDim}));
  EXPECT_TRUE(y[1].shape == (Shape{SymbolDim(0)}));
  EXPECT_ERROR(tester.Infer({{DType::kF32, {1, 2, 0}, kNone}}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kF32, {2, 3}, kNone}}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kU8, {1, 2, 3}, kNone}}, &y), kUnsupported);
  for (const int64_t blank : {INT64_C(7), INT64_C(-8), INT64_MIN}) {
    tester.attributes<CtcGreedyDecodeAttributes>().blank = blank;
    EXPECT_ERROR(tester.Infer({{DType::kF32, {1, 2, 7}, kNone}}, &y), kInvalidArgument);
  }
  OpTester empty(OpId::kCtcGreedyDecode, 4);
  ASSERT_OK(empty.Input<float>({2, 0, 3}, {}).Run());
  EXPECT_EQ(empty.Output<int32_t>(1), (std::vector<int32_t>{0, 0}));
}

}  // namespace
}  // namespace mace::ops
