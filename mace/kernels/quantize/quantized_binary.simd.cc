#include "mace/kernels/elementwise/broadcast-inl.h"
#include "mace/kernels/quantize/quantize-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::BinaryOp;
using kernels::FixedRounding;
using kernels::FixedScale;
using kernels::QuantizedBinaryParams;

template <FixedRounding rounding>
MACE_INLINE VecI32 Scale(VecI32 v, const FixedScale& scale) {
  const VecI32 multiplier = Set(kI32, scale.multiplier);
  if constexpr (rounding == FixedRounding::kTwice) {
    return MultiplyWithTwoRoundings(v, multiplier, Set(kI32, ScalarMax(scale.exponent, 0)),
                                    Set(kI32, ScalarMax(-scale.exponent, 0)));
  } else {
    return MultiplyWithOneRounding(v, multiplier, Set(kI32, 31 - scale.exponent));
  }
}

// An operand in the form that the operation takes: shifted and scaled for a sum, a distance for a product, a
// float for kFloatHalfEven.
template <BinaryOp op, FixedRounding rounding, int operand>
MACE_INLINE auto Prepared(const QuantizedBinaryParams& params, VecI32 stored) {
  const VecI32 distance = Sub(stored, Set(kI32, params.input_zeros[operand]));
  if constexpr (rounding == FixedRounding::kFloatHalfEven) {
    return Mul(Set(kF32, params.input_reals[operand]), ConvertFromI32(distance));
  } else if constexpr (op == BinaryOp::kMul) {
    return distance;
  } else {
    return Scale<rounding>(ShiftLeft(distance, params.left_shift), params.input_scales[operand]);
  }
}

template <BinaryOp op, typename V>
MACE_INLINE V Combine(V a, V b) {
  if constexpr (op == BinaryOp::kAdd) return Add(a, b);
  if constexpr (op == BinaryOp::kSub) return Sub(a, b);
  if constexpr (op == BinaryOp::kMul) return Mul(a, b);
}

template <BinaryOp op, FixedRounding rounding, typename V>
MACE_INLINE VecI32 Result(const QuantizedBinaryParams& params, V a, V b) {
  const VecI32 zero = Set(kI32, params.output_zero);
  const VecI32 low = Set(kI32, params.low - params.output_zero);
  const VecI32 high = Set(kI32, params.high - params.output_zero);
  if constexpr (rounding == FixedRounding::kFloatHalfEven) {
    const VecF32 real = Div(Combine<op>(a, b), Set(kF32, params.output_real));
    const VecF32 number = Select(IsNaN(real), Zero(kF32), real);
    return Add(RoundToI32Clamped(number, ConvertFromI32(low), ConvertFromI32(high)), zero);
  } else {
    return Add(Min(Max(Scale<rounding>(Combine<op>(a, b), params.output_scale), low), high), zero);
  }
}

// A step of 0 is an operand that stands: one element for the whole row.
template <typename T, BinaryOp op, FixedRounding rounding, bool a_runs, bool b_runs>
static void QuantizedRow(const QuantizedBinaryParams& params, const T* a, const T* b, T* out, int64_t count) {
  const auto first_a = Prepared<op, rounding, 0>(params, Set(kI32, *a));
  const auto first_b = Prepared<op, rounding, 1>(params, Set(kI32, *b));
  ForEachVector(count, [&](int64_t i, auto n) __attribute__((always_inline)) {
    const auto va = a_runs ? Prepared<op, rounding, 0>(params, LoadSome(a + i, n)) : first_a;
    const auto vb = b_runs ? Prepared<op, rounding, 1>(params, LoadSome(b + i, n)) : first_b;
    StoreSome(out + i, Result<op, rounding>(params, va, vb), n);
  });
}

template <typename T, BinaryOp op, FixedRounding rounding>
static void QuantizedTiles(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  // A copy, so that the compiler sees that no store changes it.
  const QuantizedBinaryParams params = *static_cast<const QuantizedBinaryParams*>(arguments.params);
  const T* a = static_cast<const T*>(arguments.operands[0]);
  const T* b = static_cast<const T*>(arguments.operands[1]);
  T* out = static_cast<T*>(arguments.operands[2]);
  const bool a_runs = params.broadcast.row_steps[0] != 0;
  const bool b_runs = params.broadcast.row_steps[1] != 0;
  ForEachRow<2>(
      params.broadcast, tile_begin, tile_end,
      [&](int64_t out_offset, const int64_t* offsets, int64_t count) __attribute__((always_inline)) {
        const T* row_a = a + offsets[0];
        const T* row_b = b + offsets[1];
        if (a_runs && b_runs) {
          QuantizedRow<T, op, rounding, true, true>(params, row_a, row_b, out + out_offset, count);
        } else if (a_runs) {
          QuantizedRow<T, op, rounding, true, false>(params, row_a, row_b, out + out_offset, count);
        } else {
          QuantizedRow<T, op, rounding, false, true>(params, row_a, row_b, out + out_offset, count);
        }
      });
}

template <typename T, BinaryOp op>
static void ForRounding(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  switch (static_cast<const QuantizedBinaryParams*>(arguments.params)->rounding) {
    case FixedRounding::kTwice:
      return QuantizedTiles<T, op, FixedRounding::kTwice>(arguments, tile_begin, tile_end);
    case FixedRounding::kOnce:
      return QuantizedTiles<T, op, FixedRounding::kOnce>(arguments, tile_begin, tile_end);
    case FixedRounding::kFloatHalfEven:
      return QuantizedTiles<T, op, FixedRounding::kFloatHalfEven>(arguments, tile_begin, tile_end);
  }
}

template <typename T>
static void ForOperator(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  switch (static_cast<const QuantizedBinaryParams*>(arguments.params)->op) {
    case BinaryOp::kAdd:
      return ForRounding<T, BinaryOp::kAdd>(arguments, tile_begin, tile_end);
    case BinaryOp::kSub:
      return ForRounding<T, BinaryOp::kSub>(arguments, tile_begin, tile_end);
    default:
      return ForRounding<T, BinaryOp::kMul>(arguments, tile_begin, tile_end);
  }
}

void QuantizedBinary(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  switch (static_cast<const QuantizedBinaryParams*>(arguments.params)->type) {
    case DType::kI8:
      return ForOperator<int8_t>(arguments, tile_begin, tile_end);
    case DType::kU8:
      return ForOperator<uint8_t>(arguments, tile_begin, tile_end);
    default:
      return ForOperator<int16_t>(arguments, tile_begin, tile_end);
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
