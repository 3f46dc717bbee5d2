// From sums to output elements, for *.simd.cc files. Bit for bit what ops::OutputScale gives.
#ifndef MACE_KERNELS_INTEGER_GEMM_REQUANTIZATION_INL_H_
#define MACE_KERNELS_INTEGER_GEMM_REQUANTIZATION_INL_H_

#include "mace/kernels/integer_gemm/requantization.h"
#include "mace/kernels/quantize/fixed_point-inl.h"
#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::ChannelArray;
using kernels::IntegerRounding;
using kernels::Requantization;

// The constants of one vector of channels.
struct ChannelVectors {
  VecI32 bias, multiplier, left, right, weight_zero;
};
MACE_INLINE ChannelVectors LoadChannels(const uint8_t* arrays, int64_t width, int64_t column) {
  const int32_t* base = reinterpret_cast<const int32_t*>(arrays) + column;
  return {Load(kI32, base), Load(kI32, base + width), Load(kI32, base + 2 * width),
          Load(kI32, base + 3 * width), Load(kI32, base + 4 * width)};
}

// The bounds of an output, as vectors: with kHalfEvenFloat in floats before the zero point is added.
struct OutputBounds {
  VecI32 zero_point, low, high;
  VecF32 float_low, float_high;
};
MACE_INLINE OutputBounds BoundsOf(const Requantization& q) {
  return {Set(kI32, q.zero_point), Set(kI32, q.low), Set(kI32, q.high),
          Set(kF32, static_cast<float>(q.low - q.zero_point)),
          Set(kF32, static_cast<float>(q.high - q.zero_point))};
}

// sum * multiplier, given by the halves of its bits, to nearest, halves away from zero; saturating.
MACE_INLINE int32_t MultiplyInDouble(int64_t sum, int32_t lower, int32_t upper) {
  const int64_t bits = static_cast<int64_t>(static_cast<uint64_t>(static_cast<uint32_t>(upper)) << 32 |
                                            static_cast<uint32_t>(lower));
  const double product = static_cast<double>(sum) * BitCast<double>(bits);
  const double inside = ScalarClamp<double>(product, INT32_MIN, INT32_MAX);
  const int32_t whole = static_cast<int32_t>(inside);
  const double rest = inside - whole;
  return rest >= 0.5 ? whole + 1 : rest <= -0.5 ? whole - 1 : whole;
}
// Few outputs of a network are fully connected: lane by lane.
MACE_INLINE VecI32 MultiplyInDouble(VecI32 sum, VecI32 lower, VecI32 upper) {
  int32_t sums[kF32Lanes], lowers[kF32Lanes], uppers[kF32Lanes];
  Store(sums, sum);
  Store(lowers, lower);
  Store(uppers, upper);
  for (int i = 0; i < kF32Lanes; ++i) sums[i] = MultiplyInDouble(int64_t{sums[i]}, lowers[i], uppers[i]);
  return Load(kI32, sums);
}

// A sum, bias included, in units of the output, clamped.
// kShiftsLeft: one of the multipliers is 1 or more.
template <IntegerRounding kRounding, bool kShiftsLeft = true>
MACE_INLINE VecI32 Requantize(VecI32 sum, const ChannelVectors& channels, const OutputBounds& bounds) {
  if constexpr (kRounding == IntegerRounding::kHalfEvenFloat) {
    const VecF32 scaled = Mul(ConvertFromI32(sum), BitCastToF32(channels.multiplier));
    return Add(RoundToI32Clamped(scaled, bounds.float_low, bounds.float_high), bounds.zero_point);
  } else {
    const VecI32 scaled =
        kRounding == IntegerRounding::kTwoRoundings
            ? RoundingShiftRight(
                  MulHighRounded(kShiftsLeft ? ShiftLeft(sum, channels.left) : sum, channels.multiplier),
                  channels.right)
            : MultiplyInDouble(sum, channels.multiplier, channels.left);
    // What the zero point could carry over the edge is clamped before it is added.
    return Add(Min(Max(scaled, Sub(bounds.low, bounds.zero_point)), Sub(bounds.high, bounds.zero_point)),
               bounds.zero_point);
  }
}

// The first n lanes, n > 0; all of them where n is more. `out` points at elements of `dtype`.
MACE_INLINE void StoreIntegers(DType dtype, uint8_t* out, int64_t element, VecI32 v, int64_t n) {
  switch (dtype) {
    case DType::kU8:
      if (n >= kF32Lanes) return StoreU8(out + element, v);
      return StoreU8Partial(out + element, v, n);
    case DType::kI8: {
      int8_t* to = reinterpret_cast<int8_t*>(out) + element;
      if (n >= kF32Lanes) return StoreI8(to, v);
      return StoreI8Partial(to, v, n);
    }
    case DType::kI16: {
      int16_t* to = reinterpret_cast<int16_t*>(out) + element;
      if (n >= kF32Lanes) return StoreI16(to, v);
      return StoreI16Partial(to, v, n);
    }
    default: {
      int32_t* to = reinterpret_cast<int32_t*>(out) + element;
      if (n >= kF32Lanes) return Store(to, v);
      return StorePartial(to, v, n);
    }
  }
}

// All lanes.
MACE_INLINE void StoreWholeIntegers(DType dtype, uint8_t* out, int64_t element, VecI32 v) {
  switch (dtype) {
    case DType::kU8:
      return StoreU8(out + element, v);
    case DType::kI8:
      return StoreI8(reinterpret_cast<int8_t*>(out) + element, v);
    case DType::kI16:
      return StoreI16(reinterpret_cast<int16_t*>(out) + element, v);
    default:
      return Store(reinterpret_cast<int32_t*>(out) + element, v);
  }
}

// A 64-bit sum, bias included, in units of the output, clamped; for channel `column` of the arrays.
MACE_INLINE int32_t RequantizeWide(const Requantization& q, int64_t sum, const uint8_t* arrays, int64_t width,
                                   int64_t column) {
  const int32_t* base = reinterpret_cast<const int32_t*>(arrays) + column;
  const int32_t multiplier = base[width];
  if (q.rounding == IntegerRounding::kHalfEvenFloat) {
    const float low = static_cast<float>(q.low - q.zero_point),
                high = static_cast<float>(q.high - q.zero_point);
    const float scaled = static_cast<float>(sum) * BitCast<float>(multiplier);
    return static_cast<int32_t>(__builtin_nearbyintf(ScalarClamp(scaled, low, high))) + q.zero_point;
  }
  int64_t scaled = 0;
  if (q.rounding == IntegerRounding::kTwoRoundings) {
    constexpr int64_t kLimit = int64_t{1} << 47;
    const int64_t clamped = ScalarClamp(sum, -kLimit, kLimit - 1);
    const int64_t reduced = multiplier < 0x7FFF0000 ? (int64_t{multiplier} + (1 << 15)) >> 16 : 0x7FFF;
    const int shift = 15 - (base[2 * width] - base[3 * width]);
    scaled = shift <= 0 ? clamped * reduced : (clamped * reduced + (int64_t{1} << (shift - 1))) >> shift;
  } else {
    scaled = MultiplyInDouble(sum, multiplier, base[2 * width]);
  }
  scaled = ScalarClamp<int64_t>(scaled, INT32_MIN, INT32_MAX);
  return static_cast<int32_t>(ScalarClamp<int64_t>(scaled + q.zero_point, q.low, q.high));
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_INTEGER_GEMM_REQUANTIZATION_INL_H_
