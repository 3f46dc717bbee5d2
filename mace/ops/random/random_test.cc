// The generator against its published vectors, the distributions against their moments, seeds, refusals.
#include "mace/ops/random/random.h"

#include "mace/ops/op_tester.h"
#include "mace/ops/random/multinomial.h"
#include "mace/ops/random/philox.h"

namespace mace::ops {
namespace {

// The known answers of Random123's kat_vectors for philox4x32, 10 rounds.
TEST(Philox, KnownAnswers) {
  const auto expect = [](const PhiloxBlock& block, std::array<uint32_t, 4> words) {
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(block.words[i], words[i]) << i;
  };
  expect(Philox(0, 0), {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  expect(Philox(UINT64_MAX, UINT64_MAX, UINT64_MAX), {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  expect(Philox(0x85a308d3243f6a88, 0x299f31d0a4093822, 0x0370734413198a2e),
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
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

// A run that begins where another ended gives the numbers that one run of both would have given.
TEST(Random, GoesOnFromABlock) {
  for (RandomGenerator generator : {RandomGenerator::kWide, RandomGenerator::kTensorFlow}) {
    for (RandomKind kind : {RandomKind::kUniform, RandomKind::kNormal}) {
      const RandomAttributes attributes = {
          .kind = kind, .is_seeded = true, .seed = 3, .generator = generator, .stream = 9};
      const std::vector<float> all = Numbers<float>(attributes, 20);
      OpTester first(OpId::kRandom, 2);
      first.attributes<RandomAttributes>() = attributes;
      ASSERT_OK(first.Input<int64_t>({1}, {8}).Run());
      const std::vector<int64_t> next = first.Output<int64_t>(1);
      ASSERT_EQ(next.size(), 1u);
      EXPECT_EQ(next[0], generator == RandomGenerator::kWide ? 4 : 2);
      OpTester second(OpId::kRandom);
      second.attributes<RandomAttributes>() = attributes;
      ASSERT_OK(second.Input<int64_t>({1}, {12}).Input<int64_t>({1}, next).Run());
      std::vector<float> joined = first.Output<float>();
      for (float x : second.Output<float>()) joined.push_back(x);
      EXPECT_EQ(joined, all);
    }
  }
}

TEST(Random, WrongBlocks) {
  std::vector<TensorType> y;
  OpTester tester(OpId::kRandom), wide(OpId::kRandom);
  EXPECT_ERROR(tester.Infer({{DType::kI64, {1}, kNone}, {DType::kI64, {2}, kNone}}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kI64, {1}, kNone}, {DType::kF32, {1}, kNone}}, &y), kUnsupported);
  wide.attributes<RandomAttributes>() = {.to = DType::kF64, .generator = RandomGenerator::kTensorFlow};
  EXPECT_ERROR(wide.Infer({{DType::kI64, {1}, kNone}}, &y), kUnsupported);
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

TEST(Multinomial, SamplesMayBeAnOperand) {
  const MultinomialAttributes attributes = {.samples = 7, .is_seeded = true, .seed = 4};
  OpTester fixed(OpId::kMultinomial), given(OpId::kMultinomial), negative(OpId::kMultinomial);
  fixed.attributes<MultinomialAttributes>() = attributes;
  ASSERT_OK(fixed.Input<float>({2, 3}, {0, 1, 2, 2, 1, 0}).Run());
  given.attributes<MultinomialAttributes>() = attributes;
  given.attributes<MultinomialAttributes>().samples = 1;
  ASSERT_OK(given.Input<float>({2, 3}, {0, 1, 2, 2, 1, 0}).Input<int32_t>({}, {7}).Run());
  EXPECT_EQ(given.Output<int32_t>(), fixed.Output<int32_t>());
  EXPECT_ERROR(negative.Input<float>({1, 2}, {0, 0}).Input<int32_t>({}, {-1}).Run(), kInvalidArgument);
  std::vector<TensorType> y;
  OpTester open(OpId::kMultinomial);
  ASSERT_OK(open.Infer({{DType::kF32, {2, 3}, kNone}, {DType::kI32, {}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{2, kUnknownDim}));
}

TEST(Multinomial, TensorFlowLeavesOutWhatIsNotFinite) {
  OpTester tester(OpId::kMultinomial), none(OpId::kMultinomial);
  tester.attributes<MultinomialAttributes>() = {
      .samples = 200, .is_seeded = true, .generator = RandomGenerator::kTensorFlow};
  none.attributes<MultinomialAttributes>() = tester.attributes<MultinomialAttributes>();
  ASSERT_OK(tester.Input<float>({1, 4}, {HUGE_VALF, 1, std::nanf(""), 1}).Run());
  for (int32_t drawn : tester.Output<int32_t>()) EXPECT_TRUE(drawn == 1 || drawn == 3) << drawn;
  EXPECT_ERROR(none.Input<float>({1, 1}, {-HUGE_VALF}).Run(), kInvalidArgument);
}

TEST(Multinomial, Refusals) {
  OpTester nan(OpId::kMultinomial), none(OpId::kMultinomial), vector(OpId::kMultinomial);
  EXPECT_ERROR(nan.Input<float>({1, 2}, {1, std::nanf("")}).Run(), kInvalidArgument);
  EXPECT_ERROR(none.Input<float>({1, 0}, {}).Run(), kInvalidArgument);
  EXPECT_ERROR(vector.Input<float>({2}, {0, 0}).Run(), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
