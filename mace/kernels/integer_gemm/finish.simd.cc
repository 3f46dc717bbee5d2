#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/kernels/integer_gemm/finish-inl.h"
#include "mace/kernels/integer_gemm/requantization-inl.h"
#include "mace/simd/narrow.h"
#include "mace/simd/unroll.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {
namespace {

template <typename ToOutput>
MACE_INLINE void FinishColumns(const Finish& f, const ToOutput& to_output) {
  const DType out_type = f.q->out;
  for (int64_t column = 0; column < f.columns; column += kF32Lanes) {
    const ChannelVectors channels = LoadChannels(f.arrays, f.width, column);
    const int64_t left = f.columns - column;
    const int32_t* sums = f.sums + column;
    uint8_t* out = f.out;
    for (int r = 0; r < f.rows; ++r, sums += f.sums_stride, out += f.out_stride_bytes) {
      VecI32 sum = Load(kI32, sums);
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
void FinishTile(const Finish& f) {
  const OutputBounds bounds = BoundsOf(*f.q);
  FinishColumns(f, [&](VecI32 sum, const ChannelVectors& channels) MACE_LAMBDA_INLINE {
    return Requantize<kRounding, kShiftsLeft>(sum, channels, bounds);
  });
}

// A sum, bias included, in units of the output, less the zero point; not clamped. The multiplier is less than
// 1, so that it is an int32 still.
template <IntegerRounding kRounding>
MACE_INLINE VecI32 Scale(VecI32 sum, const ChannelVectors& channels) {
  if constexpr (kRounding == IntegerRounding::kHalfEvenFloat) {
    return ConvertToI32(Mul(ConvertFromI32(sum), BitCastToF32(channels.multiplier)));
  } else {
    return RoundingShiftRight(MulHighRounded(sum, channels.multiplier), channels.right);
  }
}

// Bytes, two rows of two vectors at a time, where every multiplier is small (ChannelShifts::all_right).
template <IntegerRounding kRounding, bool kUnsigned>
void FinishPairs(const Finish& f) {
  const Requantization& q = *f.q;
  const NarrowBounds bounds = {SetWords(q.zero_point), SetBytes(q.low), SetBytes(q.high)};
  constexpr int kPair = 2 * kF32Lanes;
  int64_t column = 0;
  for (; column + kPair <= f.columns; column += kPair) {
    const ChannelVectors first = LoadChannels(f.arrays, f.width, column);
    const ChannelVectors second = LoadChannels(f.arrays, f.width, column + kF32Lanes);
    const int32_t* sums = f.sums + column;
    uint8_t* out = f.out + column;
    const auto scaled = [&](int row, const ChannelVectors& channels, int at) MACE_LAMBDA_INLINE {
      VecI32 sum = Load(kI32, sums + row * f.sums_stride + at);
      if (f.row_sums != nullptr) sum = Sub(sum, Mul(channels.weight_zero, Set(kI32, f.row_sums[row])));
      return Scale<kRounding>(sum, channels);
    };
    int r = 0;
    for (; r + 2 <= f.rows; r += 2, out += 2 * f.out_stride_bytes) {
      StoreNarrowPairs<kUnsigned>(out, out + f.out_stride_bytes, scaled(r, first, 0),
                                  scaled(r, second, kF32Lanes), scaled(r + 1, first, 0),
                                  scaled(r + 1, second, kF32Lanes), bounds);
    }
    if (r < f.rows) {
      StoreNarrowPair<kUnsigned>(out, scaled(r, first, 0), scaled(r, second, kF32Lanes), bounds);
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

void FinishRaw(const Finish& f) {
  FinishColumns(f, [](VecI32 sum, const ChannelVectors&) MACE_LAMBDA_INLINE { return sum; });
}

}  // namespace

FinishFunction FinishOf(const Requantization& q, const kernels::ChannelShifts& shifts) {
  constexpr auto kTwo = IntegerRounding::kTwoRoundings, kHalfEven = IntegerRounding::kHalfEvenFloat;
  if (q.out == DType::kI32) return FinishRaw;
  if (kHasNarrowPairs && (q.out == DType::kU8 || q.out == DType::kI8)) {
    const bool is_unsigned = q.out == DType::kU8;
    if (q.rounding == kTwo && shifts.all_right)
      return is_unsigned ? FinishPairs<kTwo, true> : FinishPairs<kTwo, false>;
    if (q.rounding == kHalfEven && shifts.all_right)
      return is_unsigned ? FinishPairs<kHalfEven, true> : FinishPairs<kHalfEven, false>;
  }
  switch (q.rounding) {
    case kTwo:
      return shifts.some_left ? FinishTile<kTwo, true> : FinishTile<kTwo, false>;
    case IntegerRounding::kOneRounding:
      return FinishTile<IntegerRounding::kOneRounding, true>;
    case kHalfEven:
      return FinishTile<kHalfEven, true>;
  }
  return nullptr;
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
