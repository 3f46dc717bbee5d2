#include "mace/ops/hash/lsh_projection.h"

#include <string>

#include "mace/ops/hash/farm_fingerprint.h"
#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

uint32_t SeedOf(const std::string& text) {
  uint32_t seed = 0;
  std::memcpy(&seed, text.data(), sizeof(seed));
  return seed;
}
float FloatSeed(const std::string& text) {
  float seed = 0;
  std::memcpy(&seed, text.data(), sizeof(seed));
  return seed;
}

int64_t FingerprintOf(const std::string& text) {
  const std::vector<uint8_t> item(text.begin() + 4,
                                  text.end());  // of its exact size: sanitizers see a byte more
  return static_cast<int64_t>(FarmFingerprint(SeededBytes(SeedOf(text), item)));
}

// The examples of FARM_FINGERPRINT in BigQuery's reference.
TEST(FarmFingerprint, PublishedAnswers) {
  EXPECT_EQ(FingerprintOf("1footrue"), -1541654101129638711);
  EXPECT_EQ(FingerprintOf("2applefalse"), 2794438866806483259);
  EXPECT_EQ(FingerprintOf("3true"), -4880158226897771312);
}

// What google/farmhash 0d859a8 computes of the first bytes of a text: each length where its way changes.
TEST(FarmFingerprint, AnswersOfTheOriginal) {
  constexpr struct {
    size_t size;
    uint64_t answer;
  } kAnswers[] = {
      {4, 0x4CBAADE3538C3626},   {5, 0x73710EFB642BA263},   {7, 0x4EBEC72CD8A6D99C},
      {8, 0x1326F31F65E531CD},   {9, 0xA555E79780067599},   {16, 0xA320E23DC24CDEF5},
      {17, 0x0CBA4F198BD9658D},  {24, 0x21D78BB366C869BF},  {32, 0x08194205742D7CCB},
      {33, 0xFE053EC7BF50D32C},  {48, 0x0EEBA4485B7BA157},  {63, 0xE241EDFC08A27E9C},
      {64, 0xADBA670A0B1074C3},  {65, 0xE15F98839A9EA0A4},  {100, 0xCE6B60A351D8F713},
      {127, 0x0AE5FCB66BB13907}, {128, 0x04B424746D4983C4}, {129, 0x7AFB1FDA467372CB},
      {192, 0xE58752E932178182}, {193, 0x3A4D7BDB765ED405}, {256, 0x91EC403D9FDC6B9A},
      {257, 0xC9DAB584C910BD78},
  };
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>('a' + i * i % 23);
  for (const auto& [size, answer] : kAnswers) {
    EXPECT_EQ(static_cast<uint64_t>(FingerprintOf(text.substr(0, size))), answer) << size;
  }
}

TEST(FarmFingerprint, WordsAcrossTheSeed) {
  const std::string text = "0123456789ab";
  const std::vector<uint8_t> item(text.begin() + 4, text.end());
  const SeededBytes bytes(SeedOf(text), item);
  ASSERT_EQ(bytes.size(), text.size());
  for (size_t at = 0; at + 8 <= text.size(); ++at) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof(word));
    EXPECT_EQ(bytes.Word(at), word) << at;
  }
  for (size_t at = 0; at + 4 <= text.size(); ++at) {
    uint32_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof(word));
    EXPECT_EQ(bytes.HalfWord(at), word) << at;
  }
}

// The seed and the item are a text whose fingerprint is published: it is negative.
TEST(LshProjection, BitsAreTheSignsOfSums) {
  const std::vector<uint8_t> item = {'t', 'r', 'u', 'e'};
  const float seed = FloatSeed("1foo");
  OpTester plain(OpId::kLshProjection);
  plain.Input<float>({1, 1}, {seed}).Input<uint8_t>({1, 4}, item);
  ASSERT_OK(plain.Run());
  EXPECT_EQ(plain.Output<int32_t>(), (std::vector<int32_t>{0}));
  OpTester turned(OpId::kLshProjection);
  turned.Input<float>({1, 1}, {seed}).Input<uint8_t>({1, 4}, item).Input<float>({1}, {-0.5f});
  ASSERT_OK(turned.Run());
  EXPECT_EQ(turned.Output<int32_t>(), (std::vector<int32_t>{1}));
}

TEST(LshProjection, SignaturesAreBitsAndTheirRange) {
  const std::vector<uint8_t> item = {'l', 'e', 'f', 'a', 'l', 's', 'e'};
  const float positive = FloatSeed("2app");
  const std::vector<float> seeds = {positive, 0, 1, 2, 3, positive};
  std::vector<int32_t> bits;
  for (float seed : seeds) {
    uint32_t word = 0;
    std::memcpy(&word, &seed, sizeof(word));
    bits.push_back(static_cast<int64_t>(FarmFingerprint(SeededBytes(word, item))) > 0 ? 1 : 0);
  }
  EXPECT_EQ(bits.front(), 1);
  OpTester dense(OpId::kLshProjection);
  dense.Input<float>({2, 3}, seeds).Input<uint8_t>({1, 7}, item);
  ASSERT_OK(dense.Run());
  EXPECT_EQ(dense.Output<int32_t>(), bits);
  OpTester sparse(OpId::kLshProjection);
  sparse.attributes<LshProjectionAttributes>().is_sparse = true;
  sparse.Input<float>({2, 3}, seeds).Input<uint8_t>({1, 7}, item);
  ASSERT_OK(sparse.Run());
  EXPECT_EQ(sparse.Output<int32_t>(), (std::vector<int32_t>{4 * bits[0] + 2 * bits[1] + bits[2],
                                                            8 + 4 * bits[3] + 2 * bits[4] + bits[5]}));
}

TEST(LshProjection, EmptyOperandsAndWideSignatures) {
  OpTester no_items(OpId::kLshProjection);
  no_items.Input<float>({2, 2}, {1, 2, 3, 4}).Input<int64_t>({0, 3}, {}).Input<float>({0}, {});
  ASSERT_OK(no_items.Run());
  EXPECT_EQ(no_items.Output<int32_t>(), (std::vector<int32_t>(4, 0)));
  OpTester no_seeds(OpId::kLshProjection);
  no_seeds.Input<float>({0, 4}, {}).Input<int8_t>({2}, {1, 2});
  ASSERT_OK(no_seeds.Run());
  EXPECT_TRUE(no_seeds.Output<int32_t>().empty());
  // 32 bits leave no room for a range of its own.
  OpTester wide(OpId::kLshProjection);
  wide.attributes<LshProjectionAttributes>().is_sparse = true;
  std::vector<float> seeds = TestValues(32);
  seeds.insert(seeds.end(), seeds.begin(), seeds.begin() + 32);
  wide.Input<float>({2, 32}, seeds).Input<int8_t>({2}, {1, 2});
  ASSERT_OK(wide.Run());
  EXPECT_EQ(wide.Output<int32_t>()[0], wide.Output<int32_t>()[1]);
}

TEST(LshProjection, RefusesWhatItCannotRead) {
  const auto refuses = [](const TensorType& seeds, const TensorType& x, const TensorType& weights) {
    OpTester tester(OpId::kLshProjection);
    std::vector<TensorType> inferred;
    EXPECT_FALSE(tester.Infer({seeds, x, weights}, &inferred).ok());
  };
  const TensorType seeds = {DType::kF32, {2, 4}, kNone};
  const TensorType x = {DType::kF16, {3, kUnknownDim}, kNone};
  const TensorType weights = {DType::kF32, {3}, kNone};
  OpTester tester(OpId::kLshProjection);
  std::vector<TensorType> inferred;
  ASSERT_OK(tester.Infer({seeds, x, weights}, &inferred));
  EXPECT_EQ(inferred[0].shape, (Shape{8}));
  refuses({DType::kF64, {2, 4}, kNone}, x, weights);
  refuses({DType::kF32, {2}, kNone}, x, weights);
  refuses({DType::kF32, {2, 33}, kNone}, x, weights);
  refuses(seeds, {DType::kI4, {3, 2}, kNone}, weights);
  refuses(seeds, {DType::kF32, {}, kNone}, weights);
  refuses(seeds, x, {DType::kF32, {4}, kNone});
  refuses(seeds, x, {DType::kF32, {3, 1}, kNone});
  refuses(seeds, x, {DType::kI32, {3}, kNone});
}

}  // namespace
}  // namespace mace::ops
