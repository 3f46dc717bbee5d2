// For tests: the instruction sets that this CPU, real or emulated, can run.
#ifndef MACE_SIMD_RUNNING_ISA_H_
#define MACE_SIMD_RUNNING_ISA_H_

#include "mace/core/cpu_features.h"

#if defined(__riscv)
#include <csetjmp>
#include <csignal>
#endif

namespace mace {

#if defined(__riscv)
inline sigjmp_buf running_isa_return;
#endif

inline CpuFeatures FeaturesForTests() {
  CpuFeatures features = CpuFeatures::Detect();
#if defined(__riscv)
  // qemu-user 7.2 runs V, but does not tell AT_HWCAP so: try to read the register vlenb.
  struct sigaction action = {};
  struct sigaction before;
  action.sa_handler = [](int) { siglongjmp(running_isa_return, 1); };
  sigaction(SIGILL, &action, &before);
  if (sigsetjmp(running_isa_return, 1) == 0) {
    unsigned long vector_bytes = 0;
    __asm__ volatile("csrr %0, 0xc22" : "=r"(vector_bytes));
    if (vector_bytes >= 16) features.isas |= 1u << static_cast<int>(Isa::kRvv);
  }
  sigaction(SIGILL, &before, nullptr);
#endif
  return features;
}

}  // namespace mace

#endif  // MACE_SIMD_RUNNING_ISA_H_
