// The vocabulary of simd.h on the RISC-V vector extension 1.0, register groups of one: VLEN / 32 lanes, known
// at run time. The extra half-precision extensions are not assumed.
#ifndef MACE_SIMD_RVV_H_
#define MACE_SIMD_RVV_H_

#include <riscv_vector.h>

namespace mace {
namespace MACE_ISA_NAMESPACE {

using VecF32 = vfloat32m1_t;
using VecI32 = vint32m1_t;
using Mask32 = vbool32_t;

MACE_INLINE size_t AllLanes() { return __riscv_vsetvlmax_e32m1(); }
MACE_INLINE int Lanes(F32Tag) { return static_cast<int>(AllLanes()); }
MACE_INLINE int Lanes(I32Tag) { return static_cast<int>(AllLanes()); }

MACE_INLINE VecF32 BitCastToF32(VecI32 v) { return __riscv_vreinterpret_v_i32m1_f32m1(v); }
MACE_INLINE VecI32 BitCastToI32(VecF32 v) { return __riscv_vreinterpret_v_f32m1_i32m1(v); }
MACE_INLINE vuint32m1_t BitCastToU32(VecI32 v) { return __riscv_vreinterpret_v_i32m1_u32m1(v); }

MACE_INLINE VecF32 Set(F32Tag, float x) { return __riscv_vfmv_v_f_f32m1(x, AllLanes()); }
MACE_INLINE VecI32 Set(I32Tag, int32_t x) { return __riscv_vmv_v_x_i32m1(x, AllLanes()); }
MACE_INLINE VecF32 Broadcast(F32Tag, const float* p) { return Set(kF32, *p); }
MACE_INLINE VecF32 Load(F32Tag, const float* p) { return __riscv_vle32_v_f32m1(p, AllLanes()); }
MACE_INLINE VecI32 Load(I32Tag, const int32_t* p) { return __riscv_vle32_v_i32m1(p, AllLanes()); }
// Tail undisturbed: the lanes from n on keep the zero.
MACE_INLINE VecF32 LoadPartial(F32Tag, const float* p, int64_t n) {
  return __riscv_vle32_v_f32m1_tu(Set(kF32, 0.0f), p, static_cast<size_t>(n));
}
MACE_INLINE VecI32 LoadPartial(I32Tag, const int32_t* p, int64_t n) {
  return __riscv_vle32_v_i32m1_tu(Set(kI32, 0), p, static_cast<size_t>(n));
}
MACE_INLINE void Store(float* p, VecF32 v) { __riscv_vse32_v_f32m1(p, v, AllLanes()); }
MACE_INLINE void Store(int32_t* p, VecI32 v) { __riscv_vse32_v_i32m1(p, v, AllLanes()); }
MACE_INLINE void StorePartial(float* p, VecF32 v, int64_t n) {
  __riscv_vse32_v_f32m1(p, v, static_cast<size_t>(n));
}
MACE_INLINE void StorePartial(int32_t* p, VecI32 v, int64_t n) {
  __riscv_vse32_v_i32m1(p, v, static_cast<size_t>(n));
}

MACE_INLINE VecF32 Add(VecF32 a, VecF32 b) { return __riscv_vfadd_vv_f32m1(a, b, AllLanes()); }
MACE_INLINE VecF32 Sub(VecF32 a, VecF32 b) { return __riscv_vfsub_vv_f32m1(a, b, AllLanes()); }
MACE_INLINE VecF32 Mul(VecF32 a, VecF32 b) { return __riscv_vfmul_vv_f32m1(a, b, AllLanes()); }
MACE_INLINE VecF32 Div(VecF32 a, VecF32 b) { return __riscv_vfdiv_vv_f32m1(a, b, AllLanes()); }
MACE_INLINE VecF32 MulAdd(VecF32 a, VecF32 b, VecF32 c) {
  return __riscv_vfmacc_vv_f32m1(c, a, b, AllLanes());
}
MACE_INLINE VecF32 NegMulAdd(VecF32 a, VecF32 b, VecF32 c) {
  return __riscv_vfnmsac_vv_f32m1(c, a, b, AllLanes());
}
MACE_INLINE VecF32 Sqrt(VecF32 a) { return __riscv_vfsqrt_v_f32m1(a, AllLanes()); }
MACE_INLINE VecF32 Abs(VecF32 a) { return __riscv_vfsgnjx_vv_f32m1(a, a, AllLanes()); }
MACE_INLINE VecF32 Neg(VecF32 a) { return __riscv_vfsgnjn_vv_f32m1(a, a, AllLanes()); }

MACE_INLINE Mask32 Less(VecF32 a, VecF32 b) { return __riscv_vmflt_vv_f32m1_b32(a, b, AllLanes()); }
MACE_INLINE Mask32 LessEqual(VecF32 a, VecF32 b) { return __riscv_vmfle_vv_f32m1_b32(a, b, AllLanes()); }
MACE_INLINE Mask32 Greater(VecF32 a, VecF32 b) { return __riscv_vmfgt_vv_f32m1_b32(a, b, AllLanes()); }
MACE_INLINE Mask32 GreaterEqual(VecF32 a, VecF32 b) { return __riscv_vmfge_vv_f32m1_b32(a, b, AllLanes()); }
MACE_INLINE Mask32 Equal(VecF32 a, VecF32 b) { return __riscv_vmfeq_vv_f32m1_b32(a, b, AllLanes()); }
MACE_INLINE Mask32 NotEqual(VecF32 a, VecF32 b) { return __riscv_vmfne_vv_f32m1_b32(a, b, AllLanes()); }
MACE_INLINE Mask32 Greater(VecI32 a, VecI32 b) { return __riscv_vmsgt_vv_i32m1_b32(a, b, AllLanes()); }
MACE_INLINE Mask32 Less(VecI32 a, VecI32 b) { return __riscv_vmslt_vv_i32m1_b32(a, b, AllLanes()); }
MACE_INLINE Mask32 Equal(VecI32 a, VecI32 b) { return __riscv_vmseq_vv_i32m1_b32(a, b, AllLanes()); }
MACE_INLINE Mask32 MaskFirst(int64_t n) {
  return __riscv_vmsltu_vx_u32m1_b32(__riscv_vid_v_u32m1(AllLanes()), static_cast<uint32_t>(n), AllLanes());
}
MACE_INLINE Mask32 MaskAnd(Mask32 a, Mask32 b) { return __riscv_vmand_mm_b32(a, b, AllLanes()); }
MACE_INLINE Mask32 MaskOr(Mask32 a, Mask32 b) { return __riscv_vmor_mm_b32(a, b, AllLanes()); }
MACE_INLINE Mask32 MaskNot(Mask32 a) { return __riscv_vmnot_m_b32(a, AllLanes()); }
MACE_INLINE bool AnyLane(Mask32 a) { return __riscv_vfirst_m_b32(a, AllLanes()) >= 0; }
MACE_INLINE VecF32 Select(Mask32 mask, VecF32 if_true, VecF32 if_false) {
  return __riscv_vmerge_vvm_f32m1(if_false, if_true, mask, AllLanes());
}
MACE_INLINE VecI32 Select(Mask32 mask, VecI32 if_true, VecI32 if_false) {
  return __riscv_vmerge_vvm_i32m1(if_false, if_true, mask, AllLanes());
}

// vfmin and vfmax return the number when one operand is NaN, so a NaN in b is put back.
MACE_INLINE VecF32 Min(VecF32 a, VecF32 b) {
  return Select(NotEqual(b, b), b, __riscv_vfmin_vv_f32m1(a, b, AllLanes()));
}
MACE_INLINE VecF32 Max(VecF32 a, VecF32 b) {
  return Select(NotEqual(b, b), b, __riscv_vfmax_vv_f32m1(a, b, AllLanes()));
}

// In the rounding mode of the environment, which is to nearest even. No other mode is ever set: writing it
// stalls the pipeline, and the fixed vfcvt.rtz trips an assertion of qemu-user 7.2.
MACE_INLINE VecI32 ConvertToI32(VecF32 a) { return __riscv_vfcvt_x_f_v_i32m1(a, AllLanes()); }
MACE_INLINE VecF32 ConvertFromI32(VecI32 a) { return __riscv_vfcvt_f_x_v_f32m1(a, AllLanes()); }

// There is no vector rounding: it goes through int32 where |a| < 2^23; beyond, every float is whole. The sign
// is put back for results of -0.
MACE_INLINE VecF32 KeepLarge(VecF32 a, VecF32 whole) {
  const VecF32 result = __riscv_vfsgnj_vv_f32m1(whole, a, AllLanes());
  return Select(Less(Abs(a), Set(kF32, 8388608.0f)), result, a);
}
MACE_INLINE VecF32 Round(VecF32 a) { return KeepLarge(a, ConvertFromI32(ConvertToI32(a))); }
MACE_INLINE VecF32 Floor(VecF32 a) {
  const VecF32 near = ConvertFromI32(ConvertToI32(a));
  return KeepLarge(a, Select(Greater(near, a), Sub(near, Set(kF32, 1.0f)), near));
}
MACE_INLINE VecF32 Ceil(VecF32 a) {
  const VecF32 near = ConvertFromI32(ConvertToI32(a));
  return KeepLarge(a, Select(Less(near, a), Add(near, Set(kF32, 1.0f)), near));
}
MACE_INLINE VecF32 Truncate(VecF32 a) { return KeepLarge(a, Floor(Abs(a))); }
MACE_INLINE VecI32 ConvertTruncateToI32(VecF32 a) { return ConvertToI32(Truncate(a)); }

MACE_INLINE VecI32 Add(VecI32 a, VecI32 b) { return __riscv_vadd_vv_i32m1(a, b, AllLanes()); }
MACE_INLINE VecI32 Sub(VecI32 a, VecI32 b) { return __riscv_vsub_vv_i32m1(a, b, AllLanes()); }
MACE_INLINE VecI32 Mul(VecI32 a, VecI32 b) { return __riscv_vmul_vv_i32m1(a, b, AllLanes()); }
MACE_INLINE VecI32 Min(VecI32 a, VecI32 b) { return __riscv_vmin_vv_i32m1(a, b, AllLanes()); }
MACE_INLINE VecI32 Max(VecI32 a, VecI32 b) { return __riscv_vmax_vv_i32m1(a, b, AllLanes()); }
MACE_INLINE VecI32 And(VecI32 a, VecI32 b) { return __riscv_vand_vv_i32m1(a, b, AllLanes()); }
MACE_INLINE VecI32 AndNot(VecI32 not_a, VecI32 b) { return And(__riscv_vnot_v_i32m1(not_a, AllLanes()), b); }
MACE_INLINE VecI32 Or(VecI32 a, VecI32 b) { return __riscv_vor_vv_i32m1(a, b, AllLanes()); }
MACE_INLINE VecI32 Xor(VecI32 a, VecI32 b) { return __riscv_vxor_vv_i32m1(a, b, AllLanes()); }
MACE_INLINE VecI32 ShiftLeft(VecI32 a, int count) {
  return __riscv_vsll_vx_i32m1(a, static_cast<size_t>(count), AllLanes());
}
MACE_INLINE VecI32 ShiftRight(VecI32 a, int count) {
  return __riscv_vsra_vx_i32m1(a, static_cast<size_t>(count), AllLanes());
}
MACE_INLINE VecI32 ShiftRightLogical(VecI32 a, int count) {
  return __riscv_vreinterpret_v_u32m1_i32m1(
      __riscv_vsrl_vx_u32m1(BitCastToU32(a), static_cast<size_t>(count), AllLanes()));
}
MACE_INLINE VecI32 ShiftLeft(VecI32 a, VecI32 counts) {
  return __riscv_vsll_vv_i32m1(a, BitCastToU32(counts), AllLanes());
}
// On the magnitude, whose sum with a half fits 32 bits without a sign.
MACE_INLINE VecI32 RoundingShiftRight(VecI32 a, VecI32 counts) {
  const VecI32 sign = ShiftRight(a, 31);
  const VecI32 halves = ShiftRightLogical(ShiftLeft(Set(kI32, 1), counts), 1);
  const VecI32 sums = Add(Sub(Xor(a, sign), sign), halves);
  const VecI32 rounded = __riscv_vreinterpret_v_u32m1_i32m1(
      __riscv_vsrl_vv_u32m1(BitCastToU32(sums), BitCastToU32(counts), AllLanes()));
  return Sub(Xor(rounded, sign), sign);
}
MACE_INLINE VecI32 MulHigh(VecI32 a, VecI32 b) { return __riscv_vmulh_vv_i32m1(a, b, AllLanes()); }
// The high half has weight 2^32; of the low half the bits 30 and 31 count.
MACE_INLINE VecI32 MulHighRounded(VecI32 a, VecI32 b) {
  const VecI32 low = ShiftRightLogical(Mul(a, b), 30);
  return Add(ShiftLeft(MulHigh(a, b), 1), ShiftRightLogical(Add(low, Set(kI32, 1)), 1));
}

MACE_INLINE float ReduceAdd(VecF32 v) {
  const VecF32 zero = Set(kF32, 0.0f);
  return __riscv_vfmv_f_s_f32m1_f32(__riscv_vfredosum_vs_f32m1_f32m1(v, zero, AllLanes()));
}
MACE_INLINE int32_t ReduceAdd(VecI32 v) {
  return __riscv_vmv_x_s_i32m1_i32(__riscv_vredsum_vs_i32m1_i32m1(v, Set(kI32, 0), AllLanes()));
}
MACE_INLINE float ReduceMax(VecF32 v) {
  return __riscv_vfmv_f_s_f32m1_f32(__riscv_vfredmax_vs_f32m1_f32m1(v, v, AllLanes()));
}
MACE_INLINE float ReduceMin(VecF32 v) {
  return __riscv_vfmv_f_s_f32m1_f32(__riscv_vfredmin_vs_f32m1_f32m1(v, v, AllLanes()));
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#include "mace/simd/soft_f16-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

// Narrow elements live in half (16 bit) and quarter (8 bit) register groups, one to each 32-bit lane.
MACE_INLINE VecF32 WidenF16(vuint16mf2_t bits) {
  return WidenF16Bits(__riscv_vreinterpret_v_u32m1_i32m1(__riscv_vzext_vf2_u32m1(bits, AllLanes())));
}
MACE_INLINE VecF32 LoadF16(F32Tag, const uint16_t* p) {
  return WidenF16(__riscv_vle16_v_u16mf2(p, AllLanes()));
}
MACE_INLINE VecF32 LoadF16Partial(F32Tag, const uint16_t* p, int64_t n) {
  const vuint16mf2_t zero = __riscv_vmv_v_x_u16mf2(0, AllLanes());
  return WidenF16(__riscv_vle16_v_u16mf2_tu(zero, p, static_cast<size_t>(n)));
}
MACE_INLINE void StoreF16Partial(uint16_t* p, VecF32 v, int64_t n) {
  const vuint32m1_t bits = BitCastToU32(NarrowToF16Bits(v));
  __riscv_vse16_v_u16mf2(p, __riscv_vncvt_x_x_w_u16mf2(bits, AllLanes()), static_cast<size_t>(n));
}
MACE_INLINE void StoreF16(uint16_t* p, VecF32 v) { StoreF16Partial(p, v, Lanes(kF32)); }

MACE_INLINE VecI32 LoadU8Partial(I32Tag, const uint8_t* p, int64_t n) {
  const vuint8mf4_t zero = __riscv_vmv_v_x_u8mf4(0, AllLanes());
  const vuint8mf4_t bytes = __riscv_vle8_v_u8mf4_tu(zero, p, static_cast<size_t>(n));
  return __riscv_vreinterpret_v_u32m1_i32m1(__riscv_vzext_vf4_u32m1(bytes, AllLanes()));
}
MACE_INLINE VecI32 LoadI8Partial(I32Tag, const int8_t* p, int64_t n) {
  const vint8mf4_t zero = __riscv_vmv_v_x_i8mf4(0, AllLanes());
  const vint8mf4_t bytes = __riscv_vle8_v_i8mf4_tu(zero, p, static_cast<size_t>(n));
  return __riscv_vsext_vf4_i32m1(bytes, AllLanes());
}
MACE_INLINE VecI32 LoadU8(I32Tag, const uint8_t* p) { return LoadU8Partial(kI32, p, Lanes(kI32)); }
MACE_INLINE VecI32 LoadI8(I32Tag, const int8_t* p) { return LoadI8Partial(kI32, p, Lanes(kI32)); }
MACE_INLINE VecI32 LoadI16Partial(I32Tag, const int16_t* p, int64_t n) {
  const vint16mf2_t zero = __riscv_vmv_v_x_i16mf2(0, AllLanes());
  const vint16mf2_t halves = __riscv_vle16_v_i16mf2_tu(zero, p, static_cast<size_t>(n));
  return __riscv_vsext_vf2_i32m1(halves, AllLanes());
}
MACE_INLINE VecI32 LoadI16(I32Tag, const int16_t* p) { return LoadI16Partial(kI32, p, Lanes(kI32)); }
MACE_INLINE void StoreI16Partial(int16_t* p, VecI32 v, int64_t n) {
  const VecI32 clamped = Min(Max(v, Set(kI32, -32768)), Set(kI32, 32767));
  __riscv_vse16_v_i16mf2(p, __riscv_vncvt_x_x_w_i16mf2(clamped, AllLanes()), static_cast<size_t>(n));
}
MACE_INLINE void StoreI16(int16_t* p, VecI32 v) { StoreI16Partial(p, v, Lanes(kI32)); }
MACE_INLINE vint8mf4_t NarrowToBytes(VecI32 v) {
  return __riscv_vncvt_x_x_w_i8mf4(__riscv_vncvt_x_x_w_i16mf2(v, AllLanes()), AllLanes());
}
MACE_INLINE void StoreU8Partial(uint8_t* p, VecI32 v, int64_t n) {
  const VecI32 clamped = Min(Max(v, Set(kI32, 0)), Set(kI32, 255));
  __riscv_vse8_v_i8mf4(reinterpret_cast<int8_t*>(p), NarrowToBytes(clamped), static_cast<size_t>(n));
}
MACE_INLINE void StoreI8Partial(int8_t* p, VecI32 v, int64_t n) {
  const VecI32 clamped = Min(Max(v, Set(kI32, -128)), Set(kI32, 127));
  __riscv_vse8_v_i8mf4(p, NarrowToBytes(clamped), static_cast<size_t>(n));
}
MACE_INLINE void StoreU8(uint8_t* p, VecI32 v) { StoreU8Partial(p, v, Lanes(kI32)); }
MACE_INLINE void StoreI8(int8_t* p, VecI32 v) { StoreI8Partial(p, v, Lanes(kI32)); }

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_RVV_H_
