#include "mace/ops/random/philox.h"

#include <atomic>
#include <chrono>

namespace mace::ops {

PhiloxBlock Philox(uint64_t counter, uint64_t key) {
  constexpr uint32_t kMultipliers[2] = {0xD2511F53, 0xCD9E8D57};
  constexpr uint32_t kKeySteps[2] = {0x9E3779B9, 0xBB67AE85};  // of the golden ratio, of the root of 3
  uint32_t c[4] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0};
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

double UniformNumbers::operator()(uint64_t i) const {
  const PhiloxBlock block = Philox(i / 2, key_);
  const uint32_t* words = block.words + i % 2 * 2;
  const uint64_t bits = (uint64_t{words[0]} << 32 | words[1]) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

uint64_t KeyOfRun(bool is_seeded, int64_t seed) {
  if (is_seeded) return static_cast<uint64_t>(seed);
  // The clock makes processes differ, the counter the runs of one process.
  static std::atomic<uint64_t> runs{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  const PhiloxBlock mixed = Philox(static_cast<uint64_t>(now), runs.fetch_add(1, std::memory_order_relaxed));
  return uint64_t{mixed.words[0]} << 32 | mixed.words[1];
}

}  // namespace mace::ops
