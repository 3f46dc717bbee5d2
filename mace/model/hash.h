// The hash of the .mace format: XXH3, 64 bits. It finds damage, not forgery.
#ifndef MACE_MODEL_HASH_H_
#define MACE_MODEL_HASH_H_

#include <cstdint>
#include <span>

namespace mace {

uint64_t Hash64(std::span<const uint8_t> bytes, uint64_t seed = 0);

}  // namespace mace

#endif  // MACE_MODEL_HASH_H_
