// Kernels svdf_f32 and svdf_i8: one step of a layer of rank-1 filters (mace/ops/recurrent/svdf.cc says what
// they are).
#ifndef MACE_KERNELS_RECURRENT_SVDF_H_
#define MACE_KERNELS_RECURRENT_SVDF_H_

#include <cstdint>

#include "mace/core/status.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

// Operands: 0 x [batch, inputs], 1 weights_feature [filters, inputs], 2 weights_time [filters, memory], 3
// bias [units] (or null), 4 state [batch, filters * memory], 5 y [batch, units], 6 new state. f32; or x,
// weights_feature and y i8, weights_time and states i16, bias i32. Tiles are blocks of units of one batch
// row.
struct SvdfParams {
  // Set by the caller.
  int64_t batch = 0, inputs = 0, units = 0, rank = 1, memory = 1;  // rank filters make a unit
  bool relu = false;                                               // f32
  int32_t input_zero_point = 0, output_zero_point = 0;
  int32_t state_multiplier = 0, state_exponent = 0;  // multiplier * 2^(exponent - 31)
  int32_t output_multiplier = 0, output_exponent = 0;

  // Set by PrepareSvdf.
  int64_t tile_units = 1;
  int64_t row_tiles = 0;  // of a batch row
  int64_t tile_count = 0;
};
Status PrepareSvdf(SvdfParams* params);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_RECURRENT_SVDF_H_
