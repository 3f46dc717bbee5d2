#include "mace/core/clip_taps.h"
#include "mace/kernels/elementwise/row_tiles-inl.h"
#include "mace/kernels/quantize/quantize-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::PoolKind;
using kernels::PoolScaling;
using kernels::QuantizedPoolingParams;

// Channels that are reduced together, in arrays that stay in L1. Loops over them are plain: the compiler
// turns them into the instruction set's bytes and words, of which the vocabulary of simd.h has none.
constexpr int64_t kBlock = 256;

// Calls body(channel) in loops of constant length, which the compiler makes whole vectors of.
template <typename Body>
MACE_INLINE void ForEachChannel(int64_t channels, Body body) {
  int64_t c = 0;
  for (; c + 64 <= channels; c += 64) {
    for (int64_t i = 0; i < 64; ++i) body(c + i);
  }
  for (; c + 16 <= channels; c += 16) {
    for (int64_t i = 0; i < 16; ++i) body(c + i);
  }
  for (; c + 4 <= channels; c += 4) {
    for (int64_t i = 0; i < 4; ++i) body(c + i);
  }
  for (; c < channels; ++c) body(c);
}

// Taps that exist: `rows` x `columns` of them from `first` on, steps in elements.
template <typename T>
struct Taps {
  const T* first;
  int64_t rows, columns;
  int64_t row_step, column_step;
};

// Calls take(pointers) for four taps at a time, take_one(pointer) for the rest.
template <typename T, typename TakeFour, typename TakeOne>
MACE_INLINE void ForEachTap(const Taps<T>& taps, TakeFour take_four, TakeOne take_one) {
  const T* four[4];
  int waiting = 0;
  for (int64_t y = 0; y < taps.rows; ++y) {
    const T* tap = taps.first + y * taps.row_step;
    for (int64_t x = 0; x < taps.columns; ++x, tap += taps.column_step) {
      four[waiting++] = tap;
      if (waiting == 4) {
        take_four(four[0], four[1], four[2], four[3]);
        waiting = 0;
      }
    }
  }
  for (int i = 0; i < waiting; ++i) take_one(four[i]);
}

// What four bytes may be added to 64 times without an overflow.
template <typename T>
struct PartialSum;
template <>
struct PartialSum<int8_t> {
  using Type = int16_t;
};
template <>
struct PartialSum<uint8_t> {
  using Type = uint16_t;
};
template <>
struct PartialSum<int16_t> {
  using Type = int32_t;
};

template <typename T>
static void SumTaps(const Taps<T>& taps, int64_t channels, int32_t* sums) {
  using Partial = typename PartialSum<T>::Type;
  Partial partial[kBlock];
  const auto clear = [&]() __attribute__((always_inline)) {
    ForEachChannel(channels, [&](int64_t c) __attribute__((always_inline)) { partial[c] = 0; });
  };
  const auto flush = [&]() __attribute__((always_inline)) {
    ForEachChannel(channels, [&](int64_t c) __attribute__((always_inline)) { sums[c] += partial[c]; });
  };
  ForEachChannel(channels, [&](int64_t c) __attribute__((always_inline)) { sums[c] = 0; });
  clear();
  int fours = 0;
  ForEachTap(
      taps,
      [&](const T* a, const T* b, const T* d, const T* e) __attribute__((always_inline)) {
        if (sizeof(T) == 1 && fours == 63) {  // the rest of three at most still fits
          flush();
          clear();
          fours = 0;
        }
        ++fours;
        ForEachChannel(channels, [&](int64_t c) __attribute__((always_inline)) {
          partial[c] = static_cast<Partial>(partial[c] + (a[c] + b[c]) + (d[c] + e[c]));
        });
      },
      [&](const T* a) __attribute__((always_inline)) {
        ForEachChannel(channels, [&](int64_t c) __attribute__((always_inline)) {
          partial[c] = static_cast<Partial>(partial[c] + a[c]);
        });
      });
  flush();
}

template <typename T, bool is_max>
MACE_INLINE T Outer(T a, T b) {
  return is_max ? ScalarMax(a, b) : ScalarMin(a, b);
}

template <typename T, bool is_max>
static void OutermostOfTaps(const Taps<T>& taps, int64_t channels, int32_t* found) {
  T most[kBlock];
  const T start = static_cast<T>(is_max ? IntegerLimits<T>::kLow : IntegerLimits<T>::kHigh);
  ForEachChannel(channels, [&](int64_t c) __attribute__((always_inline)) { most[c] = start; });
  ForEachTap(
      taps,
      [&](const T* a, const T* b, const T* d, const T* e) __attribute__((always_inline)) {
        ForEachChannel(channels, [&](int64_t c) __attribute__((always_inline)) {
          const T ab = Outer<T, is_max>(a[c], b[c]), de = Outer<T, is_max>(d[c], e[c]);
          most[c] = Outer<T, is_max>(most[c], Outer<T, is_max>(ab, de));
        });
      },
      [&](const T* a) __attribute__((always_inline)) {
        ForEachChannel(channels, [&](int64_t c) __attribute__((always_inline)) {
          most[c] = Outer<T, is_max>(most[c], a[c]);
        });
      });
  ForEachChannel(channels, [&](int64_t c) __attribute__((always_inline)) { found[c] = most[c]; });
}

// One channel whose taps follow each other.
template <typename T>
static int32_t SumOfRow(const T* row, int64_t count) {
  int32_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += row[i];
  return sum;
}
template <typename T, bool is_max>
static int32_t OutermostOfRow(const T* row, int64_t count) {
  T most = static_cast<T>(is_max ? IntegerLimits<T>::kLow : IntegerLimits<T>::kHigh);
  for (int64_t i = 0; i < count; ++i) most = Outer<T, is_max>(most, row[i]);
  return most;
}

template <typename T>
MACE_INLINE void ReduceTaps(PoolKind kind, const Taps<T>& taps, int64_t channels, int32_t* found) {
  const bool is_row = channels == 1 && taps.rows == 1 && taps.column_step == 1;
  if (is_row) {
    *found = kind == PoolKind::kMax   ? OutermostOfRow<T, true>(taps.first, taps.columns)
             : kind == PoolKind::kMin ? OutermostOfRow<T, false>(taps.first, taps.columns)
                                      : SumOfRow(taps.first, taps.columns);
  } else if (kind == PoolKind::kMax) {
    OutermostOfTaps<T, true>(taps, channels, found);
  } else if (kind == PoolKind::kMin) {
    OutermostOfTaps<T, false>(taps, channels, found);
  } else {
    SumTaps(taps, channels, found);
  }
}

// Sums of `count` elements to their rounded means. Halves go away from zero: with the half of the count
// added, the quotient is cut off. As floats both are exact, and no quotient is rounded up to the next whole
// number, where the quotient has 8 bits and the count 16, or 15 and 9.
template <typename T>
MACE_INLINE void RoundedMeans(const int32_t* sums, int64_t count, int64_t channels, int32_t* means) {
  if (count <= (sizeof(T) == 1 ? 65535 : 500)) {
    const VecI32 half = Set(kI32, static_cast<int32_t>(count / 2));
    const VecF32 divisor = Set(kF32, static_cast<float>(count));
    ForEachVector(channels, [=](int64_t i, auto n) __attribute__((always_inline)) {
      const VecI32 sum = LoadSome(sums + i, n);
      const VecI32 moved = Select(Greater(sum, Zero(kI32)), Add(sum, half), Sub(sum, half));
      StoreSome(means + i, ConvertTruncateToI32(Div(ConvertFromI32(moved), divisor)), n);
    });
    return;
  }
  for (int64_t i = 0; i < channels; ++i) {
    const int64_t sum = sums[i];
    means[i] = static_cast<int32_t>((sum > 0 ? sum + count / 2 : sum - count / 2) / count);
  }
}

// `inside` elements were found, of `count` that there are with padding.
template <typename T>
static void FinishPixel(const QuantizedPoolingParams& p, int32_t* found, int64_t inside, int64_t count,
                        int64_t channels, T* out) {
  const VecI32 low = Set(kI32, p.low), high = Set(kI32, p.high);
  const bool is_sum = p.kind == PoolKind::kMean || p.kind == PoolKind::kSum;
  if (count == 0 && (is_sum || p.scaling != PoolScaling::kStored)) {
    const int32_t nothing = p.scaling == PoolScaling::kStored          ? p.input_zero
                            : p.scaling == PoolScaling::kHalfEvenFloat ? p.output_zero
                                                                       : 0;
    const VecI32 value = Min(Max(Set(kI32, nothing), low), high);
    ForEachVector(channels,
                  [=](int64_t i, auto n) __attribute__((always_inline)) { StoreSome(out + i, value, n); });
    return;
  }
  if (p.scaling == PoolScaling::kStored) {
    if (is_sum) {
      const auto padding = static_cast<int32_t>((count - inside) * p.input_zero);
      for (int64_t i = 0; i < channels && padding != 0; ++i) found[i] += padding;
      RoundedMeans<T>(found, count, channels, found);
    }
    ForEachVector(channels, [=](int64_t i, auto n) __attribute__((always_inline)) {
      StoreSome(out + i, Min(Max(LoadSome(found + i, n), low), high), n);
    });
    return;
  }
  const VecI32 offset = Set(kI32, static_cast<int32_t>((is_sum ? inside : 1) * p.input_zero));
  const VecI32 zero = Set(kI32, p.output_zero);
  if (p.scaling == PoolScaling::kTwoRoundings) {
    const VecI32 multiplier = Set(kI32, p.output_multiplier.multiplier);
    const VecI32 left = Set(kI32, ScalarMax(p.output_multiplier.exponent, 0));
    const VecI32 right = Set(kI32, ScalarMax(-p.output_multiplier.exponent, 0));
    ForEachVector(channels, [=](int64_t i, auto n) __attribute__((always_inline)) {
      const VecI32 distance = Sub(LoadSome(found + i, n), offset);
      const VecI32 scaled = MultiplyWithTwoRoundings(distance, multiplier, left, right);
      StoreSome(out + i, Add(Min(Max(scaled, Sub(low, zero)), Sub(high, zero)), zero), n);
    });
    return;
  }
  const float divisor = p.kind == PoolKind::kMean ? static_cast<float>(count) : 1.0f;
  const VecF32 multiplier = Set(kF32, p.input_scale / (p.output_scale * divisor));
  const VecF32 float_low = ConvertFromI32(Sub(low, zero)), float_high = ConvertFromI32(Sub(high, zero));
  ForEachVector(channels, [=](int64_t i, auto n) __attribute__((always_inline)) {
    const VecF32 real = Mul(ConvertFromI32(Sub(LoadSome(found + i, n), offset)), multiplier);
    const VecF32 number = Select(IsNaN(real), Zero(kF32), real);
    StoreSome(out + i, Add(RoundToI32Clamped(number, float_low, float_high), zero), n);
  });
}

// Taps [begin, end) of one axis that lie inside [0, size), and how many lie inside [-pad, size + pad_end).
struct PoolAxis {
  int64_t first, begin, end, padded;
};
MACE_INLINE PoolAxis AxisAt(int64_t first, int64_t kernel, int64_t dilation, int64_t size, int64_t pad_end) {
  PoolAxis axis;
  axis.first = first;
  ClipTaps(first, kernel, dilation, size, &axis.begin, &axis.end);
  int64_t begin = 0;  // in the padding; no window begins before that
  ClipTaps(first, kernel, dilation, size + pad_end, &begin, &axis.padded);
  return axis;
}

template <typename T>
static void PoolTiles(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& p = *static_cast<const QuantizedPoolingParams*>(arguments.params);
  const kernels::PoolingParams& w = p.window;
  const T* input = static_cast<const T*>(arguments.operands[0]);
  T* output = static_cast<T*>(arguments.operands[1]);
  int32_t found[kBlock];
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(p.tiles, tile);
    for (int64_t pixel = range.row_begin; pixel < range.row_end; ++pixel) {
      const int64_t x = pixel % w.output_width, line = pixel / w.output_width;
      const int64_t y = line % w.output_height, image = line / w.output_height;
      const PoolAxis rows =
          AxisAt(y * w.stride_y - w.pad_top, w.kernel_height, w.dilation_y, w.input_height, w.pad_bottom);
      const PoolAxis columns =
          AxisAt(x * w.stride_x - w.pad_left, w.kernel_width, w.dilation_x, w.input_width, w.pad_right);
      Taps<T> taps;
      taps.rows = rows.end - rows.begin;
      taps.columns = columns.end - columns.begin;
      taps.column_step = w.dilation_x * w.input_pixel_stride;
      taps.row_step = w.dilation_y * w.input_width * w.input_pixel_stride;
      const int64_t inside = taps.rows * taps.columns;
      if (inside == 0) taps.rows = taps.columns = 0;
      const int64_t count = w.count_include_pad ? rows.padded * columns.padded : inside;
      const int64_t first_pixel =
          inside == 0 ? 0
                      : (image * w.input_height + rows.first + rows.begin * w.dilation_y) * w.input_width +
                            columns.first + columns.begin * w.dilation_x;
      for (int64_t c = range.column_begin; c < range.column_end; c += kBlock) {
        const int64_t channels = ScalarMin(kBlock, range.column_end - c);
        taps.first = input + first_pixel * w.input_pixel_stride + c;
        ReduceTaps(p.kind, taps, channels, found);
        FinishPixel(p, found, inside, count, channels, output + pixel * w.output_pixel_stride + c);
      }
    }
  }
}

void QuantizedPool(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  switch (static_cast<const QuantizedPoolingParams*>(arguments.params)->type) {
    case DType::kI8:
      return PoolTiles<int8_t>(arguments, tile_begin, tile_end);
    case DType::kU8:
      return PoolTiles<uint8_t>(arguments, tile_begin, tile_end);
    default:
      return PoolTiles<int16_t>(arguments, tile_begin, tile_end);
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
