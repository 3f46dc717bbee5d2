// Results and broadcasting on ordinary numbers: onnx_cases_test.
#include "mace/ops/binary/binary.h"

#include <limits>

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

constexpr int32_t kLow = std::numeric_limits<int32_t>::min();
constexpr int32_t kHigh = std::numeric_limits<int32_t>::max();

std::vector<int32_t> Apply(OpId op, const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  OpTester tester(op);
  const Shape shape = {static_cast<int64_t>(a.size())};
  EXPECT_OK(tester.Input(shape, a).Input(shape, b).Run());
  return tester.Output<int32_t>();
}

TEST(Binary, IntegersWrap) {
  EXPECT_EQ(Apply(OpId::kAdd, {kHigh, 1}, {1, 2}), (std::vector<int32_t>{kLow, 3}));
  EXPECT_EQ(Apply(OpId::kSub, {kLow}, {1}), (std::vector<int32_t>{kHigh}));
  EXPECT_EQ(Apply(OpId::kMul, {kHigh, 65536}, {2, 65536}), (std::vector<int32_t>{-2, 0}));
}

TEST(Binary, IntegerDivisionIsTotal) {
  EXPECT_EQ(Apply(OpId::kDiv, {7, -7, 5, kLow}, {2, 2, 0, -1}), (std::vector<int32_t>{3, -3, 0, kLow}));
}

TEST(Binary, IntegerPowers) {
  EXPECT_EQ(Apply(OpId::kPow, {2, -3, 0, 7, 2, -1, 3}, {10, 3, 0, 0, -1, -3, 100}).at(0), 1024);
  EXPECT_EQ(Apply(OpId::kPow, {-3, 0, 7, 2, -1, 1}, {3, 0, 0, -1, -3, -9}),
            (std::vector<int32_t>{-27, 1, 1, 0, -1, 1}));
}

TEST(Binary, IntegersToPowersOfFloatsSaturateTowardsZero) {
  OpTester tester(OpId::kPow);
  const float nan = std::nanf("");
  EXPECT_OK(tester.Input<int32_t>({6}, {16777217, 9, 10, -10, -1, 2})
                .Input<float>({6}, {1, 0.5f, 30, 31, 0.5f, nan})
                .Run());
  EXPECT_EQ(tester.Output<int32_t>(), (std::vector<int32_t>{16777217, 3, kHigh, kLow, 0, 0}));
  EXPECT_ERROR(OpTester(OpId::kPow).Input<float>({1}, {1}).Input<int32_t>({1}, {1}).Run(), kInvalidArgument);
  EXPECT_ERROR(OpTester(OpId::kMul).Input<int32_t>({1}, {1}).Input<float>({1}, {1}).Run(), kInvalidArgument);
}

TEST(Binary, OrderOfNanIsFalseBothWays) {
  const float nan = std::nanf("");
  const auto compare = [&](OpId op) {
    OpTester tester(op);
    EXPECT_OK(tester.Input<float>({4}, {nan, 1, 2, 3}).Input<float>({4}, {2, nan, 2, 2}).Run());
    return tester.Output<uint8_t>();
  };
  EXPECT_EQ(compare(OpId::kGreaterOrEqual), (std::vector<uint8_t>{0, 0, 1, 1}));
  EXPECT_EQ(compare(OpId::kLessOrEqual), (std::vector<uint8_t>{0, 0, 1, 0}));
}

TEST(Binary, LogicOfBoolsAlone) {
  for (OpId op : {OpId::kAnd, OpId::kOr, OpId::kXor}) {
    EXPECT_ERROR(OpTester(op).Input<int32_t>({1}, {1}).Input<int32_t>({1}, {1}).Run(), kUnsupported);
  }
}

TEST(Binary, NanPropagatesThroughMaxAndMin) {
  const float nan = std::nanf("");
  for (OpId op : {OpId::kMax, OpId::kMin}) {
    OpTester tester(op);
    ASSERT_OK(tester.Input<float>({3}, {nan, 1, nan}).Input<float>({3}, {1, nan, nan}).Run());
    ExpectNear(tester.Output<float>(), {nan, nan, nan});
  }
  OpTester equal(OpId::kEqual);
  ASSERT_OK(equal.Input<float>({2}, {nan, 0}).Input<float>({2}, {nan, -0.0f}).Run());
  EXPECT_EQ(equal.Output<uint8_t>(), (std::vector<uint8_t>{0, 1}));
}

TEST(Binary, BroadcastOfOpenDimensions) {
  OpTester tester(OpId::kAdd);
  std::vector<TensorType> y;
  const int64_t s = SymbolDim(0), t = SymbolDim(1);
  ASSERT_OK(tester.Infer(
      {{DType::kF32, {s, 1, s, kUnknownDim, s}, kNone}, {DType::kF32, {t, s, 5, 1}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{s, t, s, 5, s})) << ShapeText(y[0].shape).text;
  ASSERT_OK(tester.Infer({{DType::kF32, {s}, kNone}, {DType::kF32, {t}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == Shape{kUnknownDim});
}

template <typename T>
std::vector<T> Pair(OpId op, const std::vector<T>& a, const std::vector<T>& b) {
  OpTester tester(op);
  const auto count = static_cast<int64_t>(a.size());
  EXPECT_OK(tester.Input<T>({count}, a).template Input<T>({count}, b).Run());
  return tester.Output<T>();
}

TEST(Binary, IntegersOfEveryWidthWrap) {
  EXPECT_EQ(Pair<uint16_t>(OpId::kMul, {65535, 3}, {65535, 4}), (std::vector<uint16_t>{1, 12}));
  EXPECT_EQ(Pair<int8_t>(OpId::kAdd, {127, -128}, {1, -1}), (std::vector<int8_t>{-128, 127}));
  EXPECT_EQ(Pair<uint8_t>(OpId::kSub, {1}, {2}), (std::vector<uint8_t>{255}));
  EXPECT_EQ(Pair<int16_t>(OpId::kDiv, {-32768, -7, 7, 5}, {-1, 2, -2, 0}),
            (std::vector<int16_t>{-32768, -3, -3, 0}));
  EXPECT_EQ(Pair<uint64_t>(OpId::kDiv, {UINT64_MAX, 10}, {UINT64_MAX, 0}), (std::vector<uint64_t>{1, 0}));
  EXPECT_EQ(Pair<uint64_t>(OpId::kMax, {UINT64_MAX}, {1}), (std::vector<uint64_t>{UINT64_MAX}));
}

TEST(Binary, DoublesAreComputedInDouble) {
  EXPECT_EQ(Pair<double>(OpId::kAdd, {1}, {1e-12}), (std::vector<double>{1 + 1e-12}));
  EXPECT_EQ(Pair<double>(OpId::kPow, {1 + 1e-12}, {2}), (std::vector<double>{std::pow(1 + 1e-12, 2.0)}));
  OpTester tester(OpId::kGreater);
  ASSERT_OK(tester.Input<double>({1}, {1 + 1e-12}).Input<double>({1}, {1}).Run());
  EXPECT_EQ(tester.Output<bool>()[0], true);
}

TEST(Binary, Refusals) {
  EXPECT_ERROR(OpTester(OpId::kAdd).Input<float>({2}, {1, 2}).Input<float>({3}, {1, 2, 3}).Run(),
               kInvalidArgument);
  EXPECT_ERROR(OpTester(OpId::kAdd).Input<float>({1}, {1}).Input<int32_t>({1}, {1}).Run(), kInvalidArgument);
  EXPECT_ERROR(OpTester(OpId::kMul).BoolInput({1}, {1}).BoolInput({1}, {1}).Run(), kUnsupported);
  EXPECT_ERROR(OpTester(OpId::kPRelu).Input<float>({1}, {1}).Input<float>({2}, {1, 1}).Run(),
               kInvalidArgument);
  EXPECT_ERROR(OpTester(OpId::kPRelu).Input<float>({1}, {1}).Input<float>({1, 1}, {1}).Run(),
               kInvalidArgument);
}

TEST(Binary, AShapeBeyond63BitsIsRefused) {
  OpTester tester(OpId::kAdd);
  std::vector<TensorType> y;
  const int64_t big = int64_t{1} << 40;
  EXPECT_ERROR(tester.Infer({{DType::kF32, {big, 1}, kNone}, {DType::kF32, {big}, kNone}}, &y),
               kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
