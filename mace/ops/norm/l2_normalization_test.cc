#include "mace/ops/norm/l2_normalization.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

TEST(L2Normalization, EachRowGetsTheLengthOne) {
  OpTester tester(OpId::kL2Normalization);
  ASSERT_OK(tester.Input<float>({3, 2}, {3, -4, 0, 0, 0, 5}).Run());
  EXPECT_EQ(tester.Output<float>(), (std::vector<float>{0.6f, -0.8f, 0, 0, 0, 1}));
  OpTester wide(OpId::kL2Normalization);
  ASSERT_OK(wide.Input<double>({2}, {6, 8}).Run());
  EXPECT_EQ(wide.Output<double>(), (std::vector<double>{0.6, 0.8}));
}

TEST(L2Normalization, AShortRowIsDividedByTheShortestLength) {
  OpTester tester(OpId::kL2Normalization);
  ASSERT_OK(tester.Input<float>({1, 1}, {5e-7f}).Run());
  EXPECT_NEAR(tester.Output<float>()[0], 0.5f, 1e-6f);
}

TEST(L2Normalization, BytesInUnitsOf128) {
  OpTester tester(OpId::kL2Normalization);
  tester.Input<int8_t>({1, 2}, {13, -30}).QuantizeInput(0, 0.3f, 10).QuantizeOutput(1.0f / 128, 0);
  ASSERT_OK(tester.Run());  // (3, -40) / sqrt(1609)
  EXPECT_EQ(tester.Output<int8_t>(), (std::vector<int8_t>{10, -128}));
}

TEST(L2Normalization, RefusesWhatItDoesNotCompute) {
  EXPECT_ERROR(OpTester(OpId::kL2Normalization).Input<float>({}, {1}).Run(), kInvalidArgument);
  EXPECT_ERROR(OpTester(OpId::kL2Normalization).Input<int32_t>({1}, {1}).Run(), kUnsupported);
  OpTester other(OpId::kL2Normalization);
  other.Input<int8_t>({1}, {1}).QuantizeInput(0, 1, 0).QuantizeOutput(0.5f, 0);
  EXPECT_ERROR(other.Run(), kUnsupported);
}

}  // namespace
}  // namespace mace::ops
