// Philox4x32-10, a counter-based generator: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: Parallel
// random numbers: as easy as 1, 2, 3 (SC 2011). Number i of a sequence is a function of i and the key alone,
// so that it does not depend on who computes it, in what order.
#ifndef MACE_OPS_RANDOM_PHILOX_H_
#define MACE_OPS_RANDOM_PHILOX_H_

#include <cstdint>

namespace mace::ops {

struct PhiloxBlock {
  uint32_t words[4];
};

// Block `counter` of the sequence that `key` names.
PhiloxBlock Philox(uint64_t counter, uint64_t key);

// Evenly distributed numbers in [0, 1), of 53 bits.
class UniformNumbers {
 public:
  explicit UniformNumbers(uint64_t key) : key_(key) {}
  double operator()(uint64_t i) const;

 private:
  uint64_t key_;
};

// The key of an operator's next run: of its seed where it has one, else another one each time.
uint64_t KeyOfRun(bool is_seeded, int64_t seed);

}  // namespace mace::ops

#endif  // MACE_OPS_RANDOM_PHILOX_H_
