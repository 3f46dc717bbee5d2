// Results: onnx_cases_test. Here: empty sums, NaN, integers, open dimensions, refusals.
#include "mace/ops/matmul/matmul.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

TEST(MatMul, SumsOfNothingAreZero) {
  OpTester tester(OpId::kMatMul);
  ASSERT_OK(tester.Input<float>({2, 0}, {}).Input<float>({0, 3}, {}).Run());
  ExpectNear(tester.Output<float>(), {0, 0, 0, 0, 0, 0});
}

TEST(MatMul, NanTimesZeroIsNan) {
  OpTester tester(OpId::kMatMul);
  ASSERT_OK(tester.Input<float>({2, 2}, {std::nanf(""), 1, 2, 3}).Input<float>({2, 1}, {0, 1}).Run());
  ExpectNear(tester.Output<float>(), {std::nanf(""), 3});
}

TEST(MatMul, IntegersWrap) {
  OpTester tester(OpId::kMatMul);
  ASSERT_OK(tester.Input<int32_t>({1, 2}, {1 << 30, 1 << 30}).Input<int32_t>({2, 1}, {2, 3}).Run());
  EXPECT_EQ(tester.Output<int32_t>()[0], static_cast<int32_t>(5u << 30));
  OpTester wide(OpId::kMatMul);
  ASSERT_OK(wide.Input<uint64_t>({2}, {UINT64_MAX, 1}).Input<uint64_t>({2}, {3, 7}).Run());
  EXPECT_EQ(wide.Output<uint64_t>()[0], 4u);
  OpTester narrow(OpId::kMatMul);
  ASSERT_OK(narrow.Input<uint32_t>({1, 1}, {UINT32_MAX}).Input<uint32_t>({1, 1}, {2}).Run());
  EXPECT_EQ(narrow.Output<uint32_t>()[0], UINT32_MAX - 1);
}

TEST(MatMul, DoublesStayDoubles) {
  OpTester tester(OpId::kMatMul);
  ASSERT_OK(tester.Input<double>({1, 2}, {1, 1e-12}).Input<double>({2, 1}, {1, 1}).Run());
  EXPECT_EQ(tester.Output<double>()[0], 1 + 1e-12);
}

TEST(MatMul, OpenDimensions) {
  const int64_t s = SymbolDim(0), t = SymbolDim(1);
  std::vector<TensorType> y;
  OpTester tester(OpId::kMatMul);
  ASSERT_OK(
      tester.Infer({{DType::kF32, {s, 12, t, 32}, kNone}, {DType::kF32, {s, 1, kUnknownDim, t}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{s, 12, t, t}));
}

TEST(MatMul, Refusals) {
  std::vector<TensorType> y;
  OpTester tester(OpId::kMatMul);
  const auto f32 = [](const Shape& shape) { return TensorType{DType::kF32, shape, kNone}; };
  EXPECT_ERROR(tester.Infer({f32({2, 3}), f32({4, 2})}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({f32({}), f32({4, 2})}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({f32({2, 3, 4}), f32({3, 4, 2})}, &y), kInvalidArgument);
  tester.attributes<MatMulAttributes>().transpose_a = true;
  EXPECT_ERROR(tester.Infer({f32({3}), f32({3, 2})}, &y), kInvalidArgument);
}

TEST(FullyConnected, LeadingDimensionsAndRefusals) {
  OpTester tester(OpId::kFullyConnected);
  ASSERT_OK(tester.Input<float>({2, 1, 2}, {1, 2, 3, 4})
                .Input<float>({1, 2}, {10, 1})
                .Input<float>({1}, {0.5f})
                .Run());
  EXPECT_TRUE(tester.output().shape == (Shape{2, 1, 1}));
  ExpectNear(tester.Output<float>(), {12.5f, 34.5f});
  std::vector<TensorType> y;
  EXPECT_ERROR(tester.Infer({{DType::kF32, {2, 3}, kNone}, {DType::kF32, {4, 2}, kNone}}, &y),
               kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kF32, {2, 3}, kNone}, {DType::kI8, {4, 3}, kNone}}, &y), kUnsupported);
}

}  // namespace
}  // namespace mace::ops
