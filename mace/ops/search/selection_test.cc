// Types and edges of operators of data-dependent size; results: onnx_cases_test.
#include "mace/ops/search/selection.h"

#include "mace/ops/detection/select_boxes.h"
#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

TEST(NonZero, ZerosOfEveryType) {
  OpTester floats(OpId::kNonZero);
  ASSERT_OK(floats.Input<float>({4}, {-0.0f, NAN, 0, 1e-45f}).Run());
  EXPECT_EQ(floats.Output<int64_t>(), (std::vector<int64_t>{1, 3}));
  OpTester narrow(OpId::kNonZero);
  ASSERT_OK(narrow.RawInput(DType::kBF16, {3}, {0x00, 0x80, 0x01, 0x00, 0x00, 0x00}).Run());
  EXPECT_EQ(narrow.Output<int64_t>(), (std::vector<int64_t>{1}));
  OpTester words(OpId::kNonZero);
  ASSERT_OK(words.Input<int64_t>({2}, {INT64_MIN, 0}).Run());
  EXPECT_EQ(words.Output<int64_t>(), (std::vector<int64_t>{0}));
  OpTester scalar(OpId::kNonZero);
  ASSERT_OK(scalar.Input<int32_t>({}, {5}).Run());
  EXPECT_TRUE(scalar.output().shape == (Shape{0, 1}));
  OpTester empty(OpId::kNonZero);
  ASSERT_OK(empty.Input<float>({2, 0}, {}).Run());
  EXPECT_TRUE(empty.output().shape == (Shape{2, 0}));
  std::vector<TensorType> y;
  ASSERT_OK(OpTester(OpId::kNonZero).Infer({{DType::kF32, {2, 3, 4}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{3, kUnknownDim}));
}

TEST(Unique, NansAreOneAndLast) {
  OpTester tester(OpId::kUnique, 4);
  ASSERT_OK(tester.Input<double>({6}, {NAN, 2, 0.0, NAN, -0.0, -INFINITY}).Run());
  const std::vector<double> y = tester.Output<double>();
  ASSERT_EQ(y.size(), 4u);
  EXPECT_EQ(y[0], -INFINITY);
  EXPECT_EQ(y[1], 0);
  EXPECT_FALSE(std::signbit(y[1]));  // the first of the zeros
  EXPECT_TRUE(std::isnan(y[3]));
  EXPECT_EQ(tester.Output<int64_t>(1), (std::vector<int64_t>{5, 2, 1, 0}));
  EXPECT_EQ(tester.Output<int64_t>(2), (std::vector<int64_t>{3, 2, 1, 3, 1, 0}));
  EXPECT_EQ(tester.Output<int64_t>(3), (std::vector<int64_t>{1, 2, 1, 2}));
}

TEST(Unique, SlicesScalarsAndNothing) {
  OpTester empty_slices(OpId::kUnique, 4);
  empty_slices.attributes<UniqueAttributes>() = {.along_axis = true, .axis = 0};
  ASSERT_OK(empty_slices.Input<float>({3, 0}, {}).Run());  // three slices without elements are equal
  EXPECT_TRUE(empty_slices.output().shape == (Shape{1, 0}));
  EXPECT_EQ(empty_slices.Output<int64_t>(3), (std::vector<int64_t>{3}));
  EXPECT_EQ(empty_slices.Output<int64_t>(2), (std::vector<int64_t>{0, 0, 0}));
  OpTester many(OpId::kUnique);  // a step for each would take years
  many.attributes<UniqueAttributes>() = {.along_axis = true, .axis = 0};
  ASSERT_OK(many.Input<float>({int64_t{1} << 58, 0}, {}).Run());
  EXPECT_TRUE(many.output().shape == (Shape{1, 0}));
  OpTester nothing(OpId::kUnique);
  nothing.attributes<UniqueAttributes>() = {.along_axis = true, .axis = 1};
  ASSERT_OK(nothing.Input<float>({3, 0}, {}).Run());
  EXPECT_TRUE(nothing.output().shape == (Shape{3, 0}));
  OpTester scalar(OpId::kUnique);
  ASSERT_OK(scalar.Input<uint64_t>({}, {UINT64_MAX}).Run());
  EXPECT_EQ(scalar.Output<uint64_t>(), (std::vector<uint64_t>{UINT64_MAX}));
  OpTester bools(OpId::kUnique, 3);
  bools.attributes<UniqueAttributes>().sorted = false;
  ASSERT_OK(bools.BoolInput({3}, {1, 0, 1}).NoOutput(1).Run());
  EXPECT_EQ(bools.Output<uint8_t>(), (std::vector<uint8_t>{1, 0}));
  EXPECT_EQ(bools.Output<int64_t>(2), (std::vector<int64_t>{0, 1, 0}));
}

TEST(SelectBoxes, EdgesOfItsLimits) {
  const std::vector<float> boxes = {0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 5};  // the second is the first, turned
  const auto run = [&](int64_t most, std::vector<float> overlap, OpTester* tester) {
    tester->Input<float>({1, 3, 4}, boxes)
        .Input<float>({1, 1, 3}, {0.5, NAN, 0.5})
        .Input<int64_t>({}, {most});
    return tester->Input<float>({static_cast<int64_t>(overlap.size())}, overlap).Run();
  };
  OpTester none(OpId::kSelectBoxes), all(OpId::kSelectBoxes), some(OpId::kSelectBoxes),
      wrong(OpId::kSelectBoxes);
  ASSERT_OK(run(-4, {0.5f}, &none));
  EXPECT_TRUE(none.output().shape == (Shape{0, 3}));
  ASSERT_OK(run(INT64_MAX, {1.0f}, &all));
  EXPECT_EQ(all.Output<int64_t>(), (std::vector<int64_t>{0, 0, 0, 0, 0, 2, 0, 0, 1}));  // a NaN comes last
  ASSERT_OK(run(3, {}, &some));
  EXPECT_EQ(some.Output<int64_t>(), (std::vector<int64_t>{0, 0, 0, 0, 0, 2}));
  EXPECT_ERROR(run(3, {NAN}, &wrong), kInvalidArgument);
  OpTester empty(OpId::kSelectBoxes);
  ASSERT_OK(empty.Input<float>({2, 0, 4}, {}).Input<float>({2, 3, 0}, {}).Input<int64_t>({1}, {5}).Run());
  EXPECT_TRUE(empty.output().shape == (Shape{0, 3}));
}

}  // namespace
}  // namespace mace::ops
