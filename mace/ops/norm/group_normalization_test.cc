#include "mace/ops/norm/group_normalization.h"

#include <cmath>

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

// Two positions of four channels in two groups: {1, 3, 5, 7} and {0, 0, 8, 8}.
TEST(GroupNormalization, OfTwoGroups) {
  OpTester tester(OpId::kGroupNormalization);
  tester.attributes<GroupNormalizationAttributes>() = {.groups = 2, .epsilon = 0};
  ASSERT_OK(tester.Input<double>({1, 2, 4}, {1, 3, 0, 0, 5, 7, 8, 8})
                .Input<double>({4}, {1, 1, 1, 10})
                .Input<double>({4}, {0, 0, 2, 0})
                .Run());
  const double root = std::sqrt(5.0);
  const std::vector<double> expected = {-3 / root, -1 / root, 1, -10, 1 / root, 3 / root, 3, 10};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(tester.Output<double>()[i], expected[i], 1e-14);
}

TEST(GroupNormalization, OfEachChannelAndSampleAlone) {
  OpTester tester(OpId::kGroupNormalization);
  tester.attributes<GroupNormalizationAttributes>() = {.groups = 2, .epsilon = 0};
  ASSERT_OK(tester.Input<float>({2, 2, 1, 2}, {1, 5, 3, 7, -100, 0, 100, 2}).Run());
  ExpectNear(tester.Output<float>(), {-1, -1, 1, 1, -1, -1, 1, 1});
  OpTester constant(OpId::kGroupNormalization);
  ASSERT_OK(constant.Input<float>({1, 2, 1}, {3, 3}).Input<float>({1}, {2}).Input<float>({1}, {5}).Run());
  ExpectNear(constant.Output<float>(), {5, 5});
  OpTester empty(OpId::kGroupNormalization);
  ASSERT_OK(empty.Input<float>({1, 0, 1}, {}).Run());
  EXPECT_TRUE(empty.Output<float>().empty());
}

TEST(GroupNormalization, Refusals) {
  OpTester groups(OpId::kGroupNormalization), rank(OpId::kGroupNormalization);
  groups.attributes<GroupNormalizationAttributes>().groups = 2;
  EXPECT_ERROR(groups.Input<float>({1, 1, 3}, {1, 2, 3}).Run(), kInvalidArgument);
  EXPECT_ERROR(rank.Input<float>({1}, {1}).Run(), kInvalidArgument);
  OpTester epsilon(OpId::kGroupNormalization), scale(OpId::kGroupNormalization);
  epsilon.attributes<GroupNormalizationAttributes>().epsilon = -1;
  EXPECT_ERROR(epsilon.Input<float>({1, 1, 1}, {1}).Run(), kInvalidArgument);
  EXPECT_ERROR(scale.Input<float>({1, 1, 1}, {1}).Input<float>({2}, {1, 2}).Run(), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
