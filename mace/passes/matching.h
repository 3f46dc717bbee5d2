// What several passes ask of values before they rewrite something.
#ifndef MACE_PASSES_MATCHING_H_
#define MACE_PASSES_MATCHING_H_

#include <vector>

#include "mace/passes/graph_editor.h"

namespace mace::passes {

// The rank is known, and each dimension is a number or a symbol.
bool IsKnownShape(const Shape& shape);
// Both have none, or what they have is equal, whether stored once or twice.
bool SameQuantization(const Graph& graph, ValueId a, ValueId b);
// A result is written by a node of its own: true where `x` cannot take the place of the result `y`.
bool NeedsNode(const GraphEditor& editor, ValueId y, ValueId x);
// Null for inputs, constants and absent values.
const Node* ProducerOf(const GraphEditor& editor, ValueId value);
// Reshape, Flatten, Squeeze or Unsqueeze.
bool IsReshapeLike(OpId op);
// The elements of a float32 constant without quantization that is a scalar or [channels], with ones in front
// or not, as `channels` floats. False for anything else.
bool ChannelConstant(const Graph& graph, ValueId value, int64_t channels, std::vector<float>* elements);

}  // namespace mace::passes

#endif  // MACE_PASSES_MATCHING_H_
