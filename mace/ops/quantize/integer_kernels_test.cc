// The other integer kernels against real arithmetic: fully connected, pooling, softmax, the quantize family,
// SVDF.
#include <gtest/gtest.h>

#include <random>

#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/op_tester.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/quantize/integer_tester.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/recurrent/recurrent.h"

namespace mace::ops {
namespace {

TEST(FullyConnectedInteger, NearestToTheExactResult) {
  std::mt19937 random(1);
  for (DType dtype : {DType::kU8, DType::kI8, DType::kI16}) {
    for (Rounding rounding : {Rounding::kTfliteDouble, Rounding::kTfliteSingle, Rounding::kHalfEvenFloat}) {
      for (int64_t depth : {1, 7, 64}) {
        SCOPED_TRACE(NameOf(dtype));
        const IntegerTensor x =
            RandomTensor(&random, dtype, {2, 3, depth}, {0.02f}, {dtype == DType::kI16 ? 0 : 5});
        const IntegerTensor weights =
            RandomTensor(&random, DType::kI8, {4, depth}, {0.01f, 0.02f, 0.03f, 0.001f}, {0, 0, 0, 0}, 0);
        const IntegerTensor bias = RandomTensor(&random, DType::kI32, {4}, {}, {});
        FullyConnectedAttributes attributes;
        attributes.rounding = rounding;
        std::vector<IntegerTensor> y = {{dtype, {}, {}, {0.8f}, {dtype == DType::kU8 ? 128 : 0}}};
        const Status status = RunIntegers(OpId::kFullyConnected, attributes, {x, weights, bias}, &y);
        ASSERT_TRUE(status.ok()) << status.message();
        ASSERT_EQ(y[0].shape, (Shape{2, 3, 4}));
        for (size_t row = 0; row < 6; ++row) {
          for (size_t o = 0; o < 4; ++o) {
            double sum = bias.values[o] * x.scale() * weights.scale(o);
            for (size_t k = 0; k < static_cast<size_t>(depth); ++k) {
              sum += x.real(row * static_cast<size_t>(depth) + k) *
                     weights.real(o * static_cast<size_t>(depth) + k, o);
            }
            ExpectStored(y[0], row * 4 + o, sum, 1e-2);
          }
        }
      }
    }
  }
}

TEST(FullyConnectedInteger, SumsOfSixteenBitInputsHaveMoreThan32Bits) {
  // Without a bias, 16-bit inputs are summed in 64 bits; 2000 * 127 * 32767 = 8.3e9.
  const IntegerTensor x = {DType::kI16, {1, 2000}, std::vector<int32_t>(2000, 32767), {0.001f}, {0}, kNone};
  const IntegerTensor weights = {DType::kI8, {1, 2000}, std::vector<int32_t>(2000, 127), {0.01f}, {0}, kNone};
  FullyConnectedAttributes attributes;
  attributes.rounding = Rounding::kTfliteSingle;
  std::vector<IntegerTensor> y = {{DType::kI16, {}, {}, {3.0f}, {0}}};
  ASSERT_TRUE(RunIntegers(OpId::kFullyConnected, attributes, {x, weights}, &y).ok());
  EXPECT_EQ(y[0].values[0], 27743);
}

TEST(PoolInteger, MeanAndMaximumOfWindows) {
  std::mt19937 random(2);
  for (DType dtype : {DType::kU8, DType::kI8, DType::kI16}) {
    const IntegerTensor x =
        RandomTensor(&random, dtype, {1, 5, 7, 3}, {0.1f}, {dtype == DType::kI16 ? 0 : 9});
    for (bool average : {true, false}) {
      std::vector<IntegerTensor> y = {{dtype, {}, {}, {0.1f}, x.zero_points}};
      Status status;
      if (average) {
        AveragePool2dAttributes attributes;
        attributes.kernel = {3, 2}, attributes.strides = {2, 3}, attributes.padding = Padding::kSameUpper;
        attributes.rounding = Rounding::kTfliteDouble;
        status = RunIntegers(OpId::kAveragePool2d, attributes, {x}, &y);
      } else {
        MaxPool2dAttributes attributes;
        attributes.kernel = {3, 2}, attributes.strides = {2, 3}, attributes.padding = Padding::kSameUpper;
        status = RunIntegers(OpId::kMaxPool2d, attributes, {x}, &y);
      }
      ASSERT_TRUE(status.ok()) << status.message();
      ASSERT_EQ(y[0].shape, (Shape{1, 3, 3, 3}));
      for (int row = 0; row < 3; ++row) {
        for (int column = 0; column < 3; ++column) {
          for (int channel = 0; channel < 3; ++channel) {
            // height 5, kernel 3, stride 2: one row of padding above and below; width 7, kernel 2, stride 3:
            // one column behind.
            int32_t sum = 0, count = 0, largest = INT32_MIN;
            for (int i = 2 * row - 1; i < 2 * row + 2; ++i) {
              for (int j = 3 * column; j < 3 * column + 2; ++j) {
                if (i < 0 || i >= 5 || j >= 7) continue;
                const int32_t value = x.values[static_cast<size_t>((i * 7 + j) * 3 + channel)];
                sum += value, ++count, largest = std::max(largest, value);
              }
            }
            const int32_t got = y[0].values[static_cast<size_t>((row * 3 + column) * 3 + channel)];
            if (average) {
              EXPECT_EQ(got, static_cast<int32_t>(std::round(static_cast<double>(sum) / count)));
            } else {
              EXPECT_EQ(got, largest);
            }
          }
        }
      }
    }
  }
}

TEST(PoolInteger, PaddingCountsAsZeroWhereAsked) {
  const IntegerTensor x = {DType::kU8, {1, 1, 2, 1}, {110, 130}, {1.0f}, {100}, kNone};
  AveragePool2dAttributes attributes;
  attributes.kernel = {1, 2}, attributes.pads = {0, 1, 0, 0}, attributes.count_include_pad = true;
  attributes.rounding = Rounding::kTfliteDouble;
  std::vector<IntegerTensor> y = {{DType::kU8, {}, {}, {1.0f}, {100}}};
  ASSERT_TRUE(RunIntegers(OpId::kAveragePool2d, attributes, {x}, &y).ok());
  EXPECT_EQ(y[0].values, (std::vector<int32_t>{105, 120}));
}

constexpr SoftmaxAttributes kTfliteSoftmax = {.rounding = Rounding::kTfliteDouble};

TEST(SoftmaxInteger, NearTheExactResult) {
  std::mt19937 random(3);
  const struct {
    DType from, to;
    float in_scale, out_scale;
    int32_t out_zero;
    double slack;
  } cases[] = {{DType::kU8, DType::kU8, 0.1f, 1.0f / 256, 0, 0.01},
               {DType::kI8, DType::kI8, 0.02f, 1.0f / 256, -128, 0.01},
               {DType::kI8, DType::kI16, 0.05f, 1.0f / 65536, -32768, 2},
               {DType::kI16, DType::kI16, 0.0003f, 1.0f / 32768, 0, 4}};
  for (const auto& c : cases) {
    for (int64_t columns : {1, 2, 5, 40, 300}) {
      const IntegerTensor x =
          RandomTensor(&random, c.from, {3, columns}, {c.in_scale}, {c.from == DType::kU8 ? 9 : 0});
      SoftmaxAttributes attributes;
      attributes.beta = 0.8f;
      attributes.rounding = Rounding::kTfliteDouble;
      std::vector<IntegerTensor> y = {{c.to, {}, {}, {c.out_scale}, {c.out_zero}}};
      const Status status = RunIntegers(OpId::kSoftmax, attributes, {x}, &y);
      ASSERT_TRUE(status.ok()) << status.message();
      ASSERT_EQ(y[0].dtype, c.to);
      for (size_t row = 0; row < 3; ++row) {
        const size_t first = row * static_cast<size_t>(columns);
        double sum = 0;
        for (size_t i = 0; i < static_cast<size_t>(columns); ++i) sum += std::exp(0.8 * x.real(first + i));
        for (size_t i = 0; i < static_cast<size_t>(columns); ++i) {
          ExpectStored(y[0], first + i, std::exp(0.8 * x.real(first + i)) / sum, c.slack);
        }
      }
    }
  }
}

TEST(SoftmaxInteger, ManyEqualElements) {
  for (int64_t columns : {511, 513, 1001, 5000}) {
    const IntegerTensor x = {DType::kU8, {1, columns}, std::vector<int32_t>(static_cast<size_t>(columns), 7),
                             {0.1f},     {0},          kNone};
    std::vector<IntegerTensor> y = {{DType::kU8, {}, {}, {1.0f / 256}, {0}}};
    ASSERT_TRUE(RunIntegers(OpId::kSoftmax, kTfliteSoftmax, {x}, &y).ok());
    EXPECT_EQ(y[0].values[0], columns < 512 ? 1 : 0);
  }
}

TEST(SoftmaxInteger, RefusesAnotherOutputScale) {
  const IntegerTensor x = {DType::kU8, {1, 2}, {1, 2}, {0.1f}, {0}, kNone};
  std::vector<IntegerTensor> y = {{DType::kU8, {}, {}, {0.1f}, {0}}};
  EXPECT_EQ(RunIntegers(OpId::kSoftmax, kTfliteSoftmax, {x}, &y).code(), StatusCode::kUnsupported);
}

TEST(Quantize, RoundsAndSaturates) {
  const std::vector<float> values = {0, 0.5f, 1.5f, -0.5f, -1.5f, 1000, -1000, NAN, INFINITY, -INFINITY};
  OpTester even(OpId::kQuantize);
  even.attributes<QuantizeAttributes>().to = DType::kI8;
  even.Input<float>({10}, values).QuantizeOutput(1, 3);
  ASSERT_OK(even.Run());
  EXPECT_EQ(even.Output<int8_t>(), (std::vector<int8_t>{3, 3, 5, 3, 1, 127, -128, 3, 127, -128}));
  OpTester away(OpId::kQuantize);
  away.attributes<QuantizeAttributes>().to = DType::kU8;
  away.attributes<QuantizeAttributes>().rounding = Rounding::kTfliteDouble;
  away.Input<float>({10}, values).QuantizeOutput(1, 3);
  ASSERT_OK(away.Run());
  EXPECT_EQ(away.Output<uint8_t>(), (std::vector<uint8_t>{3, 4, 5, 2, 1, 255, 0, 3, 255, 0}));
}

TEST(Dequantize, IsTheReal) {
  OpTester tester(OpId::kDequantize);
  tester.Input<uint8_t>({3}, {0, 128, 255}).QuantizeInput(0, 0.5f, 128);
  ASSERT_OK(tester.Run());
  EXPECT_EQ(tester.Output<float>(), (std::vector<float>{-64, 0, 63.5f}));
  OpTester four_bit(OpId::kDequantize);
  four_bit.RawInput(DType::kI4, {3}, {0x87, 0x0F}).QuantizeInput(0, 2, 0);
  ASSERT_OK(four_bit.Run());
  EXPECT_EQ(four_bit.Output<float>(), (std::vector<float>{14, -16, -2}));
}

TEST(Requantize, NearestToTheExactResult) {
  std::mt19937 random(4);
  for (DType from : {DType::kI8, DType::kU8, DType::kI16}) {
    for (DType to : {DType::kI8, DType::kU8, DType::kI16, DType::kI32}) {
      for (Rounding rounding : {Rounding::kTfliteDouble, Rounding::kTfliteSingle, Rounding::kHalfEvenFloat}) {
        const IntegerTensor x = RandomTensor(&random, from, {200}, {0.013f}, {from == DType::kU8 ? 77 : -20});
        RequantizeAttributes attributes;
        attributes.to = to;
        attributes.rounding = rounding;
        std::vector<IntegerTensor> y = {{to, {}, {}, {0.05f}, {to == DType::kU8 ? 50 : -3}}};
        const Status status = RunIntegers(OpId::kRequantize, attributes, {x}, &y);
        ASSERT_TRUE(status.ok()) << status.message();
        for (size_t i = 0; i < x.values.size(); ++i) ExpectStored(y[0], i, x.real(i), 0.26);
      }
    }
  }
}

// Filter f: newest = feature . x; the state is a queue of the last M; unit u sums its filters over time.
TEST(Svdf, FloatAgainstTheDefinition) {
  constexpr size_t kBatch = 2, kInputs = 3, kUnits = 2, kRank = 2, kFilters = 4, kMemory = 3;
  const auto x = TestValues(kBatch * kInputs, 1), feature = TestValues(kFilters * kInputs, 2),
             time = TestValues(kFilters * kMemory, 3), bias = TestValues(kUnits, 4),
             state = TestValues(kBatch * kFilters * kMemory, 5);
  OpTester tester(OpId::kSvdf, 2);
  tester.attributes<SvdfAttributes>().rank = kRank;
  tester.attributes<SvdfAttributes>().relu = true;
  tester.Input<float>({kBatch, kInputs}, x)
      .Input<float>({kFilters, kInputs}, feature)
      .Input<float>({kFilters, kMemory}, time)
      .Input<float>({kUnits}, bias)
      .Input<float>({kBatch, kFilters * kMemory}, state);
  ASSERT_OK(tester.Run());
  std::vector<float> y, new_state;
  for (size_t b = 0; b < kBatch; ++b) {
    std::vector<double> filtered(kFilters, 0);
    for (size_t f = 0; f < kFilters; ++f) {
      double newest = 0;
      for (size_t i = 0; i < kInputs; ++i) newest += double{x[b * kInputs + i]} * feature[f * kInputs + i];
      for (size_t m = 0; m < kMemory; ++m) {
        const double remembered = m + 1 < kMemory ? state[(b * kFilters + f) * kMemory + m + 1] : newest;
        new_state.push_back(static_cast<float>(remembered));
        filtered[f] += remembered * time[f * kMemory + m];
      }
    }
    for (size_t u = 0; u < kUnits; ++u) {
      y.push_back(static_cast<float>(std::max(0.0, bias[u] + filtered[2 * u] + filtered[2 * u + 1])));
    }
  }
  ExpectNear(tester.Output<float>(0), y);
  ExpectNear(tester.Output<float>(1), new_state);
}

TEST(Svdf, IntegerAgainstTheDefinition) {
  std::mt19937 random(6);
  const IntegerTensor x = RandomTensor(&random, DType::kI8, {2, 9}, {0.05f}, {-11});
  const IntegerTensor feature = RandomTensor(&random, DType::kI8, {6, 9}, {0.004f}, {0});
  const IntegerTensor time = RandomTensor(&random, DType::kI16, {6, 4}, {0.00001f}, {0});
  const IntegerTensor bias = RandomTensor(&random, DType::kI32, {3}, {}, {});
  IntegerTensor state = RandomTensor(&random, DType::kI16, {2, 24}, {0.001f}, {0});
  SvdfAttributes attributes;
  attributes.rank = 2;
  std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {0.2f}, {3}}, {DType::kI16, {}, {}, {0.001f}, {0}}};
  const Status status = RunIntegers(OpId::kSvdf, attributes, {x, feature, time, bias, state}, &y);
  ASSERT_TRUE(status.ok()) << status.message();
  for (size_t b = 0; b < 2; ++b) {
    for (size_t u = 0; u < 3; ++u) {
      double sum = bias.values[u] * state.scale() * time.scale();
      for (size_t f = 2 * u; f < 2 * u + 2; ++f) {
        double newest = 0;
        for (size_t i = 0; i < 9; ++i) newest += x.real(b * 9 + i) * feature.real(f * 9 + i);
        // A multiplier near 1/5 keeps two bits between the two roundings: an eighth of a unit more.
        ExpectStored(y[1], (b * 6 + f) * 4 + 3, newest, 0.13);
        for (size_t m = 0; m < 3; ++m) {
          EXPECT_EQ(y[1].values[(b * 6 + f) * 4 + m], state.values[(b * 6 + f) * 4 + m + 1]);
        }
        for (size_t m = 0; m < 4; ++m) sum += y[1].real((b * 6 + f) * 4 + m) * time.real(f * 4 + m);
      }
      ExpectStored(y[0], b * 3 + u, sum, 0.01);
    }
  }
}

TEST(Svdf, RefusesShapesThatDoNotFit) {
  std::mt19937 random(6);
  const IntegerTensor x = RandomTensor(&random, DType::kI8, {1, 9}, {0.05f}, {0});
  const IntegerTensor feature = RandomTensor(&random, DType::kI8, {6, 9}, {0.004f}, {0});
  const IntegerTensor time = RandomTensor(&random, DType::kI16, {6, 4}, {0.001f}, {0});
  const IntegerTensor state = RandomTensor(&random, DType::kI16, {1, 23}, {0.001f}, {0});
  SvdfAttributes attributes;
  attributes.rank = 2;
  std::vector<IntegerTensor> y = {{DType::kI8, {}, {}, {0.2f}, {3}}, {DType::kI16, {}, {}, {0.001f}, {0}}};
  EXPECT_EQ(RunIntegers(OpId::kSvdf, attributes, {x, feature, time, {}, state}, &y).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(RunIntegers(OpId::kSvdf, attributes, {x, feature, time}, &y).code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
