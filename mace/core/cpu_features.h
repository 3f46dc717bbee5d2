// What the CPU that runs us can do, found once by whoever makes a Runtime and passed on as a value.
#ifndef MACE_CORE_CPU_FEATURES_H_
#define MACE_CORE_CPU_FEATURES_H_

#include <cstdint>

#include "mace/simd/isa.h"

namespace mace {

struct CpuFeatures {
  uint32_t isas = 1;  // bit i: Isa(i) can run here; scalar always can
  int32_t cores = 1;  // that this process may use (its affinity mask)

  // Asks the CPU and, where registers must be saved by it, the operating system. No global state, no
  // environment.
  static CpuFeatures Detect();

  bool Has(Isa isa) const { return (isas >> static_cast<int>(isa)) & 1; }

  // Without the instruction sets that stand behind `best` in isa.def: for tests and for runtime options.
  CpuFeatures LimitTo(Isa best) const {
    CpuFeatures limited = *this;
    limited.isas &= (uint32_t{2} << static_cast<int>(best)) - 1;
    return limited;
  }

  // The most preferred one that the CPU has.
  Isa Best() const;
};

}  // namespace mace

#endif  // MACE_CORE_CPU_FEATURES_H_
