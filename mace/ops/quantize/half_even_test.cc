// Operators on quantized values with the rounding kHalfEvenFloat, against the real arithmetic that they stand
// for.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "mace/ops/movement/movement.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/quantize/integer_tester.h"
#include "mace/ops/reduce/reduce.h"

namespace mace::ops {
namespace {

// Beside the half-way points float32 may decide otherwise than real numbers do.
constexpr double kSlack = 1e-3;
constexpr DType kTypes[] = {DType::kU8, DType::kI8, DType::kI16};

int32_t ZeroPointOf(DType dtype, int32_t of_bytes) { return dtype == DType::kI8 ? of_bytes - 128 : of_bytes; }

TEST(SoftmaxHalfEven, AnyAxisAndScale) {
  std::mt19937 random(1);
  for (DType dtype : kTypes) {
    const float unit = dtype == DType::kI16 ? 0.0002f : 0.03f;
    const IntegerTensor x = RandomTensor(&random, dtype, {2, 5, 3}, {unit}, {ZeroPointOf(dtype, 17)});
    for (int64_t axis : {0, 1, -1}) {
      SoftmaxAttributes attributes;
      attributes.axis = axis, attributes.beta = 1.5f;
      std::vector<IntegerTensor> y = {{dtype, {}, {}, {0.0031f}, {ZeroPointOf(dtype, 3)}}};
      ASSERT_TRUE(RunIntegers(OpId::kSoftmax, attributes, {x}, &y).ok());
      const size_t strides[] = {15, 3, 1}, sizes[] = {2, 5, 3};
      const size_t at = axis < 0 ? 2 : static_cast<size_t>(axis);
      for (size_t i = 0; i < 30; ++i) {
        const size_t first = i - i / strides[at] % sizes[at] * strides[at];
        double sum = 0;
        for (size_t k = 0; k < sizes[at]; ++k) sum += std::exp(1.5 * x.real(first + k * strides[at]));
        ExpectStored(y[0], i, std::exp(1.5 * x.real(i)) / sum, kSlack);
      }
    }
  }
}

TEST(SoftmaxHalfEven, FarApartAndEmpty) {
  const IntegerTensor x = {DType::kI16, {1, 3}, {-32768, 32767, 32767}, {10.0f}, {0}, kNone};
  std::vector<IntegerTensor> y = {{DType::kI16, {}, {}, {1.0f / 1024}, {0}}};
  ASSERT_TRUE(RunIntegers(OpId::kSoftmax, SoftmaxAttributes(), {x}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{0, 512, 512}));
  const IntegerTensor empty = {DType::kU8, {2, 0}, {}, {1.0f}, {0}, kNone};
  y = {{DType::kU8, {}, {}, {1.0f}, {0}}};
  EXPECT_TRUE(RunIntegers(OpId::kSoftmax, SoftmaxAttributes(), {empty}, &y).ok());
}

TEST(AveragePoolHalfEven, WindowsAndPaddingAtAnotherScale) {
  std::mt19937 random(2);
  for (DType dtype : kTypes) {
    for (bool count_padding : {false, true}) {
      const IntegerTensor x = RandomTensor(&random, dtype, {1, 4, 5, 3}, {0.1f}, {ZeroPointOf(dtype, 40)});
      AveragePool2dAttributes attributes;
      attributes.kernel = {3, 2}, attributes.strides = {2, 1}, attributes.pads = {1, 0, 1, 1};
      attributes.count_include_pad = count_padding;
      std::vector<IntegerTensor> y = {{dtype, {}, {}, {0.07f}, {ZeroPointOf(dtype, 9)}}};
      ASSERT_TRUE(RunIntegers(OpId::kAveragePool2d, attributes, {x}, &y).ok());
      ASSERT_EQ(y[0].shape, (Shape{1, 2, 5, 3}));
      for (int64_t i = 0; i < 30; ++i) {
        const int64_t row = i / 15, column = i / 3 % 5, channel = i % 3;
        double sum = 0;
        int count = 0;
        for (int64_t r = 2 * row - 1; r < 2 * row + 2; ++r) {
          for (int64_t c = column; c < column + 2; ++c) {
            const bool inside = r >= 0 && r < 4 && c < 5;
            count += inside || count_padding;
            if (inside) sum += x.real(static_cast<size_t>((r * 5 + c) * 3 + channel));
          }
        }
        ExpectStored(y[0], static_cast<size_t>(i), sum / count, kSlack);
      }
    }
  }
}

TEST(AveragePoolHalfEven, HalvesGoToEven) {
  const IntegerTensor x = {DType::kU8, {1, 1, 4, 1}, {1, 2, 3, 2}, {0.5f}, {0}, kNone};
  AveragePool2dAttributes attributes;
  attributes.kernel = {1, 2}, attributes.strides = {1, 2};
  std::vector<IntegerTensor> y = {{DType::kU8, {}, {}, {0.5f}, {0}}};
  ASSERT_TRUE(RunIntegers(OpId::kAveragePool2d, attributes, {x}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{2, 2}));  // of 1.5 and 2.5
}

TEST(ReduceHalfEven, SumsMeansAndBounds) {
  std::mt19937 random(3);
  for (DType dtype : kTypes) {
    const IntegerTensor x = RandomTensor(&random, dtype, {3, 4, 2}, {0.1f}, {ZeroPointOf(dtype, 100)});
    for (ReduceKind kind : {ReduceKind::kSum, ReduceKind::kMean, ReduceKind::kMax, ReduceKind::kMin}) {
      ReduceAttributes attributes;
      attributes.kind = kind, attributes.axes = {1}, attributes.keep_dims = false;
      const float scale = kind == ReduceKind::kSum ? 0.4f : 0.13f;
      std::vector<IntegerTensor> y = {{dtype, {}, {}, {scale}, {ZeroPointOf(dtype, 90)}}};
      ASSERT_TRUE(RunIntegers(OpId::kReduce, attributes, {x}, &y).ok());
      ASSERT_EQ(y[0].shape, (Shape{3, 2}));
      for (size_t i = 0; i < 6; ++i) {
        double sum = 0, largest = -HUGE_VAL, smallest = HUGE_VAL;
        for (size_t k = 0; k < 4; ++k) {
          const double real = x.real((i / 2 * 4 + k) * 2 + i % 2);
          sum += real, largest = std::max(largest, real), smallest = std::min(smallest, real);
        }
        if (kind == ReduceKind::kMean) sum /= 4;
        if (kind == ReduceKind::kMax) sum = largest;
        if (kind == ReduceKind::kMin) sum = smallest;
        ExpectStored(y[0], i, sum, kSlack);
      }
    }
  }
}

TEST(ReduceHalfEven, EmptyAndRefused) {
  const IntegerTensor x = {DType::kU8, {0, 2}, {}, {1.0f}, {3}, kNone};
  ReduceAttributes attributes;
  attributes.kind = ReduceKind::kMax, attributes.axes = {0};
  std::vector<IntegerTensor> y = {{DType::kU8, {}, {}, {1.0f}, {7}}};
  ASSERT_TRUE(RunIntegers(OpId::kReduce, attributes, {x}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{7, 7}));
  attributes.kind = ReduceKind::kProd;
  EXPECT_EQ(RunIntegers(OpId::kReduce, attributes, {x}, &y).code(), StatusCode::kUnsupported);
}

TEST(ResizeHalfEven, LinearBetweenPixels) {
  std::mt19937 random(4);
  for (DType dtype : kTypes) {
    const IntegerTensor x = RandomTensor(&random, dtype, {1, 2, 3, 2}, {0.1f}, {ZeroPointOf(dtype, 30)});
    const IntegerTensor scales = {
        DType::kF32, {2}, {std::bit_cast<int32_t>(1.5f), std::bit_cast<int32_t>(2.0f)}, {}, {}, kNone};
    ResizeAttributes attributes;
    attributes.mode = ResizeMode::kLinear, attributes.coordinate_mode = CoordinateMode::kAlignCorners;
    std::vector<IntegerTensor> y = {{dtype, {}, {}, {0.08f}, {ZeroPointOf(dtype, 20)}}};
    const Status status = RunIntegers(OpId::kResize, attributes, {x, scales}, &y);
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(y[0].shape, (Shape{1, 3, 6, 2}));
    for (int64_t i = 0; i < 36; ++i) {
      const double row = static_cast<double>(i / 12) / 2, column = static_cast<double>(i / 2 % 6) * 2 / 5;
      double real = 0;
      for (int64_t r = 0; r < 2; ++r) {
        for (int64_t c = 0; c < 3; ++c) {
          const double weight = std::max(0.0, 1 - std::abs(row - static_cast<double>(r))) *
                                std::max(0.0, 1 - std::abs(column - static_cast<double>(c)));
          real += weight * x.real(static_cast<size_t>((r * 3 + c) * 2 + i % 2));
        }
      }
      ExpectStored(y[0], static_cast<size_t>(i), real, kSlack);
    }
  }
}

}  // namespace
}  // namespace mace::ops
