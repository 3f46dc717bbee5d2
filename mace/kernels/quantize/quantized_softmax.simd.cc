#include "mace/kernels/elementwise/row_tiles-inl.h"
#include "mace/kernels/quantize/quantize-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::QuantizedSoftmaxParams;
using kernels::SoftmaxArithmetic;

constexpr int64_t kByteValues = 256;

// One row: `step` elements from one to the next.
template <typename From, typename To>
struct SoftmaxRow {
  const From* in;
  To* out;
  int64_t count;
  int64_t step;
};

template <typename From, typename To>
MACE_INLINE int32_t GreatestOf(const SoftmaxRow<From, To>& row) {
  From most = row.in[0];
  if (row.step == 1) {
    for (int64_t i = 1; i < row.count; ++i) most = ScalarMax(most, row.in[i]);
  } else {
    for (int64_t i = 1; i < row.count; ++i) most = ScalarMax(most, row.in[i * row.step]);
  }
  return most;
}

// Stores result(distance) for each element. Long rows of bytes ask for each distance once.
template <typename From, typename To, typename Result>
MACE_INLINE void StoreByDistance(const SoftmaxRow<From, To>& row, int32_t greatest, Result result) {
  if constexpr (sizeof(From) == 1) {
    if (row.count > kByteValues / 2) {
      To results[kByteValues];
      for (int32_t d = 0; d < kByteValues; ++d) results[d] = result(d);
      for (int64_t i = 0; i < row.count; ++i) {
        row.out[i * row.step] = results[static_cast<uint8_t>(greatest - row.in[i * row.step])];
      }
      return;
    }
  }
  for (int64_t i = 0; i < row.count; ++i) row.out[i * row.step] = result(greatest - row.in[i * row.step]);
}

MACE_INLINE int32_t HighProduct(int32_t a, int32_t b) {
  return static_cast<int32_t>((int64_t{a} * b + (int64_t{1} << 30)) >> 31);
}
MACE_INLINE int32_t ShiftUpSaturated(int32_t x, int shift) {
  return static_cast<int32_t>(ScalarClamp<int64_t>(int64_t{x} * (int64_t{1} << shift), INT32_MIN, INT32_MAX));
}

// 1 / (1 + x) for x in [0, 1), both in units of 2^-31: three steps of Newton's method, with the numbers of
// ops::ReciprocalOfOnePlus.
MACE_INLINE int32_t InverseOfOnePlus(int32_t x) {
  constexpr int32_t k48Over17 = 1515870810, k32Over17 = 1010580540;  // in units of 2^-29
  const auto half_denominator = static_cast<int32_t>((int64_t{x} + INT32_MAX + 1) / 2);
  int32_t guess = k48Over17 + HighProduct(half_denominator, -k32Over17);
  for (int i = 0; i < 3; ++i) {
    const int32_t error = (1 << 29) - HighProduct(half_denominator, guess);
    guess += ShiftUpSaturated(HighProduct(guess, error), 2);
  }
  return ShiftUpSaturated(guess, 1);
}

template <typename From, typename To>
MACE_INLINE void RowOfBytes(const SoftmaxRow<From, To>& row, const int32_t* exponentials) {
  constexpr int kSumBits = 12;  // integer bits of the sum
  const int32_t greatest = GreatestOf(row);
  int64_t wide_sum = 0;
  for (int64_t i = 0; i < row.count; ++i) {
    const int64_t exponential = exponentials[greatest - row.in[i * row.step]];
    wide_sum += (exponential + (1 << (kSumBits - 1))) >> kSumBits;
  }
  const auto sum = static_cast<uint32_t>(ScalarMin<int64_t>(wide_sum, INT32_MAX));
  const int leading_zeros = __builtin_clz(sum);
  const int32_t inverse =
      InverseOfOnePlus(static_cast<int32_t>((sum << leading_zeros) - (uint32_t{1} << 31)));
  const int shift = kSumBits - leading_zeros + 31 - static_cast<int>(8 * sizeof(To));
  StoreByDistance(row, greatest, [=](int32_t distance) __attribute__((always_inline)) {
    // Neither factor is negative.
    const int64_t product = HighProduct(inverse, exponentials[distance]);
    const int64_t share = shift > 31 ? 0 : (product + ((int64_t{1} << shift) >> 1)) >> shift;
    return static_cast<To>(ScalarMin<int64_t>(share + IntegerLimits<To>::kLow, IntegerLimits<To>::kHigh));
  });
}

MACE_INLINE void RowOfWords(const SoftmaxRow<int16_t, int16_t>& row, const int16_t* exponentials,
                            const int16_t* reciprocals) {
  const int32_t greatest = GreatestOf(row);
  int64_t wide_sum = 0;
  for (int64_t i = 0; i < row.count; ++i) {
    wide_sum += ScalarMax<int32_t>(exponentials[greatest - row.in[i * row.step]], 0);
  }
  const auto sum = static_cast<uint32_t>(ScalarClamp<int64_t>(wide_sum, 1, INT32_MAX));
  const int leading_zeros = __builtin_clz(sum);
  const int64_t normalized = ((static_cast<int64_t>(sum) << (leading_zeros - 1)) + (1 << 13)) >> 14;
  const int64_t inverse = reciprocals[ScalarClamp<int64_t>(normalized - (1 << 16), 0, 65535)];
  const int shift = 31 - leading_zeros;
  const int64_t rounding = shift > 0 ? int64_t{1} << (shift - 1) : 0;
  StoreByDistance(row, greatest, [=](int32_t distance) __attribute__((always_inline)) {
    const int64_t share = (exponentials[distance] * inverse + rounding) >> shift;
    return static_cast<int16_t>(ScalarClamp<int64_t>(share, 0, 32767));
  });
}

// The sum is made in the order of the row.
template <typename From, typename To>
MACE_INLINE void RowInDoubles(const QuantizedSoftmaxParams& params, const SoftmaxRow<From, To>& row,
                              const double* exponentials) {
  const int32_t greatest = GreatestOf(row);
  double sum = 0.0;
  for (int64_t i = 0; i < row.count; ++i) sum += exponentials[greatest - row.in[i * row.step]];
  const float scale = params.output_scale;
  const int32_t zero = params.output_zero;
  const auto low = static_cast<float>(IntegerLimits<To>::kLow - zero);
  const auto high = static_cast<float>(IntegerLimits<To>::kHigh - zero);
  StoreByDistance(row, greatest, [=](int32_t distance) __attribute__((always_inline)) {
    const float units = static_cast<float>(exponentials[distance] / sum) / scale;
    return static_cast<To>(static_cast<int32_t>(__builtin_nearbyintf(ScalarClamp(units, low, high))) + zero);
  });
}

template <typename From, typename To>
static void SoftmaxTiles(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& params = *static_cast<const QuantizedSoftmaxParams*>(arguments.params);
  const From* in = static_cast<const From*>(arguments.operands[0]);
  To* out = static_cast<To*>(arguments.operands[1]);
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    for (int64_t r = range.row_begin; r < range.row_end; ++r) {
      const int64_t first = r / params.inner * params.axis * params.inner + r % params.inner;
      const SoftmaxRow<From, To> row = {in + first, out + first, params.axis, params.inner};
      if constexpr (sizeof(From) == 1) {
        if (params.arithmetic == SoftmaxArithmetic::kBytes) {
          RowOfBytes(row, static_cast<const int32_t*>(arguments.operands[2]));
          continue;
        }
      } else if constexpr (IntegerLimits<From>::kLow < 0 && IntegerLimits<To>::kHigh == 32767) {
        if (params.arithmetic == SoftmaxArithmetic::kWords) {
          RowOfWords(row, static_cast<const int16_t*>(arguments.operands[2]),
                     static_cast<const int16_t*>(arguments.operands[3]));
          continue;
        }
      }
      RowInDoubles(params, row, static_cast<const double*>(arguments.operands[2]));
    }
  }
}

void QuantizedSoftmax(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& params = *static_cast<const QuantizedSoftmaxParams*>(arguments.params);
  ForNarrowType(params.from, [&](auto from) __attribute__((always_inline)) {
    using From = decltype(from);
    ForNarrowType(params.to, [&](auto to) __attribute__((always_inline)) {
      SoftmaxTiles<From, decltype(to)>(arguments, tile_begin, tile_end);
    });
  });
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
