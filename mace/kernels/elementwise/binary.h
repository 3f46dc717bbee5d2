// Kernels binary_f32, binary_i32, binary_i64 (NumPy broadcasting of two operands) and where (of three).
#ifndef MACE_KERNELS_ELEMENTWISE_BINARY_H_
#define MACE_KERNELS_ELEMENTWISE_BINARY_H_

#include <span>

#include "mace/core/shape.h"
#include "mace/core/status.h"
#include "mace/kernels/elementwise/row_tiles.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

inline constexpr int kMaxBroadcastOperands = 3;

// A broadcast as loops: outer dimensions, then one row in which each operand either runs (step 1) or stands
// (step 0). Neighbouring dimensions that all operands treat alike are one; the output is dense.
struct Broadcast {
  int rank = 0;                                           // of the outer dimensions
  int64_t dims[kMaxRank] = {};                            // outermost first
  int64_t strides[kMaxBroadcastOperands][kMaxRank] = {};  // in elements, 0 where the operand stands
  int64_t row_steps[kMaxBroadcastOperands] = {};          // within a row: 0 or 1
  RowTiles tiles;
};

// Of operands with the given dimensions (innermost last, shorter ones padded with ones in front). Invalid
// argument where they do not broadcast; *output_shape may be null.
Status PrepareBroadcast(std::span<const Shape> operands, Broadcast* broadcast, Shape* output_shape);

enum class BinaryOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,  // integers: towards zero; x / 0 gives 0 and the least integer / -1 itself
  kMax,  // a NaN in either operand propagates
  kMin,
  kPow,                // integers: wraps around; a negative exponent gives what rounding towards zero would
  kPRelu,              // a < 0 ? a * b : a; float only
  kSquaredDifference,  // (a - b)^2
  // The output is bool.
  kEqual,
  kLess,
  kGreater,
  kLessOrEqual,
  kGreaterOrEqual,
};

// Operands: 0 a, 1 b, 2 output (which may be the memory of an operand of the output's own shape and type).
struct BinaryParams {
  // Set by the caller.
  BinaryOp op = BinaryOp::kAdd;
  Shape a;
  Shape b;

  // Set by PrepareBinary.
  Shape output;
  Broadcast broadcast;
  int64_t tile_count = 0;
};
Status PrepareBinary(BinaryParams* params);

// Operands: 0 condition (bool), 1 if_true, 2 if_false, 3 output. Elements of 1, 2, 4 or 8 bytes.
struct WhereParams {
  // Set by the caller.
  Shape condition;
  Shape if_true;
  Shape if_false;
  int32_t element_bytes = 4;

  // Set by PrepareWhere.
  Shape output;
  Broadcast broadcast;
  int64_t tile_count = 0;
};
Status PrepareWhere(WhereParams* params);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_ELEMENTWISE_BINARY_H_
