// Kernel `binary` of the family `quantize`: arithmetic on two quantized integers with NumPy broadcasting.
#ifndef MACE_KERNELS_QUANTIZE_QUANTIZED_BINARY_H_
#define MACE_KERNELS_QUANTIZE_QUANTIZED_BINARY_H_

#include "mace/core/dtype.h"
#include "mace/core/shape.h"
#include "mace/core/status.h"
#include "mace/kernels/elementwise/binary.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

// The real number multiplier * 2^(exponent - 31).
struct FixedScale {
  int32_t multiplier = 0;
  int32_t exponent = 0;
};

// A FixedScale of exactly 1/2.
__attribute__((always_inline)) inline constexpr bool IsOneHalf(const FixedScale& scale) {
  return scale.multiplier == 1 << 30 && scale.exponent == 0;
}

enum class QuantizedArithmetic : uint8_t {
  // Sums: both operands, minus their zero points, are shifted to the left by `left_shift`, brought to one
  // scale by input_scales, added or subtracted, and brought to the output's by output_scale. Products use
  // output_scale alone. All scaling is twice rounded.
  kFixedPoint,
  // Both operands are shifted to the right by `right_shifts`, halves away from zero, and then added,
  // subtracted, or the greater or less of them taken. Zero points are of no account.
  kShifted,
  // The operands as floats, the operation, and the division by output_real in float32, to nearest even.
  kFloat,
};

// Operands: 0 a, 1 b, 2 output (which may be the memory of an operand of the output's own shape and type).
struct QuantizedBinaryParams {
  // Set by the caller.
  BinaryOp op = BinaryOp::kAdd;  // kAdd, kSub, kMul, kMax, kMin; in floats also kDiv
  QuantizedArithmetic arithmetic = QuantizedArithmetic::kFixedPoint;
  // i8, u8 or i16, all the same; in floats any, u16 too.
  DType input_types[2] = {DType::kI8, DType::kI8};
  DType output_type = DType::kI8;
  Shape a, b;
  int32_t input_zeros[2] = {};
  int32_t output_zero = 0;
  int32_t low = 0, high = 0;  // the output is clamped to: a range inside that of the type
  int32_t left_shift = 0;
  int32_t right_shifts[2] = {};
  FixedScale input_scales[2];
  FixedScale output_scale;
  float input_reals[2] = {};
  float output_real = 0.0f;

  // Set by PrepareQuantizedBinary.
  Shape output;
  Broadcast broadcast;
  int64_t tile_count = 0;
  // Sums of bytes with the scales that networks have need fewer instructions: see SumOfBytes.
  bool is_sum_of_bytes = false;
  // In floats, and the operands and the output are bytes of one type, of scales not too far apart: see
  // FloatRowOfBytes.
  bool is_float_of_bytes = false;
  float decided = 0.0f;  // so near to a whole number an inexact result is rounded as the exact one
};
Status PrepareQuantizedBinary(QuantizedBinaryParams* params);

// output = table[256 * a + b] of bytes, whose bits count from 0. Operands: 0 a, 1 b, 2 output (which may be
// the memory of an operand of the output's own shape), 3 table (65,536 bytes).
struct PairTableParams {
  // Set by the caller.
  Shape a, b;

  // Set by PreparePairTable.
  Shape output;
  Broadcast broadcast;
  int64_t tile_count = 0;
};
Status PreparePairTable(PairTableParams* params);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_QUANTIZE_QUANTIZED_BINARY_H_
