// FarmHash's Fingerprint64 (G. Pike, https://github.com/google/farmhash, 2014) of a seed's four bytes and an
// item's bytes behind them. It is the same on every machine, which is why models are trained with it.
#ifndef MACE_OPS_HASH_FARM_FINGERPRINT_H_
#define MACE_OPS_HASH_FARM_FINGERPRINT_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

namespace mace::ops {

// Bytes that lie in two places, read as if they were in one. Of words the first byte is the lowest.
class SeededBytes {
 public:
  SeededBytes(uint32_t seed, std::span<const uint8_t> item) : seed_(seed), item_(item) {}

  size_t size() const { return sizeof(seed_) + item_.size(); }
  uint64_t Word(size_t at) const { return Load<uint64_t>(at); }
  uint32_t HalfWord(size_t at) const { return Load<uint32_t>(at); }

 private:
  // at + sizeof(T) <= size()
  template <typename T>
  T Load(size_t at) const {
    static_assert(std::endian::native == std::endian::little);
    T word = 0;
    if (at >= sizeof(seed_)) {
      std::memcpy(&word, item_.data() + at - sizeof(seed_), sizeof(T));
      return word;
    }
    const size_t of_seed = sizeof(seed_) - at;
    auto* target = reinterpret_cast<uint8_t*>(&word);
    std::memcpy(target, reinterpret_cast<const uint8_t*>(&seed_) + at, of_seed);
    if (sizeof(T) > of_seed) std::memcpy(target + of_seed, item_.data(), sizeof(T) - of_seed);
    return word;
  }

  uint32_t seed_;
  std::span<const uint8_t> item_;
};

uint64_t FarmFingerprint(const SeededBytes& bytes);

}  // namespace mace::ops

#endif  // MACE_OPS_HASH_FARM_FINGERPRINT_H_
