// What quantize.simd.cc and its neighbours share: integers of any width as VecI32, whole vectors and tails.
#ifndef MACE_KERNELS_QUANTIZE_QUANTIZE_INL_H_
#define MACE_KERNELS_QUANTIZE_QUANTIZE_INL_H_

#include "mace/kernels/quantize/fixed_point-inl.h"
#include "mace/kernels/quantize/quantize.h"
#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::KernelArguments;

void Quantize(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void Dequantize(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void Requantize(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void LookUpTable(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void QuantizedBinary(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void LookUpPairs(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void QuantizedPool(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void QuantizedSoftmax(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);
void QuantizedResize(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);

// Calls function(T{}) with the C++ type of a narrow integer.
template <typename Function>
MACE_INLINE void ForNarrowType(DType type, Function function) {
  switch (type) {
    case DType::kI8:
      return function(int8_t{});
    case DType::kU8:
      return function(uint8_t{});
    case DType::kI16:
      return function(int16_t{});
    default:
      return function(uint16_t{});
  }
}
// The same of a quantized tensor, which may be int32 too.
template <typename Function>
MACE_INLINE void ForType(DType type, Function function) {
  if (type == DType::kI32) return function(int32_t{});
  ForNarrowType(type, function);
}

// How many elements a load or store touches.
struct AllLanesTag {};
struct FirstLanesTag {
  int64_t count;
};

MACE_INLINE VecF32 LoadSome(const float* p, AllLanesTag) { return Load(kF32, p); }
MACE_INLINE VecF32 LoadSome(const float* p, FirstLanesTag n) { return LoadPartial(kF32, p, n.count); }
MACE_INLINE VecI32 LoadSome(const int8_t* p, AllLanesTag) { return LoadI8(kI32, p); }
MACE_INLINE VecI32 LoadSome(const int8_t* p, FirstLanesTag n) { return LoadI8Partial(kI32, p, n.count); }
MACE_INLINE VecI32 LoadSome(const uint8_t* p, AllLanesTag) { return LoadU8(kI32, p); }
MACE_INLINE VecI32 LoadSome(const uint8_t* p, FirstLanesTag n) { return LoadU8Partial(kI32, p, n.count); }
MACE_INLINE VecI32 LoadSome(const int16_t* p, AllLanesTag) { return LoadI16(kI32, p); }
MACE_INLINE VecI32 LoadSome(const int16_t* p, FirstLanesTag n) { return LoadI16Partial(kI32, p, n.count); }
template <typename Tag>
MACE_INLINE VecI32 LoadSome(const uint16_t* p, Tag n) {
  return And(LoadSome(reinterpret_cast<const int16_t*>(p), n), Set(kI32, 0xffff));
}
MACE_INLINE VecI32 LoadSome(const int32_t* p, AllLanesTag) { return Load(kI32, p); }
MACE_INLINE VecI32 LoadSome(const int32_t* p, FirstLanesTag n) { return LoadPartial(kI32, p, n.count); }

MACE_INLINE void StoreSome(float* p, VecF32 v, AllLanesTag) { Store(p, v); }
MACE_INLINE void StoreSome(float* p, VecF32 v, FirstLanesTag n) { StorePartial(p, v, n.count); }
MACE_INLINE void StoreSome(int8_t* p, VecI32 v, AllLanesTag) { StoreI8(p, v); }
MACE_INLINE void StoreSome(int8_t* p, VecI32 v, FirstLanesTag n) { StoreI8Partial(p, v, n.count); }
MACE_INLINE void StoreSome(uint8_t* p, VecI32 v, AllLanesTag) { StoreU8(p, v); }
MACE_INLINE void StoreSome(uint8_t* p, VecI32 v, FirstLanesTag n) { StoreU8Partial(p, v, n.count); }
MACE_INLINE void StoreSome(int16_t* p, VecI32 v, AllLanesTag) { StoreI16(p, v); }
MACE_INLINE void StoreSome(int16_t* p, VecI32 v, FirstLanesTag n) { StoreI16Partial(p, v, n.count); }
// v in [0, 65535]: the int16 of the same low bits passes the saturation.
template <typename Tag>
MACE_INLINE void StoreSome(uint16_t* p, VecI32 v, Tag n) {
  StoreSome(reinterpret_cast<int16_t*>(p), ShiftRight(ShiftLeft(v, 16), 16), n);
}
MACE_INLINE void StoreSome(int32_t* p, VecI32 v, AllLanesTag) { Store(p, v); }
MACE_INLINE void StoreSome(int32_t* p, VecI32 v, FirstLanesTag n) { StorePartial(p, v, n.count); }

// Elements whose type is known at run time only.
struct AnyIntegers {
  DType type;
  uint8_t* data;
};
MACE_INLINE AnyIntegers operator+(AnyIntegers p, int64_t elements) {
  const bool is_byte = p.type == DType::kI8 || p.type == DType::kU8;
  return {p.type, p.data + (is_byte ? elements : 2 * elements)};
}
template <typename Tag>
MACE_INLINE VecI32 LoadSome(AnyIntegers p, Tag n) {
  if (p.type == DType::kI8) return LoadSome(reinterpret_cast<const int8_t*>(p.data), n);
  if (p.type == DType::kU8) return LoadSome(p.data, n);
  if (p.type == DType::kI16) return LoadSome(reinterpret_cast<const int16_t*>(p.data), n);
  return LoadSome(reinterpret_cast<const uint16_t*>(p.data), n);
}
template <typename Tag>
MACE_INLINE void StoreSome(AnyIntegers p, VecI32 v, Tag n) {
  if (p.type == DType::kI8) return StoreSome(reinterpret_cast<int8_t*>(p.data), v, n);
  if (p.type == DType::kU8) return StoreSome(p.data, v, n);
  if (p.type == DType::kI16) return StoreSome(reinterpret_cast<int16_t*>(p.data), v, n);
  StoreSome(reinterpret_cast<uint16_t*>(p.data), v, n);
}
MACE_INLINE int32_t LoadOne(AnyIntegers p) {
  if (p.type == DType::kI8) return static_cast<int8_t>(*p.data);
  if (p.type == DType::kU8) return *p.data;
  if (p.type == DType::kI16) return *reinterpret_cast<const int16_t*>(p.data);
  return *reinterpret_cast<const uint16_t*>(p.data);
}
template <typename T>
MACE_INLINE int32_t LoadOne(const T* p) {
  return *p;
}

// Calls body(i, tag) for each vector of `count` elements.
template <typename Body>
MACE_INLINE void ForEachVector(int64_t count, Body body) {
  const int64_t lanes = Lanes(kI32);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(i, AllLanesTag());
  if (i < count) body(i, FirstLanesTag{count - i});
}

template <typename T>
struct IntegerLimits;
template <>
struct IntegerLimits<int8_t> {
  static constexpr int32_t kLow = -128, kHigh = 127;
};
template <>
struct IntegerLimits<uint8_t> {
  static constexpr int32_t kLow = 0, kHigh = 255;
};
template <>
struct IntegerLimits<int16_t> {
  static constexpr int32_t kLow = -32768, kHigh = 32767;
};
template <>
struct IntegerLimits<uint16_t> {
  static constexpr int32_t kLow = 0, kHigh = 65535;
};

// v + zero, saturated to T. Narrow types are clamped before the sum, which then cannot overflow.
template <typename T>
MACE_INLINE VecI32 AddZeroAndSaturate(VecI32 v, VecI32 zero) {
  if constexpr (sizeof(T) < 4) {
    const VecI32 low = Sub(Set(kI32, IntegerLimits<T>::kLow), zero);
    const VecI32 high = Sub(Set(kI32, IntegerLimits<T>::kHigh), zero);
    return Add(Min(Max(v, low), high), zero);
  } else {
    // An overflow has the sign that neither of the summands has.
    const VecI32 sum = Add(v, zero);
    const VecI32 overflow = And(Xor(sum, v), Xor(sum, zero));
    const VecI32 limit = Xor(ShiftRight(v, 31), Set(kI32, INT32_MAX));
    return Select(Less(overflow, Zero(kI32)), limit, sum);
  }
}

// To nearest even, saturated to int32; NaN gives 0.
MACE_INLINE VecI32 RoundToI32(VecF32 v) {
  const VecI32 whole = ConvertToI32(v);
  const VecI32 above = Select(GreaterEqual(v, Set(kF32, 2147483648.0f)), Set(kI32, INT32_MAX), whole);
  const VecI32 inside = Select(LessEqual(v, Set(kF32, -2147483648.0f)), Set(kI32, INT32_MIN), above);
  return Select(IsNaN(v), Zero(kI32), inside);
}

// To nearest, halves away from zero, as a float.
MACE_INLINE VecF32 RoundHalfAway(VecF32 v) {
  const VecF32 whole = Truncate(v);
  const Mask32 is_up = GreaterEqual(Abs(Sub(v, whole)), Set(kF32, 0.5f));
  return Add(whole, Select(is_up, CopySign(Set(kF32, 1.0f), v), Zero(kF32)));
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_QUANTIZE_QUANTIZE_INL_H_
