#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/kernels/convolution/transpose_phase.h"
#include "mace/kernels/gemm/gemm_block.h"
#include "mace/kernels/kernel.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::ConvTranspose2dParams;
using kernels::KernelArguments;
using kernels::TransposePhase;

void ConvTranspose2dF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);

namespace {

// Addresses of the input pixels that pixels [begin, begin + rows) of the phase read: [tap][rows]; and the
// pixels' numbers in the output.
void FillTable(const ConvTranspose2dParams& p, const TransposePhase& phase, int64_t phase_y, int64_t phase_x,
               int64_t image, const float* input, const float* zero, int64_t begin, int64_t rows,
               const float** table, int64_t* numbers) {
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t y = (begin + i) / phase.x.outputs, x = (begin + i) % phase.x.outputs;
    numbers[i] =
        (image * p.output_height + phase_y + y * p.stride_y) * p.output_width + phase_x + x * p.stride_x;
  }
  for (int64_t ty = 0; ty < phase.y.taps; ++ty) {
    for (int64_t tx = 0; tx < phase.x.taps; ++tx, table += rows) {
      int64_t y = begin / phase.x.outputs, x = begin % phase.x.outputs;
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t input_y = y + phase.y.input_begin + ty * phase.y.input_step;
        const int64_t input_x = x + phase.x.input_begin + tx * phase.x.input_step;
        const bool inside =
            input_y >= 0 && input_y < p.input_height && input_x >= 0 && input_x < p.input_width;
        table[i] = inside ? input + (input_y * p.input_width + input_x) * p.input_pixel_stride : zero;
        if (++x == phase.x.outputs) ++y, x = 0;
      }
    }
  }
}

}  // namespace

void ConvTranspose2dF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& p = *static_cast<const ConvTranspose2dParams*>(arguments.params);
  const float* zero = static_cast<const float*>(arguments.operands[1]);
  const int64_t group_channels = p.input_channels / p.groups;
  const int64_t phases = p.stride_y * p.stride_x;
  const int64_t matrix_floats =
      kernels::RoundUp16((p.most_taps * group_channels + 1) * p.panels.padded_columns);
  int64_t* numbers = reinterpret_cast<int64_t*>(arguments.workspace);
  GemmBlock block;
  block.panels = &p.panels;
  block.epilogue = &p.epilogue;
  block.operands = arguments.operands;
  block.out = static_cast<float*>(arguments.operands[2]);
  block.out_stride = p.output_pixel_stride;
  block.row_numbers = numbers;
  block.run = group_channels;
  int64_t filled = -1;  // the (image, row block, phase) that the table is for
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t column_block = t % p.column_blocks;
    const int64_t group = t / p.column_blocks % p.groups;
    const int64_t row_phase = t / p.column_blocks / p.groups;
    const int64_t phase_number = row_phase % phases;
    const int64_t row_block = row_phase / phases % p.row_blocks;
    const int64_t image = row_phase / phases / p.row_blocks;
    const int64_t phase_y = phase_number / p.stride_x, phase_x = phase_number % p.stride_x;
    const TransposePhase phase = kernels::MakeTransposePhase(p, phase_y, phase_x);
    const int64_t pixels = phase.y.outputs * phase.x.outputs;
    const int64_t begin = EvenSplit(pixels, p.row_blocks, row_block);
    const int64_t rows = EvenSplit(pixels, p.row_blocks, row_block + 1) - begin;
    if (rows == 0) continue;
    const float** table = reinterpret_cast<const float**>(numbers + rows);
    if (filled != row_phase) {
      const float* input = static_cast<const float*>(arguments.operands[0]) +
                           image * p.input_height * p.input_width * p.input_pixel_stride;
      FillTable(p, phase, phase_y, phase_x, image, input, zero, begin, rows, table, numbers);
      filled = row_phase;
    }
    block.rows = rows;
    block.strips = kernels::DivideRoundUp(rows, p.panels.strip_rows);
    block.table = table;
    block.table_stride = rows;
    block.taps = phase.y.taps * phase.x.taps;
    block.lhs_offset = group * group_channels;
    block.packed = zero + p.zero_floats + (phase_number * p.groups + group) * matrix_floats;
    block.first_column = group * p.panels.columns;
    block.panel_begin = EvenSplit(p.panels.panel_count, p.column_blocks, column_block);
    block.panel_end = EvenSplit(p.panels.panel_count, p.column_blocks, column_block + 1);
    block.panels_outer = p.column_blocks > 1;
    RunGemmBlock(block);
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
