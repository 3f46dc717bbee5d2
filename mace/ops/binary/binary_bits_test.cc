#include "mace/ops/binary/binary_bits.h"

#include <cmath>

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

template <typename T>
std::vector<T> Bits(BitwiseKind kind, const std::vector<T>& a, const std::vector<T>& b) {
  OpTester tester(OpId::kBitwise);
  tester.attributes<BitwiseAttributes>().kind = kind;
  EXPECT_OK(tester.Input<T>({static_cast<int64_t>(a.size())}, a)
                .template Input<T>({static_cast<int64_t>(b.size())}, b)
                .Run());
  return tester.Output<T>();
}

TEST(Bitwise, AndOrXor) {
  EXPECT_EQ(Bits<uint8_t>(BitwiseKind::kAnd, {12, 255}, {10, 7}), (std::vector<uint8_t>{8, 7}));
  EXPECT_EQ(Bits<int32_t>(BitwiseKind::kOr, {12, -256}, {10, 1}), (std::vector<int32_t>{14, -255}));
  EXPECT_EQ(Bits<int64_t>(BitwiseKind::kXor, {5, 0, INT64_MAX}, {-1}),
            (std::vector<int64_t>{-6, -1, INT64_MIN}));
}

TEST(Bitwise, ShiftsByAllBitsAndMoreLeaveNoneOfThem) {
  EXPECT_EQ(Bits<uint8_t>(BitwiseKind::kShiftLeft, {16, 4, 1, 1, 1}, {1, 2, 7, 8, 255}),
            (std::vector<uint8_t>{32, 16, 128, 0, 0}));
  EXPECT_EQ(Bits<int8_t>(BitwiseKind::kShiftRight, {-128, -128, 127, -5, 5}, {7, 8, 100, -1, -1}),
            (std::vector<int8_t>{-1, -1, 0, -1, 0}));
  EXPECT_EQ(Bits<int64_t>(BitwiseKind::kShiftLeft, {1, -1, 3}, {63, 63, 64}),
            (std::vector<int64_t>{INT64_MIN, INT64_MIN, 0}));
  EXPECT_EQ(Bits<uint64_t>(BitwiseKind::kShiftRight, {UINT64_MAX, UINT64_MAX}, {63, 64}),
            (std::vector<uint64_t>{1, 0}));
}

TEST(Bitwise, FloatsAreRefused) {
  EXPECT_ERROR(OpTester(OpId::kBitwise).Input<float>({1}, {1}).Input<float>({1}, {1}).Run(), kUnsupported);
}

template <typename T>
std::vector<T> Remainders(bool truncated, const std::vector<T>& a, const std::vector<T>& b) {
  OpTester tester(OpId::kMod);
  tester.attributes<ModAttributes>().truncated = truncated;
  const auto count = static_cast<int64_t>(a.size());
  EXPECT_OK(tester.Input<T>({count}, a).template Input<T>({count}, b).Run());
  return tester.Output<T>();
}

// numpy.mod and numpy.fmod.
TEST(Mod, IntegersHaveTheSignOfOneSide) {
  const std::vector<int32_t> a = {-4, 7, 5, 4, -7, 8, INT32_MIN, 5}, b = {2, -3, 8, -2, 3, 5, -1, 0};
  EXPECT_EQ(Remainders(false, a, b), (std::vector<int32_t>{0, -2, 5, 0, 2, 3, 0, 0}));
  EXPECT_EQ(Remainders(true, a, b), (std::vector<int32_t>{0, 1, 5, 0, -1, 3, 0, 0}));
  EXPECT_EQ(Remainders<uint8_t>(false, {200, 7}, {9, 0}), (std::vector<uint8_t>{2, 0}));
}

TEST(Mod, FloatsAtTheEdges) {
  const float inf = HUGE_VALF;
  const std::vector<float> a = {-4.5f, 5.5f, 0.0f, 3, -3, 3}, b = {2, -2, -1, inf, inf, -inf};
  EXPECT_EQ(Remainders(false, a, b), (std::vector<float>{1.5f, -0.5f, -0.0f, 3, inf, -inf}));
  EXPECT_TRUE(std::signbit(Remainders(false, a, b)[2]));
  EXPECT_EQ(Remainders(true, a, b), (std::vector<float>{-0.5f, 1.5f, 0, 3, -3, 3}));
  for (const bool truncated : {false, true}) {
    for (float y : Remainders<float>(truncated, {1, inf, std::nanf("")}, {0, 2, 1}))
      EXPECT_TRUE(std::isnan(y));
  }
}

TEST(Atan2, TheAngleOfAPointInEachQuadrant) {
  OpTester tester(OpId::kAtan2);
  ASSERT_OK(tester.Input<float>({5}, {1, 1, -1, -1, 0}).Input<float>({5}, {1, -1, -1, 1, -1}).Run());
  const double eighth = std::acos(-1.0) / 4;
  const double expected[] = {eighth, 3 * eighth, -3 * eighth, -eighth, 4 * eighth};
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(tester.Output<float>()[i], expected[i], 1e-6);
  EXPECT_ERROR(OpTester(OpId::kAtan2).Input<int32_t>({1}, {1}).Input<int32_t>({1}, {1}).Run(), kUnsupported);
}

}  // namespace
}  // namespace mace::ops
