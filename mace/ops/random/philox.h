// Philox4x32-10, a counter-based generator: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: Parallel
// random numbers: as easy as 1, 2, 3 (SC 2011). Number i of a sequence is a function of i and the key alone,
// so that it does not depend on who computes it, in what order.
#ifndef MACE_OPS_RANDOM_PHILOX_H_
#define MACE_OPS_RANDOM_PHILOX_H_

#include <cstdint>

#include "mace/graph/op_definition.h"

namespace mace::ops {

struct PhiloxBlock {
  uint32_t words[4];
};

// Block `counter` of the sequence that `key` names, and `stream`: the upper half of the counter.
PhiloxBlock Philox(uint64_t counter, uint64_t key, uint64_t stream = 0);

// How words become numbers. kWide: 53 bits of two words. kTensorFlow: as TensorFlow's and TensorFlow Lite's
// kernels do it, so that the same seeds give the same numbers: floats of 23 bits of one word, doubles of 52
// bits of two.
enum class RandomGenerator : int32_t { kWide = 0, kTensorFlow = 1, kCount = 2 };

// The numbers from block `first` on.
class RandomSequence {
 public:
  RandomSequence(RandomGenerator generator, uint64_t key, uint64_t stream, uint64_t first)
      : generator_(generator), key_(key), stream_(stream), first_(first) {}
  // Number i, evenly distributed in [0, 1): what a distribution of classes is cut with.
  double Uniform(uint64_t i) const;
  // The same for an element of an output.
  double Element(uint64_t i) const;
  // Number i of the normal distribution.
  double Normal(uint64_t i) const;
  // The block behind those that hold elements (numbers of Element and Normal) 0 to count - 1.
  uint64_t BlockBehind(uint64_t count) const;

 private:
  double Single(uint64_t i) const;  // of one word

  RandomGenerator generator_;
  uint64_t key_;
  uint64_t stream_;
  uint64_t first_;
};

// The key of an operator's next run: of its seed where it has one, else another one each time.
uint64_t KeyOfRun(bool is_seeded, int64_t seed);

// An operator's optional input `input` that says in which block of the sequence it begins, i64 of one
// element, and its optional output `output`, i64 [1], the block where the next run goes on.
Status InferBlocks(InferContext& context, int input, int output);
uint64_t FirstBlock(const ReferenceContext& context, int input);

}  // namespace mace::ops

#endif  // MACE_OPS_RANDOM_PHILOX_H_
