// Results of ONNX's operators: onnx_cases_test. Here: ties, NaN, element types, refusals.
#include "mace/ops/reduce/arg_reduce.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

template <typename T>
std::vector<int64_t> Places(const ArgReduceAttributes& attributes, const Shape& shape,
                            const std::vector<T>& x) {
  OpTester tester(OpId::kArgReduce);
  tester.attributes<ArgReduceAttributes>() = attributes;
  EXPECT_OK(tester.Input(shape, x).Run());
  if (attributes.to == DType::kI64) return tester.Output<int64_t>();
  const std::vector<int32_t> narrow = tester.Output<int32_t>();
  return {narrow.begin(), narrow.end()};
}

TEST(ArgReduce, EqualElements) {
  const std::vector<int8_t> x = {-128, 127, 5, 127, -128, 127};
  EXPECT_EQ(Places({}, {6}, x), (std::vector<int64_t>{1}));
  EXPECT_EQ(Places({.select_last = true}, {6}, x), (std::vector<int64_t>{5}));
  EXPECT_EQ(Places({.kind = ArgReduceKind::kMin}, {6}, x), (std::vector<int64_t>{0}));
  EXPECT_EQ(Places({.kind = ArgReduceKind::kMin, .select_last = true}, {6}, x), (std::vector<int64_t>{4}));
}

TEST(ArgReduce, AxesAndTypes) {
  const std::vector<uint8_t> x = {200, 1, 3, 4, 5, 255};  // [[200, 1, 3], [4, 5, 255]]
  EXPECT_EQ(Places({.axis = 0}, {2, 3}, x), (std::vector<int64_t>{0, 1, 1}));
  EXPECT_EQ(Places({.axis = -1, .to = DType::kI32}, {2, 3}, x), (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(Places<int16_t>({.axis = 1, .keep_dims = false}, {1, 3}, {-3, -2, -1}),
            (std::vector<int64_t>{2}));
  EXPECT_EQ(Places<int64_t>({}, {2, 1, 1}, {INT64_MIN, INT64_MAX}), (std::vector<int64_t>{1}));
}

TEST(ArgReduce, NanIsNotFound) {
  EXPECT_EQ(Places<float>({}, {3}, {1, std::nanf(""), 2}), (std::vector<int64_t>{2}));
  EXPECT_EQ(Places<float>({}, {3}, {-HUGE_VALF, -HUGE_VALF, std::nanf("")}), (std::vector<int64_t>{0}));
}

TEST(ArgReduce, ShapesAndRefusals) {
  OpTester tester(OpId::kArgReduce);
  auto& attributes = tester.attributes<ArgReduceAttributes>();
  attributes = {.axis = 1};
  std::vector<TensorType> y;
  ASSERT_OK(tester.Infer({{DType::kU8, {SymbolDim(0), kUnknownDim, 4}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{SymbolDim(0), 1, 4}));
  EXPECT_EQ(y[0].dtype, DType::kI64);
  attributes.keep_dims = false;
  ASSERT_OK(tester.Infer({{DType::kU8, {SymbolDim(0), 2, 4}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{SymbolDim(0), 4}));
  EXPECT_ERROR(tester.Infer({{DType::kU8, {2, 0}, kNone}}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kU8, {2}, kNone}}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kF16, {2, 2}, kNone}}, &y), kUnsupported);
  attributes.to = DType::kU8;
  EXPECT_ERROR(tester.Infer({{DType::kU8, {2, 2}, kNone}}, &y), kUnsupported);
}

}  // namespace
}  // namespace mace::ops
