// BlockMatMul: x [..., K] by weights of few bits, with a scale for each block along K (MatMulNBits of
// com.microsoft): x f32; weights u8 [N, blocks, block_size * bits / 8], the first element in the lowest bits;
// scales f32 (N * blocks of them); optional zero points: u8 (packed as the weights, each row of `blocks` in
// whole bytes) or f32 (N * blocks); optional bias f32 [N] -> [..., N]. An element stands for (stored - zero
// point) * scale; without zero points these are 2^(bits - 1).
#ifndef MACE_OPS_MATMUL_BLOCK_MATMUL_H_
#define MACE_OPS_MATMUL_BLOCK_MATMUL_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

struct BlockMatMulAttributes {
  int64_t depth = 0;    // K
  int64_t columns = 0;  // N
  int64_t bits = 4;     // 2, 4 or 8
  int64_t block_size = 32;

  static constexpr auto Fields() {
    return std::array{
        MACE_FIELD(1, BlockMatMulAttributes, depth), MACE_FIELD(2, BlockMatMulAttributes, columns),
        MACE_FIELD(3, BlockMatMulAttributes, bits), MACE_FIELD(4, BlockMatMulAttributes, block_size)};
  }
};
extern const OpDefinition kBlockMatMulDefinition;

// Column `column` of the weights as K floats. `zero_points`: null where there are none.
void UnpackBlockColumn(const BlockMatMulAttributes& attributes, int64_t column, const TensorView& weights,
                       const float* scales, const TensorView* zero_points, float* unpacked);

}  // namespace mace::ops

#endif  // MACE_OPS_MATMUL_BLOCK_MATMUL_H_
