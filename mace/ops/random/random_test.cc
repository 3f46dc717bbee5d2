// The generator against its published vectors, the distributions against their moments, seeds, refusals.
#include "mace/ops/random/random.h"

#include "mace/ops/op_tester.h"
#include "mace/ops/random/multinomial.h"
#include "mace/ops/random/philox.h"

namespace mace::ops {
namespace {

// The known answers of Random123's kat_vectors for philox4x32, 10 rounds. Its second counter has all bits
// set, which ours, of 64 bits, cannot.
TEST(Philox, KnownAnswer) {
  const PhiloxBlock block = Philox(0, 0);
  EXPECT_EQ(block.words[0], 0x6627e8d5u);
  EXPECT_EQ(block.words[1], 0xe169c58du);
  EXPECT_EQ(block.words[2], 0xbc57ac4cu);
  EXPECT_EQ(block.words[3], 0x9b00dbd8u);
}

template <typename T>
std::vector<T> Numbers(const RandomAttributes& attributes, int64_t count) {
  OpTester tester(OpId::kRandom);
  tester.attributes<RandomAttributes>() = attributes;
  EXPECT_OK(tester.Input<int64_t>({1}, {count}).Run());
  return tester.Output<T>();
}

TEST(Random, Moments) {
  constexpr int64_t kNumbers = 100000;
  const std::vector<float> even = Numbers<float>({.first = -1, .second = 3, .is_seeded = true}, kNumbers);
  double mean = 0, variance = 0;
  for (float x : even) {
    ASSERT_GE(x, -1);
    ASSERT_LT(x, 3);
    mean += static_cast<double>(x) / kNumbers;
    variance += (static_cast<double>(x) - 1) * (static_cast<double>(x) - 1) / kNumbers;
  }
  EXPECT_NEAR(mean, 1, 0.02);
  EXPECT_NEAR(variance, 16.0 / 12, 0.02);
  const std::vector<double> normal = Numbers<double>(
      {.kind = RandomKind::kNormal, .first = 2, .second = 3, .to = DType::kF64, .is_seeded = true}, kNumbers);
  double moments[5] = {};
  for (double x : normal) {
    for (int i = 1; i < 5; ++i) moments[i] += std::pow((x - 2) / 3, i) / kNumbers;
  }
  EXPECT_NEAR(moments[1], 0, 0.02);
  EXPECT_NEAR(moments[2], 1, 0.02);
  EXPECT_NEAR(moments[3], 0, 0.05);
  EXPECT_NEAR(moments[4], 3, 0.1);
}

TEST(Random, Seeds) {
  const RandomAttributes seven = {.is_seeded = true, .seed = 7}, eight = {.is_seeded = true, .seed = 8};
  EXPECT_EQ(Numbers<float>(seven, 10), Numbers<float>(seven, 10));
  EXPECT_NE(Numbers<float>(seven, 10), Numbers<float>(eight, 10));
  EXPECT_NE(Numbers<float>({}, 10), Numbers<float>({}, 10));
  EXPECT_TRUE(Numbers<float>({}, 0).empty());
}

TEST(Random, OpenShapesAndRefusals) {
  std::vector<TensorType> y;
  OpTester tester(OpId::kRandom);
  ASSERT_OK(tester.Infer({{DType::kI64, {2}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kUnknownDim, kUnknownDim}));
  ASSERT_OK(tester.Infer({{DType::kI64, {SymbolDim(0)}, kNone}}, &y));
  EXPECT_FALSE(y[0].shape.HasRank());
  EXPECT_ERROR(tester.Infer({{DType::kI64, {9}, kNone}}, &y), kUnsupported);
  OpTester negative(OpId::kRandom), huge(OpId::kRandom);
  EXPECT_ERROR(negative.Input<int64_t>({1}, {-1}).Run(), kInvalidArgument);
  EXPECT_ERROR(huge.Input<int64_t>({2}, {INT64_MAX, 2}).Run(), kInvalidArgument);
}

TEST(Multinomial, DrawsByProbability) {
  OpTester tester(OpId::kMultinomial);
  tester.attributes<MultinomialAttributes>() = {.samples = 30000, .to = DType::kI64, .is_seeded = true};
  const float none = -HUGE_VALF;
  ASSERT_OK(tester.Input<float>({2, 3}, {std::log(0.5f), none, std::log(1.5f), none, 700, none}).Run());
  const std::vector<int64_t> drawn = tester.Output<int64_t>();
  int64_t counts[3] = {};
  for (int i = 0; i < 30000; ++i) ++counts[drawn[i]];
  EXPECT_NEAR(counts[0], 7500, 300);
  EXPECT_EQ(counts[1], 0);
  for (int i = 30000; i < 60000; ++i) ASSERT_EQ(drawn[i], 1);
}

TEST(Multinomial, Refusals) {
  OpTester nan(OpId::kMultinomial), none(OpId::kMultinomial), vector(OpId::kMultinomial);
  EXPECT_ERROR(nan.Input<float>({1, 2}, {1, std::nanf("")}).Run(), kInvalidArgument);
  EXPECT_ERROR(none.Input<float>({1, 0}, {}).Run(), kInvalidArgument);
  EXPECT_ERROR(vector.Input<float>({2}, {0, 0}).Run(), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
