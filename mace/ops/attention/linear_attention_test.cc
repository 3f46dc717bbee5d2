#include "mace/ops/attention/linear_attention.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

constexpr int kBatch = 2, kLength = 5, kHeads = 2, kDepth = 3, kWidth = 4;

std::vector<double> Numbers(int count, int seed) {
  std::vector<double> numbers(count);
  for (int i = 0; i < count; ++i) numbers[i] = 0.5 * std::sin(2.3 * i + seed);
  return numbers;
}

// Without a correction the state is a sum over all tokens so far, each decayed by what lies between: an
// answer in closed form, no recurrence.
TEST(LinearAttention, GatedStatesAreSumsOfDecayedProducts) {
  for (bool per_key : {false, true}) {
    for (int group : {1, 2}) {
      const int query_heads = kHeads * group, decays = kHeads * (per_key ? kDepth : 1);
      const auto query = Numbers(kBatch * kLength * query_heads * kDepth, 1);
      const auto key = Numbers(kBatch * kLength * kHeads * kDepth, 2);
      const auto value = Numbers(kBatch * kLength * kHeads * kWidth, 3);
      const auto decay = Numbers(kBatch * kLength * decays, 4);
      OpTester tester(OpId::kLinearAttention, 2);
      tester.attributes<LinearAttentionAttributes>() = {
          .query_heads = query_heads, .heads = kHeads, .scale = 0.75f};
      tester.Input<double>({kBatch, kLength, query_heads * kDepth}, query)
          .Input<double>({kBatch, kLength, kHeads * kDepth}, key)
          .Input<double>({kBatch, kLength, kHeads * kWidth}, value)
          .NoInput()
          .Input<double>({kBatch, kLength, decays}, decay);
      ASSERT_OK(tester.Run());
      const std::vector<double> y = tester.Output<double>(), state = tester.Output<double>(1);
      const auto decay_of = [&](int b, int t, int h, int k) {
        return decay[(b * kLength + t) * decays + (per_key ? h * kDepth + k : h)];
      };
      const auto state_at = [&](int b, int t, int h, int k, int v) {
        double sum = 0;
        for (int s = 0; s <= t; ++s) {
          double between = 0;
          for (int r = s + 1; r <= t; ++r) between += decay_of(b, r, h, k);
          const int place = (b * kLength + s) * kHeads + h;
          sum += std::exp(between) * key[place * kDepth + k] * value[place * kWidth + v];
        }
        return sum;
      };
      for (int i = 0; i < static_cast<int>(y.size()); ++i) {
        const int v = i % kWidth, q = i / kWidth % query_heads, t = i / kWidth / query_heads % kLength;
        const int b = i / kWidth / query_heads / kLength;
        double sum = 0;
        for (int k = 0; k < kDepth; ++k) {
          sum += query[((b * kLength + t) * query_heads + q) * kDepth + k] * state_at(b, t, q / group, k, v);
        }
        EXPECT_NEAR(y[i], 0.75 * sum, 1e-12);
      }
      EXPECT_NEAR(state[1], state_at(0, kLength - 1, 0, 0, 1), 1e-12);
      EXPECT_NEAR(state.back(), state_at(kBatch - 1, kLength - 1, kHeads - 1, kDepth - 1, kWidth - 1), 1e-12);
    }
  }
}

// With keys of length 1 and a rate of 1 the state gives back what was last stored under a key.
TEST(LinearAttention, TheDeltaRuleOverwrites) {
  OpTester tester(OpId::kLinearAttention, 2);
  tester.attributes<LinearAttentionAttributes>().scale = 1;
  tester.Input<float>({1, 3, 2}, {1, 0, 1, 0, 1, 0})
      .Input<float>({1, 3, 2}, {1, 0, 0, 1, 1, 0})
      .Input<float>({1, 3, 1}, {5, 6, 7})
      .Input<float>({1, 1, 2, 1}, {100, 200})
      .NoInput()
      .Input<float>({1, 3, 1}, {1, 1, 1});
  ASSERT_OK(tester.Run());
  EXPECT_EQ(tester.Output<float>(), (std::vector<float>{5, 5, 7}));
  EXPECT_EQ(tester.Output<float>(1), (std::vector<float>{7, 6}));
}

TEST(LinearAttention, EmptySequencesKeepTheirState) {
  OpTester tester(OpId::kLinearAttention, 2);
  tester.Input<float>({1, 0, 2}, {}).Input<float>({1, 0, 2}, {}).Input<float>({1, 0, 1}, {});
  ASSERT_OK(tester.Input<float>({1, 1, 2, 1}, {3, 4}).Run());
  EXPECT_EQ(tester.Output<float>(1), (std::vector<float>{3, 4}));
}

TEST(LinearAttention, OpenSizesAndRefusals) {
  const int64_t kB = SymbolDim(0), kT = SymbolDim(1);
  std::vector<TensorType> y;
  OpTester tester(OpId::kLinearAttention, 2);
  tester.attributes<LinearAttentionAttributes>() = {.query_heads = 4, .heads = 2};
  const auto of = [&](int64_t size) { return TensorType{DType::kF32, {kB, kT, size}, kNone}; };
  ASSERT_OK(tester.Infer({of(12), of(6), of(10)}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kB, kT, 20}));
  EXPECT_TRUE(y[1].shape == (Shape{kB, 2, 3, 5}));
  EXPECT_ERROR(tester.Infer({of(12), of(8), of(10)}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({of(13), of(6), of(10)}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({of(12), of(6), of(10), {}, of(3)}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({of(12), of(6), of(10), {}, {}, of(3)}, &y), kInvalidArgument);
  tester.attributes<LinearAttentionAttributes>().heads = 3;
  EXPECT_ERROR(tester.Infer({of(12), of(6), of(9)}, &y), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
