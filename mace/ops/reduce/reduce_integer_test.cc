// Reductions of quantized values with the tflite roundings, and LogSoftmax, against real arithmetic. (That
// they give the bytes of TensorFlow Lite is tests/python/test_tflite_integer_layers.py.)
#include "mace/ops/reduce/reduce_integer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "mace/ops/norm/norm.h"
#include "mace/ops/op_tester.h"
#include "mace/ops/quantize/integer_tester.h"
#include "mace/ops/reduce/reduce.h"

namespace mace::ops {
namespace {

ReduceAttributes Tflite(ReduceKind kind) {
  ReduceAttributes attributes;
  attributes.kind = kind;
  attributes.axes = {1};
  attributes.keep_dims = false;
  attributes.rounding = Rounding::kTfliteDouble;
  return attributes;
}

TEST(ReduceInteger, SumsAndMeansAreNearestToTheExactResult) {
  std::mt19937 random(1);
  for (DType dtype : {DType::kI8, DType::kU8, DType::kI16}) {
    for (ReduceKind kind : {ReduceKind::kSum, ReduceKind::kMean}) {
      const int32_t zero = dtype == DType::kI16 ? 0 : 20;
      const IntegerTensor x = RandomTensor(&random, dtype, {3, 11, 2}, {0.05f}, {zero});
      std::vector<IntegerTensor> y = {{dtype, {}, {}, {kind == ReduceKind::kMean ? 0.03f : 0.6f}, {zero}}};
      ASSERT_TRUE(RunIntegers(OpId::kReduce, Tflite(kind), {x}, &y).ok());
      ASSERT_EQ(y[0].shape, (Shape{3, 2}));
      for (size_t i = 0; i < 6; ++i) {
        double sum = 0;
        for (size_t k = 0; k < 11; ++k) sum += x.real((i / 2 * 11 + k) * 2 + i % 2);
        ExpectStored(y[0], i, kind == ReduceKind::kMean ? sum / 11 : sum, 0.3);  // two roundings
      }
    }
  }
}

TEST(ReduceInteger, ProductsAndExtrema) {
  const IntegerTensor x = {DType::kI8, {2, 3}, {4, -8, 6, 2, 2, 2}, {0.5f}, {0}, kNone};
  std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {0.5f}, {0}}};
  ASSERT_TRUE(RunIntegers(OpId::kReduce, Tflite(ReduceKind::kProd), {x}, &y).ok());
  ExpectStored(y[0], 0, 2 * -4 * 3, 0.8);  // each factor is rounded
  ExpectStored(y[0], 1, 1 * 1 * 1, 0.8);
  ASSERT_TRUE(RunIntegers(OpId::kReduce, Tflite(ReduceKind::kMax), {x}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{6, 2}));
  ASSERT_TRUE(RunIntegers(OpId::kReduce, Tflite(ReduceKind::kMin), {x}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{-8, 2}));
  y[0].scales = {1.0f};
  EXPECT_EQ(RunIntegers(OpId::kReduce, Tflite(ReduceKind::kMax), {x}, &y).code(), StatusCode::kUnsupported);
}

TEST(ReduceInteger, OfNoElements) {
  const IntegerTensor x = {DType::kI8, {2, 0}, {}, {0.5f}, {3}, kNone};
  std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {0.5f}, {3}}};
  ASSERT_TRUE(RunIntegers(OpId::kReduce, Tflite(ReduceKind::kMean), {x}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{0, 0}));
  ASSERT_TRUE(RunIntegers(OpId::kReduce, Tflite(ReduceKind::kMax), {x}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{-128, -128}));
}

TEST(LogSoftmax, Floats) {
  const std::vector<float> x = {1, 2, 3, -200, 0, 200};
  OpTester tester(OpId::kLogSoftmax);
  ASSERT_OK(tester.Input<float>({2, 3}, x).Run());
  const float sum = std::log(std::exp(1.0f) + std::exp(2.0f) + std::exp(3.0f));
  ExpectNear(tester.Output<float>(), {1 - sum, 2 - sum, 3 - sum, -400, -200, 0});
}

TEST(LogSoftmax, BytesAreNearTheExactResult) {
  std::mt19937 random(2);
  for (DType dtype : {DType::kI8, DType::kU8}) {
    for (Rounding rounding : {Rounding::kTfliteDouble, Rounding::kHalfEvenFloat}) {
      const IntegerTensor x = RandomTensor(&random, dtype, {20, 7}, {0.04f}, {5});
      std::vector<IntegerTensor> y = {{dtype, {}, {}, {1.0f / 16}, {RangeOf(dtype).high}}};
      ASSERT_TRUE(RunIntegers(OpId::kLogSoftmax, RoundingAttributes{rounding}, {x}, &y).ok());
      for (size_t row = 0; row < 20; ++row) {
        double sum = 0;
        for (size_t i = 0; i < 7; ++i) sum += std::exp(x.real(row * 7 + i));
        for (size_t i = 0; i < 7; ++i) {
          ExpectStored(y[0], row * 7 + i, x.real(row * 7 + i) - std::log(sum), 0.01);
        }
      }
    }
  }
}

}  // namespace
}  // namespace mace::ops
