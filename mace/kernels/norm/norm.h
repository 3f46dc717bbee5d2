// kernels.def family `norm`: softmax, layer normalization and reductions of float tensors.
//
// Each output is computed whole by one tile, in an order that depends on the shape and on the instruction set
// alone: any number of threads gives the same bytes.
#ifndef MACE_KERNELS_NORM_NORM_H_
#define MACE_KERNELS_NORM_NORM_H_

#include <span>

#include "mace/core/dtype.h"
#include "mace/core/shape.h"
#include "mace/core/status.h"
#include "mace/kernels/elementwise/row_tiles.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

// Over the middle axis of [outer, axis, inner]; inner is 1 for the last axis. NaN in a row makes all of it
// NaN. Operands: 0 input, 1 output (may be the same memory).
struct SoftmaxParams {
  // Set by the caller.
  int64_t outer = 1;
  int64_t axis = 0;
  int64_t inner = 1;

  // Set by PrepareSoftmax.
  RowTiles tiles;  // inner 1: rows; else outer x inner
  int64_t tile_count = 0;
};
Status PrepareSoftmax(SoftmaxParams* params);

// (x - mean) / sqrt(variance + epsilon) * scale + bias over each row; the variance is the mean of (x -
// mean)^2, in a second pass. root_mean_square: with 0 in place of the mean. Operands: 0 input, 1 scale
// (columns, or null), 2 bias (columns, or null), 3 output (may be the input).
struct LayerNormParams {
  // Set by the caller.
  int64_t rows = 0;
  int64_t columns = 0;
  float epsilon = 1e-5f;
  bool root_mean_square = false;
  int64_t input_stride = 0;  // floats from a row to the next
  int64_t output_stride = 0;

  // Set by PrepareLayerNorm.
  RowTiles tiles;
  int64_t tile_count = 0;
};
Status PrepareLayerNorm(LayerNormParams* params);

// The same over all rows of a sample and the channels of a group, with one scale and bias for each channel.
// Operands: 0 input [samples, rows, groups * group_channels], 1 scale (channels, or null), 2 bias (channels,
// or null), 3 output (may be the input).
inline constexpr int64_t kMostGroupsPerTile = 64;
struct GroupNormParams {
  // Set by the caller.
  int64_t samples = 0;
  int64_t rows = 0;
  int64_t groups = 1;
  int64_t group_channels = 0;
  float epsilon = 1e-5f;
  int64_t input_stride = 0;  // floats from a row to the next
  int64_t output_stride = 0;

  // Set by PrepareGroupNorm.
  int64_t groups_per_tile = 1;
  int64_t tiles_per_sample = 0;
  int64_t tile_count = 0;
};
Status PrepareGroupNorm(GroupNormParams* params);

enum class ReduceOp : uint8_t {
  kSum,
  kMean,  // of nothing: NaN
  kMax,   // a NaN propagates; of nothing: -infinity
  kMin,
  kProd,
  kSumSquare,
  kL2,  // square root of the sum of squares
};

// [outer, reduced, inner] -> [outer, inner]: inner 1 reduces trailing axes; NHWC global pooling is [N, HW,
// C]. Operands: 0 input, 1 output.
struct ReduceParams {
  // Set by the caller.
  ReduceOp op = ReduceOp::kSum;
  int64_t outer = 1;
  int64_t reduced = 0;
  int64_t inner = 1;
  int64_t input_stride = 0;  // floats from one `inner` to the next: >= inner; of no account with inner 1

  // Set by PrepareReduce.
  RowTiles tiles;
  int64_t tile_count = 0;
};
Status PrepareReduce(ReduceParams* params);

// outer, reduced and inner of a dense tensor reduced over the given axes (non-negative, no duplicates).
// Unsupported where kept and reduced axes alternate more often.
Status CollapseReduction(const Shape& shape, std::span<const int32_t> axes, ReduceParams* params);

// Where along the middle axis of [outer, axis, inner] the largest or smallest element stands, as int32 or
// int64: the first of equal ones, or the last. A NaN is neither larger nor smaller. Operands: 0 input, 1
// output [outer, inner].
struct ArgReduceParams {
  // Set by the caller.
  DType dtype = DType::kF32;  // f32, i32, i64, i16, i8, u8
  bool smallest = false;
  bool select_last = false;
  bool wide = true;  // int64
  int64_t outer = 1;
  int64_t axis = 1;  // >= 1
  int64_t inner = 1;

  // Set by PrepareArgReduce.
  RowTiles tiles;
  int64_t tile_count = 0;
};
Status PrepareArgReduce(ArgReduceParams* params);

struct NormKernels {
  KernelFunction softmax_f32;     // SoftmaxParams
  KernelFunction layer_norm_f32;  // LayerNormParams
  KernelFunction group_norm_f32;  // GroupNormParams
  KernelFunction reduce_f32;      // ReduceParams
  KernelFunction arg_reduce;      // ArgReduceParams
};

}  // namespace mace::kernels

#endif  // MACE_KERNELS_NORM_NORM_H_
