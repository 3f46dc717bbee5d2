// Conversions between element types. What networks do often (f32 with f16, 8-bit and index types) is direct;
// all other pairs go through blocks of int64 or double, so that there are about 40 loops and not 144.
#include "mace/kernels/elementwise/elementwise-inl.h"
#include "mace/kernels/elementwise/row_tiles-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::CastParams;

namespace {

struct BoolByte {
  uint8_t value;
};

template <typename T>
constexpr bool kIsFloat = false;
template <>
constexpr bool kIsFloat<float> = true;
template <>
constexpr bool kIsFloat<double> = true;

template <typename T>
constexpr T kLeast = static_cast<T>(-1) > 0 ? T{0} : static_cast<T>(uint64_t{1} << (8 * sizeof(T) - 1));
template <typename T>
constexpr T kGreatest = static_cast<T>(~kLeast<T>);

// To an integer: towards zero, saturated, NaN gives 0. To bool: not zero.
template <typename To, typename From>
MACE_INLINE To Convert(From x) {
  if constexpr (__is_same(To, BoolByte)) {
    return BoolByte{static_cast<uint8_t>(x != From{0})};
  } else if constexpr (kIsFloat<From> && !kIsFloat<To>) {
    // As a From, the greatest 64-bit integer is 2^63 or 2^64, which To cannot hold.
    constexpr From kAbove = static_cast<From>(kGreatest<To>);
    if (x != x) return 0;
    if (x >= kAbove) return kGreatest<To>;
    if (x <= static_cast<From>(kLeast<To>)) return kLeast<To>;
    return static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

// qemu-user 7.2, which proves the RVV kernels, trips an assertion on vfcvt.rtz, which clang would make of
// these loops.
#if defined(MACE_SIMD_RVV)
#define MACE_SCALAR_LOOP _Pragma("clang loop vectorize(disable)")
#else
#define MACE_SCALAR_LOOP
#endif

template <typename From, typename To>
void CastRow(const void* in, void* out, int64_t count) {
  const From* from = static_cast<const From*>(in);
  To* to = static_cast<To*>(out);
  MACE_SCALAR_LOOP
  for (int64_t i = 0; i < count; ++i) to[i] = Convert<To>(from[i]);
}

void F16ToF32(const void* in, void* out, int64_t count) {
  const uint16_t* from = static_cast<const uint16_t*>(in);
  float* to = static_cast<float*>(out);
  const int64_t lanes = Lanes(kF32);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) Store(to + i, LoadF16(kF32, from + i));
  if (i < count) StorePartial(to + i, LoadF16Partial(kF32, from + i, count - i), count - i);
}

void F32ToF16(const void* in, void* out, int64_t count) {
  const float* from = static_cast<const float*>(in);
  uint16_t* to = static_cast<uint16_t*>(out);
  const int64_t lanes = Lanes(kF32);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) StoreF16(to + i, Load(kF32, from + i));
  if (i < count) StoreF16Partial(to + i, LoadPartial(kF32, from + i, count - i), count - i);
}

// bfloat16 is the upper half of a float32. Rounded to the nearest, halves to even; a NaN becomes the quiet
// one of its sign.
void BF16ToF32(const void* in, void* out, int64_t count) {
  const uint16_t* from = static_cast<const uint16_t*>(in);
  uint32_t* to = static_cast<uint32_t*>(out);
  for (int64_t i = 0; i < count; ++i) to[i] = static_cast<uint32_t>(from[i]) << 16;
}

void F32ToBF16(const void* in, void* out, int64_t count) {
  const uint32_t* from = static_cast<const uint32_t*>(in);
  uint16_t* to = static_cast<uint16_t*>(out);
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits = from[i];
    const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    const uint32_t quiet = ((bits >> 16) & 0x8000) | 0x7FC0;
    to[i] = static_cast<uint16_t>((bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : rounded);
  }
}

constexpr bool IsNarrowFloat(DType dtype) { return dtype == DType::kF16 || dtype == DType::kBF16; }

// What is in both rows of this table is exact and has a direct loop.
using RowFunction = void (*)(const void* in, void* out, int64_t count);

RowFunction FromF32(DType to) {
  switch (to) {
    case DType::kF16:
      return F32ToF16;
    case DType::kBF16:
      return F32ToBF16;
    case DType::kF64:
      return CastRow<float, double>;
    case DType::kI8:
      return CastRow<float, int8_t>;
    case DType::kU8:
      return CastRow<float, uint8_t>;
    case DType::kI32:
      return CastRow<float, int32_t>;
    case DType::kI64:
      return CastRow<float, int64_t>;
    case DType::kBool:
      return CastRow<float, BoolByte>;
    default:
      return nullptr;
  }
}

RowFunction ToF32(DType from) {
  switch (from) {
    case DType::kF16:
      return F16ToF32;
    case DType::kBF16:
      return BF16ToF32;
    case DType::kF64:
      return CastRow<double, float>;
    case DType::kI8:
      return CastRow<int8_t, float>;
    case DType::kBool:
    case DType::kU8:
      return CastRow<uint8_t, float>;
    case DType::kI32:
      return CastRow<int32_t, float>;
    case DType::kI64:
      return CastRow<int64_t, float>;
    case DType::kU64:
      return CastRow<uint64_t, float>;
    default:
      return nullptr;
  }
}

RowFunction DirectRow(DType from, DType to) {
  if (from == DType::kF32) return FromF32(to);
  if (to == DType::kF32) return ToF32(from);
  if (from == DType::kI64 && to == DType::kI32) return CastRow<int64_t, int32_t>;
  if (from == DType::kI32 && to == DType::kI64) return CastRow<int32_t, int64_t>;
  return nullptr;
}

// Wide is int64_t or double.
template <typename Wide>
RowFunction ToWide(DType from) {
  switch (from) {
    case DType::kF32:
      return CastRow<float, Wide>;
    case DType::kF64:
      return CastRow<double, Wide>;
    case DType::kI8:
      return CastRow<int8_t, Wide>;
    case DType::kBool:
    case DType::kU8:
      return CastRow<uint8_t, Wide>;
    case DType::kI16:
      return CastRow<int16_t, Wide>;
    case DType::kU16:
      return CastRow<uint16_t, Wide>;
    case DType::kI32:
      return CastRow<int32_t, Wide>;
    case DType::kU32:
      return CastRow<uint32_t, Wide>;
    case DType::kI64:
      return CastRow<int64_t, Wide>;
    default:
      return CastRow<uint64_t, Wide>;
  }
}

template <typename Wide>
RowFunction FromWide(DType to) {
  switch (to) {
    case DType::kF32:
      return CastRow<Wide, float>;
    case DType::kF64:
      return CastRow<Wide, double>;
    case DType::kI8:
      return CastRow<Wide, int8_t>;
    case DType::kU8:
      return CastRow<Wide, uint8_t>;
    case DType::kBool:
      return CastRow<Wide, BoolByte>;
    case DType::kI16:
      return CastRow<Wide, int16_t>;
    case DType::kU16:
      return CastRow<Wide, uint16_t>;
    case DType::kI32:
      return CastRow<Wide, int32_t>;
    case DType::kU32:
      return CastRow<Wide, uint32_t>;
    case DType::kI64:
      return CastRow<Wide, int64_t>;
    default:
      return CastRow<Wide, uint64_t>;
  }
}

template <typename Wide>
void CastThrough(DType from, DType to, const uint8_t* in, uint8_t* out, int64_t count) {
  constexpr int64_t kBlock = 256;
  Wide wide[kBlock];
  float narrow[kBlock];
  const int64_t in_bytes = BytesOf(from);
  const int64_t out_bytes = BytesOf(to);
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t n = ScalarMin(kBlock, count - begin);
    if (IsNarrowFloat(from)) {
      ToF32(from)(in + begin * in_bytes, narrow, n);
      CastRow<float, Wide>(narrow, wide, n);
    } else {
      ToWide<Wide>(from)(in + begin * in_bytes, wide, n);
    }
    if (IsNarrowFloat(to)) {
      CastRow<Wide, float>(wide, narrow, n);
      FromF32(to)(narrow, out + begin * out_bytes, n);
    } else {
      FromWide<Wide>(to)(wide, out + begin * out_bytes, n);
    }
  }
}

}  // namespace

void Cast(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const CastParams& params = *static_cast<const CastParams*>(arguments.params);
  const uint8_t* input = static_cast<const uint8_t*>(arguments.operands[0]);
  uint8_t* output = static_cast<uint8_t*>(arguments.operands[1]);
  const int64_t in_bytes = BytesOf(params.from);
  const int64_t out_bytes = BytesOf(params.to);
  const RowFunction direct = DirectRow(params.from, params.to);
  const bool through_double = params.from == DType::kF64 || params.from == DType::kF32 ||
                              params.to == DType::kF64 || IsNarrowFloat(params.from) ||
                              IsNarrowFloat(params.to);
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    const int64_t count = range.column_end - range.column_begin;
    const uint8_t* in = input + range.column_begin * in_bytes;
    uint8_t* out = output + range.column_begin * out_bytes;
    if (params.from == params.to) {
      __builtin_memcpy(out, in, static_cast<size_t>(count * in_bytes));
    } else if (direct != nullptr) {
      direct(in, out, count);
    } else if (through_double) {
      CastThrough<double>(params.from, params.to, in, out, count);
    } else {
      CastThrough<int64_t>(params.from, params.to, in, out, count);
    }
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
