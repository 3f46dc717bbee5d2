// Building and changing constants of a graph: what importers and passes share.
#ifndef MACE_PASSES_CONSTANTS_H_
#define MACE_PASSES_CONSTANTS_H_

#include <span>
#include <string_view>

#include "mace/graph/graph.h"

namespace mace::passes {

// A constant of the given elements.
Result<ValueId> AddFloatConstant(Graph* graph, std::string_view name, std::span<const float> elements,
                                 const Shape& shape);
Result<ValueId> AddInt64Constant(Graph* graph, std::string_view name, std::span<const int64_t> elements);

// The constant `value` with its axes permuted (output axis i is input axis perm[i]), its quantization's axis
// too. `value` keeps its own bytes.
Result<ValueId> TransposedConstant(Graph* graph, ValueId value, std::span<const int64_t> perm);
// The constant `value` with another shape of as many elements. A per-channel quantization is refused.
Result<ValueId> ReshapedConstant(Graph* graph, ValueId value, const Shape& shape);

// True where `value` is a constant, or a constant behind one Cast or Dequantize (weights kept small).
bool IsWeightChain(const Graph& graph, ValueId value);

// The one element of a float or integer constant of one element; false otherwise.
bool ScalarConstant(const Graph& graph, ValueId value, double* element);
// The elements of an int64 or int32 constant of rank 0 or 1 with at most 8 elements; false otherwise.
bool IntListConstant(const Graph& graph, ValueId value, IntList* list);

// What is no number among the elements of a float tensor: "NaN", "infinity", or null where there is nothing.
const char* NonFiniteIn(const TensorView& view);

// How much constant folding may do: bytes of one result, and elements in times elements out.
struct FoldLimits {
  int64_t result_bytes = int64_t{1} << 20;
  int64_t work = int64_t{1} << 26;
};
// Where all inputs of `node` are constants (or it only asks for a known shape) and the result is within
// `limits`, evaluates it: its outputs become constants and *folded is true; the node itself is left for the
// caller to remove. Fails only where the evaluation does.
Status FoldNode(Graph* graph, NodeId node, const FoldLimits& limits, bool* folded);

}  // namespace mace::passes

#endif  // MACE_PASSES_CONSTANTS_H_
