// The SIMD vocabulary: free functions over native vector types, the same names on every instruction set. A
// kernel is a *.simd.cc file that includes this header and is compiled once per row of mace/simd/isa.def,
// each time with one MACE_SIMD_<ISA> macro, which picks the vector header and the namespace:
//
//   namespace mace { namespace MACE_ISA_NAMESPACE {
//   static void Double(const float* x, float* y, int64_t count) {
//     int64_t i = 0;
//     for (; i + Lanes(kF32) <= count; i += Lanes(kF32)) Store(y + i, Add(Load(kF32, x + i), Load(kF32, x +
//     i))); if (i < count) { VecF32 v = LoadPartial(kF32, x + i, count - i); StorePartial(y + i, Add(v, v),
//     count - i); }
//   }
//   }}
//
// The contract, which mace/simd/simd_test proves on each instruction set:
//   VecF32, VecI32      as many lanes each: Lanes(kF32), a constant kF32Lanes where the width is fixed. SVE
//   and RVV vectors
//                       allow no arrays, members or statics: kernels shared with them hold vectors in local
//                       variables only.
//   Mask32              what a comparison gives. MaskAnd, MaskOr, MaskNot, Select(mask, if_true, if_false),
//                       AnyLane(mask).
//   MaskFirst(n)        the first n lanes, 0 <= n <= lanes.
//   Load, Store         any alignment. *Partial takes 0 <= n <= lanes, fills other lanes with zero, touches n
//   elements only. MulAdd(a, b, c)     a * b + c, NegMulAdd(a, b, c) = c - a * b: one rounding where the ISA
//   has it (not scalar, sse4). Min, Max (float)    a NaN in the SECOND operand propagates; a NaN in the first
//   gives either operand. So clamp x with
//                       Min(high, Max(low, x)). Of -0 and +0 either may come. MinNaN, MaxNaN propagate both.
//   Round               to nearest even, as ConvertToI32 does; ConvertToI32 of NaN or of what int32 cannot
//   hold is
//                       some int32. ConvertTruncateToI32 rounds towards zero.
//   ReduceAdd           a fixed tree for each width: the same input gives the same bytes.
//   LoadF16, StoreF16   half precision, to nearest even, denormals kept; LoadU8, LoadI8, LoadI16 widen to
//   VecI32;
//                       StoreU8, StoreI8, StoreI16 narrow with saturation.
//   ShiftLeft, ShiftRight (arithmetic), ShiftRightLogical take one count in [0, 31] for all lanes. ShiftLeft
//                       and RoundingShiftRight (halves away from zero) also take a count for each lane.
//   MulHighRounded(a, b)  the high 32 bits of 2 * a * b, halves upwards; of INT32_MIN squared some int32.
//
// Everything is always_inline and static: an object built with ISA flags must not leave a weak copy of
// anything that a linker could pick for a CPU without the feature. For that reason kernels use ScalarMin and
// its like, not std::min.
#ifndef MACE_SIMD_SIMD_H_
#define MACE_SIMD_SIMD_H_

#include <stddef.h>
#include <stdint.h>

#define MACE_INLINE static inline __attribute__((always_inline))
// For code too big to be copied to each caller: one copy an object, still invisible to the linker.
#define MACE_NOINLINE [[maybe_unused]] static __attribute__((noinline))

#if defined(MACE_SIMD_SCALAR)
#define MACE_ISA_NAMESPACE isa_scalar
#elif defined(MACE_SIMD_SSE4)
#define MACE_ISA_NAMESPACE isa_sse4
#elif defined(MACE_SIMD_AVX2)
#define MACE_ISA_NAMESPACE isa_avx2
#elif defined(MACE_SIMD_AVX512)
#define MACE_ISA_NAMESPACE isa_avx512
#elif defined(MACE_SIMD_AVXVNNI)
#define MACE_ISA_NAMESPACE isa_avxvnni
#elif defined(MACE_SIMD_AVX512VNNI)
#define MACE_ISA_NAMESPACE isa_avx512vnni
#elif defined(MACE_SIMD_NEON)
#define MACE_ISA_NAMESPACE isa_neon
#elif defined(MACE_SIMD_DOTPROD)
#define MACE_ISA_NAMESPACE isa_dotprod
#elif defined(MACE_SIMD_I8MM)
#define MACE_ISA_NAMESPACE isa_i8mm
#elif defined(MACE_SIMD_SVE)
#define MACE_ISA_NAMESPACE isa_sve
#elif defined(MACE_SIMD_RVV)
#define MACE_ISA_NAMESPACE isa_rvv
#else
#error "simd.h is for *.simd.cc files, which the build compiles with MACE_SIMD_<ISA> defined"
#endif

#if defined(MACE_SIMD_AVXVNNI) || defined(MACE_SIMD_AVX512VNNI) || defined(MACE_SIMD_DOTPROD) || \
    defined(MACE_SIMD_I8MM)
#define MACE_SIMD_DOT_ONLY  // of isa.def's kind 2
#endif

namespace mace {
namespace MACE_ISA_NAMESPACE {

struct F32Tag {};
struct I32Tag {};
inline constexpr F32Tag kF32{};
inline constexpr I32Tag kI32{};

template <typename T>
MACE_INLINE T ScalarMin(T a, T b) {
  return a < b ? a : b;
}
template <typename T>
MACE_INLINE T ScalarMax(T a, T b) {
  return a > b ? a : b;
}
template <typename T>
MACE_INLINE T ScalarClamp(T x, T low, T high) {
  return ScalarMin(high, ScalarMax(low, x));
}

template <typename To, typename From>
MACE_INLINE To BitCast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  return __builtin_bit_cast(To, from);
}

MACE_INLINE void Prefetch(const void* p) { __builtin_prefetch(p); }

// Copies a few bytes without a call where n is small; used by partial loads of ISAs that have no masks.
MACE_INLINE void CopyBytes(void* to, const void* from, size_t n) {
  char* target = static_cast<char*>(to);
  const char* source = static_cast<const char*>(from);
  for (size_t i = 0; i < n; ++i) target[i] = source[i];
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#if defined(MACE_SIMD_SCALAR)
#include "mace/simd/scalar.h"
#elif defined(MACE_SIMD_SSE4)
#include "mace/simd/sse4.h"
#elif defined(MACE_SIMD_AVX2) || defined(MACE_SIMD_AVXVNNI)
#include "mace/simd/avx2.h"
#elif defined(MACE_SIMD_AVX512) || defined(MACE_SIMD_AVX512VNNI)
#include "mace/simd/avx512.h"
#elif defined(MACE_SIMD_NEON) || defined(MACE_SIMD_DOTPROD) || defined(MACE_SIMD_I8MM)
#include "mace/simd/neon.h"
#elif defined(MACE_SIMD_SVE)
#include "mace/simd/sve.h"
#elif defined(MACE_SIMD_RVV)
#include "mace/simd/rvv.h"
#endif
#include "mace/simd/common-inl.h"

#endif  // MACE_SIMD_SIMD_H_
