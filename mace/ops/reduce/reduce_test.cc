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
}

TEST(Reduce, OpenDimensionsAndRefusals) {
  OpTester tester(OpId::kReduce);
  tester.attributes<ReduceAttributes>() = {.axes = {1, -1}, .keep_dims = false};
  std::vector<TensorType> y;
  ASSERT_OK(tester.Infer({{DType::kF32, {SymbolDim(0), SymbolDim(1), kUnknownDim, 4}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{SymbolDim(0), kUnknownDim}));
  EXPECT_ERROR(tester.Infer({{DType::kF32, {2}, kNone}}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kU8, {2, 2}, kNone}}, &y), kUnsupported);
}

}  // namespace
}  // namespace mace::ops
