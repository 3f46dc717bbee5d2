#include "mace/kernels/gemm/gemm.h"

#include <limits>

namespace mace::kernels {
namespace {

// The whole blocking rule: weights up to this size stay in L2 while all rows pass; of larger ones each panel
// stays while a block of rows of this size passes. The size was found by experiments that came before this
// project; bench/kernel_benchmark.cc measures layers by which it can be judged anew.
constexpr int64_t kCacheBytes = 256 * 1024;
// Least work of a tile, in multiply-adds: some 10 us, so that a tile's start costs nothing and there are
// tiles to share out.
constexpr int64_t kTileWork = 512 * 1024;

constexpr int64_t Clamp(int64_t x, int64_t low, int64_t high) { return x < low ? low : x > high ? high : x; }

}  // namespace

GemmEpilogue SplitPostOps(const PostOps& post_ops) {
  GemmEpilogue epilogue;
  epilogue.low = -std::numeric_limits<float>::infinity();
  epilogue.high = std::numeric_limits<float>::infinity();
  int i = 0;
  if (i < post_ops.count && post_ops.ops[i].kind == PostOpKind::kAdd && post_ops.ops[i].row_stride != 0) {
    epilogue.residual_operand = post_ops.ops[i].operand;
    epilogue.residual_stride = post_ops.ops[i].row_stride;
    ++i;
  }
  if (i < post_ops.count && post_ops.ops[i].kind == PostOpKind::kClip) {
    epilogue.low = post_ops.ops[i].a;
    epilogue.high = post_ops.ops[i].b;
    ++i;
  } else if (i < post_ops.count && post_ops.ops[i].kind == PostOpKind::kRelu) {
    epilogue.low = 0.0f;
    ++i;
  }
  for (; i < post_ops.count; ++i) epilogue.remaining.ops[epilogue.remaining.count++] = post_ops.ops[i];
  return epilogue;
}

GemmBlocks PlanGemmBlocks(const GemmPanels& panels, int64_t rows, int64_t depth, int64_t lhs_row_floats) {
  GemmBlocks blocks;
  if (rows == 0 || panels.columns == 0) return blocks;
  blocks.strips = DivideRoundUp(rows, panels.strip_rows);
  const int64_t weights = PackedGemmFloats(panels, depth) * 4;
  const int64_t row_work = (depth + 1) * panels.padded_columns;
  blocks.panels_outer = weights > kCacheBytes && rows > 1;
  if (!blocks.panels_outer && rows > 1) {
    // All columns, as few strips as make enough work.
    const int64_t rows_per_block = Clamp(DivideRoundUp(kTileWork, row_work), panels.strip_rows, rows);
    blocks.row_blocks = Clamp(rows / rows_per_block, 1, blocks.strips);
    blocks.column_blocks = 1;
    return blocks;
  }
  const int64_t block_rows = Clamp(kCacheBytes / (4 * (lhs_row_floats + 1)), panels.strip_rows, rows);
  blocks.row_blocks = Clamp(DivideRoundUp(rows, block_rows), 1, blocks.strips);
  const int64_t panel_work = DivideRoundUp(rows, blocks.row_blocks) * (depth + 1) *
                             DivideRoundUp(panels.padded_columns, panels.panel_count);
  // One row is bound by memory, not by work: smaller tiles, of several panels (the kernel takes four at a
  // time).
  const int64_t least = rows == 1 ? 4 : 1;
  const int64_t work = rows == 1 ? kTileWork / 4 : kTileWork;
  const int64_t panels_per_tile =
      Clamp(DivideRoundUp(work, panel_work), least < panels.panel_count ? least : panels.panel_count,
            panels.panel_count);
  blocks.column_blocks = Clamp(panels.panel_count / panels_per_tile, 1, panels.panel_count);
  return blocks;
}

Status PrepareGemm(GemmParams* params) {
  if (!SizesFit(params->rows, params->lhs_stride, 4) || !SizesFit(params->rows, params->out_stride, 4) ||
      !SizesFit(params->columns, params->depth, 8) ||
      !SizesFit(params->batch[0], params->batch[1], params->batch[2]) ||
      !SizesFit(params->batch[0] * params->batch[1] * params->batch[2], params->rows)) {
    return InvalidArgument("gemm: sizes out of range");
  }
  if (GemmRowsOf(params->isa).empty()) return InvalidArgument("gemm: no kernel for this instruction set");
  params->panels = PlanGemmPanels(params->isa, params->columns);
  params->blocks = PlanGemmBlocks(params->panels, params->rows, params->depth, params->depth);
  params->epilogue = SplitPostOps(params->post_ops);
  params->packed_floats = RoundUp16(PackedGemmFloats(params->panels, params->depth));
  params->tile_count = params->batch[0] * params->batch[1] * params->batch[2] * params->blocks.row_blocks *
                       params->blocks.column_blocks;
  params->workspace_bytes = 0;
  return Status::Ok();
}

Status PrepareGemmPack(GemmPackParams* params) {
  if (!SizesFit(params->columns, params->depth, 8) ||
      !SizesFit(params->batch[0], params->batch[1], params->batch[2]) ||
      !SizesFit(params->batch[0] * params->batch[1] * params->batch[2], params->columns)) {
    return InvalidArgument("gemm_pack: sizes out of range");
  }
  if (GemmRowsOf(params->isa).empty())
    return InvalidArgument("gemm_pack: no kernel for this instruction set");
  params->panels = PlanGemmPanels(params->isa, params->columns);
  params->packed_floats = RoundUp16(PackedGemmFloats(params->panels, params->depth));
  params->tile_count = params->batch[0] * params->batch[1] * params->batch[2] * params->panels.panel_count;
  params->workspace_bytes = 0;
  return Status::Ok();
}

}  // namespace mace::kernels
