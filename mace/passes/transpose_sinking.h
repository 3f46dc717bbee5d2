// What the passes that move Transposes share.
#ifndef MACE_PASSES_TRANSPOSE_SINKING_H_
#define MACE_PASSES_TRANSPOSE_SINKING_H_

#include "mace/passes/graph_editor.h"

namespace mace::passes {

// A value as a Transpose of another one.
struct TransposedValue {
  ValueId source = kNone;
  Permutation perm;
};
// False where `value` is not written by a Transpose of a tensor of known rank.
bool FindTranspose(const GraphEditor& editor, ValueId value, TransposedValue* transposed);

// A Transpose of `value`, merged with one that wrote `value`; nothing where both cancel; a new constant where
// it is one.
ValueId EmitTranspose(GraphEditor* editor, NodeId anchor, ValueId value, const Permutation& perm);

// A constant operand of an elementwise operator of rank `rank`, permuted. Broadcasting aligns the last axes,
// so it gets axes of size 1 in front first, and loses those that are in front then ([C, 1, 1] becomes [C]).
ValueId PermuteBroadcastConstant(GraphEditor* editor, ValueId constant, int rank, const Permutation& perm);

// Transpose, then Reshape (Flatten, Squeeze, Unsqueeze): Reshape, then Transpose, where the reshape splits
// and merges axes that are neighbours in the source too. True where it did something.
bool SinkThroughReshape(GraphEditor* editor, NodeId id, const TransposedValue& transposed);

}  // namespace mace::passes

#endif  // MACE_PASSES_TRANSPOSE_SINKING_H_
