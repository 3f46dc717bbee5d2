// LshProjection: a few bits that are likely equal for similar inputs (locality-sensitive hashing, as
// TensorFlow Lite's LSH_PROJECTION computes it).
//
//   inputs   seeds f32 [H, B], B <= 32: one for each bit of each of H signatures; x [N, ...] of any type with
//            whole bytes; weights f32 [N] (absent: 1)
//   output   i32: with is_sparse [H], signature h in the low B bits plus h * 2^B (modulo 2^32), its first bit
//            being the highest; else the bits one by one, [H * B]
//
// A bit is 1 where the sum over n of weights[n] * hash(seed, x[n]) is above 0. The hash is FarmHash's
// fingerprint of the seed's four bytes and the bytes of x[n], as a signed number; sums are in double
// precision.
#ifndef MACE_OPS_HASH_LSH_PROJECTION_H_
#define MACE_OPS_HASH_LSH_PROJECTION_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

struct LshProjectionAttributes {
  bool is_sparse = false;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, LshProjectionAttributes, is_sparse)}; }
};
extern const OpDefinition kLshProjectionDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_HASH_LSH_PROJECTION_H_
