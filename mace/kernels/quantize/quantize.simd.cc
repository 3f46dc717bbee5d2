#include "mace/kernels/quantize/quantize-inl.h"

#include "mace/kernels/elementwise/row_tiles-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::IntegerRounding;
using kernels::QuantizeParams;
using kernels::RequantizeParams;
using kernels::TableParams;

extern const kernels::QuantizeKernels kQuantizeKernels;
const kernels::QuantizeKernels kQuantizeKernels = {
    .quantize = Quantize,
    .dequantize = Dequantize,
    .requantize = Requantize,
    .table = LookUpTable,
    .binary = QuantizedBinary,
    .pair_table = LookUpPairs,
    .pool = QuantizedPool,
    .softmax = QuantizedSoftmax,
    .resize = QuantizedResize,
};

// Calls row(in, out, scales, zeros, count) for each row part of the tiles.
template <typename From, typename To, typename Row>
MACE_INLINE void ForEachScaledRow(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end,
                                  Row row) {
  const QuantizeParams& params = *static_cast<const QuantizeParams*>(arguments.params);
  const From* in = static_cast<const From*>(arguments.operands[0]);
  To* out = static_cast<To*>(arguments.operands[1]);
  const float* scales = static_cast<const float*>(arguments.operands[2]);
  const int32_t* zeros = static_cast<const int32_t*>(arguments.operands[3]);
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    for (int64_t r = range.row_begin; r < range.row_end; ++r) {
      const int64_t offset = r * params.tiles.columns + range.column_begin;
      const int64_t scale = params.scale_per_column ? range.column_begin : r % params.channels;
      row(in + offset, out + offset, scales + scale, zeros + scale, range.column_end - range.column_begin);
    }
  }
}

template <typename To, bool half_away>
MACE_INLINE VecI32 QuantizeVector(VecF32 x, VecF32 scale, VecI32 zero) {
  VecF32 v = Div(x, scale);
  if constexpr (sizeof(To) < 4) {
    // The bounds are whole numbers: it is the same to clamp before rounding.
    v = Select(IsNaN(v), Zero(kF32), v);
    v = Clamp(v, ConvertFromI32(Sub(Set(kI32, IntegerLimits<To>::kLow), zero)),
              ConvertFromI32(Sub(Set(kI32, IntegerLimits<To>::kHigh), zero)));
    return Add(ConvertToI32(half_away ? RoundHalfAway(v) : v), zero);
  } else {
    return AddZeroAndSaturate<To>(RoundToI32(half_away ? RoundHalfAway(v) : v), zero);
  }
}

template <typename To, bool half_away>
static void QuantizeTiles(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const QuantizeParams& params = *static_cast<const QuantizeParams*>(arguments.params);
  const bool per_column = params.scale_per_column;
  ForEachScaledRow<float, To>(
      arguments, tile_begin, tile_end,
      [=](const float* in, To* out, const float* scales, const int32_t* zeros, int64_t count)
          __attribute__((always_inline)) {
            if (per_column) {
              ForEachVector(count, [=](int64_t i, auto n) __attribute__((always_inline)) {
                const VecI32 q = QuantizeVector<To, half_away>(LoadSome(in + i, n), LoadSome(scales + i, n),
                                                               LoadSome(zeros + i, n));
                StoreSome(out + i, q, n);
              });
            } else {
              const VecF32 scale = Set(kF32, *scales);
              const VecI32 zero = Set(kI32, *zeros);
              ForEachVector(count, [=](int64_t i, auto n) __attribute__((always_inline)) {
                StoreSome(out + i, QuantizeVector<To, half_away>(LoadSome(in + i, n), scale, zero), n);
              });
            }
          });
}

void Quantize(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const QuantizeParams& params = *static_cast<const QuantizeParams*>(arguments.params);
  ForType(params.type, [&](auto type) __attribute__((always_inline)) {
    using To = decltype(type);
    if (params.half_away_from_zero) {
      QuantizeTiles<To, true>(arguments, tile_begin, tile_end);
    } else {
      QuantizeTiles<To, false>(arguments, tile_begin, tile_end);
    }
  });
}

// Distances of at most 17 bits are floats, and the one rounding is that of the product. Those of an int32
// take doubles.
template <typename From>
static void DequantizeTiles(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const QuantizeParams& params = *static_cast<const QuantizeParams*>(arguments.params);
  const bool per_column = params.scale_per_column;
  ForEachScaledRow<From, float>(
      arguments, tile_begin, tile_end,
      [=](const From* in, float* out, const float* scales, const int32_t* zeros, int64_t count)
          __attribute__((always_inline)) {
            if constexpr (sizeof(From) == 4) {
              const int64_t step = per_column ? 1 : 0;
              for (int64_t i = 0; i < count; ++i) {
                const double distance = static_cast<double>(in[i]) - zeros[i * step];
                out[i] = static_cast<float>(static_cast<double>(scales[i * step]) * distance);
              }
            } else if (per_column) {
              ForEachVector(count, [=](int64_t i, auto n) __attribute__((always_inline)) {
                const VecI32 distance = Sub(LoadSome(in + i, n), LoadSome(zeros + i, n));
                StoreSome(out + i, Mul(LoadSome(scales + i, n), ConvertFromI32(distance)), n);
              });
            } else {
              const VecF32 scale = Set(kF32, *scales);
              const VecI32 zero = Set(kI32, *zeros);
              ForEachVector(count, [=](int64_t i, auto n) __attribute__((always_inline)) {
                StoreSome(out + i, Mul(scale, ConvertFromI32(Sub(LoadSome(in + i, n), zero))), n);
              });
            }
          });
}

void Dequantize(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const QuantizeParams& params = *static_cast<const QuantizeParams*>(arguments.params);
  ForType(params.type, [&](auto type) __attribute__((always_inline)) {
    DequantizeTiles<decltype(type)>(arguments, tile_begin, tile_end);
  });
}

template <typename From, typename To, IntegerRounding rounding>
static void RequantizeRow(const RequantizeParams& params, const From* in, To* out, int64_t count) {
  const VecI32 input_zero = Set(kI32, params.input_zero);
  const VecI32 output_zero = Set(kI32, params.output_zero);
  const VecI32 multiplier = Set(kI32, params.multiplier);
  const VecI32 left = Set(kI32, ScalarMax(params.exponent, 0));
  const VecI32 right = Set(kI32, ScalarMax(-params.exponent, 0));
  const VecI32 shift = Set(kI32, 31 - params.exponent);
  const VecF32 input_scale = Set(kF32, params.input_scale);
  const VecF32 output_scale = Set(kF32, params.output_scale);
  ForEachVector(count, [=](int64_t i, auto n) __attribute__((always_inline)) {
    VecI32 v = Sub(LoadSome(in + i, n), input_zero);
    if constexpr (rounding == IntegerRounding::kTwoRoundings) {
      v = MultiplyWithTwoRoundings(v, multiplier, left, right);
    } else if constexpr (rounding == IntegerRounding::kOneRounding) {
      v = MultiplyWithOneRounding(v, multiplier, shift);
    } else {
      v = RoundToI32(Div(Mul(ConvertFromI32(v), input_scale), output_scale));
    }
    StoreSome(out + i, AddZeroAndSaturate<To>(v, output_zero), n);
  });
}

template <typename From, typename To>
MACE_INLINE void RequantizeTiles(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const RequantizeParams& params = *static_cast<const RequantizeParams*>(arguments.params);
  const From* in = static_cast<const From*>(arguments.operands[0]);
  To* out = static_cast<To*>(arguments.operands[1]);
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    const int64_t begin = range.column_begin, count = range.column_end - begin;
    switch (params.rounding) {
      case IntegerRounding::kTwoRoundings:
        RequantizeRow<From, To, IntegerRounding::kTwoRoundings>(params, in + begin, out + begin, count);
        break;
      case IntegerRounding::kOneRounding:
        RequantizeRow<From, To, IntegerRounding::kOneRounding>(params, in + begin, out + begin, count);
        break;
      case IntegerRounding::kHalfEvenFloat:
        RequantizeRow<From, To, IntegerRounding::kHalfEvenFloat>(params, in + begin, out + begin, count);
        break;
    }
  }
}

void Requantize(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const RequantizeParams& params = *static_cast<const RequantizeParams*>(arguments.params);
  ForType(params.from, [&](auto from) __attribute__((always_inline)) {
    using From = decltype(from);
    ForType(params.to, [&](auto to) __attribute__((always_inline)) {
      RequantizeTiles<From, decltype(to)>(arguments, tile_begin, tile_end);
    });
  });
}

template <typename Index, typename Element>
MACE_INLINE void LookUpRow(const Index* in, const Element* table, Element* out, int64_t count) {
  int64_t i = 0;
  // Eight loads before the stores, which might else be of what is loaded next.
  for (; i + 8 <= count; i += 8) {
    Element found[8];
    for (int k = 0; k < 8; ++k) found[k] = table[in[i + k]];
    __builtin_memcpy(out + i, found, sizeof(found));
  }
  for (; i < count; ++i) out[i] = table[in[i]];
}

template <typename Index, typename Element>
static void LookUpTiles(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const TableParams& params = *static_cast<const TableParams*>(arguments.params);
  const Index* in = static_cast<const Index*>(arguments.operands[0]);
  Element* out = static_cast<Element*>(arguments.operands[1]);
  const Element* table = static_cast<const Element*>(arguments.operands[2]);
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    for (int64_t row = range.row_begin; row < range.row_end; ++row) {
      LookUpRow(in + row * params.input_stride + range.column_begin, table,
                out + row * params.output_stride + range.column_begin, range.column_end - range.column_begin);
    }
  }
}

void LookUpTable(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const TableParams& params = *static_cast<const TableParams*>(arguments.params);
  const auto look_up = [&](auto index) __attribute__((always_inline)) {
    using Index = decltype(index);
    if (params.output_bytes == 1) return LookUpTiles<Index, uint8_t>(arguments, tile_begin, tile_end);
    if (params.output_bytes == 2) return LookUpTiles<Index, uint16_t>(arguments, tile_begin, tile_end);
    return LookUpTiles<Index, uint32_t>(arguments, tile_begin, tile_end);
  };
  if (params.input_bytes == 1) return look_up(uint8_t{});
  look_up(uint16_t{});
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
