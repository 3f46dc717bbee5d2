#include "mace/core/cpu_features.h"

#include <sched.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) || defined(__riscv)
#include <sys/auxv.h>
#endif

namespace mace {
namespace {

[[maybe_unused]] constexpr uint32_t Bit(Isa isa) { return uint32_t{1} << static_cast<int>(isa); }

#if defined(__x86_64__)

// Which register files the operating system saves (XCR0). Only called where CPUID says that XGETBV exists.
uint64_t SavedRegisters() {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t{high} << 32) | low;
}

uint32_t DetectIsas() {
  constexpr uint64_t kYmm = 0x6;   // XMM and upper halves of YMM
  constexpr uint64_t kZmm = 0xe6;  // and masks, upper halves of ZMM, ZMM16 to 31
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  uint32_t isas = 0;
  if (c & bit_SSE4_1) isas |= Bit(Isa::kSse4);
  const uint64_t saved = (c & bit_OSXSAVE) ? SavedRegisters() : 0;
  const bool fma_and_f16c = (c & bit_FMA) && (c & bit_F16C) && (c & bit_AVX);
  if (!fma_and_f16c || (saved & kYmm) != kYmm) return isas;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return isas;
  if (!(b & bit_AVX2)) return isas;
  isas |= Bit(Isa::kAvx2);
  constexpr uint32_t kAvx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
  if ((b & kAvx512) == kAvx512 && (saved & kZmm) == kZmm) {
    isas |= Bit(Isa::kAvx512);
    if (c & bit_AVX512VNNI) isas |= Bit(Isa::kAvx512Vnni);
  }
  constexpr uint32_t kAvxVnni = 1u << 4;
  if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & kAvxVnni)) isas |= Bit(Isa::kAvxVnni);
  return isas;
}

#elif defined(__aarch64__)

uint32_t DetectIsas() {
  // Bits of AT_HWCAP in Linux's arm64 ABI. Advanced SIMD is part of every AArch64 user space that we build
  // for.
  constexpr unsigned long kDotProd = 1ul << 20, kSve = 1ul << 22;
  constexpr unsigned long kI8mm = 1ul << 13;  // of AT_HWCAP2
  uint32_t isas = Bit(Isa::kNeon);
  const unsigned long capabilities = getauxval(AT_HWCAP);
  if (capabilities & kDotProd) isas |= Bit(Isa::kDotProd);
  if ((capabilities & kDotProd) && (getauxval(AT_HWCAP2) & kI8mm)) isas |= Bit(Isa::kI8mm);
  if (capabilities & kSve) isas |= Bit(Isa::kSve);
  return isas;
}

#elif defined(__riscv)

uint32_t DetectIsas() {
  // AT_HWCAP has a bit for each single-letter extension; Linux sets V for version 1.0 only.
  return (getauxval(AT_HWCAP) >> ('V' - 'A')) & 1 ? Bit(Isa::kRvv) : 0;
}

#else

uint32_t DetectIsas() { return 0; }

#endif

int32_t CountCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // A machine of more than 1,024 CPUs refuses this size of set.
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

}  // namespace

CpuFeatures CpuFeatures::Detect() {
  CpuFeatures features;
  features.isas |= DetectIsas();
  features.cores = CountCores();
  return features;
}

Isa CpuFeatures::Best() const {
  int best = 0;
  for (int i = 0; i < kIsaCount; ++i) {
    if (Has(static_cast<Isa>(i))) best = i;
  }
  return static_cast<Isa>(best);
}

}  // namespace mace
