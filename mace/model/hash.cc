#include "mace/model/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace mace {

uint64_t Hash64(std::span<const uint8_t> bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace mace
