#include <cstring>

#include "mace/ops/op_tester.h"
#include "mace/ops/quantize/narrow_float.h"
#include "mace/ops/quantize/quantize_ops.h"

namespace mace::ops {
namespace {

template <typename To, typename From>
std::vector<To> Cast(const std::vector<From>& x, DType to = DTypeOf<To>()) {
  OpTester tester(OpId::kCast);
  tester.attributes<CastAttributes>().to = to;
  EXPECT_OK(tester.Input({static_cast<int64_t>(x.size())}, x).Run());
  return tester.Output<To>();
}

TEST(Cast, FloatToIntegerTruncatesAndSaturates) {
  const std::vector<float> x = {1.9f, -1.9f, 300, -300, 1e30f, -1e30f, std::nanf(""), HUGE_VALF, -0.5f};
  EXPECT_EQ(Cast<int8_t>(x), (std::vector<int8_t>{1, -1, 127, -128, 127, -128, 0, 127, 0}));
  EXPECT_EQ(Cast<uint8_t>(x), (std::vector<uint8_t>{1, 0, 255, 0, 255, 0, 0, 255, 0}));
  EXPECT_EQ(Cast<int64_t>(x),
            (std::vector<int64_t>{1, -1, 300, -300, INT64_MAX, INT64_MIN, 0, INT64_MAX, 0}));
  EXPECT_EQ(Cast<uint64_t>(x), (std::vector<uint64_t>{1, 0, 300, 0, UINT64_MAX, 0, 0, UINT64_MAX, 0}));
  EXPECT_EQ(Cast<int32_t>(std::vector<double>{2147483647.0, 2147483648.0, -2147483648.0, -2147483649.0}),
            (std::vector<int32_t>{INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN}));
}

TEST(Cast, IntegersWrapAndBecomeFloats) {
  EXPECT_EQ(Cast<int8_t>(std::vector<int32_t>{255, 256, -129}), (std::vector<int8_t>{-1, 0, 127}));
  EXPECT_EQ(Cast<uint32_t>(std::vector<int64_t>{-1}), (std::vector<uint32_t>{UINT32_MAX}));
  EXPECT_EQ(Cast<float>(std::vector<int64_t>{INT64_MAX, 16777217}),
            (std::vector<float>{9223372036854775808.0f, 16777216}));
  EXPECT_EQ(Cast<double>(std::vector<uint64_t>{UINT64_MAX}), (std::vector<double>{18446744073709551616.0}));
  // Once rounded, from 64 bits to 24: through double this would round twice, to 2^60.
  EXPECT_EQ(Cast<float>(std::vector<int64_t>{(INT64_C(1) << 60) + (INT64_C(1) << 36) + 1})[0],
            static_cast<float>((INT64_C(1) << 60) + (INT64_C(1) << 37)));
}

TEST(Cast, BooleansAreZeroOrOne) {
  EXPECT_EQ(Cast<uint8_t>(std::vector<float>{0, -0.0f, 0.1f, std::nanf("")}, DType::kBool),
            (std::vector<uint8_t>{0, 0, 1, 1}));
  OpTester tester(OpId::kCast);
  tester.attributes<CastAttributes>().to = DType::kF32;
  ASSERT_OK(tester.BoolInput({3}, {0, 1, 7}).Run());
  ExpectNear(tester.Output<float>(), {0, 1, 1});
}

// The values of float16 and bfloat16 in closed form: every bit pattern must come back.
TEST(Cast, NarrowFloatsRoundTrip) {
  for (const auto& [exponent, mantissa] : {std::pair(5, 10), std::pair(8, 7)}) {
    double previous = -1;
    for (int bits = 0; bits < 0x8000; ++bits) {
      const double value = WidenFloat(static_cast<uint16_t>(bits), exponent, mantissa);
      if (std::isnan(value)) continue;
      ASSERT_GT(value, previous) << bits;  // positive floats are ordered as their bits
      previous = value;
      ASSERT_EQ(RoundToNarrowFloat(value, exponent, mantissa), bits);
      ASSERT_EQ(RoundToNarrowFloat(-value, exponent, mantissa), bits | 0x8000);
    }
    EXPECT_TRUE(std::isinf(previous));
  }
  EXPECT_EQ(WidenFloat(0x3c00, 5, 10), 1);
  EXPECT_EQ(WidenFloat(0x0001, 5, 10), std::ldexp(1.0, -24));
  EXPECT_EQ(WidenFloat(0x7bff, 5, 10), 65504);
  for (const uint32_t bits : {0x3f800000u, 0x00010000u, 0xff800000u, 0x42f70000u, 0x7f7f0000u}) {
    float expected;  // bfloat16 is the upper half of float32
    std::memcpy(&expected, &bits, 4);
    EXPECT_EQ(WidenFloat(static_cast<uint16_t>(bits >> 16), 8, 7), expected);
  }
}

TEST(Cast, NarrowFloatsRoundHalfToEven) {
  const auto half = [](double x) { return RoundToNarrowFloat(x, 5, 10); };
  EXPECT_EQ(half(2049), half(2048));
  EXPECT_EQ(half(2051), half(2052));
  EXPECT_EQ(half(2049.0001), half(2050));
  EXPECT_EQ(half(65519.99), 0x7bff);
  EXPECT_EQ(half(65520), 0x7c00);
  EXPECT_EQ(half(std::ldexp(1.0, -25)), 0);  // half of the smallest
  EXPECT_EQ(half(std::ldexp(1.01, -25)), 1);
  EXPECT_EQ(half(std::ldexp(1023.5, -24)), 0x0400);  // up into the normal numbers
  EXPECT_EQ(half(std::nan("")) & 0x7e00, 0x7e00);
  EXPECT_EQ(half(-0.0), 0x8000);
}

// NumPy with ml_dtypes 0.6: numpy.array([...]).astype("int4") and so on.
TEST(Cast, IntegersOfFourAndTwoBitsKeepLowBits) {
  const std::vector<float> x = {-9, -8.7f, -1.6f, -0.5f, 1.5f, 7.6f, 8, 15, 20};
  const auto packed = [&](DType to) {
    OpTester narrow(OpId::kCast);
    narrow.attributes<CastAttributes>().to = to;
    EXPECT_OK(narrow.Input({9}, x).Run());
    OpTester wide(OpId::kCast);
    wide.attributes<CastAttributes>().to = DType::kI32;
    EXPECT_OK(wide.RawInput(to, {9}, narrow.OutputBytes()).Run());
    return wide.Output<int32_t>();
  };
  EXPECT_EQ(packed(DType::kI4), (std::vector<int32_t>{7, -8, -1, 0, 1, 7, -8, -1, 4}));
  EXPECT_EQ(packed(DType::kU4), (std::vector<int32_t>{7, 8, 15, 0, 1, 7, 8, 15, 4}));
  EXPECT_EQ(packed(DType::kI2), (std::vector<int32_t>{-1, 0, -1, 0, 1, -1, 0, -1, 0}));
  EXPECT_EQ(packed(DType::kU2), (std::vector<int32_t>{3, 0, 3, 0, 1, 3, 0, 3, 0}));
}

TEST(BitCast, KeepsTheBits) {
  OpTester tester(OpId::kBitCast);
  tester.attributes<BitCastAttributes>().to = DType::kI32;
  ASSERT_OK(tester.Input<float>({3}, {1.0f, -2.5f, 0.0f}).Run());
  EXPECT_EQ(tester.Output<int32_t>(), (std::vector<int32_t>{1065353216, -1071644672, 0}));
  OpTester bools(OpId::kBitCast);
  bools.attributes<BitCastAttributes>().to = DType::kBool;
  ASSERT_OK(bools.Input<uint8_t>({3}, {0, 1, 200}).Run());
  EXPECT_EQ(bools.Output<uint8_t>(), (std::vector<uint8_t>{0, 1, 1}));
  OpTester other(OpId::kBitCast);
  other.attributes<BitCastAttributes>().to = DType::kI64;
  EXPECT_ERROR(other.Input<float>({1}, {1}).Run(), kInvalidArgument);
}

TEST(Cast, Refusals) {
  OpTester invalid(OpId::kCast);
  invalid.attributes<CastAttributes>().to = static_cast<DType>(77);
  EXPECT_ERROR(invalid.Input<float>({1}, {1}).Run(), kInvalidArgument);
}

TEST(BitCast, RegroupsElementsOfOtherSizes) {
  OpTester split(OpId::kBitCast);
  split.attributes<BitCastAttributes>().to = DType::kU8;
  split.attributes<BitCastAttributes>().regroup = true;
  ASSERT_OK(split.Input<uint32_t>({2}, {0x04030201, 0x08070605}).Run());
  EXPECT_EQ(split.output().shape, (Shape{2, 4}));
  EXPECT_EQ(split.Output<uint8_t>(), (std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8}));
  OpTester join(OpId::kBitCast);
  join.attributes<BitCastAttributes>().to = DType::kU16;
  join.attributes<BitCastAttributes>().regroup = true;
  ASSERT_OK(join.Input<uint8_t>({1, 2}, {1, 2}).Run());
  EXPECT_EQ(join.output().shape, (Shape{1}));
  EXPECT_EQ(join.Output<uint16_t>(), (std::vector<uint16_t>{0x0201}));
  OpTester other(OpId::kBitCast);
  other.attributes<BitCastAttributes>().to = DType::kU16;
  other.attributes<BitCastAttributes>().regroup = true;
  EXPECT_ERROR(other.Input<uint8_t>({3}, {1, 2, 3}).Run(), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
