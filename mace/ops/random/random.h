// Random: shape (i64 or i32 vector), optional block -> random numbers of that shape, f32 or f64: kUniform in
// [first, second); kNormal with the mean `first` and the standard deviation `second`; optional next block.
//
// The numbers are those of the sequence that `seed` and `stream` name, from `block` on (i64 of one element; 0
// where it is absent); the next block is the one behind them. So with a seed every run gives the same
// numbers, unless a state of the graph hands the next block to the next run: then the sequence goes on from
// run to run, and begins again where the states do. Without a seed each run gives others.
#ifndef MACE_OPS_RANDOM_RANDOM_H_
#define MACE_OPS_RANDOM_RANDOM_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/random/philox.h"

namespace mace::ops {

enum class RandomKind : int32_t { kUniform = 0, kNormal = 1, kCount = 2 };
struct RandomAttributes {
  RandomKind kind = RandomKind::kUniform;
  float first = 0;
  float second = 1;
  DType to = DType::kF32;
  bool is_seeded = false;
  int64_t seed = 0;
  RandomGenerator generator = RandomGenerator::kWide;  // kTensorFlow: f32 only
  int64_t stream = 0;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, RandomAttributes, kind),      MACE_FIELD(2, RandomAttributes, first),
                      MACE_FIELD(3, RandomAttributes, second),    MACE_FIELD(4, RandomAttributes, to),
                      MACE_FIELD(5, RandomAttributes, is_seeded), MACE_FIELD(6, RandomAttributes, seed),
                      MACE_FIELD(7, RandomAttributes, generator), MACE_FIELD(8, RandomAttributes, stream)};
  }
};
extern const OpDefinition kRandomDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_RANDOM_RANDOM_H_
