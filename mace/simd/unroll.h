// Loops whose index is a constant in each pass: arrays of vectors stay in registers only where they are
// indexed so before the optimiser looks at them (docs/design/14-simd.md).
#ifndef MACE_SIMD_UNROLL_H_
#define MACE_SIMD_UNROLL_H_

#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

template <int kValue>
struct Constant {
  static constexpr int value = kValue;
};
template <int... kIndices>
struct IndexList {};
template <int kCount, int... kIndices>
struct MakeIndexList : MakeIndexList<kCount - 1, kCount - 1, kIndices...> {};
template <int... kIndices>
struct MakeIndexList<0, kIndices...> {
  using Type = IndexList<kIndices...>;
};
template <typename Body, int... kIndices>
MACE_INLINE void ForEachIndex(IndexList<kIndices...>, Body&& body) {
  (body(Constant<kIndices>{}), ...);
}
// Calls body(Constant<0>), ..., body(Constant<kCount - 1>).
template <int kCount, typename Body>
MACE_INLINE void Unroll(Body&& body) {
  ForEachIndex(typename MakeIndexList<kCount>::Type{}, static_cast<Body&&>(body));
}
#define MACE_LAMBDA_INLINE __attribute__((always_inline))

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_UNROLL_H_
