// Results on ordinary numbers: onnx_cases_test. Here: special values, integers, quantized clamps, refusals.
#include "mace/ops/unary/unary.h"

#include <limits>

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

const float kNan = std::nanf("");
const float kInf = HUGE_VALF;

std::vector<float> Apply(OpId op, const std::vector<float>& x) {
  OpTester tester(op);
  tester.Input<float>({static_cast<int64_t>(x.size())}, x);
  EXPECT_OK(tester.Run());
  return tester.Output<float>();
}

TEST(Unary, NanStaysNan) {
  for (OpId op : {OpId::kRelu,        OpId::kClip,      OpId::kLeakyRelu, OpId::kSigmoid,    OpId::kTanh,
                  OpId::kHardSigmoid, OpId::kHardSwish, OpId::kSilu,      OpId::kGelu,       OpId::kErf,
                  OpId::kExp,         OpId::kLog,       OpId::kSqrt,      OpId::kReciprocal, OpId::kNeg,
                  OpId::kAbs,         OpId::kFloor,     OpId::kCeil,      OpId::kRound,      OpId::kIdentity,
                  OpId::kRsqrt,       OpId::kSoftplus,  OpId::kElu,       OpId::kSelu,       OpId::kMish,
                  OpId::kSoftsign,    OpId::kSign,      OpId::kSin,       OpId::kCos}) {
    EXPECT_TRUE(std::isnan(Apply(op, {kNan})[0])) << FindOpDefinition(op)->name;
  }
}

TEST(Unary, Infinities) {
  ExpectNear(Apply(OpId::kSigmoid, {-kInf, kInf, -200}), {0, 1, 0});
  // x times a gate that is 0, as files spell these.
  for (OpId op : {OpId::kSilu, OpId::kGelu, OpId::kHardSwish}) {
    EXPECT_TRUE(std::isnan(Apply(op, {-kInf})[0])) << FindOpDefinition(op)->name;
    EXPECT_EQ(Apply(op, {kInf})[0], kInf) << FindOpDefinition(op)->name;
  }
  ExpectNear(Apply(OpId::kGelu, {-40}), {0});
  ExpectNear(Apply(OpId::kExp, {-kInf, kInf, 1000}), {0, kInf, kInf});
  ExpectNear(Apply(OpId::kRelu, {-kInf, kInf}), {0, kInf});
  ExpectNear(Apply(OpId::kRsqrt, {0, 4, 0.25f}), {kInf, 0.5f, 2});
  ExpectNear(Apply(OpId::kSilu, {1, -2}), {0.73105858f, -0.23840584f});
}

TEST(Unary, ExponentialsNeitherOverflowNorVanish) {
  ExpectNear(Apply(OpId::kSoftplus, {-kInf, -100, 0, 100, 1000, kInf}),
             {0, 3.7835059e-44f, 0.69314718f, 100, 1000, kInf});
  ExpectNear(Apply(OpId::kMish, {-1000, 1000, 1}), {0, 1000, 0.86509839f});
  ExpectNear(Apply(OpId::kElu, {-kInf, -1e-7f, 0, 2}), {-1, -1e-7f, 0, 2});
  ExpectNear(Apply(OpId::kSelu, {-kInf, 1}), {-1.7580993f, 1.0507010f});
  ExpectNear(Apply(OpId::kSoftsign, {3, -3}), {0.75f, -0.75f});
  EXPECT_EQ(Apply(OpId::kSign, {-kInf, -0.0f, 0, 1e-40f}), (std::vector<float>{-1, 0, 0, 1}));
  EXPECT_TRUE(std::isnan(Apply(OpId::kSin, {kInf})[0]));
  OpTester sign(OpId::kSign);
  ASSERT_OK(sign.Input<int8_t>({3}, {-128, 0, 127}).Run());
  EXPECT_EQ(sign.Output<int8_t>(), (std::vector<int8_t>{-1, 0, 1}));
}

TEST(Unary, EmptyTensors) { EXPECT_TRUE(Apply(OpId::kTanh, {}).empty()); }

TEST(Unary, IntegersWrapAndClamp) {
  constexpr int32_t kLow = std::numeric_limits<int32_t>::min();
  OpTester negate(OpId::kNeg);
  ASSERT_OK(negate.Input<int32_t>({3}, {5, -7, kLow}).Run());
  EXPECT_EQ(negate.Output<int32_t>(), (std::vector<int32_t>{-5, 7, kLow}));
  OpTester absolute(OpId::kAbs);
  ASSERT_OK(absolute.Input<int64_t>({2}, {-5, std::numeric_limits<int64_t>::min()}).Run());
  EXPECT_EQ(absolute.Output<int64_t>(), (std::vector<int64_t>{5, std::numeric_limits<int64_t>::min()}));
  OpTester relu(OpId::kRelu);
  ASSERT_OK(relu.Input<int8_t>({3}, {-128, 0, 127}).Run());
  EXPECT_EQ(relu.Output<int8_t>(), (std::vector<int8_t>{0, 0, 127}));
  OpTester clip(OpId::kClip);
  clip.attributes<ClipAttributes>() = {.min = -1.5f, .max = 2.5f};
  ASSERT_OK(clip.Input<int64_t>({4}, {-9, -1, 2, 9}).Run());
  EXPECT_EQ(clip.Output<int64_t>(), (std::vector<int64_t>{-1, -1, 2, 2}));
}

TEST(Unary, QuantizedClampsActInStoredUnits) {
  OpTester clip(OpId::kClip);
  clip.attributes<ClipAttributes>() = {.min = 0, .max = 6};
  clip.Input<uint8_t>({4}, {0, 10, 60, 255}).QuantizeInput(0, 0.1f, 10).QuantizeOutput(0.1f, 10);
  ASSERT_OK(clip.Run());
  EXPECT_EQ(clip.Output<uint8_t>(), (std::vector<uint8_t>{10, 10, 60, 70}));
  OpTester other_scale(OpId::kRelu);
  other_scale.Input<uint8_t>({3}, {0, 16, 255}).QuantizeInput(0, 0.1f, 10).QuantizeOutput(0.2f, 20);
  ASSERT_OK(other_scale.Run());
  EXPECT_EQ(other_scale.Output<uint8_t>(), (std::vector<uint8_t>{20, 23, 142}));  // 122.5: to even
}

TEST(Unary, BoundsInTheWrongOrderGiveTheMaximum) {
  OpTester clip(OpId::kClip);
  clip.attributes<ClipAttributes>() = {.min = 3, .max = 1};
  ASSERT_OK(clip.Input<float>({2}, {0, 9}).Run());
  ExpectNear(clip.Output<float>(), {1, 1});
}

TEST(Unary, Refusals) {
  EXPECT_ERROR(OpTester(OpId::kTanh).Input<int32_t>({1}, {1}).Run(), kUnsupported);
  EXPECT_ERROR(OpTester(OpId::kNot).Input<float>({1}, {1}).Run(), kUnsupported);
  EXPECT_ERROR(OpTester(OpId::kNeg).Input<int8_t>({1}, {1}).QuantizeInput(0, 1, 0).Run(), kInvalidArgument);
  OpTester clip(OpId::kClip);
  clip.attributes<ClipAttributes>().min = kNan;
  EXPECT_ERROR(clip.Input<float>({1}, {1}).Run(), kInvalidArgument);
  EXPECT_ERROR(OpTester(OpId::kRelu).Run(), kInvalidArgument);  // no input
}

TEST(Unary, NotAndIdentityOfAnyType) {
  OpTester inverse(OpId::kNot);
  ASSERT_OK(inverse.BoolInput({3}, {0, 1, 1}).Run());
  EXPECT_EQ(inverse.Output<uint8_t>(), (std::vector<uint8_t>{1, 0, 0}));
  OpTester identity(OpId::kIdentity);
  ASSERT_OK(identity.RawInput(DType::kI4, {3}, {0x21, 0x03}).Run());
  EXPECT_EQ(identity.output().as<uint8_t>()[1], 0x03);
}

TEST(Unary, OpenDimensionsPassThrough) {
  OpTester tester(OpId::kGelu);
  std::vector<TensorType> y;
  ASSERT_OK(tester.Infer({{DType::kF32, {SymbolDim(0), kUnknownDim, 4}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{SymbolDim(0), kUnknownDim, 4}));
}

}  // namespace
}  // namespace mace::ops
