// Kernel gemm_f32: out[b, m, n] = bias[n] + sum_k lhs[b, m, k] * rhs[b, k, n], then the post-ops; and kernel
// gemm_pack_f32, which packs a right-hand side that is known at run time only.
//
// Any number of workers gives the same bytes: K is never split, an element is summed in ascending k by one
// fused multiply-add a term (scalar and SSE4: a multiply and an add).
#ifndef MACE_KERNELS_GEMM_GEMM_H_
#define MACE_KERNELS_GEMM_GEMM_H_

#include "mace/core/status.h"
#include "mace/kernels/elementwise/post_ops.h"
#include "mace/kernels/gemm/gemm_panels.h"
#include "mace/kernels/kernel.h"
#include "mace/kernels/sizes.h"

namespace mace::kernels {

// Post-ops in the form that GEMM epilogues want, set by SplitPostOps: what fits into "+ residual, then clamp"
// runs on the accumulators, all else on the finished tile.
struct GemmEpilogue {
  int32_t residual_operand = -1;  // -1: none
  int64_t residual_stride = 0;    // floats between rows
  float low = 0.0f, high = 0.0f;  // clamp after the residual; infinite where there is none
  PostOps remaining;              // run on the finished tile
};
GemmEpilogue SplitPostOps(const PostOps& post_ops);

// How a batch of row blocks and panels is cut to tiles. Set by PlanGemmBlocks.
struct GemmBlocks {
  int64_t row_blocks = 0;
  int64_t column_blocks = 0;
  int64_t strips = 0;  // the rows, evenly split; a row block is a range of strips
  bool panels_outer =
      false;  // weights beyond L2: each panel meets all strips of the block before the next panel
};
// lhs_row_floats: what a row takes in the cache: `depth`, or less where rows share input pixels.
GemmBlocks PlanGemmBlocks(const GemmPanels& panels, int64_t rows, int64_t depth, int64_t lhs_row_floats);

inline constexpr int kGemmBatchRank = 3;

// Operands: 0 lhs, 1 packed rhs, 2 out, then those that post-ops name by index. With a batch, the rows that a
// tensor post-op operand is addressed by are b * rows + m.
struct GemmParams {
  // Set by the caller.
  Isa isa = Isa::kScalar;
  int64_t rows = 0, columns = 0, depth = 0;
  int64_t lhs_stride = 0;  // floats from a row to the next: >= depth
  int64_t out_stride = 0;  // floats from a row to the next: >= columns
  // Outermost first; a stride of 0 broadcasts. rhs strides are in packed matrices (1 = the next one).
  int64_t batch[kGemmBatchRank] = {1, 1, 1};
  int64_t lhs_batch_strides[kGemmBatchRank] = {0, 0, 0};  // floats
  int64_t rhs_batch_strides[kGemmBatchRank] = {0, 0, 0};  // packed matrices
  int64_t out_batch_strides[kGemmBatchRank] = {0, 0, 0};  // floats
  PostOps post_ops;

  // Set by PrepareGemm.
  GemmPanels panels;
  GemmBlocks blocks;
  GemmEpilogue epilogue;
  int64_t packed_floats = 0;  // of one packed matrix, rounded up to 16 so that the next one is aligned
  int64_t tile_count = 0;
  int64_t workspace_bytes = 0;
};

// Checks the caller's fields and sets the others.
Status PrepareGemm(GemmParams* params);

// Bytes of operand 1 for `matrices` packed matrices.
inline int64_t GemmPackedBytes(const GemmParams& params, int64_t matrices = 1) {
  return params.packed_floats * matrices * static_cast<int64_t>(sizeof(float));
}

// Packs matrix number `index` of operand 1.
inline void PackGemmMatrix(const GemmParams& params, const GemmRhs& rhs, float* packed, int64_t index = 0) {
  PackGemm(params.panels, rhs, packed + index * params.packed_floats);
}

// Kernel gemm_pack_f32. Operands: 0 rhs (f32), 1 packed rhs (GemmPackedBytes(params, batch product)), 2 bias
// [columns] or null. Matrix number (b0 * batch[1] + b1) * batch[2] + b2 comes from source + sum of b_i *
// batch_strides[i].
struct GemmPackParams {
  // Set by the caller.
  Isa isa = Isa::kScalar;
  int64_t columns = 0, depth = 0;
  int64_t column_stride = 0, depth_stride = 0;  // floats between neighbours in n and in k
  int64_t batch[kGemmBatchRank] = {1, 1, 1};
  int64_t batch_strides[kGemmBatchRank] = {0, 0, 0};
  // Set by PrepareGemmPack.
  GemmPanels panels;
  int64_t packed_floats = 0;
  int64_t tile_count = 0;
  int64_t workspace_bytes = 0;
};
Status PrepareGemmPack(GemmPackParams* params);

// kernels.def family `gemm`.
struct GemmKernels {
  KernelFunction gemm_f32;
  KernelFunction gemm_pack_f32;
};

}  // namespace mace::kernels

#endif  // MACE_KERNELS_GEMM_GEMM_H_
