// Seeded damage to model files, at the level of bytes and of the format's fields.
#ifndef MACE_TESTS_MUTATION_MUTATORS_H_
#define MACE_TESTS_MUTATION_MUTATORS_H_

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace mace::mutation {

using Random = std::mt19937_64;
using ByteVector = std::vector<uint8_t>;

enum class FileKind { kOnnx, kTflite, kMace };

// 0 .. count - 1. Not std::uniform_int_distribution, whose sequence differs between libraries.
inline uint64_t Below(Random& random, uint64_t count) { return count == 0 ? 0 : random() % count; }
inline bool OneIn(Random& random, uint64_t n) { return Below(random, n) == 0; }

// A damaged copy. `donors` are other files of the same kind, from which pieces are spliced.
ByteVector Mutate(std::span<const uint8_t> file, FileKind kind, const std::vector<ByteVector>& donors,
                  Random& random);

}  // namespace mace::mutation

#endif  // MACE_TESTS_MUTATION_MUTATORS_H_
