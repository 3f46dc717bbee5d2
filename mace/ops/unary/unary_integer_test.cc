// Quantized values in elementwise operators against real arithmetic. (That the tflite roundings give the
// bytes of TensorFlow Lite is tests/python/test_tflite_integers.py.)
#include "mace/ops/unary/unary_integer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "mace/ops/op_tester.h"
#include "mace/ops/quantize/integer_tester.h"
#include "mace/ops/unary/unary.h"

namespace mace::ops {
namespace {

struct UnaryCase {
  OpId op;
  DType dtype;
  float x_scale;
  int32_t x_zero;
  float y_scale;
  int32_t y_zero;
  double slack;  // of the tflite form, beyond half a unit
  double (*exact)(double);
};

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double HardSwish(double x) { return x * std::clamp(x / 6 + 0.5, 0.0, 1.0); }
double Tanh(double x) { return std::tanh(x); }
double Exp(double x) { return std::exp(x); }
double Gelu(double x) { return x * 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double Elu(double x) { return x < 0 ? std::expm1(x) : x; }
double Abs(double x) { return std::fabs(x); }
double Relu(double x) { return std::max(x, 0.0); }

const UnaryCase kCases[] = {
    {OpId::kSigmoid, DType::kI8, 0.07f, -5, 1.0f / 256, -128, 1e-3, Sigmoid},
    {OpId::kSigmoid, DType::kU8, 0.03f, 100, 1.0f / 256, 0, 1e-3, Sigmoid},
    {OpId::kSigmoid, DType::kI16, 0.0004f, 0, 1.0f / 32768, 0, 4, Sigmoid},
    {OpId::kSigmoid, DType::kI16, 1.0f / 4096, 0, 1.0f / 32768, 0, 4, Sigmoid},
    {OpId::kTanh, DType::kI8, 0.02f, 3, 1.0f / 128, 0, 1e-3, Tanh},
    {OpId::kTanh, DType::kI16, 0.0002f, 0, 1.0f / 32768, 0, 8, Tanh},
    {OpId::kHardSwish, DType::kU8, 0.05f, 128, 0.03f, 20, 0.7, HardSwish},
    {OpId::kExp, DType::kI8, 0.03f, 20, 0.1f, -100, 1e-3, Exp},
    {OpId::kExp, DType::kI16, 0.0002f, 0, 0.03f, 0, 5, Exp},
    {OpId::kGelu, DType::kI8, 0.03f, 0, 0.03f, -20, 1e-3, Gelu},
    {OpId::kElu, DType::kI8, 0.04f, 10, 0.04f, -80, 1e-3, Elu},
    {OpId::kAbs, DType::kI8, 0.05f, 7, 0.03f, -128, 0.01, Abs},
    {OpId::kRelu, DType::kI16, 0.05f, 0, 0.03f, 0, 0.01, Relu},
};

// Rounding and every other attribute at its default: the attribute structs differ in where rounding lies.
Status RunUnary(OpId op, Rounding rounding, const IntegerTensor& x, std::vector<IntegerTensor>* y) {
  if (op == OpId::kGelu) return RunIntegers(op, GeluAttributes{.rounding = rounding}, {x}, y);
  if (op == OpId::kElu) return RunIntegers(op, EluAttributes{.rounding = rounding}, {x}, y);
  return RunIntegers(op, RoundingAttributes{rounding}, {x}, y);
}

TEST(UnaryInteger, NearestToTheExactResult) {
  std::mt19937 random(1);
  for (const UnaryCase& c : kCases) {
    const IntegerTensor x = RandomTensor(&random, c.dtype, {500}, {c.x_scale}, {c.x_zero});
    for (Rounding rounding : {Rounding::kTfliteDouble, Rounding::kHalfEvenFloat}) {
      SCOPED_TRACE(testing::Message() << "operator " << static_cast<int>(c.op) << " of " << NameOf(c.dtype));
      std::vector<IntegerTensor> y = {{c.dtype, {}, {}, {c.y_scale}, {c.y_zero}}};
      const Status status = RunUnary(c.op, rounding, x, &y);
      ASSERT_TRUE(status.ok()) << status.message();
      const double slack = rounding == Rounding::kHalfEvenFloat ? 1e-2 : c.slack;
      for (size_t i = 0; i < x.values.size(); ++i) ExpectStored(y[0], i, c.exact(x.real(i)), slack);
    }
  }
}

TEST(UnaryInteger, LeakyReluOfBothSigns) {
  for (float alpha : {0.25f, -0.5f}) {
    for (Rounding rounding : {Rounding::kTfliteDouble, Rounding::kHalfEvenFloat}) {
      const IntegerTensor x = {DType::kI8, {4}, {-128, -8, 0, 100}, {0.5f}, {0}, kNone};
      LeakyReluAttributes attributes;
      attributes.alpha = alpha;
      attributes.rounding = rounding;
      std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {1.0f}, {10}}};
      ASSERT_TRUE(RunIntegers(OpId::kLeakyRelu, attributes, {x}, &y).ok());
      EXPECT_EQ(y[0].values,
                alpha > 0 ? (std::vector<int32_t>{-6, 9, 10, 60}) : (std::vector<int32_t>{42, 12, 10, 60}));
    }
  }
}

TEST(UnaryInteger, WhatHasNoRealResult) {
  const IntegerTensor x = {DType::kI8, {3}, {-4, 0, 4}, {1.0f}, {0}, kNone};
  const RoundingAttributes tflite = {Rounding::kTfliteDouble};
  std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {0.5f}, {1}}};
  ASSERT_TRUE(RunIntegers(OpId::kSqrt, tflite, {x}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{1, 1, 5}));
  ASSERT_TRUE(RunIntegers(OpId::kRsqrt, tflite, {x}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{127, 127, 2}));
  ASSERT_TRUE(RunIntegers(OpId::kLog, tflite, {x}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{-128, -128, 4}));  // log 4 / 0.5 = 2.77
  ASSERT_TRUE(RunIntegers(OpId::kReciprocal, RoundingAttributes(), {x}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{1, 127, 1}));  // -0.5 and 0.5 units go to 0
}

TEST(UnaryInteger, Refusals) {
  const RoundingAttributes tflite = {Rounding::kTfliteDouble};
  const IntegerTensor x = {DType::kI8, {1}, {1}, {0.5f}, {0}, kNone};
  std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {0.5f}, {0}}};
  EXPECT_EQ(RunIntegers(OpId::kSigmoid, tflite, {x}, &y).code(), StatusCode::kUnsupported);  // not 1/256
  EXPECT_EQ(RunIntegers(OpId::kMish, tflite, {x}, &y).code(), StatusCode::kUnsupported);  // no such operator
  EXPECT_TRUE(RunIntegers(OpId::kMish, RoundingAttributes(), {x}, &y).ok());
  y[0].scales = {0.001f};  // 1/500 of the input's
  EXPECT_EQ(RunIntegers(OpId::kHardSwish, tflite, {x}, &y).code(), StatusCode::kUnsupported);
  const IntegerTensor words = {DType::kI16, {1}, {1}, {0.5f}, {1}, kNone};
  std::vector<IntegerTensor> y16 = {{DType::kI16, {}, {}, {1.0f / 32768}, {0}}};
  EXPECT_EQ(RunIntegers(OpId::kTanh, tflite, {words}, &y16).code(), StatusCode::kUnsupported);  // zero point
}

}  // namespace
}  // namespace mace::ops
