#include "mace/ops/attention/attention_bias.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

const float kInf = HUGE_VALF;

// `queries` and `keys` as operands of which only the sizes matter.
OpTester& AddSizes(OpTester& tester, int64_t queries, int64_t keys) {
  return tester.Input<float>({1, queries, 1}, std::vector<float>(queries))
      .Input<float>({keys, 1}, std::vector<float>(keys));
}

// 1 where the bias lets a key through, by the definition, one element at a time.
std::vector<float> Expected(int queries, int keys, int start, int left, int right, bool causal, int length) {
  std::vector<float> bias;
  for (int q = 0; q < queries; ++q) {
    for (int k = 0; k < keys; ++k) {
      const int place = start + q;
      const bool seen = k < length && (!causal || k <= place) && (left < 0 || k >= place - left) &&
                        (right < 0 || k <= place + right);
      bias.push_back(seen ? 0 : -kInf);
    }
  }
  return bias;
}

TEST(AttentionBias, PlacesWindowsAndLengths) {
  for (int start : {-3, 0, 2}) {
    for (int left : {-1, 0, 2}) {
      for (int right : {-1, 0, 1}) {
        for (bool causal : {false, true}) {
          for (int length : {0, 3, 9}) {
            OpTester tester(OpId::kAttentionBias, 2);
            tester.attributes<AttentionBiasAttributes>() = {.causal = causal, .left = left, .right = right};
            AddSizes(tester, 4, 6).NoInput().Input<int64_t>({1}, {start}).Input<int32_t>({1}, {length});
            ASSERT_OK(tester.Run());
            const std::vector<float> expected = Expected(4, 6, start, left, right, causal, length);
            EXPECT_EQ(tester.Output<float>(), expected);
            EXPECT_TRUE(tester.output().shape == (Shape{1, 1, 4, 6}));
            for (int q = 0; q < 4; ++q) {
              bool any = false;
              for (int k = 0; k < 6; ++k) any = any || expected[q * 6 + k] == 0;
              EXPECT_EQ(tester.output(1).as<uint8_t>()[q], any ? 1 : 0);
            }
          }
        }
      }
    }
  }
}

TEST(AttentionBias, EachSequenceHasItsOwnPlace) {
  OpTester tester(OpId::kAttentionBias);
  tester.attributes<AttentionBiasAttributes>().causal = true;
  AddSizes(tester, 1, 3).NoInput().Input<int64_t>({3}, {0, 1, INT64_MAX});
  ASSERT_OK(tester.Run());
  EXPECT_EQ(tester.Output<float>(), (std::vector<float>{0, -kInf, -kInf, 0, 0, -kInf, 0, 0, 0}));
  EXPECT_TRUE(tester.output().shape == (Shape{3, 1, 1, 3}));
}

TEST(AttentionBias, MasksArePaddedAndCombined) {
  OpTester booleans(OpId::kAttentionBias, 2);
  booleans.attributes<AttentionBiasAttributes>() = {.causal = true, .hidden = -5};
  AddSizes(booleans, 2, 4).BoolInput({2, 1, 3}, {1, 0, 1, 0, 1, 1});
  ASSERT_OK(booleans.Run());
  EXPECT_EQ(booleans.Output<float>(),
            (std::vector<float>{0, -5, -5, -5, 0, -5, -5, -5, -5, -5, -5, -5, -5, 0, -5, -5}));
  EXPECT_EQ(booleans.output(1).as<uint8_t>()[2], 1);  // -5 is a bias as any other

  OpTester floats(OpId::kAttentionBias, 2);
  floats.attributes<AttentionBiasAttributes>().dtype = DType::kF64;
  AddSizes(floats, 2, 3).Input<double>({2, 2}, {1.5, -kInf, -kInf, -kInf});
  ASSERT_OK(floats.Run());
  EXPECT_EQ(floats.Output<double>(), (std::vector<double>{1.5, -kInf, -kInf, -kInf, -kInf, -kInf}));
  EXPECT_EQ(floats.output(1).as<uint8_t>()[0], 1);
  EXPECT_EQ(floats.output(1).as<uint8_t>()[1], 0);

  OpTester nan(OpId::kAttentionBias, 2);
  AddSizes(nan, 1, 1).Input<float>({1}, {std::nanf("")});
  ASSERT_OK(nan.Run());
  EXPECT_EQ(nan.output(1).as<uint8_t>()[0], 1);
}

TEST(AttentionBias, NoKeysAreNoChoice) {
  OpTester tester(OpId::kAttentionBias, 2);
  AddSizes(tester, 2, 0);
  ASSERT_OK(tester.Run());
  EXPECT_EQ(tester.output(1).as<uint8_t>()[1], 0);
  OpTester none(OpId::kAttentionBias, 2);
  ASSERT_OK(AddSizes(none, 0, 3).Run());
}

TEST(AttentionBias, OpenSizesAndRefusals) {
  const int64_t kB = SymbolDim(0), kS = SymbolDim(1), kT = SymbolDim(2);
  std::vector<TensorType> y;
  OpTester tester(OpId::kAttentionBias, 2);
  const TensorType query = {DType::kF16, {kB, 8, kS, 64}, kNone}, key = {DType::kF16, {kB, 2, kT, 64}, kNone};
  const TensorType mask = {DType::kBool, {kB, 1, 1, kT}, kNone}, places = {DType::kI64, {kB}, kNone};
  ASSERT_OK(tester.Infer({query, key}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kS, kT}));
  ASSERT_OK(tester.Infer({query, key, mask}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kB, 1, kS, kT}));
  EXPECT_TRUE(y[1].shape == (Shape{kB, 1, kS, 1}));
  ASSERT_OK(tester.Infer({query, key, {}, places, places}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kB, 1, kS, kT}));

  const TensorType two = {DType::kF32, {2, 1}, kNone}, three = {DType::kF32, {3, 1}, kNone};
  EXPECT_ERROR(tester.Infer({two, three, {DType::kBool, {2, 4}, kNone}}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({two, three, {DType::kBool, {3, 3}, kNone}}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({two, three, {DType::kF64, {3}, kNone}}, &y), kUnsupported);
  EXPECT_ERROR(tester.Infer({two, three, {}, {DType::kI64, {2}, kNone}, {DType::kI64, {3}, kNone}}, &y),
               kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kF32, {2}, kNone}, three}, &y), kInvalidArgument);
  tester.attributes<AttentionBiasAttributes>().left = -2;
  EXPECT_ERROR(tester.Infer({two, three}, &y), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
