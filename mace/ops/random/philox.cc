#include "mace/ops/random/philox.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>

#include "mace/ops/common.h"

namespace mace::ops {

PhiloxBlock Philox(uint64_t counter, uint64_t key, uint64_t stream) {
  constexpr uint32_t kMultipliers[2] = {0xD2511F53, 0xCD9E8D57};
  constexpr uint32_t kKeySteps[2] = {0x9E3779B9, 0xBB67AE85};  // of the golden ratio, of the root of 3
  uint32_t c[4] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32),
                   static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)};
  uint32_t k[2] = {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = uint64_t{kMultipliers[0]} * c[0];
    const uint64_t second = uint64_t{kMultipliers[1]} * c[2];
    const uint32_t next[4] = {static_cast<uint32_t>(second >> 32) ^ c[1] ^ k[0],
                              static_cast<uint32_t>(second), static_cast<uint32_t>(first >> 32) ^ c[3] ^ k[1],
                              static_cast<uint32_t>(first)};
    for (int i = 0; i < 4; ++i) c[i] = next[i];
    k[0] += kKeySteps[0];
    k[1] += kKeySteps[1];
  }
  return {{c[0], c[1], c[2], c[3]}};
}

double RandomSequence::Uniform(uint64_t i) const {
  const PhiloxBlock block = Philox(first_ + i / 2, key_, stream_);
  const uint32_t* words = block.words + i % 2 * 2;
  const uint64_t bits = uint64_t{words[0]} << 32 | words[1];
  if (generator_ == RandomGenerator::kTensorFlow) {
    constexpr uint64_t kLow52 = (uint64_t{1} << 52) - 1;
    return static_cast<double>(bits & kLow52) * 0x1p-52;
  }
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

double RandomSequence::Single(uint64_t i) const {
  constexpr uint32_t kLow23 = (1u << 23) - 1;
  return static_cast<double>(Philox(first_ + i / 4, key_, stream_).words[i % 4] & kLow23) * 0x1p-23;
}

double RandomSequence::Element(uint64_t i) const {
  return generator_ == RandomGenerator::kTensorFlow ? Single(i) : Uniform(i);
}

// Two normal numbers of two even ones: G. E. P. Box, M. E. Muller: A note on the generation of random normal
// deviates (1958). The even number under the logarithm must not be 0: it is turned round, from [0, 1) to
// (0, 1]; TensorFlow raises it, has the sine first, and rounds the angle and the factors to float.
double RandomSequence::Normal(uint64_t i) const {
  const uint64_t first = i / 2 * 2;
  if (generator_ == RandomGenerator::kTensorFlow) {
    constexpr double kLeast = 1.0e-7f;
    const double radius = std::sqrt(-2 * std::log(std::max(Single(first), kLeast)));
    const double angle = static_cast<double>(static_cast<float>(2 * M_PI * Single(first + 1)));
    const double part = i % 2 == 0 ? std::sin(angle) : std::cos(angle);
    return static_cast<double>(static_cast<float>(radius) * static_cast<float>(part));
  }
  const double radius = std::sqrt(-2 * std::log(1 - Uniform(first)));
  const double angle = 2 * M_PI * Uniform(first + 1);
  return radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

uint64_t RandomSequence::BlockBehind(uint64_t count) const {
  const uint64_t in_block = generator_ == RandomGenerator::kTensorFlow ? 4 : 2;
  return first_ + count / in_block + (count % in_block != 0);
}

uint64_t KeyOfRun(bool is_seeded, int64_t seed) {
  if (is_seeded) return static_cast<uint64_t>(seed);
  // The clock makes processes differ, the counter the runs of one process.
  static std::atomic<uint64_t> runs{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  const PhiloxBlock mixed = Philox(static_cast<uint64_t>(now), runs.fetch_add(1, std::memory_order_relaxed));
  return uint64_t{mixed.words[0]} << 32 | mixed.words[1];
}

Status InferBlocks(InferContext& context, int input, int output) {
  context.SetOutput(output, DType::kI64, {1});
  if (!context.has_input(input)) return Status::Ok();
  MACE_RETURN_IF_ERROR(ExpectDType(context, input, {DType::kI64}));
  const Shape& shape = context.input(input).shape;
  if (shape.rank == 0 || (shape.rank == 1 && (shape[0] < 0 || shape[0] == 1))) return Status::Ok();
  return InvalidArgument("input %d has the shape %s, expected one element", input, ShapeText(shape).text);
}

uint64_t FirstBlock(const ReferenceContext& context, int input) {
  return context.has_input(input) ? static_cast<uint64_t>(ReadInt(context.inputs[input], 0)) : 0;
}

}  // namespace mace::ops
