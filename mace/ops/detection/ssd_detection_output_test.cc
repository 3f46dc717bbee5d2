#include "mace/ops/detection/ssd_detection_output.h"

#include <cmath>

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

const std::vector<float> kBoxes = {0, 0, 0.5f, 0.5f, 0, 0, 0.5f, 0.6f, 0.5f, 0.5f, 1, 1};
std::vector<float> Priors() {
  std::vector<float> priors = kBoxes;
  for (int i = 0; i < 3; ++i) priors.insert(priors.end(), {0.1f, 0.1f, 0.2f, 0.2f});
  return priors;
}
OpTester Tester(const std::vector<float>& locations, const std::vector<float>& scores) {
  OpTester tester(OpId::kSsdDetectionOutput);
  tester.attributes<SsdDetectionOutputAttributes>().classes = 2;
  tester.attributes<SsdDetectionOutputAttributes>().code = BoxCode::kCentreSize;
  tester.attributes<SsdDetectionOutputAttributes>().overlap_threshold = 0.5f;
  tester.attributes<SsdDetectionOutputAttributes>().score_threshold = 0.1f;
  tester.Input<float>({1, 12}, locations).Input<float>({1, 6}, scores).Input<float>({1, 2, 12}, Priors());
  return tester;
}

TEST(SsdDetectionOutput, KeepsTheBestOfThoseThatOverlap) {
  OpTester tester = Tester(std::vector<float>(12, 0.0f), {0.1f, 0.9f, 0.2f, 0.8f, 0.3f, 0.7f});
  ASSERT_TRUE(tester.Run().ok());
  const auto y = tester.Output<float>(0);
  ASSERT_EQ(y.size(), 14u);  // the second box overlaps the first by 0.83
  const float expected[] = {0, 1, 0.9f, 0, 0, 0.5f, 0.5f, 0, 1, 0.7f, 0.5f, 0.5f, 1, 1};
  for (int i = 0; i < 14; ++i) EXPECT_NEAR(y[i], expected[i], 1e-6) << i;
}

TEST(SsdDetectionOutput, DecodesCentreAndSize) {
  OpTester tester = Tester({1, 2, 1, -1, 0, 0, 0, 0, 0, 0, 0, 0}, {0, 0.9f, 0, 0, 0, 0});
  ASSERT_TRUE(tester.Run().ok());
  const auto y = tester.Output<float>(0);
  ASSERT_EQ(y.size(), 7u);
  const double x = 0.25 + 0.1 * 0.5, v = 0.25 + 0.1 * 2 * 0.5;
  const double width = 0.5 * std::exp(0.2), height = 0.5 * std::exp(-0.2);
  EXPECT_NEAR(y[3], x - width / 2, 1e-6);
  EXPECT_NEAR(y[4], v - height / 2, 1e-6);
  EXPECT_NEAR(y[5], x + width / 2, 1e-6);
  EXPECT_NEAR(y[6], v + height / 2, 1e-6);
}

TEST(SsdDetectionOutput, KeepTopKChoosesAmongAllClasses) {
  OpTester tester = Tester(std::vector<float>(12, 0.0f), {0.95f, 0.6f, 0, 0, 0.3f, 0.7f});
  tester.attributes<SsdDetectionOutputAttributes>().background = -1;
  tester.attributes<SsdDetectionOutputAttributes>().keep_top_k = 2;
  ASSERT_TRUE(tester.Run().ok());
  const auto y = tester.Output<float>(0);
  ASSERT_EQ(y.size(), 14u);
  EXPECT_EQ(y[1], 0);  // by class
  EXPECT_EQ(y[2], 0.95f);
  EXPECT_EQ(y[8], 1);
  EXPECT_EQ(y[9], 0.7f);
}

TEST(SsdDetectionOutput, NothingFoundIsARowOfMinusOneForEachImage) {
  OpTester tester = Tester(std::vector<float>(12, 0.0f), {1, NAN, 1, 0.1f, 1, 0});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<float>(0), (std::vector<float>{0, -1, -1, -1, -1, -1, -1}));
}

TEST(SsdDetectionOutput, RefusesSizesThatDoNotFit) {
  OpTester tester(OpId::kSsdDetectionOutput);
  tester.attributes<SsdDetectionOutputAttributes>().classes = 2;
  tester.Input<float>({1, 12}, std::vector<float>(12)).Input<float>({1, 4}, std::vector<float>(4));
  tester.Input<float>({1, 2, 12}, Priors());
  EXPECT_FALSE(tester.Run().ok());
}

}  // namespace
}  // namespace mace::ops
