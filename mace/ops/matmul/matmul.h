// MatMul: a [..., M, K], b [..., K, N] -> [..., M, N] with broadcast leading dimensions, as numpy.matmul
// (rank 1 too). With transpose_a (transpose_b) the last two axes of a (b) are swapped first. f32, f64; i32,
// u32, i64 and u64, which wrap; or quantized i8, u8, i16 (the types may differ), b per tensor or with a scale
// for each column.
#ifndef MACE_OPS_MATMUL_MATMUL_H_
#define MACE_OPS_MATMUL_MATMUL_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct MatMulAttributes {
  bool transpose_a = false;
  bool transpose_b = false;
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, MatMulAttributes, transpose_a),
                      MACE_FIELD(2, MatMulAttributes, transpose_b),
                      MACE_FIELD(3, MatMulAttributes, rounding)};
  }
};
extern const OpDefinition kMatMulDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_MATMUL_MATMUL_H_
