// The names of the instruction sets of isa.def.
#ifndef MACE_SIMD_ISA_H_
#define MACE_SIMD_ISA_H_

#include <cstdint>

namespace mace {

enum class Isa : uint8_t { kScalar, kSse4, kAvx2, kAvx512, kNeon, kSve, kRvv };

}  // namespace mace

#endif  // MACE_SIMD_ISA_H_
