// Shape rules with open dimensions, refusals and data-dependent errors; results: onnx_cases_test.
#include "mace/ops/movement/movement.h"

#include "mace/ops/movement/resize.h"
#include "mace/ops/op_tester.h"
#include "mace/ops/quantize/integer_tester.h"

namespace mace::ops {
namespace {

const int64_t kS = SymbolDim(0), kT = SymbolDim(1);

TensorType F32(const Shape& shape) { return {DType::kF32, shape, kNone}; }
TensorType I64(const Shape& shape) { return {DType::kI64, shape, kNone}; }

TEST(Movement, OpenDimensions) {
  std::vector<TensorType> y;
  OpTester transpose(OpId::kTranspose);
  transpose.attributes<TransposeAttributes>().perm = {0, 2, 1};
  ASSERT_OK(transpose.Infer({F32({kS, 3, kT})}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kS, kT, 3}));
  OpTester concat(OpId::kConcat);
  concat.attributes<ConcatAttributes>().axis = 1;
  ASSERT_OK(concat.Infer({F32({kS, 3}), F32({4, 5})}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{4, 8}));
  ASSERT_OK(concat.Infer({F32({kS, kT}), F32({kS, 5})}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kS, kUnknownDim}));
  OpTester gather(OpId::kGather);
  ASSERT_OK(gather.Infer({F32({30, 8}), I64({kS, kT})}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kS, kT, 8}));
  OpTester resize(OpId::kResize);
  ASSERT_OK(resize.Infer({F32({kS, 4, kT, 3}), F32({2}), {}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kS, kUnknownDim, kUnknownDim, 3}));
  OpTester split(OpId::kSplit, 3);
  split.attributes<SplitAttributes>().axis = -1;
  ASSERT_OK(split.Infer({F32({kS, 8})}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kS, 3}) && y[2].shape == (Shape{kS, 2}));
}

TEST(Slice, OpenDimensions) {
  OpTester tester(OpId::kSlice);
  std::vector<TensorType> y;
  int64_t starts[] = {0, 1}, ends[] = {INT64_MAX, 3}, axes[] = {0, 2};
  const TensorView start = {starts, DType::kI64, {2}}, end = {ends, DType::kI64, {2}},
                   axis = {axes, DType::kI64, {2}};
  const std::vector<TensorType> types = {F32({kS, kT, 8}), I64({2}), I64({2}), I64({2})};
  ASSERT_OK(tester.Infer(types, &y, {nullptr, &start, &end, &axis}));
  EXPECT_TRUE(y[0].shape == (Shape{kS, kT, 2}));
  ASSERT_OK(tester.Infer(types, &y, {nullptr, nullptr, &end, &axis}));  // where to begin is not known
  EXPECT_TRUE(y[0].shape == (Shape{kUnknownDim, kT, kUnknownDim}));
  ASSERT_OK(tester.Infer(types, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kUnknownDim, kUnknownDim, kUnknownDim}));
}

TEST(Slice, Refusals) {
  const std::vector<float> x = {1, 2, 3};
  const auto run = [&](int64_t start, int64_t end, int64_t axis, int64_t step) {
    OpTester tester(OpId::kSlice);
    tester.Input({3}, x).Input<int64_t>({1}, {start}).Input<int64_t>({1}, {end});
    return tester.Input<int64_t>({1}, {axis}).Input<int64_t>({1}, {step}).Run();
  };
  EXPECT_OK(run(INT64_MIN, INT64_MAX, 0, INT64_MAX));
  EXPECT_OK(run(INT64_MAX, INT64_MIN, 0, INT64_MIN));
  EXPECT_ERROR(run(0, 1, 0, 0), kInvalidArgument);
  EXPECT_ERROR(run(0, 1, 1, 1), kInvalidArgument);
  OpTester twice(OpId::kSlice);
  twice.Input<float>({1, 1}, {1})
      .Input<int64_t>({2}, {0, 0})
      .Input<int64_t>({2}, {1, 1})
      .Input<int64_t>({2}, {1, -1});
  EXPECT_ERROR(twice.Run(), kInvalidArgument);
}

TEST(Gather, IndicesOutsideAreErrors) {
  for (int64_t index : {int64_t{3}, int64_t{-4}, INT64_MAX, INT64_MIN}) {
    OpTester tester(OpId::kGather);
    EXPECT_ERROR(tester.Input<float>({3}, {1, 2, 3}).Input<int64_t>({1}, {index}).Run(), kInvalidArgument);
  }
  OpTester empty(OpId::kGather);
  EXPECT_ERROR(empty.Input<float>({0}, {}).Input<int64_t>({1}, {0}).Run(), kInvalidArgument);
}

TEST(Concat, BringsQuantizedInputsToTheOutputsScale) {
  const IntegerTensor same = {DType::kU8, {1, 2}, {7, 8}, {0.5f}, {10}, kNone};
  const IntegerTensor other = {DType::kU8, {1, 3}, {0, 101, 255}, {0.25f}, {100}, kNone};
  for (Rounding rounding : {Rounding::kTfliteDouble, Rounding::kHalfEvenFloat}) {
    ConcatAttributes attributes;
    attributes.axis = 1, attributes.rounding = rounding;
    std::vector<IntegerTensor> y = {{DType::kU8, {}, {}, {0.5f}, {10}}};
    ASSERT_TRUE(RunIntegers(OpId::kConcat, attributes, {same, other}, &y).ok());
    // 1 / 2 and 155 / 2 units of the output: away from zero, or to even
    const bool even = rounding == Rounding::kHalfEvenFloat;
    EXPECT_EQ(y[0].values, (std::vector<int32_t>{7, 8, 0, even ? 10 : 11, 88}));
  }
  IntegerTensor word = same;
  word.dtype = DType::kI16;
  ConcatAttributes attributes;
  attributes.rounding = Rounding::kTfliteDouble;
  std::vector<IntegerTensor> y = {{DType::kI16, {}, {}, {0.25f}, {10}}};
  EXPECT_EQ(RunIntegers(OpId::kConcat, attributes, {word}, &y).code(), StatusCode::kUnsupported);
}

TEST(Pad, ReflectionAndCropsAreChecked) {
  const auto run = [](PadMode mode, int64_t begin, int64_t end, OpTester* tester) {
    tester->attributes<PadAttributes>().mode = mode;
    return tester->Input<float>({3}, {1, 2, 3}).Input<int64_t>({2}, {begin, end}).Run();
  };
  OpTester reflect(OpId::kPad), crop(OpId::kPad), edge(OpId::kPad);
  ASSERT_OK(run(PadMode::kReflect, 2, 1, &reflect));
  ExpectNear(reflect.Output<float>(), {3, 2, 1, 2, 3, 2});
  ASSERT_OK(run(PadMode::kConstant, -1, 1, &crop));
  ExpectNear(crop.Output<float>(), {2, 3, 0});
  ASSERT_OK(run(PadMode::kEdge, 1, 2, &edge));
  ExpectNear(edge.Output<float>(), {1, 1, 2, 3, 3, 3});
  OpTester symmetric(OpId::kPad);
  ASSERT_OK(run(PadMode::kSymmetric, 3, 1, &symmetric));
  ExpectNear(symmetric.Output<float>(), {3, 2, 1, 1, 2, 3, 3});
  OpTester b(OpId::kPad), c(OpId::kPad), d(OpId::kPad);
  EXPECT_ERROR(run(PadMode::kConstant, -2, -2, &b), kInvalidArgument);
  EXPECT_ERROR(run(PadMode::kConstant, INT64_MAX, 1, &c), kInvalidArgument);
  EXPECT_ERROR(d.Input<float>({3}, {1, 2, 3}).Input<int64_t>({3}, {0, 0, 0}).Run(), kInvalidArgument);
}

TEST(Split, Refusals) {
  OpTester sizes(OpId::kSplit, 2);
  EXPECT_ERROR(sizes.Input<float>({3}, {1, 2, 3}).Input<int64_t>({2}, {1, 1}).Run(), kInvalidArgument);
  OpTester negative(OpId::kSplit, 2);
  EXPECT_ERROR(negative.Input<float>({3}, {1, 2, 3}).Input<int64_t>({2}, {-1, 4}).Run(), kInvalidArgument);
  OpTester too_many(OpId::kSplit, 4);  // parts of 2 leave nothing for the last
  EXPECT_ERROR(too_many.Input<float>({5}, TestValues(5)).Run(), kInvalidArgument);
  OpTester skipped(OpId::kSplit, 3);
  ASSERT_OK(skipped.Input<float>({3}, {1, 2, 3}).NoOutput(1).Run());
  ExpectNear(skipped.Output<float>(2), {3});
}

TEST(Resize, Refusals) {
  const auto run = [](const std::vector<float>& scales) {
    OpTester tester(OpId::kResize);
    return tester.Input<float>({1, 2, 2, 1}, {1, 2, 3, 4}).Input({2}, scales).NoInput().Run();
  };
  EXPECT_OK(run({2, 0.1f}));
  EXPECT_ERROR(run({0, 1}), kInvalidArgument);
  EXPECT_ERROR(run({-1, 1}), kInvalidArgument);
  EXPECT_ERROR(run({std::nanf(""), 1}), kInvalidArgument);
  EXPECT_ERROR(run({HUGE_VALF, 1}), kInvalidArgument);
  EXPECT_ERROR(run({1e30f, 1}), kInvalidArgument);
  OpTester neither(OpId::kResize), both(OpId::kResize), empty(OpId::kResize);
  EXPECT_ERROR(neither.Input<float>({1, 1, 1, 1}, {1}).Run(), kInvalidArgument);
  both.Input<float>({1, 1, 1, 1}, {1}).Input<float>({2}, {1, 1}).Input<int64_t>({2}, {1, 1});
  EXPECT_ERROR(both.Run(), kInvalidArgument);
  empty.Input<float>({1, 0, 1, 1}, {}).NoInput().Input<int64_t>({2}, {2, 2});
  EXPECT_ERROR(empty.Run(), kInvalidArgument);
}

TEST(Resize, ScaledSizesAreFlooredInBinary32) {
  int64_t size = 0;
  ASSERT_OK(ResizedSize(10, 0.7f, &size));  // 0.7f is below 7 / 10: wider arithmetic would give 6
  EXPECT_EQ(size, 7);
  ASSERT_OK(ResizedSize(5, 0.39f, &size));
  EXPECT_EQ(size, 1);
}

TEST(Movement, FourBitElementsAreRefused) {
  OpTester tester(OpId::kConcat);
  EXPECT_ERROR(tester.RawInput(DType::kI4, {2, 2}, {0, 0}).Run(), kUnsupported);
}

TEST(Movement, PermutationsAreChecked) {
  for (const IntList& perm :
       {IntList{0, 0}, IntList{0, 2}, IntList{0}, IntList{0, 1, 2}, IntList{0, -1}, IntList{-2, 1}}) {
    OpTester tester(OpId::kTranspose);
    tester.attributes<TransposeAttributes>().perm = perm;
    EXPECT_ERROR(tester.Input<float>({2, 2}, {1, 2, 3, 4}).Run(), kInvalidArgument);
  }
}

TEST(DepthToSpace, Refusals) {
  for (int64_t block : {int64_t{0}, int64_t{-1}, int64_t{3}, INT64_MAX}) {
    OpTester tester(OpId::kDepthToSpace);
    tester.attributes<DepthToSpaceAttributes>().block_size = block;
    EXPECT_ERROR(tester.Input<float>({1, 1, 1, 4}, {1, 2, 3, 4}).Run(), kInvalidArgument);
  }
}

}  // namespace
}  // namespace mace::ops
