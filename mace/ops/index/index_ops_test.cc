// Types, open dimensions and refusals; results: onnx_cases_test.
#include "mace/ops/index/index_ops.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

const int64_t kS = SymbolDim(0);

TensorType F32(const Shape& shape) { return {DType::kF32, shape, kNone}; }
TensorType I64(const Shape& shape) { return {DType::kI64, shape, kNone}; }

TEST(GatherElements, AnyWidthAndInt32Indices) {
  OpTester narrow(OpId::kGatherElements);
  ASSERT_OK(
      narrow.RawInput(DType::kF16, {2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}).Input<int32_t>({1, 2}, {-1, 0}).Run());
  EXPECT_EQ(narrow.output().dtype, DType::kF16);
  EXPECT_EQ(narrow.output().as<uint16_t>()[0], 0x0605);
  EXPECT_EQ(narrow.output().as<uint16_t>()[1], 0x0403);
  OpTester wide(OpId::kGatherElements);
  wide.attributes<GatherElementsAttributes>().axis = -1;
  ASSERT_OK(wide.Input<double>({1, 3}, {1, 2, 3}).Input<int64_t>({1, 4}, {2, 0, -2, 2}).Run());
  EXPECT_EQ(wide.Output<double>(), (std::vector<double>{3, 1, 2, 3}));
  OpTester bools(OpId::kGatherElements);
  ASSERT_OK(bools.BoolInput({2}, {0, 1}).Input<int64_t>({3}, {1, 1, 0}).Run());
  EXPECT_EQ(bools.Output<uint8_t>(), (std::vector<uint8_t>{1, 1, 0}));
}

TEST(GatherElements, Refusals) {
  const auto run = [](const Shape& data, const Shape& indices, int64_t index, int64_t axis) {
    OpTester tester(OpId::kGatherElements);
    tester.attributes<GatherElementsAttributes>().axis = axis;
    tester.Input<float>(data, std::vector<float>(data.ElementCount()));
    return tester.Input<int64_t>(indices, std::vector<int64_t>(indices.ElementCount(), index)).Run();
  };
  EXPECT_OK(run({2, 3}, {1, 3}, -2, 0));
  EXPECT_ERROR(run({2, 3}, {1, 3}, 2, 0), kInvalidArgument);
  EXPECT_ERROR(run({2, 3}, {1, 3}, INT64_MIN, 0), kInvalidArgument);
  EXPECT_ERROR(run({2, 3}, {1, 4}, 0, 0), kInvalidArgument);  // beyond the data on another axis
  EXPECT_ERROR(run({2, 3}, {3}, 0, 0), kInvalidArgument);
  EXPECT_ERROR(run({2, 3}, {1, 3}, 0, 2), kInvalidArgument);
  EXPECT_ERROR(run({0, 3}, {1, 3}, 0, 0), kInvalidArgument);
  EXPECT_ERROR(run({}, {}, 0, 0), kInvalidArgument);
}

TEST(GatherNd, OpenDimensions) {
  OpTester tester(OpId::kGatherNd);
  std::vector<TensorType> y;
  ASSERT_OK(tester.Infer({F32({2, 3, kS}), I64({kS, 2})}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kS, kS}));
  ASSERT_OK(tester.Infer({F32({2, 3, kS}), I64({4, kUnknownDim})}, &y));
  EXPECT_FALSE(y[0].shape.HasRank());
  tester.attributes<GatherNdAttributes>().batch_dims = 1;
  ASSERT_OK(tester.Infer({F32({2, 3, 5}), I64({kS, 4, 1})}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{2, 4, 5}));
  EXPECT_ERROR(tester.Infer({F32({2, 3}), I64({3, 1})}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({F32({2, 3}), I64({2, 2})}, &y), kInvalidArgument);  // deeper than the data
  tester.attributes<GatherNdAttributes>().batch_dims = 2;
  EXPECT_ERROR(tester.Infer({F32({2, 3}), I64({2, 3})}, &y), kInvalidArgument);
}

TEST(GatherNd, EmptyAndOutside) {
  OpTester none(OpId::kGatherNd);
  ASSERT_OK(none.Input<float>({0, 2}, {}).Input<int64_t>({0, 1}, {}).Run());
  EXPECT_TRUE(none.output().shape == (Shape{0, 2}));
  OpTester outside(OpId::kGatherNd);
  EXPECT_ERROR(outside.Input<float>({2, 2}, {1, 2, 3, 4}).Input<int64_t>({1, 2}, {0, 2}).Run(),
               kInvalidArgument);
  OpTester empty_axis(OpId::kGatherNd);
  EXPECT_ERROR(empty_axis.Input<float>({0, 2}, {}).Input<int64_t>({1, 1}, {0}).Run(), kInvalidArgument);
}

TEST(ScatterElements, ReducesEveryType) {
  const auto run = [](ScatterReduction reduction, OpTester* tester) {
    tester->attributes<ScatterElementsAttributes>().reduction = reduction;
    return tester->Run();
  };
  OpTester bytes(OpId::kScatterElements);
  bytes.Input<uint8_t>({2}, {250, 7}).Input<int64_t>({2}, {0, 0}).Input<uint8_t>({2}, {3, 4});
  ASSERT_OK(run(ScatterReduction::kAdd, &bytes));
  EXPECT_EQ(bytes.Output<uint8_t>(), (std::vector<uint8_t>{1, 7}));  // 257 wraps around
  OpTester words(OpId::kScatterElements);
  words.Input<int64_t>({1}, {INT64_MAX}).Input<int32_t>({1}, {0}).Input<int64_t>({1}, {2});
  ASSERT_OK(run(ScatterReduction::kMultiply, &words));
  EXPECT_EQ(words.Output<int64_t>(), (std::vector<int64_t>{-2}));
  OpTester bools(OpId::kScatterElements);
  bools.BoolInput({3}, {0, 1, 1}).Input<int64_t>({2}, {0, 1}).BoolInput({2}, {1, 0});
  ASSERT_OK(run(ScatterReduction::kMin, &bools));
  EXPECT_EQ(bools.Output<uint8_t>(), (std::vector<uint8_t>{0, 0, 1}));
  // bfloat16: 256 + 1 is 257, which has no such number; 258 has.
  OpTester narrow(OpId::kScatterElements);
  narrow.RawInput(DType::kBF16, {1}, {0x80, 0x43}).Input<int64_t>({2}, {0, 0});
  narrow.RawInput(DType::kBF16, {2}, {0x80, 0x3f, 0x00, 0x40});
  ASSERT_OK(run(ScatterReduction::kAdd, &narrow));
  EXPECT_EQ(narrow.output().as<uint16_t>()[0], 0x4381);
  OpTester nan(OpId::kScatterElements);
  nan.Input<double>({2}, {1, NAN}).Input<int64_t>({2}, {0, 1}).Input<double>({2}, {NAN, 5});
  ASSERT_OK(run(ScatterReduction::kMax, &nan));
  EXPECT_TRUE(std::isnan(nan.Output<double>()[0]) && std::isnan(nan.Output<double>()[1]));
}

TEST(ScatterElements, TheLastOneReplaces) {
  OpTester tester(OpId::kScatterElements);
  tester.Input<float>({3}, {1, 2, 3}).Input<int64_t>({2}, {-3, 0}).Input<float>({2}, {8, 9});
  ASSERT_OK(tester.Run());
  ExpectNear(tester.Output<float>(), {9, 2, 3});
  OpTester shapes(OpId::kScatterElements);
  shapes.Input<float>({3}, {1, 2, 3}).Input<int64_t>({2}, {0, 0}).Input<float>({1}, {8});
  EXPECT_ERROR(shapes.Run(), kInvalidArgument);
}

TEST(ScatterNd, Refusals) {
  std::vector<TensorType> y;
  OpTester tester(OpId::kScatterNd);
  ASSERT_OK(tester.Infer({F32({kS, 4}), I64({3, 1}), F32({3, 4})}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kS, 4}));
  EXPECT_ERROR(tester.Infer({F32({2, 4}), I64({3, 1}), F32({3, 5})}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({F32({2, 4}), I64({3, 3}), F32({3})}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({F32({2, 4}), I64({}), F32({2})}, &y), kInvalidArgument);
  OpTester outside(OpId::kScatterNd);
  outside.Input<float>({2}, {1, 2}).Input<int64_t>({1, 1}, {2}).Input<float>({1}, {5});
  EXPECT_ERROR(outside.Run(), kInvalidArgument);
}

TEST(TensorScatter, WritesRowsOfEachBatchEntry) {
  const std::vector<float> cache(2 * 4 * 2);
  const auto run = [&](bool circular, int64_t second, OpTester* tester) {
    tester->attributes<TensorScatterAttributes>().circular = circular;
    tester->Input<float>({2, 4, 2}, cache).Input<float>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
    return tester->Input<int64_t>({2}, {1, second}).Run();
  };
  OpTester linear(OpId::kTensorScatter), circular(OpId::kTensorScatter), outside(OpId::kTensorScatter);
  ASSERT_OK(run(false, 2, &linear));
  ExpectNear(linear.Output<float>(), {0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 5, 6, 7, 8});
  ASSERT_OK(run(true, 7, &circular));  // 7 is place 3; the second row goes to the beginning
  ExpectNear(circular.Output<float>(), {0, 0, 1, 2, 3, 4, 0, 0, 7, 8, 0, 0, 0, 0, 5, 6});
  EXPECT_ERROR(run(false, 3, &outside), kInvalidArgument);
  OpTester from_the_start(OpId::kTensorScatter);
  ASSERT_OK(from_the_start.Input<float>({1, 3, 1}, {1, 2, 3}).Input<float>({1, 1, 1}, {9}).Run());
  ExpectNear(from_the_start.Output<float>(), {9, 2, 3});
}

TEST(OneHot, TypesAndPlaces) {
  OpTester tester(OpId::kOneHot);
  tester.Input<int32_t>({3}, {0, -1, 5})
      .Input<int64_t>({}, {3})
      .RawInput(DType::kBF16, {2}, {0, 0, 0x80, 0x3f});
  ASSERT_OK(tester.Run());
  const uint16_t one = 0x3f80;
  const auto* y = tester.output().as<uint16_t>();
  EXPECT_EQ(std::vector<uint16_t>(y, y + 9), (std::vector<uint16_t>{one, 0, 0, 0, 0, one, 0, 0, 0}));
  std::vector<TensorType> types;
  ASSERT_OK(tester.Infer({I64({kS}), I64({1}), F32({2})}, &types));
  EXPECT_TRUE(types[0].shape == (Shape{kS, kUnknownDim}));
  OpTester negative(OpId::kOneHot);
  EXPECT_ERROR(negative.Input<int64_t>({1}, {0}).Input<int64_t>({1}, {-1}).Input<float>({2}, {0, 1}).Run(),
               kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
