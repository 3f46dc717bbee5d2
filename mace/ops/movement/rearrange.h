// More operators that move elements without computing, of any dtype of whole bytes.
#ifndef MACE_OPS_MOVEMENT_REARRANGE_H_
#define MACE_OPS_MOVEMENT_REARRANGE_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"

namespace mace::ops {

// Tile: x, int64 or int32 repeats [rank] -> x repeated so many times along each axis.

// SpaceToDepth: x [N, H * b, W * b, C] -> [N, H, W, C * b * b], what DepthToSpace brings back: the same
// attributes, the same order of channels.

// Trilu: x [..., rows, columns], optional scalar int64 or int32 k (0 where it is absent) -> the elements on
// and above (upper) or below diagonal k of each matrix; zeros elsewhere. k > 0: above the main diagonal.
struct TriluAttributes {
  bool upper = true;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, TriluAttributes, upper)}; }
};

// ReverseSequence: x, int64 or int32 lengths [x.shape[batch_axis]]: of each batch entry the first `length`
// elements along time_axis in reverse order, the others as they are. The two axes differ.
struct ReverseSequenceAttributes {
  int64_t batch_axis = 1;
  int64_t time_axis = 0;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ReverseSequenceAttributes, batch_axis),
                      MACE_FIELD(2, ReverseSequenceAttributes, time_axis)};
  }
};

// Permute: x, int64 or int32 order [rank] -> x with axis order[i] as its axis i: a Transpose whose order is
// computed at run time.

extern const OpDefinition kPermuteDefinition;
extern const OpDefinition kTileDefinition;
extern const OpDefinition kSpaceToDepthDefinition;
extern const OpDefinition kTriluDefinition;
extern const OpDefinition kReverseSequenceDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_MOVEMENT_REARRANGE_H_
