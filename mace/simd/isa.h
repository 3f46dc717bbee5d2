// Names of the instruction sets of isa.def.
#ifndef MACE_SIMD_ISA_H_
#define MACE_SIMD_ISA_H_

#include <cstdint>

namespace mace {

enum class Isa : uint8_t {
#define MACE_ISA(name, Name, architecture, kind, proven) k##Name,
#include "mace/simd/isa.def"
#undef MACE_ISA
};

inline constexpr int kIsaCount = 0
#define MACE_ISA(name, Name, architecture, kind, proven) +1
#include "mace/simd/isa.def"
#undef MACE_ISA
    ;

// A bit each for the rows that are on by default.
inline constexpr uint32_t kProvenIsas = 0
#define MACE_ISA(name, Name, architecture, kind, proven) \
  | (uint32_t{proven} << static_cast<int>(Isa::k##Name))
#include "mace/simd/isa.def"
#undef MACE_ISA
    ;

inline constexpr const char* NameOf(Isa isa) {
  switch (isa) {
#define MACE_ISA(name, Name, architecture, kind, proven) \
  case Isa::k##Name:                                     \
    return #name;
#include "mace/simd/isa.def"
#undef MACE_ISA
  }
  return "unknown";
}

}  // namespace mace

#endif  // MACE_SIMD_ISA_H_
