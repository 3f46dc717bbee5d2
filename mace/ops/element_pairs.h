// Reference kernels of two broadcast operands: a function of two elements, called for each pair.
#ifndef MACE_OPS_ELEMENT_PAIRS_H_
#define MACE_OPS_ELEMENT_PAIRS_H_

#include <cstdint>

#include "mace/graph/op_definition.h"

namespace mace::ops {

// Computes *y from *a and *b. A pointer, so that the walk exists once and not for each operator and type.
using PairFunction = void (*)(const void* a, const void* b, void* y);

// Inputs 0 and 1 broadcast to output 0, whose elements have whole bytes.
void WalkPairs(const ReferenceContext& context, PairFunction function);

// The same with Function(), which takes an A and a B and gives an Out.
template <typename Function, typename A, typename B, typename Out>
void MapPairs(const ReferenceContext& context) {
  WalkPairs(context, [](const void* a, const void* b, void* y) {
    *static_cast<Out*>(y) = Function()(*static_cast<const A*>(a), *static_cast<const B*>(b));
  });
}

}  // namespace mace::ops

#endif  // MACE_OPS_ELEMENT_PAIRS_H_
