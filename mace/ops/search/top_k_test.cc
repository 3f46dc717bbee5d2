// Results of ONNX's operator: onnx_cases_test. Here: ties, NaN, element types, open dimensions, refusals.
#include "mace/ops/search/top_k.h"

#include <algorithm>
#include <numeric>

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

TEST(TopK, IsTheFrontOfAStableSort) {
  for (const bool largest : {true, false}) {
    for (const int64_t k : {0, 1, 3, 40}) {
      std::vector<int8_t> x(3 * 40 * 2);
      uint32_t state = 3;
      for (int8_t& value : x) value = static_cast<int8_t>((state = state * 1664525u + 1013904223u) >> 29);
      OpTester tester(OpId::kTopK, 2);
      tester.attributes<TopKAttributes>() = {.axis = 1, .largest = largest, .index_type = DType::kI32};
      ASSERT_OK(tester.Input({3, 40, 2}, x).Input<int64_t>({1}, {k}).Run());
      ASSERT_TRUE(tester.output(0).shape == (Shape{3, k, 2}));
      for (int64_t outer = 0; outer < 3; ++outer) {
        for (int64_t inner = 0; inner < 2; ++inner) {
          const auto at = [&](int64_t i) { return x[(outer * 40 + i) * 2 + inner]; };
          std::vector<int32_t> order(40);
          std::iota(order.begin(), order.end(), 0);
          std::stable_sort(order.begin(), order.end(),
                           [&](int32_t a, int32_t b) { return largest ? at(a) > at(b) : at(a) < at(b); });
          for (int64_t i = 0; i < k; ++i) {
            const int64_t place = (outer * k + i) * 2 + inner;
            EXPECT_EQ(tester.Output<int32_t>(1)[place], order[i]);
            EXPECT_EQ(tester.Output<int8_t>(0)[place], at(order[i]));
          }
        }
      }
    }
  }
}

TEST(TopK, NanIsBehindAllNumbers) {
  const float nan = std::nanf("");
  for (const bool largest : {true, false}) {
    OpTester tester(OpId::kTopK, 2);
    tester.attributes<TopKAttributes>().largest = largest;
    ASSERT_OK(tester.Input<float>({5}, {nan, 1, nan, HUGE_VALF, -HUGE_VALF}).Input<int32_t>({}, {4}).Run());
    ExpectNear(tester.Output<float>(0), largest ? std::vector<float>{HUGE_VALF, 1, -HUGE_VALF, nan}
                                                : std::vector<float>{-HUGE_VALF, 1, HUGE_VALF, nan});
    EXPECT_EQ(tester.Output<int64_t>(1),
              (largest ? std::vector<int64_t>{3, 1, 4, 0} : std::vector<int64_t>{4, 1, 3, 0}));
  }
}

TEST(TopK, ShapesAndRefusals) {
  OpTester tester(OpId::kTopK, 2);
  int64_t k = 3;
  TensorView known{&k, DType::kI64, {1}};
  const TensorType one = {DType::kI64, {1}, kNone};
  std::vector<TensorType> y;
  ASSERT_OK(tester.Infer({{DType::kU8, {SymbolDim(0), kUnknownDim}, kNone}, one}, &y, {nullptr, &known}));
  EXPECT_TRUE(y[0].shape == (Shape{SymbolDim(0), 3}) && y[1].shape == y[0].shape);
  EXPECT_EQ(y[1].dtype, DType::kI64);
  ASSERT_OK(tester.Infer({{DType::kU8, {2, 9}, kNone}, one}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{2, kUnknownDim}));
  EXPECT_ERROR(tester.Infer({{DType::kU8, {2, 2}, kNone}, one}, &y, {nullptr, &known}), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kU8, {}, kNone}, one}, &y, {nullptr, &known}), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kF16, {9}, kNone}, one}, &y, {nullptr, &known}), kUnsupported);
  k = -1;
  EXPECT_ERROR(tester.Infer({{DType::kF32, {9}, kNone}, one}, &y, {nullptr, &known}), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kF32, {9}, kNone}, {DType::kF32, {1}, kNone}}, &y), kUnsupported);
  tester.attributes<TopKAttributes>().index_type = DType::kU8;
  EXPECT_ERROR(tester.Infer({{DType::kF32, {9}, kNone}, one}, &y), kUnsupported);
}

TEST(TopK, OneOutputMayBeAbsent) {
  OpTester tester(OpId::kTopK, 2);
  ASSERT_OK(tester.NoOutput(0).Input<float>({3}, {1, 3, 2}).Input<int64_t>({1}, {2}).Run());
  EXPECT_EQ(tester.Output<int64_t>(1), (std::vector<int64_t>{1, 2}));
}

}  // namespace
}  // namespace mace::ops
