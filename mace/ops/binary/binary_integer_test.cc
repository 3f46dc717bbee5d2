// Quantized operands of elementwise operators against real arithmetic. (That the tflite roundings give the
// bytes of TensorFlow Lite is tests/python/test_tflite_integers.py.)
#include <gtest/gtest.h>

#include <random>

#include "mace/ops/binary/binary.h"
#include "mace/ops/binary/binary_integer.h"
#include "mace/ops/op_tester.h"
#include "mace/ops/quantize/integer_tester.h"

namespace mace::ops {
namespace {

double Exact(OpId op, double a, double b) {
  switch (op) {
    case OpId::kAdd:
      return a + b;
    case OpId::kSub:
      return a - b;
    case OpId::kMax:
      return std::max(a, b);
    case OpId::kMin:
      return std::min(a, b);
    case OpId::kPRelu:
      return a < 0 ? a * b : a;
    default:
      return a * b;
  }
}

TEST(BinaryInteger, NearestToTheExactResult) {
  std::mt19937 random(1);
  for (OpId op : {OpId::kAdd, OpId::kSub, OpId::kMul}) {
    for (DType dtype : {DType::kI8, DType::kU8, DType::kI16}) {
      for (Rounding rounding : {Rounding::kTfliteDouble, Rounding::kHalfEvenFloat}) {
        SCOPED_TRACE(NameOf(dtype));
        const int32_t zero_point = dtype == DType::kI16 ? 0 : 17;
        const float y_scale = op == OpId::kMul ? 0.9f : 0.07f;
        const IntegerTensor a = RandomTensor(&random, dtype, {3, 5, 7}, {0.02f}, {zero_point});
        const IntegerTensor b = RandomTensor(&random, dtype, {5, 1}, {0.055f}, {zero_point});
        std::vector<IntegerTensor> y = {{dtype, {}, {}, {y_scale}, {zero_point}}};
        const Status status = RunIntegers(op, RoundingAttributes{rounding}, {a, b}, &y);
        ASSERT_TRUE(status.ok()) << status.message();
        ASSERT_EQ(y[0].shape, (Shape{3, 5, 7}));
        for (size_t i = 0; i < a.values.size(); ++i) {
          ExpectStored(y[0], i, Exact(op, a.real(i), b.real(i / 7 % 5)), 1e-2);
        }
      }
    }
  }
}

TEST(BinaryInteger, SelectionsAndSlopes) {
  std::mt19937 random(2);
  for (OpId op : {OpId::kMax, OpId::kMin, OpId::kPRelu}) {
    for (Rounding rounding : {Rounding::kTfliteDouble, Rounding::kHalfEvenFloat}) {
      const IntegerTensor a = RandomTensor(&random, DType::kI8, {4, 30}, {0.02f}, {-3});
      const IntegerTensor b = RandomTensor(&random, DType::kI8, {30}, {0.02f}, {-3});
      std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {0.02f}, {-3}}};
      const Status status = RunIntegers(op, RoundingAttributes{rounding}, {a, b}, &y);
      ASSERT_TRUE(status.ok()) << status.message();
      for (size_t i = 0; i < a.values.size(); ++i) {
        ExpectStored(y[0], i, Exact(op, a.real(i), b.real(i % 30)), 1e-2);
      }
    }
  }
}

TEST(BinaryInteger, QuotientsAndSquares) {
  const RoundingAttributes tflite = {Rounding::kTfliteDouble};
  const IntegerTensor a = {DType::kU8, {4}, {250, 90, 50, 10}, {0.5f}, {10}, kNone};
  const IntegerTensor b = {DType::kU8, {4}, {14, 4, 10, 10}, {0.25f}, {6}, kNone};
  for (Rounding rounding : {Rounding::kTfliteDouble, Rounding::kHalfEvenFloat}) {
    // 120 / 2, 40 / -0.5, 20 / 1, 0 / 1
    std::vector<IntegerTensor> y = {{DType::kU8, {}, {}, {0.5f}, {100}}};
    ASSERT_TRUE(RunIntegers(OpId::kDiv, RoundingAttributes{rounding}, {a, b}, &y).ok());
    EXPECT_EQ(y[0].values, (std::vector<int32_t>{220, 0, 140, 100}));
  }
  const IntegerTensor zero = {DType::kU8, {1}, {6}, {0.25f}, {6}, kNone};
  std::vector<IntegerTensor> y = {{DType::kU8, {}, {}, {0.5f}, {100}}};
  ASSERT_TRUE(RunIntegers(OpId::kDiv, tflite, {a, zero}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{100, 100, 100, 100}));
  const IntegerTensor c = {DType::kI8, {3}, {10, -20, 127}, {0.5f}, {0}, kNone};
  const IntegerTensor d = {DType::kI8, {1}, {-2}, {1.0f}, {0}, kNone};
  std::vector<IntegerTensor> square = {{DType::kI8, {}, {}, {1.0f}, {-100}}};
  ASSERT_TRUE(RunIntegers(OpId::kSquaredDifference, tflite, {c, d}, &square).ok());
  EXPECT_EQ(square[0].values, (std::vector<int32_t>{-51, -36, 127}));  // 7^2, 8^2, 65.5^2
}

TEST(BinaryInteger, ComparisonsAreThoseOfTheReals) {
  std::mt19937 random(3);
  const IntegerTensor a = RandomTensor(&random, DType::kU8, {50}, {0.25f}, {100});
  const IntegerTensor b = RandomTensor(&random, DType::kU8, {50}, {0.125f}, {20});
  for (Rounding rounding : {Rounding::kTfliteDouble, Rounding::kTfliteSingle, Rounding::kHalfEvenFloat}) {
    for (OpId op : {OpId::kLess, OpId::kGreaterOrEqual, OpId::kEqual}) {
      OpTester tester(op);
      std::vector<uint8_t> x(a.values.begin(), a.values.end()), y(b.values.begin(), b.values.end());
      tester.attributes<RoundingAttributes>().rounding = rounding;
      tester.Input<uint8_t>({50}, x).Input<uint8_t>({50}, y);
      tester.QuantizeInput(0, 0.25f, 100).QuantizeInput(1, 0.125f, 20);
      ASSERT_OK(tester.Run());
      const std::vector<uint8_t> results = tester.Output<uint8_t>();
      for (size_t i = 0; i < 50; ++i) {
        const bool stored = rounding == Rounding::kTfliteSingle;
        const double left = stored ? x[i] : a.real(i), right = stored ? y[i] : b.real(i);
        const bool expected =
            op == OpId::kLess ? left < right : (op == OpId::kEqual ? left == right : left >= right);
        EXPECT_EQ(results[i], expected ? 1 : 0) << i;
      }
    }
  }
}

TEST(BinaryInteger, HalvesGoToEvenInTheOnnxForm) {
  const IntegerTensor a = {DType::kI8, {5}, {1, 3, -1, -3, 5}, {0.5f}, {0}, kNone};
  const IntegerTensor b = {DType::kI8, {1}, {0}, {0.5f}, {0}, kNone};
  for (const auto& [rounding, expected] :
       {std::pair{Rounding::kHalfEvenFloat, std::vector<int32_t>{0, 2, 0, -2, 2}},
        std::pair{Rounding::kTfliteDouble, std::vector<int32_t>{1, 2, -1, -2, 3}}}) {
    std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {1.0f}, {0}}};
    ASSERT_TRUE(RunIntegers(OpId::kAdd, RoundingAttributes{rounding}, {a, b}, &y).ok());
    EXPECT_EQ(y[0].values, expected);
  }
}

TEST(BinaryInteger, TypesMayDifferInTheOnnxForm) {
  const IntegerTensor a = {DType::kU8, {2}, {10, 255}, {0.5f}, {10}, kNone};
  const IntegerTensor b = {DType::kI8, {2}, {4, -128}, {2.0f}, {0}, kNone};
  std::vector<IntegerTensor> y = {{DType::kI16, {}, {}, {1.0f}, {0}}};
  ASSERT_TRUE(RunIntegers(OpId::kMul, RoundingAttributes(), {a, b}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{0, -31360}));
  const Status status = RunIntegers(OpId::kMul, RoundingAttributes{Rounding::kTfliteDouble}, {a, b}, &y);
  EXPECT_FALSE(status.ok());
}

TEST(BinaryInteger, PowersOfTwoAreShifted) {
  // -3 / 4 of the output's unit is -1, halves go away from zero, and the sum saturates.
  const IntegerTensor a = {DType::kI16, {4}, {-3, 2, 6, 32767}, {0.25f}, {0}, kNone};
  const IntegerTensor b = {DType::kI16, {4}, {10, 10, 32767, -32768}, {1.0f}, {0}, kNone};
  std::vector<IntegerTensor> y = {{DType::kI16, {}, {}, {1.0f}, {0}}};
  const RoundingAttributes shifted = {Rounding::kTfliteSingle};
  ASSERT_TRUE(RunIntegers(OpId::kAdd, shifted, {a, b}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{9, 11, 32767, -24576}));
  ASSERT_TRUE(RunIntegers(OpId::kSub, shifted, {a, b}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{-11, -9, -32765, 32767}));
  y[0].scales = {0.3f};
  EXPECT_EQ(RunIntegers(OpId::kAdd, shifted, {a, b}, &y).code(), StatusCode::kUnsupported);
}

TEST(BinaryInteger, RefusesWhatHasNoQuantization) {
  const IntegerTensor a = {DType::kI8, {1}, {1}, {0.5f}, {0}, kNone};
  const IntegerTensor bare = {DType::kI8, {1}, {1}, {}, {}, kNone};
  std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {1.0f}, {0}}};
  EXPECT_FALSE(RunIntegers(OpId::kAdd, RoundingAttributes(), {a, bare}, &y).ok());
  std::vector<IntegerTensor> bare_y = {{DType::kI8, {}, {}, {}, {}}};
  EXPECT_FALSE(RunIntegers(OpId::kAdd, RoundingAttributes(), {a, a}, &bare_y).ok());
  const IntegerTensor channels = {DType::kI8, {1, 2}, {1, 1}, {0.5f, 1.0f}, {0, 0}, 1};
  EXPECT_FALSE(RunIntegers(OpId::kAdd, RoundingAttributes(), {a, channels}, &y).ok());
}

}  // namespace
}  // namespace mace::ops
