// Types, open dimensions and refusals; results: onnx_cases_test.
#include "mace/ops/movement/rearrange.h"

#include "mace/ops/op_tester.h"
#include "mace/ops/shape/range.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::ops {
namespace {

const int64_t kS = SymbolDim(0);

TensorType F32(const Shape& shape) { return {DType::kF32, shape, kNone}; }
TensorType I64(const Shape& shape) { return {DType::kI64, shape, kNone}; }

TEST(Tile, OpenDimensions) {
  OpTester tester(OpId::kTile);
  std::vector<TensorType> y;
  int64_t numbers[] = {1, 2, 0};
  const TensorView repeats = {numbers, DType::kI64, {3}};
  ASSERT_OK(tester.Infer({F32({kS, 3, 4}), I64({3})}, &y, {nullptr, &repeats}));
  EXPECT_TRUE(y[0].shape == (Shape{kS, 6, 0}));
  ASSERT_OK(tester.Infer({F32({kS, 3}), I64({kUnknownDim})}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kUnknownDim, kUnknownDim}));
  EXPECT_ERROR(tester.Infer({F32({3}), I64({2})}, &y), kInvalidArgument);
  OpTester scalar(OpId::kTile), negative(OpId::kTile), large(OpId::kTile);
  ASSERT_OK(scalar.Input<int16_t>({}, {7}).Input<int64_t>({0}, {}).Run());
  EXPECT_EQ(scalar.Output<int16_t>(), (std::vector<int16_t>{7}));
  EXPECT_ERROR(negative.Input<float>({1}, {1}).Input<int64_t>({1}, {-1}).Run(), kInvalidArgument);
  EXPECT_ERROR(large.Input<float>({2}, {1, 2}).Input<int64_t>({1}, {INT64_MAX}).Run(), kInvalidArgument);
}

TEST(SpaceToDepth, DepthToSpaceBringsItBack) {
  const std::vector<float> x = TestValues(2 * 4 * 6 * 3);
  for (const DepthToSpaceMode mode : {DepthToSpaceMode::kDepthColumnRow, DepthToSpaceMode::kColumnRowDepth}) {
    OpTester there(OpId::kSpaceToDepth), back(OpId::kDepthToSpace);
    for (OpTester* tester : {&there, &back}) {
      tester->attributes<DepthToSpaceAttributes>() = {.block_size = 2, .mode = mode};
    }
    ASSERT_OK(there.Input<float>({2, 4, 6, 3}, x).Run());
    EXPECT_TRUE(there.output().shape == (Shape{2, 2, 3, 12}));
    ASSERT_OK(back.Input<float>({2, 2, 3, 12}, there.Output<float>()).Run());
    EXPECT_EQ(back.Output<float>(), x);
  }
  OpTester odd(OpId::kSpaceToDepth);
  odd.attributes<DepthToSpaceAttributes>().block_size = 2;
  EXPECT_ERROR(odd.Input<float>({1, 3, 2, 1}, {1, 2, 3, 4, 5, 6}).Run(), kInvalidArgument);
}

TEST(Trilu, EveryDiagonalOfEveryWidth) {
  for (const int64_t k : {INT64_MIN, int64_t{-1}, int64_t{0}, int64_t{2}, INT64_MAX}) {
    for (const bool upper : {false, true}) {
      OpTester tester(OpId::kTrilu);
      tester.attributes<TriluAttributes>().upper = upper;
      ASSERT_OK(tester.Input<int8_t>({2, 3}, {1, 2, 3, 4, 5, 6}).Input<int64_t>({1}, {k}).Run());
      for (int i = 0; i < 6; ++i) {
        const double place = i % 3 - i / 3, diagonal = static_cast<double>(k);
        const bool kept = upper ? place >= diagonal : place <= diagonal;
        EXPECT_EQ(tester.Output<int8_t>()[i], kept ? i + 1 : 0) << k << " " << upper << " " << i;
      }
    }
  }
  std::vector<TensorType> y;
  EXPECT_ERROR(OpTester(OpId::kTrilu).Infer({F32({3})}, &y), kInvalidArgument);
}

TEST(ReverseSequence, Refusals) {
  const auto run = [](int64_t batch, int64_t time, int64_t length) {
    OpTester tester(OpId::kReverseSequence);
    tester.attributes<ReverseSequenceAttributes>() = {.batch_axis = batch, .time_axis = time};
    return tester.Input<float>({1, 2}, {1, 2}).Input<int64_t>({1}, {length}).Run();
  };
  EXPECT_OK(run(0, -1, 2));
  EXPECT_OK(run(0, 1, 0));
  EXPECT_ERROR(run(0, 1, 3), kInvalidArgument);
  EXPECT_ERROR(run(0, 1, -1), kInvalidArgument);
  EXPECT_ERROR(run(0, -2, 1), kInvalidArgument);
  EXPECT_ERROR(run(1, 0, 1), kInvalidArgument);  // one length for two entries
}

TEST(Range, SizesAreKnownWithTheBounds) {
  std::vector<TensorType> y;
  OpTester tester(OpId::kRange);
  ASSERT_OK(tester.Infer({F32({}), F32({}), F32({})}, &y));
  EXPECT_TRUE(y[0].shape == Shape{kUnknownDim});
  const auto integers = [](int64_t start, int64_t limit, int64_t delta) {
    OpTester range(OpId::kRange);
    return range.Input<int64_t>({}, {start}).Input<int64_t>({}, {limit}).Input<int64_t>({1}, {delta}).Run();
  };
  OpTester wide(OpId::kRange);
  wide.Input<int64_t>({}, {INT64_MIN}).Input<int64_t>({}, {INT64_MAX}).Input<int64_t>({}, {INT64_MAX});
  ASSERT_OK(wide.Run());
  EXPECT_EQ(wide.Output<int64_t>(), (std::vector<int64_t>{INT64_MIN, -1, INT64_MAX - 1}));
  EXPECT_OK(integers(INT64_MAX, INT64_MIN, INT64_MIN));
  EXPECT_ERROR(integers(0, 1, 0), kInvalidArgument);
  EXPECT_ERROR(integers(INT64_MIN, INT64_MAX, 1), kInvalidArgument);
  const auto floats = [](double start, double limit, double delta, std::vector<double>* result) {
    OpTester range(OpId::kRange);
    const Status status =
        range.Input<double>({}, {start}).Input<double>({}, {limit}).Input<double>({}, {delta}).Run();
    if (status.ok()) *result = range.Output<double>();
    return status.ok();
  };
  std::vector<double> values;
  ASSERT_TRUE(floats(1, 0, -0.25, &values));
  EXPECT_EQ(values, (std::vector<double>{1, 0.75, 0.5, 0.25}));
  ASSERT_TRUE(floats(1, 0, INFINITY, &values));
  EXPECT_TRUE(values.empty());
  EXPECT_FALSE(floats(0, 1, 0, &values));
  EXPECT_FALSE(floats(0, NAN, 1, &values));
  EXPECT_FALSE(floats(0, INFINITY, 1, &values));
  OpTester words(OpId::kRange);
  ASSERT_OK(
      words.Input<int16_t>({}, {32766}).Input<int16_t>({}, {-32768}).Input<int16_t>({}, {-32767}).Run());
  EXPECT_EQ(words.Output<int16_t>(), (std::vector<int16_t>{32766, -1}));
}

TEST(EyeLike, OnesOfEveryType) {
  const std::pair<DType, uint64_t> ones[] = {{DType::kF32, 0x3f800000}, {DType::kF64, 0x3ff0000000000000},
                                             {DType::kF16, 0x3c00},     {DType::kBF16, 0x3f80},
                                             {DType::kBool, 1},         {DType::kI64, 1}};
  for (const auto& [dtype, one] : ones) {
    OpTester tester(OpId::kEyeLike);
    tester.attributes<EyeLikeAttributes>() = {.dtype = dtype, .k = 1};
    ASSERT_OK(tester.Input<float>({2, 2}, {5, 5, 5, 5}).Run());
    uint64_t got = 0;
    const int size = BytesOf(dtype);
    std::memcpy(&got, tester.output().as<uint8_t>() + size, static_cast<size_t>(size));
    EXPECT_EQ(got, one);
    EXPECT_EQ(tester.output().as<uint8_t>()[0], 0);
  }
  OpTester far(OpId::kEyeLike);
  far.attributes<EyeLikeAttributes>().k = INT64_MIN;
  ASSERT_OK(far.Input<float>({1, 1}, {3}).Run());
  ExpectNear(far.Output<float>(), {0});
}

// 4-bit and 2-bit elements: moved one by one.
TEST(Movement, PackedElements) {
  OpTester transpose(OpId::kTranspose);
  ASSERT_OK(transpose.RawInput(DType::kU4, {3, 1}, {0x21, 0x03}).Run());
  EXPECT_EQ(transpose.output().as<uint8_t>()[0], 0x21);
  OpTester turned(OpId::kTranspose);  // 1 2 3 / 4 5 6
  ASSERT_OK(turned.RawInput(DType::kI4, {2, 3}, {0x21, 0x43, 0x65}).Run());
  EXPECT_EQ(turned.OutputBytes(), (std::vector<uint8_t>{0x41, 0x52, 0x63}));
  OpTester gather(OpId::kGather);  // 2-bit elements 0 1 2 3 1 of five rows
  ASSERT_OK(gather.RawInput(DType::kU2, {5, 1}, {0xe4, 0x01}).Input<int64_t>({3}, {3, -1, 2}).Run());
  EXPECT_EQ(gather.output().as<uint8_t>()[0], 0x27);
}

TEST(SqueezeAndUnsqueeze, AxesOfRunTime) {
  std::vector<TensorType> y;
  OpTester squeeze(OpId::kSqueeze), unsqueeze(OpId::kUnsqueeze);
  ASSERT_OK(squeeze.Infer({F32({1, kS, 1}), I64({2})}, &y));
  EXPECT_TRUE(y[0].shape == Shape{kUnknownDim});
  ASSERT_OK(squeeze.Infer({F32({1, kS, 1}), I64({kUnknownDim})}, &y));
  EXPECT_FALSE(y[0].shape.HasRank());
  ASSERT_OK(unsqueeze.Infer({F32({kS}), I64({2})}, &y));
  EXPECT_EQ(y[0].shape.rank, 3);
  ASSERT_OK(unsqueeze.Infer({F32({kS}), I64({kUnknownDim})}, &y));
  EXPECT_FALSE(y[0].shape.HasRank());
  EXPECT_ERROR(unsqueeze.Infer({F32({kS}), I64({8})}, &y), kUnsupported);
  OpTester last(OpId::kSqueeze), around(OpId::kUnsqueeze), all(OpId::kSqueeze);
  ASSERT_OK(last.Input<float>({1, 2, 1}, {3, 4}).Input<int64_t>({1}, {-1}).Run());
  EXPECT_TRUE(last.output().shape == (Shape{1, 2}));
  ASSERT_OK(around.Input<float>({2}, {3, 4}).Input<int32_t>({2}, {0, -1}).Run());
  EXPECT_TRUE(around.output().shape == (Shape{1, 2, 1}));
  ASSERT_OK(all.Input<float>({1, 2, 1}, {3, 4}).Run());
  EXPECT_TRUE(all.output().shape == Shape{2});
}

TEST(Pad, AxesAndWideMirrors) {
  const auto run = [](PadMode mode, std::vector<int64_t> pads, OpTester* tester) {
    tester->attributes<PadAttributes>().mode = mode;
    return tester->Input<float>({3}, {1, 2, 3}).Input<int64_t>({2}, pads).Run();
  };
  OpTester reflect(OpId::kPad), symmetric(OpId::kPad), wrap(OpId::kPad), cropped(OpId::kPad),
      nothing(OpId::kPad);
  ASSERT_OK(run(PadMode::kReflect, {3, 2}, &reflect));
  ExpectNear(reflect.Output<float>(), {2, 3, 2, 1, 2, 3, 2, 1});
  ASSERT_OK(run(PadMode::kSymmetric, {4, 0}, &symmetric));
  ExpectNear(symmetric.Output<float>(), {3, 3, 2, 1, 1, 2, 3});
  ASSERT_OK(run(PadMode::kWrap, {4, 1}, &wrap));
  ExpectNear(wrap.Output<float>(), {3, 1, 2, 3, 1, 2, 3, 1});
  ASSERT_OK(run(PadMode::kReflect, {-2, 2}, &cropped));  // one element is left
  ExpectNear(cropped.Output<float>(), {3, 3, 3});
  EXPECT_ERROR(run(PadMode::kWrap, {-3, 1}, &nothing), kInvalidArgument);
  OpTester axes(OpId::kPad), twice(OpId::kPad);
  axes.Input<float>({2, 1}, {1, 2})
      .Input<int64_t>({2}, {1, 0})
      .Input<float>({}, {9})
      .Input<int32_t>({1}, {-1});
  ASSERT_OK(axes.Run());
  ExpectNear(axes.Output<float>(), {9, 1, 9, 2});
  twice.Input<float>({2, 1}, {1, 2}).Input<int64_t>({4}, {1, 0, 0, 0}).NoInput().Input<int64_t>({2}, {1, -1});
  EXPECT_ERROR(twice.Run(), kInvalidArgument);
  std::vector<TensorType> y;
  OpTester unknown(OpId::kPad);
  ASSERT_OK(unknown.Infer({F32({2, 3}), I64({kUnknownDim}), TensorType(), I64({kUnknownDim})}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kUnknownDim, kUnknownDim}));
}

TEST(ContentInputs, AreWhatTheRulesRead) {
  const auto mask = [](OpId op) { return FindOpDefinition(op)->content_inputs; };
  EXPECT_EQ(mask(OpId::kReshape), ContentInputs({1}));
  EXPECT_EQ(mask(OpId::kSlice), ContentInputs({1, 2, 3, 4}));
  EXPECT_EQ(mask(OpId::kPad), ContentInputs({1, 3}));
  EXPECT_EQ(mask(OpId::kRange), ContentInputs({0, 1, 2}));
}

TEST(Permute, MovesAxesInAnOrderThatIsAnOperand) {
  OpTester tester(OpId::kPermute);
  ASSERT_OK(tester.Input<int16_t>({2, 1, 3}, {1, 2, 3, 4, 5, 6}).Input<int32_t>({3}, {2, 0, -2}).Run());
  EXPECT_EQ(tester.output().shape, (Shape{3, 2, 1}));
  EXPECT_EQ(tester.Output<int16_t>(), (std::vector<int16_t>{1, 4, 2, 5, 3, 6}));
}

TEST(Permute, RefusesWhatIsNoOrder) {
  for (const std::vector<int64_t>& order : {std::vector<int64_t>{0, 0}, {0, 2}, {0}}) {
    OpTester tester(OpId::kPermute);
    tester.Input<float>({1, 1}, {1}).Input<int64_t>({static_cast<int64_t>(order.size())}, order);
    EXPECT_ERROR(tester.Run(), kInvalidArgument);
  }
}

}  // namespace
}  // namespace mace::ops
