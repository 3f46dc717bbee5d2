// Against sums written out, at lengths with one factor, many, and none but themselves.
#include <chrono>
#include <complex>
#include <numbers>

#include "mace/ops/op_tester.h"
#include "mace/ops/signal/fourier.h"
#include "mace/ops/signal/signal.h"

namespace mace::ops {
namespace {

using Number = std::complex<double>;

std::vector<Number> SlowTransform(const std::vector<Number>& x, int64_t length, double sign) {
  std::vector<Number> y(static_cast<size_t>(length));
  for (int64_t k = 0; k < length; ++k) {
    for (int64_t n = 0; n < std::min<int64_t>(length, static_cast<int64_t>(x.size())); ++n) {
      const double angle =
          sign * 2 * std::numbers::pi * static_cast<double>(n * k % length) / static_cast<double>(length);
      y[k] += x[n] * Number(std::cos(angle), std::sin(angle));
    }
  }
  return y;
}

std::vector<Number> Numbers(const std::vector<double>& parts) {
  std::vector<Number> numbers;
  for (size_t i = 0; i < parts.size(); i += 2) numbers.emplace_back(parts[i], parts[i + 1]);
  return numbers;
}

void ExpectEqual(const std::vector<Number>& actual, const std::vector<Number>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_LT(std::abs(actual[i] - expected[i]), 1e-11) << i;
}

std::vector<double> Doubles(size_t count) {
  const auto values = TestValues(count);
  return {values.begin(), values.end()};
}

TEST(Dft, EveryKindOfLength) {
  for (const int64_t length : {1, 2, 3, 4, 5, 6, 7, 12, 13, 16, 30, 35, 49, 97, 128, 131, 302, 509}) {
    const auto x = Doubles(static_cast<size_t>(2 * length));
    for (const bool inverse : {false, true}) {
      OpTester tester(OpId::kDft);
      tester.attributes<DftAttributes>() = {.axis = -2, .inverse = inverse};
      ASSERT_OK(tester.Input({length, 2}, x).Run());
      auto expected = SlowTransform(Numbers(x), length, inverse ? 1 : -1);
      if (inverse) {
        for (Number& number : expected) number /= static_cast<double>(length);
      }
      ExpectEqual(Numbers(tester.Output<double>()), expected);
    }
  }
}

// A prime, whose transform would take a minute as sums: a file may ask for any length.
TEST(Dft, LongPrimesAreFast) {
  constexpr int64_t kLength = 100003;
  std::vector<Complex> in(kLength), out(kLength);
  for (int n = 0; n < 4; ++n) in[static_cast<size_t>(n)] = {n + 1.0, 0};
  FourierTransform transform;
  ASSERT_OK(transform.Prepare(kLength, /*inverse=*/false));
  const auto begin = std::chrono::steady_clock::now();
  transform.Run(in.data(), out.data());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  for (int64_t k = 0; k < kLength; k += 997) {
    Number expected;
    for (int n = 0; n < 4; ++n) {
      const double angle = -2 * std::numbers::pi * static_cast<double>(n * k) / kLength;
      expected += Number(std::cos(angle), std::sin(angle)) * (n + 1.0);
    }
    const Complex& actual = out[static_cast<size_t>(k)];
    EXPECT_LT(std::abs(Number(actual.re, actual.im) - expected), 1e-11) << k;
  }
}

TEST(Dft, RealInputsHalvesAndLengths) {
  const auto x = Doubles(10);
  const std::vector<Number> signal(x.begin(), x.end());
  for (const int64_t length : {6, 10, 15}) {
    OpTester half(OpId::kDft);
    half.attributes<DftAttributes>() = {.axis = 1, .onesided = true};
    ASSERT_OK(half.Input({1, 10, 1}, x).Input<int64_t>({}, {length}).Run());
    auto expected = SlowTransform(signal, length, -1);
    expected.resize(static_cast<size_t>(length / 2 + 1));
    ExpectEqual(Numbers(half.Output<double>()), expected);

    OpTester back(OpId::kDft);
    back.attributes<DftAttributes>() = {.axis = 1, .inverse = true, .onesided = true};
    ASSERT_OK(back.Input({1, length / 2 + 1, 2}, half.Output<double>()).Input<int64_t>({1}, {length}).Run());
    ASSERT_TRUE(back.output().shape == (Shape{1, length, 1}));
    for (int64_t i = 0; i < length; ++i) {
      EXPECT_NEAR(back.Output<double>()[i], i < 10 ? x[i] : 0, 1e-12);
    }
  }
}

TEST(Dft, AxisInTheMiddleFromAnOperand) {
  const auto x = TestValues(2 * 5 * 3);
  OpTester tester(OpId::kDft);
  ASSERT_OK(tester.Input({2, 5, 3, 1}, x).NoInput().Input<int64_t>({}, {-3}).Run());
  ASSERT_TRUE(tester.output().shape == (Shape{2, 5, 3, 2}));
  for (int outer = 0; outer < 2; ++outer) {
    for (int inner = 0; inner < 3; ++inner) {
      std::vector<Number> line;
      for (int i = 0; i < 5; ++i) line.emplace_back(x[(outer * 5 + i) * 3 + inner]);
      const auto expected = SlowTransform(line, 5, -1);
      for (int i = 0; i < 5; ++i) {
        const float* pair = tester.output().as<float>() + ((outer * 5 + i) * 3 + inner) * 2;
        EXPECT_NEAR(pair[0], expected[i].real(), 1e-6);
        EXPECT_NEAR(pair[1], expected[i].imag(), 1e-6);
      }
    }
  }
}

TEST(Dft, Refusals) {
  std::vector<TensorType> inferred;
  OpTester tester(OpId::kDft);
  EXPECT_ERROR(tester.Infer({{DType::kF32, {2, 4, 3}, kNone}}, &inferred), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kI32, {2, 4, 1}, kNone}}, &inferred), kUnsupported);
  tester.attributes<DftAttributes>().axis = -1;
  EXPECT_ERROR(tester.Infer({{DType::kF32, {2, 4, 1}, kNone}}, &inferred), kInvalidArgument);
  OpTester open(OpId::kDft);
  const TensorType axis = {DType::kI64, {}, kNone};
  ASSERT_OK(open.Infer({{DType::kF32, {2, 4, 1}, kNone}, TensorType{}, axis}, &inferred));
  EXPECT_TRUE(inferred[0].shape == (Shape{kUnknownDim, kUnknownDim, 2}));
}

TEST(Stft, FramesTimesTheWindow) {
  const auto x = Doubles(11);
  const std::vector<double> window = {0.5, 1, 2, -1};
  OpTester tester(OpId::kStft);
  ASSERT_OK(tester.Input({1, 11, 1}, x).Input<int64_t>({}, {3}).Input({4}, window).Run());
  ASSERT_TRUE(tester.output().shape == (Shape{1, 3, 3, 2}));
  const auto y = Numbers(tester.Output<double>());
  for (int frame = 0; frame < 3; ++frame) {
    std::vector<Number> part;
    for (int i = 0; i < 4; ++i) part.emplace_back(x[3 * frame + i] * window[i]);
    auto expected = SlowTransform(part, 4, -1);
    expected.resize(3);
    ExpectEqual({y.begin() + 3 * frame, y.begin() + 3 * frame + 3}, expected);
  }
  OpTester shorter(OpId::kStft);
  ASSERT_OK(shorter.Input({1, 11, 1}, x).Input<int64_t>({}, {3}).NoInput().Input<int32_t>({}, {12}).Run());
  EXPECT_TRUE(shorter.output().shape == (Shape{1, 0, 7, 2}));
  OpTester standing(OpId::kStft);
  EXPECT_ERROR(standing.Input({1, 11, 1}, x).Input<int64_t>({}, {0}).Run(), kInvalidArgument);
}

TEST(CosineWindow, Values) {
  const auto run = [](WindowKind kind, bool periodic, int32_t size) {
    OpTester tester(OpId::kCosineWindow);
    tester.attributes<CosineWindowAttributes>() = {.kind = kind, .periodic = periodic};
    EXPECT_OK(tester.Input<int32_t>({}, {size}).Run());
    return tester.Output<float>();
  };
  ExpectNear(run(WindowKind::kHann, false, 5), {0, 0.5f, 1, 0.5f, 0});
  ExpectNear(run(WindowKind::kHann, true, 4), {0, 0.5f, 1, 0.5f});
  ExpectNear(run(WindowKind::kHamming, true, 4), {4.0f / 46, 25.0f / 46, 1, 25.0f / 46});
  ExpectNear(run(WindowKind::kBlackman, false, 5), {0, 0.34f, 1, 0.34f, 0});
  ExpectNear(run(WindowKind::kHann, false, 1), {1});
  ExpectNear(run(WindowKind::kHann, true, 0), {});
}

TEST(MelWeightMatrix, OneFrequencyEach) {
  OpTester tester(OpId::kMelWeightMatrix);
  ASSERT_OK(tester.Input<int64_t>({}, {8})
                .Input<int64_t>({}, {16})
                .Input<int64_t>({}, {8192})
                .Input<float>({}, {0})
                .Input<float>({}, {4096})
                .Run());
  // ONNX's reference: a triangle of one frequency in each bin, the wide ones of the low bins below it.
  ASSERT_TRUE(tester.output().shape == (Shape{9, 8}));
  const int frequencies[8] = {0, 0, 1, 1, 2, 3, 4, 5};
  std::vector<float> expected(9 * 8);
  for (int bin = 0; bin < 8; ++bin) expected[frequencies[bin] * 8 + bin] = 1;
  ExpectNear(tester.Output<float>(), expected);
}

TEST(MelWeightMatrix, WideTriangles) {
  OpTester tester(OpId::kMelWeightMatrix);
  tester.attributes<MelWeightMatrixAttributes>().dtype = DType::kF64;
  // Edges at mel 0, 100, ...: the third bin rises and falls over more than one frequency.
  ASSERT_OK(tester.Input<int32_t>({1}, {6})
                .Input<int32_t>({1}, {512})
                .Input<int32_t>({1}, {16000})
                .Input<double>({1}, {0})
                .Input<double>({1}, {8000})
                .Run());
  const auto y = tester.Output<double>();
  const double step = 2595 * std::log10(1 + 8000 / 700.0) / 8;
  int64_t edges[8];
  for (int i = 0; i < 8; ++i) {
    edges[i] = static_cast<int64_t>(513 * 700 * (std::pow(10, i * step / 2595) - 1) / 16000);
  }
  for (int bin = 0; bin < 6; ++bin) {
    for (int64_t k = 0; k < 257; ++k) {
      const double rise =
          static_cast<double>(k - edges[bin]) / static_cast<double>(edges[bin + 1] - edges[bin]);
      const double fall =
          static_cast<double>(edges[bin + 2] - k) / static_cast<double>(edges[bin + 2] - edges[bin + 1]);
      EXPECT_NEAR(y[k * 6 + bin], std::max(0.0, std::min(rise, fall)), 1e-12);
    }
  }
}

}  // namespace
}  // namespace mace::ops
