// Names of the instruction sets of isa.def.
#ifndef MACE_SIMD_ISA_H_
#define MACE_SIMD_ISA_H_

#include <cstdint>

namespace mace {

enum class Isa : uint8_t {
#define MACE_ISA(name, Name, architecture, scalable) k##Name,
#include "mace/simd/isa.def"
#undef MACE_ISA
};

inline constexpr int kIsaCount = 0
#define MACE_ISA(name, Name, architecture, scalable) +1
#include "mace/simd/isa.def"
#undef MACE_ISA
    ;

inline constexpr const char* NameOf(Isa isa) {
  switch (isa) {
#define MACE_ISA(name, Name, architecture, scalable) \
  case Isa::k##Name:                                 \
    return #name;
#include "mace/simd/isa.def"
#undef MACE_ISA
  }
  return "unknown";
}

}  // namespace mace

#endif  // MACE_SIMD_ISA_H_
