#include "mace/kernels/elementwise/broadcast-inl.h"
#include "mace/kernels/quantize/quantize-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::BinaryOp;
using kernels::FixedScale;
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

template <BinaryOp op, QuantizedArithmetic arithmetic, typename In, typename Out>
static void QuantizedTiles(const QuantizedBinaryParams& given, In a, In b, Out out, int64_t tile_begin,
                           int64_t tile_end) {
  // A copy, so that the compiler sees that no store changes it.
  const QuantizedBinaryParams params = given;
  const bool a_runs = params.broadcast.row_steps[0] != 0;
  const bool b_runs = params.broadcast.row_steps[1] != 0;
  ForEachRow<2>(
      params.broadcast, tile_begin, tile_end,
      [&](int64_t out_offset, const int64_t* offsets, int64_t count) __attribute__((always_inline)) {
        const In row_a = a + offsets[0];
        const In row_b = b + offsets[1];
        const Out row_out = out + out_offset;
        if (a_runs && b_runs) {
          QuantizedRow<In, Out, op, arithmetic, true, true>(params, row_a, row_b, row_out, count);
        } else if (a_runs) {
          QuantizedRow<In, Out, op, arithmetic, true, false>(params, row_a, row_b, row_out, count);
        } else {
          QuantizedRow<In, Out, op, arithmetic, false, true>(params, row_a, row_b, row_out, count);
        }
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
