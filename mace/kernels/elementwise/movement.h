// Kernels that move elements and do not compute: cast, gather, copy (strided: slice, concat, split, expand),
// pad, transpose.
#ifndef MACE_KERNELS_ELEMENTWISE_MOVEMENT_H_
#define MACE_KERNELS_ELEMENTWISE_MOVEMENT_H_

#include <span>

#include "mace/core/dtype.h"
#include "mace/core/shape.h"
#include "mace/core/status.h"
#include "mace/kernels/elementwise/row_tiles.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

// Operands: 0 input, 1 output. Among f32, f16, f64, i8, u8, i16, u16, i32, u32, i64, u64 and bool. Float to
// integer goes towards zero and saturates, NaN gives 0; integer to integer keeps the low bits; to bool is
// "not zero".
struct CastParams {
  // Set by the caller.
  DType from = DType::kF32;
  DType to = DType::kF32;
  int64_t count = 0;

  // Set by PrepareCast.
  RowTiles tiles;
  int64_t tile_count = 0;
};
Status PrepareCast(CastParams* params);

// output[o, i, :] = data[o, indices[i], :], blocks of block_bytes. A negative index counts from the end. An
// index out of range gives zeros and sets *error to 1; nothing else is written to it. Operands: 0 data, 1
// indices (i32 or i64), 2 output, 3 error (one int32, or null).
struct GatherParams {
  // Set by the caller.
  DType index_type = DType::kI64;
  int64_t outer = 1;
  int64_t axis_size = 0;
  int64_t index_count = 0;
  int64_t block_bytes = 0;

  // Set by PrepareGather.
  RowTiles tiles;
  int64_t tile_count = 0;
};
Status PrepareGather(GatherParams* params);

// Copies a box of elements between two tensors with any strides: slice (negative steps too), a part of a
// concat or a split, expand (input stride 0). Input and output do not overlap. Operands: 0 input, 1 output.
struct CopyParams {
  // Set by the caller. Strides and offsets in elements.
  int32_t element_bytes = 4;
  Shape dims;
  int64_t input_strides[kMaxRank] = {};
  int64_t output_strides[kMaxRank] = {};
  int64_t input_offset = 0;
  int64_t output_offset = 0;

  // Set by PrepareCopy: neighbouring dimensions that run on are one; the last is a row. Strides in elements.
  int outer_rank = 0;
  int64_t outer_dims[kMaxRank] = {};
  int64_t outer_strides[2][kMaxRank] = {};  // of input, output
  int64_t row_strides[2] = {1, 1};
  RowTiles tiles;
  int64_t tile_count = 0;
};
Status PrepareCopy(CopyParams* params);

// Dense row-major strides of a shape, for the caller of PrepareCopy.
void DenseStrides(const Shape& shape, int64_t* strides);

enum class PadKind : uint8_t { kConstant, kReflect, kEdge, kSymmetric };

// Operands: 0 input, 1 output, both dense. A negative pad cuts off. Reflect wants each pad below the
// dimension's size, symmetric at most that size.
struct PadParams {
  // Set by the caller.
  PadKind kind = PadKind::kConstant;
  int32_t element_bytes = 4;  // 1, 2, 4 or 8
  Shape input;
  int64_t begin[kMaxRank] = {};
  int64_t end[kMaxRank] = {};
  uint8_t value[8] = {};  // the constant's bytes

  // Set by PreparePad. Dimensions as the kernel sees them, where neighbours without pads are one; the last is
  // a row.
  Shape output;
  int rank = 0;
  int64_t input_dims[kMaxRank] = {};
  int64_t output_dims[kMaxRank] = {};
  int64_t leads[kMaxRank] = {};  // pads in front
  RowTiles tiles;
  int64_t tile_count = 0;
};
Status PreparePad(PadParams* params);

// output[i[perm[0]], i[perm[1]], ...] = input[i...]: output dimension d is input dimension perm[d], as in
// ONNX and NumPy. Operands: 0 input, 1 output, dense, not overlapping. Elements of 1, 2, 4 or 8 bytes.
struct TransposeParams {
  // Set by the caller.
  Shape input;
  int32_t perm[kMaxRank] = {};
  int32_t element_bytes = 4;

  // Set by PrepareTranspose. Where the last dimension stays last, `copy` does it all. Otherwise matrices of
  // rows x columns are transposed in blocks: a row is contiguous in the input, a column in the output.
  bool is_copy = false;
  CopyParams copy;
  int outer_rank = 0;
  int64_t outer_dims[kMaxRank] = {};
  int64_t outer_strides[2][kMaxRank] = {};  // of input, output, in elements
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t input_row_stride = 0;
  int64_t output_column_stride = 0;
  int64_t rows_per_block = 0;
  int64_t columns_per_block = 0;
  int64_t row_blocks = 0;
  int64_t column_blocks = 0;
  int64_t tile_count = 0;  // outer x row_blocks x column_blocks
};
Status PrepareTranspose(TransposeParams* params);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_ELEMENTWISE_MOVEMENT_H_
