// From a block of 32-bit sums in memory to outputs: the epilogue of the integer kernels that sum more than a
// vector at a time. For *.simd.cc files.
#ifndef MACE_KERNELS_INTEGER_GEMM_FINISH_INL_H_
#define MACE_KERNELS_INTEGER_GEMM_FINISH_INL_H_

#include "mace/kernels/integer_gemm/requantization-inl.h"
#include "mace/simd/narrow.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

// How a tile's sums become outputs. `sums` are of `rows` rows, sums_stride apart, and of columns that exist.
struct Finish {
  const Requantization* q;
  const uint8_t* arrays;  // of the panel
  int64_t width, columns;
  const int32_t* sums;
  int64_t sums_stride;
  int rows;
  const int32_t* row_sums;  // or null
  uint8_t* out;
  int64_t out_stride_bytes;
};

template <typename ToOutput>
MACE_INLINE void FinishColumns(const Finish& f, const ToOutput& to_output) {
  const DType out_type = f.q->out;
  for (int64_t column = 0; column < f.columns; column += kF32Lanes) {
    const ChannelVectors channels = LoadChannels(f.arrays, f.width, column);
    const int64_t left = f.columns - column;
    const int32_t* sums = f.sums + column;
    uint8_t* out = f.out;
    for (int r = 0; r < f.rows; ++r, sums += f.sums_stride, out += f.out_stride_bytes) {
      VecI32 sum = Add(Load(kI32, sums), channels.bias);
      if (f.row_sums != nullptr) sum = Sub(sum, Mul(channels.weight_zero, Set(kI32, f.row_sums[r])));
      const VecI32 result = to_output(sum, channels);
      if (left >= kF32Lanes) [[likely]] {
        StoreWholeIntegers(out_type, out, column, result);
      } else {
        StoreIntegers(out_type, out, column, result, left);
      }
    }
  }
}

template <IntegerRounding kRounding, bool kShiftsLeft>
static void FinishTile(const Finish& f) {
  const OutputBounds bounds = BoundsOf(*f.q);
  FinishColumns(f, [&](VecI32 sum, const ChannelVectors& channels) MACE_LAMBDA_INLINE {
    return Requantize<kRounding, kShiftsLeft>(sum, channels, bounds);
  });
}

// A sum, bias included, in units of the output, less the zero point; not clamped but to what 32 bits hold
// with some room.
template <IntegerRounding kRounding>
MACE_INLINE VecI32 Scale(VecI32 sum, const ChannelVectors& channels) {
  if constexpr (kRounding == IntegerRounding::kHalfEvenFloat) {
    // What is too small for an int32 becomes its smallest value.
    const VecF32 scaled = Mul(ConvertFromI32(sum), BitCastToF32(channels.multiplier));
    return ConvertToI32(Min(Set(kF32, 1e6f), scaled));
  } else {
    return RoundingShiftRight(MulHighRounded(sum, channels.multiplier), channels.right);
  }
}

// Bytes, two vectors at a time. With kTwoRoundings only where every channel is shifted right, which leaves
// the zero point room.
template <IntegerRounding kRounding, bool kUnsigned>
static void FinishPairs(const Finish& f) {
  const Requantization& q = *f.q;
  const VecI32 zero_points = SetWords(q.zero_point), low = SetBytes(q.low), high = SetBytes(q.high);
  constexpr int kPair = 2 * kF32Lanes;
  int64_t column = 0;
  for (; column + kPair <= f.columns; column += kPair) {
    const ChannelVectors first = LoadChannels(f.arrays, f.width, column);
    const ChannelVectors second = LoadChannels(f.arrays, f.width, column + kF32Lanes);
    const int32_t* sums = f.sums + column;
    uint8_t* out = f.out + column;
    for (int r = 0; r < f.rows; ++r, sums += f.sums_stride, out += f.out_stride_bytes) {
      VecI32 a = Add(Load(kI32, sums), first.bias);
      VecI32 b = Add(Load(kI32, sums + kF32Lanes), second.bias);
      if (f.row_sums != nullptr) {
        const VecI32 row_sum = Set(kI32, f.row_sums[r]);
        a = Sub(a, Mul(first.weight_zero, row_sum));
        b = Sub(b, Mul(second.weight_zero, row_sum));
      }
      a = Scale<kRounding>(a, first);
      b = Scale<kRounding>(b, second);
      if constexpr (kUnsigned) {
        StoreU8Pair(out, a, b, zero_points, low, high);
      } else {
        StoreI8Pair(reinterpret_cast<int8_t*>(out), a, b, zero_points, low, high);
      }
    }
  }
  if (column == f.columns) return;
  Finish rest = f;
  rest.arrays += column * 4;
  rest.columns -= column;
  rest.sums += column;
  rest.out += column;
  FinishTile<kRounding, false>(rest);
}

[[maybe_unused]] static void FinishRaw(const Finish& f) {
  FinishColumns(f, [](VecI32 sum, const ChannelVectors&) MACE_LAMBDA_INLINE { return sum; });
}

using FinishFunction = void (*)(const Finish&);
[[maybe_unused]] static FinishFunction FinishOf(const Requantization& q, int64_t panel_flags) {
  constexpr auto kTwo = IntegerRounding::kTwoRoundings, kHalfEven = IntegerRounding::kHalfEvenFloat;
  const bool shifts_left = (panel_flags & kernels::kPanelShiftsLeft) != 0;
  const bool shifts_right = (panel_flags & kernels::kPanelShiftsRight) != 0;
  if (q.out == DType::kI32) return FinishRaw;
  if (kHasNarrowPairs && (q.out == DType::kU8 || q.out == DType::kI8)) {
    const bool is_unsigned = q.out == DType::kU8;
    if (q.rounding == kTwo && shifts_right)
      return is_unsigned ? FinishPairs<kTwo, true> : FinishPairs<kTwo, false>;
    if (q.rounding == kHalfEven)
      return is_unsigned ? FinishPairs<kHalfEven, true> : FinishPairs<kHalfEven, false>;
  }
  switch (q.rounding) {
    case kTwo:
      return shifts_left ? FinishTile<kTwo, true> : FinishTile<kTwo, false>;
    case IntegerRounding::kOneRounding:
      return FinishTile<IntegerRounding::kOneRounding, true>;
    case kHalfEven:
      return FinishTile<kHalfEven, true>;
  }
  return nullptr;
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_INTEGER_GEMM_FINISH_INL_H_
