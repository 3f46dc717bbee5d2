#include "mace/ops/attention/rotary_embedding.h"

#include <complex>

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

constexpr int kBatch = 2, kHeads = 3, kLength = 4, kSize = 6, kTableRows = 9;

std::vector<double> Numbers(int count, int seed) {
  std::vector<double> numbers(count);
  for (int i = 0; i < count; ++i) numbers[i] = std::sin(1.7 * i + seed);
  return numbers;
}

double Angle(int64_t row, int64_t i) { return 0.3 * static_cast<double>(row) + static_cast<double>(i); }

void Tables(int half, std::vector<double>* cos, std::vector<double>* sin) {
  for (int row = 0; row < kTableRows; ++row) {
    for (int i = 0; i < half; ++i) {
      cos->push_back(std::cos(Angle(row, i)));
      sin->push_back(std::sin(Angle(row, i)));
    }
  }
}

// Each pair as a complex number times e^(i angle).
std::vector<double> Turned(const std::vector<double>& x, bool sequence_first, bool interleaved, int half,
                           int64_t (*position)(int batch, int token)) {
  std::vector<double> y = x;
  for (int b = 0; b < kBatch; ++b) {
    for (int h = 0; h < kHeads; ++h) {
      for (int s = 0; s < kLength; ++s) {
        const int place = sequence_first ? (b * kLength + s) * kHeads + h : (b * kHeads + h) * kLength + s;
        for (int i = 0; i < half; ++i) {
          const int first = place * kSize + (interleaved ? 2 * i : i),
                    second = first + (interleaved ? 1 : half);
          const std::complex<double> turned =
              std::complex<double>(x[first], x[second]) * std::polar(1.0, Angle(position(b, s), i));
          y[first] = turned.real();
          y[second] = turned.imag();
        }
      }
    }
  }
  return y;
}

TEST(RotaryEmbedding, IsAProductOfComplexNumbers) {
  for (bool sequence_first : {false, true}) {
    for (bool interleaved : {false, true}) {
      for (int half : {0, 2, 3}) {
        const Shape shape =
            sequence_first ? Shape{kBatch, kLength, kHeads, kSize} : Shape{kBatch, kHeads, kLength, kSize};
        const std::vector<double> x = Numbers(kBatch * kHeads * kLength * kSize, 1);
        std::vector<double> cos, sin;
        Tables(half, &cos, &sin);
        OpTester tester(OpId::kRotaryEmbedding);
        tester.attributes<RotaryEmbeddingAttributes>() = {.interleaved = interleaved,
                                                          .sequence_axis = sequence_first ? 1 : 2};
        tester.Input<double>(shape, x).Input<double>({kTableRows, half}, cos);
        tester.Input<double>({kTableRows, half}, sin).Input<int64_t>({2}, {5, -9});
        ASSERT_OK(tester.Run());
        const std::vector<double> expected =
            Turned(x, sequence_first, interleaved, half,
                   [](int batch, int token) -> int64_t { return (batch == 0 ? 5 : 0) + token; });
        const std::vector<double> y = tester.Output<double>();
        for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], expected[i], 1e-12);
      }
    }
  }
}

TEST(RotaryEmbedding, TablesAndPositionsInTheirForms) {
  const auto run = [](OpTester& tester, const Shape& table, const std::vector<float>& angles) {
    std::vector<float> cos, sin;
    for (float angle : angles) cos.push_back(std::cos(angle)), sin.push_back(std::sin(angle));
    tester.Input<float>({2, 1, 1, 2}, {1, 0, 1, 0}).Input<float>(table, cos).Input<float>(table, sin);
  };
  OpTester own(OpId::kRotaryEmbedding);
  run(own, {2, 1, 1}, {0.5, 0.25});
  ASSERT_OK(own.Run());
  ExpectNear(own.Output<float>(), {std::cos(0.5f), std::sin(0.5f), std::cos(0.25f), std::sin(0.25f)});
  OpTester shared(OpId::kRotaryEmbedding);
  run(shared, {1, 1, 1}, {0.5});
  ASSERT_OK(shared.Run());
  ExpectNear(shared.Output<float>(), {std::cos(0.5f), std::sin(0.5f), std::cos(0.5f), std::sin(0.5f)});
  OpTester listed(OpId::kRotaryEmbedding);
  run(listed, {2, 1}, {0.5, 0.25});
  ASSERT_OK(listed.Input<int32_t>({2, 1}, {1, 0}).Run());
  ExpectNear(listed.Output<float>(), {std::cos(0.25f), std::sin(0.25f), std::cos(0.5f), std::sin(0.5f)});
  for (int64_t place : {int64_t{2}, int64_t{-3}, INT64_MAX, INT64_MIN}) {
    OpTester outside(OpId::kRotaryEmbedding);
    run(outside, {2, 1}, {0.5, 0.25});
    EXPECT_ERROR(outside.Input<int64_t>({1}, {place}).Run(), kInvalidArgument);
  }
}

TEST(RotaryEmbedding, OpenSizesAndRefusals) {
  const int64_t kB = SymbolDim(0), kS = SymbolDim(1);
  std::vector<TensorType> y;
  OpTester tester(OpId::kRotaryEmbedding);
  const TensorType x = {DType::kF32, {kB, 8, kS, 64}, kNone}, table = {DType::kF32, {128, 32}, kNone};
  const TensorType positions = {DType::kI64, {kB, kS}, kNone};
  ASSERT_OK(tester.Infer({x, table, table, positions}, &y));
  EXPECT_TRUE(y[0].shape == x.shape);
  EXPECT_ERROR(tester.Infer({x, table, table}, &y), kInvalidArgument);
  const TensorType wide = {DType::kF32, {128, 33}, kNone};
  EXPECT_ERROR(tester.Infer({x, wide, wide, positions}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({x, table, wide, positions}, &y), kInvalidArgument);
  tester.attributes<RotaryEmbeddingAttributes>().sequence_axis = 0;
  EXPECT_ERROR(tester.Infer({x, table, table, positions}, &y), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
