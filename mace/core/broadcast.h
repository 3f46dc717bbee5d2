// NumPy's broadcasting of shapes: shared by kernels and the shape rules of operators.
#ifndef MACE_CORE_BROADCAST_H_
#define MACE_CORE_BROADCAST_H_

#include "mace/core/shape.h"

namespace mace {

// One dimension of two operands; see BroadcastTogether.
inline bool BroadcastDim(int64_t a, int64_t b, int64_t* result) {
  if (a == b || b == 1) {
    *result = a;
  } else if (a == 1) {
    *result = b;
  } else if (a >= 0 && b >= 0) {
    return false;
  } else {
    *result = a >= 0 ? a : (b >= 0 ? b : kUnknownDim);
  }
  return true;
}

// The shape that a and b have in common; false where there is none. Dimensions may be symbols or unknown:
// where that leaves doubt (a symbol against another symbol) the dimension is unknown; against a constant
// other than 1 it is the constant, since the symbol must then be 1 or that.
inline bool BroadcastTogether(const Shape& a, const Shape& b, Shape* result) {
  Shape merged;
  merged.rank = a.rank > b.rank ? a.rank : b.rank;
  for (int i = 1; i <= merged.rank; ++i) {
    const int64_t a_dim = i <= a.rank ? a[a.rank - i] : 1;
    const int64_t b_dim = i <= b.rank ? b[b.rank - i] : 1;
    if (!BroadcastDim(a_dim, b_dim, &merged[merged.rank - i])) return false;
  }
  *result = merged;
  return true;
}

}  // namespace mace

#endif  // MACE_CORE_BROADCAST_H_
