#include <type_traits>

#include "mace/kernels/elementwise/broadcast-inl.h"
#include "mace/kernels/quantize/quantize-inl.h"
#include "mace/simd/narrow.h"
#include "mace/simd/unroll.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::BinaryOp;
using kernels::FixedScale;
using kernels::IsOneHalf;
using kernels::QuantizedArithmetic;
using kernels::QuantizedBinaryParams;

MACE_INLINE VecI32 Scale(VecI32 v, const FixedScale& scale) {
  return MultiplyWithTwoRoundings(v, Set(kI32, scale.multiplier), Set(kI32, ScalarMax(scale.exponent, 0)),
                                  Set(kI32, ScalarMax(-scale.exponent, 0)));
}

// An operand in the form that the operation takes.
template <BinaryOp op, QuantizedArithmetic arithmetic, int operand>
MACE_INLINE auto Prepared(const QuantizedBinaryParams& params, VecI32 stored) {
  if constexpr (arithmetic == QuantizedArithmetic::kShifted) {
    return RoundingShiftRight(stored, Set(kI32, params.right_shifts[operand]));
  } else {
    const VecI32 distance = Sub(stored, Set(kI32, params.input_zeros[operand]));
    if constexpr (arithmetic == QuantizedArithmetic::kFloat) {
      return Mul(Set(kF32, params.input_reals[operand]), ConvertFromI32(distance));
    } else if constexpr (op == BinaryOp::kMul) {
      return distance;
    } else {
      return Scale(ShiftLeft(distance, params.left_shift), params.input_scales[operand]);
    }
  }
}

template <BinaryOp op, typename V>
MACE_INLINE V Combine(V a, V b) {
  if constexpr (op == BinaryOp::kAdd) return Add(a, b);
  if constexpr (op == BinaryOp::kSub) return Sub(a, b);
  if constexpr (op == BinaryOp::kMul) return Mul(a, b);
  if constexpr (op == BinaryOp::kDiv) return Div(a, b);
  if constexpr (op == BinaryOp::kMax) return Max(a, b);
  if constexpr (op == BinaryOp::kMin) return Min(a, b);
}

template <BinaryOp op, QuantizedArithmetic arithmetic, typename V>
MACE_INLINE VecI32 Result(const QuantizedBinaryParams& params, V a, V b) {
  const VecI32 zero = Set(kI32, params.output_zero);
  const VecI32 low = Set(kI32, params.low - params.output_zero);
  const VecI32 high = Set(kI32, params.high - params.output_zero);
  if constexpr (arithmetic == QuantizedArithmetic::kFloat) {
    const VecF32 real = Div(Combine<op>(a, b), Set(kF32, params.output_real));
    const VecF32 number = Select(IsNaN(real), Zero(kF32), real);
    return Add(RoundToI32Clamped(number, ConvertFromI32(low), ConvertFromI32(high)), zero);
  } else if constexpr (arithmetic == QuantizedArithmetic::kShifted) {
    return Min(Max(Combine<op>(a, b), Set(kI32, params.low)), Set(kI32, params.high));
  } else {
    return Add(Min(Max(Scale(Combine<op>(a, b), params.output_scale), low), high), zero);
  }
}

// A step of 0 is an operand that stands: one element for the whole row.
template <typename In, typename Out, BinaryOp op, QuantizedArithmetic arithmetic, bool a_runs, bool b_runs>
MACE_NOINLINE void QuantizedRow(const QuantizedBinaryParams& params, In a, In b, Out out, int64_t count) {
  const auto first_a = Prepared<op, arithmetic, 0>(params, Set(kI32, LoadOne(a)));
  const auto first_b = Prepared<op, arithmetic, 1>(params, Set(kI32, LoadOne(b)));
  ForEachVector(count, [&](int64_t i, auto n) __attribute__((always_inline)) {
    const auto va = a_runs ? Prepared<op, arithmetic, 0>(params, LoadSome(a + i, n)) : first_a;
    const auto vb = b_runs ? Prepared<op, arithmetic, 1>(params, LoadSome(b + i, n)) : first_b;
    StoreSome(out + i, Result<op, arithmetic>(params, va, vb), n);
  });
}

// The distance x of a byte to its zero point, shifted to the left by 20 and multiplied by the scale, with
// both roundings: exact in 32 bits, because x has 9. The multiplier is cut to 20 and 11 bits: what is below
// 2^31 in 2^20 * x * (2^11 * upper + lower) + 2^30 is below 2^11 in x * lower + 2^10.
template <bool is_half>
struct ByteScale {
  explicit __attribute__((always_inline)) ByteScale(const FixedScale& scale)
      : upper(scale.multiplier >> 11),
        lower(scale.multiplier & 0x7ff),
        rounding((1 << 10) + (1 << (10 - scale.exponent))),
        shift(-scale.exponent) {}
  __attribute__((always_inline)) VecI32 Apply(VecI32 x) const {
    if constexpr (is_half) return ShiftLeft(x, 19);
    const VecI32 low = ShiftRight(Add(Mul(x, Set(kI32, lower)), Set(kI32, rounding)), 11);
    // Halves go away from zero: what is negative is moved down by one before it is cut off.
    return ShiftRight(Add(Add(Mul(x, Set(kI32, upper)), low), ShiftRight(x, 31)), shift);
  }
  int32_t upper, lower, rounding;
  int shift;
};

template <typename T, BinaryOp op, bool a_is_half, bool b_is_half>
MACE_NOINLINE void SumOfBytes(const QuantizedBinaryParams& params, const T* a, const T* b, T* out,
                              int64_t count) {
  const ByteScale<a_is_half> a_scale(params.input_scales[0]);
  const ByteScale<b_is_half> b_scale(params.input_scales[1]);
  const VecI32 a_zero = Set(kI32, params.input_zeros[0]), b_zero = Set(kI32, params.input_zeros[1]);
  const VecI32 multiplier = Set(kI32, params.output_scale.multiplier);
  const int shift = -params.output_scale.exponent;
  const VecI32 half = Set(kI32, 1 << (shift - 1));
  const VecI32 zero = Set(kI32, params.output_zero);
  const VecI32 low = Set(kI32, params.low), high = Set(kI32, params.high);
  ForEachVector(count, [=](int64_t i, auto n) __attribute__((always_inline)) {
    const VecI32 scaled_a = a_scale.Apply(Sub(LoadSome(a + i, n), a_zero));
    const VecI32 scaled_b = b_scale.Apply(Sub(LoadSome(b + i, n), b_zero));
    const VecI32 sum = Combine<op>(scaled_a, scaled_b);
    // The product has the sign of the sum, or is 0, and then the half that is taken off changes nothing.
    const VecI32 product = Add(MulHighRounded(sum, multiplier), ShiftRight(sum, 31));
    const VecI32 units = Add(ShiftRight(Add(product, half), shift), zero);
    StoreSome(out + i, Min(Max(units, low), high), n);
  });
}

// A row in which both operands run.
template <typename T, BinaryOp op>
MACE_INLINE void SumRowOfBytes(const QuantizedBinaryParams& params, const T* a, const T* b, T* out,
                               int64_t count) {
  const bool a_is_half = IsOneHalf(params.input_scales[0]), b_is_half = IsOneHalf(params.input_scales[1]);
  if (a_is_half && b_is_half) return SumOfBytes<T, op, true, true>(params, a, b, out, count);
  if (a_is_half) return SumOfBytes<T, op, true, false>(params, a, b, out, count);
  if (b_is_half) return SumOfBytes<T, op, false, true>(params, a, b, out, count);
  SumOfBytes<T, op, false, false>(params, a, b, out, count);
}

// Operands of FloatRowOfBytes in units of the output, but for rounding: a product is of a in such units by b
// in its own.
template <BinaryOp op>
struct UnitsOfOperand {
  __attribute__((always_inline)) UnitsOfOperand(const QuantizedBinaryParams& params, int i) {
    double unit = static_cast<double>(params.input_reals[i]) / params.output_real;
    if (op == BinaryOp::kMul) unit = i == 0 ? unit * params.input_reals[1] : 1;
    scale = Set(kF32, static_cast<float>(unit));
    offset = Set(kF32, static_cast<float>(-params.input_zeros[i] * unit));
  }
  __attribute__((always_inline)) VecF32 Of(VecI32 stored) const {
    return MulAdd(ConvertFromI32(stored), scale, offset);
  }
  VecF32 scale, offset;
};

// QuantizedRow in floats, where params.is_float_of_bytes: without its divisions, wherever they cannot change
// the result. What is as near to a half as rounding errors reach is computed by the definition.
template <typename T, BinaryOp op, bool a_runs, bool b_runs>
MACE_NOINLINE void FloatRowOfBytes(const QuantizedBinaryParams& params, const T* a, const T* b, T* out,
                                   int64_t count) {
  const UnitsOfOperand<op> a_units(params, 0), b_units(params, 1);
  const VecF32 first_a = a_units.Of(Set(kI32, LoadOne(a))), first_b = b_units.Of(Set(kI32, LoadOne(b)));
  const VecF32 decided = Set(kF32, params.decided);
  const NarrowBounds bounds = {SetWords(params.output_zero), SetBytes(params.low), SetBytes(params.high)};
  int64_t done = 0;
  while (true) {
    int64_t i = done;
    for (; i + 2 * kF32Lanes <= count; i += 2 * kF32Lanes) {
      VecI32 whole[2];
      VecF32 distance[2];
      Unroll<2>([&](auto half) MACE_LAMBDA_INLINE {
        constexpr int kHalf = decltype(half)::value;
        const int64_t at = i + kHalf * kF32Lanes;
        const VecF32 va = a_runs ? a_units.Of(LoadSome(a + at, AllLanesTag())) : first_a;
        const VecF32 vb = b_runs ? b_units.Of(LoadSome(b + at, AllLanesTag())) : first_b;
        const VecF32 units = Combine<op>(va, vb);
        whole[kHalf] = ConvertToI32(units);
        distance[kHalf] = Abs(Sub(units, ConvertFromI32(whole[kHalf])));
      });
      if (AnyLane(Greater(Max(distance[0], distance[1]), decided))) break;
      StoreNarrowPair<std::is_same_v<T, uint8_t>>(reinterpret_cast<uint8_t*>(out + i), whole[0], whole[1],
                                                  bounds);
    }
    if (i == count) return;
    done = ScalarMin(i + 2 * kF32Lanes, count);
    QuantizedRow<const T*, T*, op, QuantizedArithmetic::kFloat, a_runs, b_runs>(
        params, a_runs ? a + i : a, b_runs ? b + i : b, out + i, done - i);
  }
}

template <BinaryOp op, QuantizedArithmetic arithmetic, typename In, typename Out>
static void QuantizedTiles(const QuantizedBinaryParams& given, In a, In b, Out out, int64_t tile_begin,
                           int64_t tile_end) {
  // A copy, so that the compiler sees that no store changes it.
  const QuantizedBinaryParams params = given;
  constexpr bool kIsBytes = std::is_same_v<Out, int8_t*> || std::is_same_v<Out, uint8_t*>;
  constexpr bool kIsByteSum = kIsBytes && arithmetic == QuantizedArithmetic::kFixedPoint &&
                              (op == BinaryOp::kAdd || op == BinaryOp::kSub);
  constexpr bool kIsFloatOfBytes =
      kHasNarrowPairs && kIsBytes && arithmetic == QuantizedArithmetic::kFloat && op != BinaryOp::kDiv;
  const bool a_runs = params.broadcast.row_steps[0] != 0;
  const bool b_runs = params.broadcast.row_steps[1] != 0;
  ForEachRow<2>(
      params.broadcast, tile_begin, tile_end,
      [&](int64_t out_offset, const int64_t* offsets, int64_t count) __attribute__((always_inline)) {
        const In row_a = a + offsets[0];
        const In row_b = b + offsets[1];
        const Out row_out = out + out_offset;
        if constexpr (kIsByteSum) {
          if (a_runs && b_runs && params.is_sum_of_bytes) {
            return SumRowOfBytes<std::remove_pointer_t<Out>, op>(params, row_a, row_b, row_out, count);
          }
        }
        const auto run = [&](auto a_step, auto b_step) __attribute__((always_inline)) {
          constexpr bool kARuns = decltype(a_step)::value, kBRuns = decltype(b_step)::value;
          if constexpr (kIsFloatOfBytes) {
            if (params.is_float_of_bytes) {
              return FloatRowOfBytes<std::remove_pointer_t<Out>, op, kARuns, kBRuns>(params, row_a, row_b,
                                                                                     row_out, count);
            }
          }
          QuantizedRow<In, Out, op, arithmetic, kARuns, kBRuns>(params, row_a, row_b, row_out, count);
        };
        if (a_runs && b_runs) return run(std::true_type(), std::true_type());
        if (a_runs) return run(std::true_type(), std::false_type());
        run(std::false_type(), std::true_type());
      });
}

template <typename T>
static void SameTypeTiles(const QuantizedBinaryParams& params, void* const* operands, int64_t tile_begin,
                          int64_t tile_end) {
  const T* a = static_cast<const T*>(operands[0]);
  const T* b = static_cast<const T*>(operands[1]);
  T* out = static_cast<T*>(operands[2]);
  constexpr auto kFixedPoint = QuantizedArithmetic::kFixedPoint;
  constexpr auto kShifted = QuantizedArithmetic::kShifted;
  const bool is_shifted = params.arithmetic == kShifted;
  switch (params.op) {
    case BinaryOp::kAdd:
      if (is_shifted)
        return QuantizedTiles<BinaryOp::kAdd, kShifted>(params, a, b, out, tile_begin, tile_end);
      return QuantizedTiles<BinaryOp::kAdd, kFixedPoint>(params, a, b, out, tile_begin, tile_end);
    case BinaryOp::kSub:
      if (is_shifted)
        return QuantizedTiles<BinaryOp::kSub, kShifted>(params, a, b, out, tile_begin, tile_end);
      return QuantizedTiles<BinaryOp::kSub, kFixedPoint>(params, a, b, out, tile_begin, tile_end);
    case BinaryOp::kMax:
      return QuantizedTiles<BinaryOp::kMax, kShifted>(params, a, b, out, tile_begin, tile_end);
    case BinaryOp::kMin:
      return QuantizedTiles<BinaryOp::kMin, kShifted>(params, a, b, out, tile_begin, tile_end);
    default:
      return QuantizedTiles<BinaryOp::kMul, kFixedPoint>(params, a, b, out, tile_begin, tile_end);
  }
}

template <typename In, typename Out>
static void FloatTiles(const QuantizedBinaryParams& params, In a, In b, Out out, int64_t tile_begin,
                       int64_t tile_end) {
  constexpr auto kFloat = QuantizedArithmetic::kFloat;
  switch (params.op) {
    case BinaryOp::kAdd:
      return QuantizedTiles<BinaryOp::kAdd, kFloat>(params, a, b, out, tile_begin, tile_end);
    case BinaryOp::kSub:
      return QuantizedTiles<BinaryOp::kSub, kFloat>(params, a, b, out, tile_begin, tile_end);
    case BinaryOp::kMul:
      return QuantizedTiles<BinaryOp::kMul, kFloat>(params, a, b, out, tile_begin, tile_end);
    case BinaryOp::kDiv:
      return QuantizedTiles<BinaryOp::kDiv, kFloat>(params, a, b, out, tile_begin, tile_end);
    case BinaryOp::kMax:
      return QuantizedTiles<BinaryOp::kMax, kFloat>(params, a, b, out, tile_begin, tile_end);
    default:
      return QuantizedTiles<BinaryOp::kMin, kFloat>(params, a, b, out, tile_begin, tile_end);
  }
}

// Bytes of one type have loops of their own, any others choose their loads and stores at each vector.
static void FloatTilesOfTypes(const QuantizedBinaryParams& params, void* const* operands, int64_t tile_begin,
                              int64_t tile_end) {
  const DType type = params.output_type;
  if (params.input_types[0] == type && params.input_types[1] == type) {
    if (type == DType::kI8) {
      return FloatTiles(params, static_cast<const int8_t*>(operands[0]),
                        static_cast<const int8_t*>(operands[1]), static_cast<int8_t*>(operands[2]),
                        tile_begin, tile_end);
    }
    if (type == DType::kU8) {
      return FloatTiles(params, static_cast<const uint8_t*>(operands[0]),
                        static_cast<const uint8_t*>(operands[1]), static_cast<uint8_t*>(operands[2]),
                        tile_begin, tile_end);
    }
  }
  const auto any = [&](DType t, int i) { return AnyIntegers{t, static_cast<uint8_t*>(operands[i])}; };
  FloatTiles(params, any(params.input_types[0], 0), any(params.input_types[1], 1), any(type, 2), tile_begin,
             tile_end);
}

void QuantizedBinary(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& params = *static_cast<const QuantizedBinaryParams*>(arguments.params);
  void* const* operands = arguments.operands;
  if (params.arithmetic == QuantizedArithmetic::kFloat) {
    return FloatTilesOfTypes(params, operands, tile_begin, tile_end);
  }
  switch (params.output_type) {
    case DType::kI8:
      return SameTypeTiles<int8_t>(params, operands, tile_begin, tile_end);
    case DType::kU8:
      return SameTypeTiles<uint8_t>(params, operands, tile_begin, tile_end);
    default:
      return SameTypeTiles<int16_t>(params, operands, tile_begin, tile_end);
  }
}

void LookUpPairs(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& params = *static_cast<const kernels::PairTableParams*>(arguments.params);
  const uint8_t* a = static_cast<const uint8_t*>(arguments.operands[0]);
  const uint8_t* b = static_cast<const uint8_t*>(arguments.operands[1]);
  uint8_t* out = static_cast<uint8_t*>(arguments.operands[2]);
  const uint8_t* table = static_cast<const uint8_t*>(arguments.operands[3]);
  const int64_t a_step = params.broadcast.row_steps[0], b_step = params.broadcast.row_steps[1];
  ForEachRow<2>(params.broadcast, tile_begin, tile_end,
                [=](int64_t out_offset, const int64_t* offsets, int64_t count)
                    __attribute__((always_inline)) {
                      const uint8_t* row_a = a + offsets[0];
                      const uint8_t* row_b = b + offsets[1];
                      for (int64_t i = 0; i < count; ++i) {
                        out[out_offset + i] = table[256 * row_a[i * a_step] + row_b[i * b_step]];
                      }
                    });
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
