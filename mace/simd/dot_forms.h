// What the dot products of dot.h are on each instruction set, for code outside of *.simd.cc files: whoever
// packs for them.
#ifndef MACE_SIMD_DOT_FORMS_H_
#define MACE_SIMD_DOT_FORMS_H_

#include "mace/simd/isa.h"

namespace mace {

// kDotNeedsBound of dot.h.
constexpr bool DotNeedsBound(Isa isa) {
  return isa == Isa::kSse4 || isa == Isa::kAvx2 || isa == Isa::kAvx512;
}
// kDotLhsUnsigned of dot.h.
constexpr bool DotLhsIsUnsigned(Isa isa) {
  return isa != Isa::kNeon && isa != Isa::kDotProd && isa != Isa::kI8mm;
}

}  // namespace mace

#endif  // MACE_SIMD_DOT_FORMS_H_
