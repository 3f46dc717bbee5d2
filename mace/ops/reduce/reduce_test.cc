// Results: onnx_cases_test. Here: empty and special values, integers, refusals.
#include "mace/ops/reduce/reduce.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

template <typename T>
T Reduce(ReduceKind kind, const std::vector<T>& x) {
  OpTester tester(OpId::kReduce);
  tester.attributes<ReduceAttributes>() = {.kind = kind, .axes = {}, .keep_dims = false};
  EXPECT_OK(tester.Input({static_cast<int64_t>(x.size())}, x).Run());
  EXPECT_EQ(tester.output().shape.rank, 0);
  return tester.Output<T>()[0];
}

TEST(Reduce, OfNothing) {
  const std::vector<float> none;
  EXPECT_EQ(Reduce(ReduceKind::kSum, none), 0);
  EXPECT_EQ(Reduce(ReduceKind::kProd, none), 1);
  EXPECT_EQ(Reduce(ReduceKind::kMax, none), -HUGE_VALF);
  EXPECT_EQ(Reduce(ReduceKind::kMin, none), HUGE_VALF);
  EXPECT_TRUE(std::isnan(Reduce(ReduceKind::kMean, none)));
  EXPECT_EQ(Reduce(ReduceKind::kMean, std::vector<int64_t>()), 0);
  EXPECT_EQ(Reduce(ReduceKind::kMax, std::vector<int64_t>()), INT64_MIN);
  EXPECT_EQ(Reduce(ReduceKind::kL1, none), 0);
  EXPECT_EQ(Reduce(ReduceKind::kLogSum, none), -HUGE_VALF);
  EXPECT_EQ(Reduce(ReduceKind::kLogSumExp, none), -HUGE_VALF);
}

TEST(Reduce, NanPropagates) {
  for (int kind = 0; kind < static_cast<int>(ReduceKind::kCount); ++kind) {
    for (const std::vector<float>& x : {std::vector<float>{1, std::nanf(""), 2}, {std::nanf(""), 5, 6}}) {
      EXPECT_TRUE(std::isnan(Reduce(static_cast<ReduceKind>(kind), x))) << kind;
    }
  }
}

TEST(Reduce, LargeSumsKeepSmallTerms) {
  std::vector<float> x(1001, 1e-3f);
  x[0] = 1e7f;
  EXPECT_EQ(Reduce(ReduceKind::kSum, x), 10000001.0f);
}

TEST(Reduce, Integers) {
  EXPECT_EQ(Reduce<int32_t>(ReduceKind::kSum, {INT32_MAX, 1}), INT32_MIN);
  EXPECT_EQ(Reduce<int64_t>(ReduceKind::kMean, {-7, -8}), -7);
  EXPECT_EQ(Reduce<int64_t>(ReduceKind::kL2, {3, -4}), 5);
  EXPECT_EQ(Reduce<int64_t>(ReduceKind::kSumSquare, {-3, 4}), 25);
  EXPECT_EQ(Reduce<int64_t>(ReduceKind::kL1, {-3, 4}), 7);
  EXPECT_EQ(Reduce<int32_t>(ReduceKind::kL1, {INT32_MIN}), INT32_MIN);
  EXPECT_EQ(Reduce<int8_t>(ReduceKind::kSum, {100, 100}), -56);
  EXPECT_EQ(Reduce<uint64_t>(ReduceKind::kMean, {UINT64_MAX - 1}), UINT64_MAX - 1);
  EXPECT_EQ(Reduce<uint32_t>(ReduceKind::kMax, {}), 0u);
  EXPECT_EQ(Reduce<uint16_t>(ReduceKind::kMin, {}), UINT16_MAX);
  EXPECT_EQ(Reduce<int32_t>(ReduceKind::kLogSum, {}), INT32_MIN);
}

TEST(Reduce, DoublesStayDoubles) {
  EXPECT_EQ(Reduce<double>(ReduceKind::kSum, {1, 1e-12}), 1 + 1e-12);
  EXPECT_EQ(Reduce<double>(ReduceKind::kMax, {1 + 1e-12, 1}), 1 + 1e-12);
}

TEST(Reduce, PowersDoNotOverflow) {
  EXPECT_NEAR(Reduce<double>(ReduceKind::kLogSumExp, {1000, 1000}), 1000 + std::log(2), 1e-9);
  EXPECT_NEAR(Reduce<double>(ReduceKind::kLogSumExp, {-1000, -1001, -1002}),
              -1000 + std::log(1 + std::exp(-1) + std::exp(-2)), 1e-9);
  EXPECT_EQ(Reduce<float>(ReduceKind::kLogSumExp, {-HUGE_VALF, 3, -HUGE_VALF}), 3);
  EXPECT_EQ(Reduce<float>(ReduceKind::kLogSumExp, {-HUGE_VALF}), -HUGE_VALF);
  EXPECT_EQ(Reduce<float>(ReduceKind::kLogSumExp, {-2000, HUGE_VALF, 2000}), HUGE_VALF);
}

TEST(Reduce, Booleans) {
  for (const ReduceKind kind : {ReduceKind::kMax, ReduceKind::kMin}) {
    OpTester tester(OpId::kReduce);
    tester.attributes<ReduceAttributes>() = {.kind = kind, .axes = {1}, .keep_dims = false};
    ASSERT_OK(tester.BoolInput({3, 2}, {0, 0, 0, 1, 1, 1}).Run());
    const std::vector<uint8_t> any = {0, 1, 1}, all = {0, 0, 1};
    EXPECT_EQ(tester.Output<uint8_t>(), kind == ReduceKind::kMax ? any : all);
  }
  OpTester sum(OpId::kReduce);
  EXPECT_ERROR(sum.BoolInput({1}, {1}).Run(), kUnsupported);
}

TEST(Reduce, AxesAsAnOperand) {
  OpTester tester(OpId::kReduce);
  tester.attributes<ReduceAttributes>().keep_dims = false;
  ASSERT_OK(tester.Input<float>({2, 2}, {1, 2, 3, 4}).Input<int64_t>({1}, {-1}).Run());
  EXPECT_EQ(tester.Output<float>(), (std::vector<float>{3, 7}));
  OpTester none(OpId::kReduce);
  none.attributes<ReduceAttributes>() = {.kind = ReduceKind::kSumSquare, .axes = {}, .empty_is_none = true};
  ASSERT_OK(none.Input<float>({2}, {2, -3}).Input<int64_t>({0}, {}).Run());
  EXPECT_EQ(none.Output<float>(), (std::vector<float>{4, 9}));
  OpTester scalar(OpId::kReduce);
  scalar.attributes<ReduceAttributes>().kind = ReduceKind::kL1;
  ASSERT_OK(scalar.Input<float>({}, {-2}).Run());
  EXPECT_EQ(scalar.Output<float>(), (std::vector<float>{2}));
  // Before they are known.
  std::vector<TensorType> y;
  OpTester open(OpId::kReduce);
  const TensorType x = {DType::kF32, {2, 3}, kNone}, axes = {DType::kI64, {1}, kNone};
  ASSERT_OK(open.Infer({x, axes}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kUnknownDim, kUnknownDim}));
  open.attributes<ReduceAttributes>().keep_dims = false;
  ASSERT_OK(open.Infer({x, axes}, &y));
  EXPECT_FALSE(y[0].shape.HasRank());
  EXPECT_ERROR(tester.Infer({x, {DType::kF32, {1}, kNone}}, &y), kUnsupported);
}

TEST(Reduce, OpenDimensionsAndRefusals) {
  OpTester tester(OpId::kReduce);
  tester.attributes<ReduceAttributes>() = {.axes = {1, -1}, .keep_dims = false};
  std::vector<TensorType> y;
  ASSERT_OK(tester.Infer({{DType::kF32, {SymbolDim(0), SymbolDim(1), kUnknownDim, 4}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{SymbolDim(0), kUnknownDim}));
  EXPECT_ERROR(tester.Infer({{DType::kF32, {2}, kNone}}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kF16, {2, 2}, kNone}}, &y), kUnsupported);
}

}  // namespace
}  // namespace mace::ops
