// What shapes follow from open dimensions, and refusals; results on concrete shapes: onnx_cases_test.
#include "mace/ops/shape/shape_ops.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

const int64_t kS = SymbolDim(0), kT = SymbolDim(1);

// The shape that Reshape infers for x and a known target.
Result<Shape> Reshaped(const Shape& x, std::vector<int64_t> target, bool allow_zero = false) {
  OpTester tester(OpId::kReshape);
  tester.attributes<ReshapeAttributes>().allow_zero = allow_zero;
  const TensorView view = {target.data(), DType::kI64, {static_cast<int64_t>(target.size())}};
  std::vector<TensorType> y;
  Status status =
      tester.Infer({{DType::kF32, x, kNone}, {DType::kI64, view.shape, kNone}}, &y, {nullptr, &view});
  if (!status.ok()) return status;
  return y[0].shape;
}

TEST(Reshape, OpenDimensions) {
  const auto expect = [](const Shape& x, std::vector<int64_t> target, const Shape& expected) {
    auto shape = Reshaped(x, target);
    ASSERT_TRUE(shape.ok()) << shape.status().message();
    EXPECT_TRUE(*shape == expected) << ShapeText(*shape).text << " instead of " << ShapeText(expected).text;
  };
  expect({kS, kT, 384}, {0, 0, 12, 32}, {kS, kT, 12, 32});
  expect({kS, kT, 384}, {0, -1, 384}, {kS, kT, 384});
  expect({kS, 8, 4}, {-1, 32}, {kS, 32});
  expect({kS, 8, 4}, {-1, 16}, {kUnknownDim, 16});
  expect({kS, kT}, {-1}, {kUnknownDim});
  expect({kUnknownDim, 6}, {3, -1}, {3, kUnknownDim});
  expect({2, 3}, {3, -1}, {3, 2});
  expect({0, 3}, {0, -1}, {0, 3});
  expect({}, {1, 1}, {1, 1});
  expect({1}, {}, {});
}

TEST(Reshape, Refusals) {
  EXPECT_FALSE(Reshaped({2, 3}, {4}).ok());
  EXPECT_FALSE(Reshaped({2, 3}, {4, -1}).ok());
  EXPECT_FALSE(Reshaped({2, 3}, {-1, -1}).ok());
  EXPECT_FALSE(Reshaped({2, 3}, {-2, 3}).ok());
  EXPECT_FALSE(Reshaped({2, 3}, {2, 3, 0}).ok());
  EXPECT_FALSE(Reshaped({0, 3}, {0, -1}, /*allow_zero=*/true).ok());
  EXPECT_FALSE(Reshaped({2}, {INT64_MAX, INT64_MAX, 2}).ok());
  EXPECT_TRUE(Reshaped({0, 3}, {7, 0}, /*allow_zero=*/true).ok());
}

TEST(Reshape, AnUnknownTargetGivesItsRank) {
  OpTester tester(OpId::kReshape);
  std::vector<TensorType> y;
  const TensorType x = {DType::kF32, {2, 3}, kNone};
  ASSERT_OK(tester.Infer({x, {DType::kI64, {3}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kUnknownDim, kUnknownDim, kUnknownDim}));
  ASSERT_OK(tester.Infer({x, {DType::kI64, {kS}, kNone}}, &y));
  EXPECT_FALSE(y[0].shape.HasRank());
  EXPECT_ERROR(tester.Infer({x, {DType::kI64, {9}, kNone}}, &y), kUnsupported);
  EXPECT_ERROR(tester.Infer({x, {DType::kF32, {3}, kNone}}, &y), kUnsupported);
}

TEST(Reshape, MovesBytesOfAnyType) {
  OpTester tester(OpId::kReshape);
  ASSERT_OK(tester.RawInput(DType::kU4, {3}, {0x21, 0x03}).Input<int64_t>({2}, {3, 1}).Run());
  EXPECT_EQ(tester.output().as<uint8_t>()[0], 0x21);
  OpTester attribute(OpId::kReshape);
  attribute.attributes<ReshapeAttributes>().shape = {2, -1};
  ASSERT_OK(attribute.Input<int32_t>({4}, {1, 2, 3, 4}).Run());
  EXPECT_TRUE(attribute.output().shape == (Shape{2, 2}));
}

TEST(ShapeOperators, OpenDimensions) {
  std::vector<TensorType> y;
  const TensorType x = {DType::kF32, {1, kS, 1, kT}, kNone};
  OpTester flatten(OpId::kFlatten);
  flatten.attributes<FlattenAttributes>().axis = 2;
  ASSERT_OK(flatten.Infer({x}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kS, kT}));
  OpTester squeeze(OpId::kSqueeze);
  ASSERT_OK(squeeze.Infer({x}, &y));  // some of the open dimensions may be 1
  EXPECT_FALSE(y[0].shape.HasRank());
  squeeze.attributes<SqueezeAttributes>().axes = {0, -2};
  ASSERT_OK(squeeze.Infer({x}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kS, kT}));
  OpTester unsqueeze(OpId::kUnsqueeze);
  unsqueeze.attributes<UnsqueezeAttributes>().axes = {0, -1};
  ASSERT_OK(unsqueeze.Infer({x}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{1, 1, kS, 1, kT, 1}));
  unsqueeze.attributes<UnsqueezeAttributes>().axes = {0, 0};
  EXPECT_ERROR(unsqueeze.Infer({x}, &y), kInvalidArgument);
  OpTester expand(OpId::kExpand);
  ASSERT_OK(expand.Infer({x, {DType::kI64, {5}, kNone}}, &y));
  EXPECT_EQ(y[0].shape.rank, 5);
  OpTester report(OpId::kShape);
  report.attributes<ShapeAttributes>() = {.start = INT64_MIN, .end = -1};
  ASSERT_OK(report.Infer({x}, &y));
  EXPECT_TRUE(y[0].shape == Shape{3});
}

TEST(ConstantOfShape, TypesAndRefusals) {
  OpTester tester(OpId::kConstantOfShape);
  tester.attributes<ConstantOfShapeAttributes>() = {.dtype = DType::kI64, .int_value = -7};
  ASSERT_OK(tester.Input<int64_t>({2}, {1, 2}).Run());
  EXPECT_EQ(tester.Output<int64_t>(), (std::vector<int64_t>{-7, -7}));
  EXPECT_ERROR(OpTester(OpId::kConstantOfShape).Input<int64_t>({1}, {-1}).Run(), kInvalidArgument);
  EXPECT_ERROR(OpTester(OpId::kConstantOfShape).Input<int64_t>({2}, {INT64_MAX, INT64_MAX}).Run(),
               kInvalidArgument);
  OpTester scalar(OpId::kConstantOfShape);
  ASSERT_OK(scalar.Input<int64_t>({0}, {}).Run());
  EXPECT_EQ(scalar.output().shape.rank, 0);
}

}  // namespace
}  // namespace mace::ops
