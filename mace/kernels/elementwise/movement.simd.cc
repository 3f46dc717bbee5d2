// Gather, copy, pad and transpose.
#include "mace/kernels/elementwise/elementwise-inl.h"
#include "mace/kernels/elementwise/row_tiles-inl.h"
#include "mace/simd/transpose-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::CopyParams;
using kernels::GatherParams;
using kernels::PadKind;
using kernels::PadParams;
using kernels::TransposeParams;

void Gather(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const GatherParams& params = *static_cast<const GatherParams*>(arguments.params);
  const uint8_t* data = static_cast<const uint8_t*>(arguments.operands[0]);
  const void* indices = arguments.operands[1];
  uint8_t* output = static_cast<uint8_t*>(arguments.operands[2]);
  int32_t* error = static_cast<int32_t*>(arguments.operands[3]);
  const int64_t block = params.block_bytes;
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    const size_t bytes = static_cast<size_t>(range.column_end - range.column_begin);
    for (int64_t row = range.row_begin; row < range.row_end; ++row) {
      const int64_t outer = row / params.index_count;
      const int64_t i = row % params.index_count;
      int64_t index = params.index_type == DType::kI32 ? static_cast<const int32_t*>(indices)[i]
                                                       : static_cast<const int64_t*>(indices)[i];
      if (index < 0) index += params.axis_size;
      uint8_t* target = output + row * block + range.column_begin;
      if (index < 0 || index >= params.axis_size) {
        __builtin_memset(target, 0, bytes);
        if (error != nullptr) __atomic_store_n(error, 1, __ATOMIC_RELAXED);
        continue;
      }
      const uint8_t* source = data + (outer * params.axis_size + index) * block + range.column_begin;
      __builtin_memcpy(target, source, bytes);
    }
  }
}

template <typename T>
MACE_INLINE void CopyRow(const uint8_t* in, int64_t in_stride, uint8_t* out, int64_t out_stride,
                         int64_t count) {
  const T* from = reinterpret_cast<const T*>(in);
  T* to = reinterpret_cast<T*>(out);
  for (int64_t i = 0; i < count; ++i) to[i * out_stride] = from[i * in_stride];
}

// `in` and `out` point to the row's first element, `begin` counts from there.
MACE_INLINE void CopyRowPart(const CopyParams& params, const uint8_t* in, uint8_t* out, int64_t begin,
                             int64_t count) {
  const int64_t bytes = params.element_bytes;
  const int64_t in_stride = params.row_strides[0];
  const int64_t out_stride = params.row_strides[1];
  in += begin * in_stride * bytes;
  out += begin * out_stride * bytes;
  if (in_stride == 1 && out_stride == 1) {
    __builtin_memcpy(out, in, static_cast<size_t>(count * bytes));
    return;
  }
  switch (bytes) {
    case 1:
      return CopyRow<uint8_t>(in, in_stride, out, out_stride, count);
    case 2:
      return CopyRow<uint16_t>(in, in_stride, out, out_stride, count);
    case 4:
      return CopyRow<uint32_t>(in, in_stride, out, out_stride, count);
    case 8:
      return CopyRow<uint64_t>(in, in_stride, out, out_stride, count);
    default:
      for (int64_t i = 0; i < count; ++i) {
        __builtin_memcpy(out + i * out_stride * bytes, in + i * in_stride * bytes,
                         static_cast<size_t>(bytes));
      }
  }
}

void CopyTiles(const CopyParams& params, void* const* operands, int64_t tile_begin, int64_t tile_end) {
  const int64_t bytes = params.element_bytes;
  const uint8_t* input = static_cast<const uint8_t*>(operands[0]) + params.input_offset * bytes;
  uint8_t* output = static_cast<uint8_t*>(operands[1]) + params.output_offset * bytes;
  OuterCursor<2> cursor;
  cursor.rank = params.outer_rank;
  cursor.dims = params.outer_dims;
  cursor.strides[0] = params.outer_strides[0];
  cursor.strides[1] = params.outer_strides[1];
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    MoveTo(&cursor, range.row_begin);
    for (int64_t row = range.row_begin; row < range.row_end; ++row) {
      CopyRowPart(params, input + cursor.offset[0] * bytes, output + cursor.offset[1] * bytes,
                  range.column_begin, range.column_end - range.column_begin);
      MoveToNext(&cursor);
    }
  }
}

void Copy(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  CopyTiles(*static_cast<const CopyParams*>(arguments.params), arguments.operands, tile_begin, tile_end);
}

// Where output index i comes from in a dimension of `size` elements; -1: from the constant.
MACE_INLINE int64_t PadSource(PadKind kind, int64_t i, int64_t size) {
  if (i >= 0 && i < size) return i;
  if (kind == PadKind::kConstant) return -1;
  if (kind == PadKind::kEdge) return i < 0 ? 0 : size - 1;
  const int64_t edge = kind == PadKind::kSymmetric ? 1 : 0;  // the outermost element is repeated
  return i < 0 ? -i - edge : 2 * (size - 1) - i + edge;
}

template <typename T>
static void PadTiles(const PadParams& params, void* const* operands, int64_t tile_begin, int64_t tile_end) {
  const T* input = static_cast<const T*>(operands[0]);
  T* output = static_cast<T*>(operands[1]);
  T value;
  __builtin_memcpy(&value, params.value, sizeof(T));
  const int last = params.rank - 1;
  const int64_t width = params.input_dims[last];
  const int64_t lead = params.leads[last];
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    for (int64_t row = range.row_begin; row < range.row_end; ++row) {
      T* out = output + row * params.tiles.columns;
      int64_t rest = row;
      int64_t offset = 0;
      int64_t stride = width;
      bool inside = true;
      for (int d = last - 1; d >= 0; --d) {
        const int64_t i = rest % params.output_dims[d] - params.leads[d];
        rest /= params.output_dims[d];
        const int64_t source = PadSource(params.kind, i, params.input_dims[d]);
        inside = inside && source >= 0;
        offset += source * stride;
        stride *= params.input_dims[d];
      }
      // [range.column_begin, copy_begin) and [copy_end, range.column_end) are pads.
      int64_t copy_begin = ScalarClamp(lead, range.column_begin, range.column_end);
      int64_t copy_end = ScalarClamp(lead + width, copy_begin, range.column_end);
      if (!inside) copy_begin = copy_end = range.column_end;
      const auto fill = [&](int64_t begin, int64_t end) __attribute__((always_inline)) {
        for (int64_t c = begin; c < end; ++c) {
          const int64_t source = inside ? PadSource(params.kind, c - lead, width) : -1;
          out[c] = source >= 0 ? input[offset + source] : value;
        }
      };
      fill(range.column_begin, copy_begin);
      if (copy_begin < copy_end) {
        __builtin_memcpy(out + copy_begin, input + offset + copy_begin - lead,
                         static_cast<size_t>(copy_end - copy_begin) * sizeof(T));
      }
      fill(copy_end, range.column_end);
    }
  }
}

void Pad(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const PadParams& params = *static_cast<const PadParams*>(arguments.params);
  switch (params.element_bytes) {
    case 1:
      return PadTiles<uint8_t>(params, arguments.operands, tile_begin, tile_end);
    case 2:
      return PadTiles<uint16_t>(params, arguments.operands, tile_begin, tile_end);
    case 4:
      return PadTiles<uint32_t>(params, arguments.operands, tile_begin, tile_end);
    default:
      return PadTiles<uint64_t>(params, arguments.operands, tile_begin, tile_end);
  }
}

// Planes of pixels become pixels of kPlanes elements. A compiler that knows how many makes vectors of it.
template <int kPlanes, typename T>
MACE_INLINE void Interleave(const T* in, int64_t in_stride, T* out, int64_t pixels) {
  for (int64_t x = 0; x < pixels; ++x) {
    for (int plane = 0; plane < kPlanes; ++plane) out[x * kPlanes + plane] = in[plane * in_stride + x];
  }
}

template <typename T>
MACE_INLINE void TransposePlain(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t rows,
                                int64_t columns) {
  if (out_stride == rows && rows == 3) return Interleave<3>(in, in_stride, out, columns);
  if (out_stride == rows && rows == 4) return Interleave<4>(in, in_stride, out, columns);
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t r = 0; r < rows; ++r) out[c * out_stride + r] = in[r * in_stride + c];
  }
}

template <typename T>
MACE_INLINE void TransposeBlock(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t rows,
                                int64_t columns) {
  if constexpr (sizeof(T) == 4 && kTransposeTile > 1) {
    const int64_t whole_rows = rows / kTransposeTile * kTransposeTile;
    const int64_t whole_columns = columns / kTransposeTile * kTransposeTile;
    for (int64_t c = 0; c < whole_columns; c += kTransposeTile) {
      for (int64_t r = 0; r < whole_rows; r += kTransposeTile) {
        TransposeTile(reinterpret_cast<const float*>(in + r * in_stride + c), in_stride,
                      reinterpret_cast<float*>(out + c * out_stride + r), out_stride);
      }
    }
    TransposePlain(in + whole_columns, in_stride, out + whole_columns * out_stride, out_stride, rows,
                   columns - whole_columns);
    TransposePlain(in + whole_rows * in_stride, in_stride, out + whole_rows, out_stride, rows - whole_rows,
                   whole_columns);
  } else {
    TransposePlain(in, in_stride, out, out_stride, rows, columns);
  }
}

template <typename T>
static void TransposeTiles(const TransposeParams& params, void* const* operands, int64_t tile_begin,
                           int64_t tile_end) {
  const T* input = static_cast<const T*>(operands[0]);
  T* output = static_cast<T*>(operands[1]);
  OuterCursor<2> cursor;
  cursor.rank = params.outer_rank;
  cursor.dims = params.outer_dims;
  cursor.strides[0] = params.outer_strides[0];
  cursor.strides[1] = params.outer_strides[1];
  const int64_t blocks = params.row_blocks * params.column_blocks;
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    MoveTo(&cursor, tile / blocks);
    const int64_t row = tile % blocks / params.column_blocks * params.rows_per_block;
    const int64_t column = tile % params.column_blocks * params.columns_per_block;
    const int64_t rows = ScalarMin(params.rows_per_block, params.rows - row);
    const int64_t columns = ScalarMin(params.columns_per_block, params.columns - column);
    TransposeBlock(input + cursor.offset[0] + row * params.input_row_stride + column, params.input_row_stride,
                   output + cursor.offset[1] + column * params.output_column_stride + row,
                   params.output_column_stride, rows, columns);
  }
}

void Transpose(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const TransposeParams& params = *static_cast<const TransposeParams*>(arguments.params);
  if (params.is_copy) return CopyTiles(params.copy, arguments.operands, tile_begin, tile_end);
  switch (params.element_bytes) {
    case 1:
      return TransposeTiles<uint8_t>(params, arguments.operands, tile_begin, tile_end);
    case 2:
      return TransposeTiles<uint16_t>(params, arguments.operands, tile_begin, tile_end);
    case 4:
      return TransposeTiles<uint32_t>(params, arguments.operands, tile_begin, tile_end);
    default:
      return TransposeTiles<uint64_t>(params, arguments.operands, tile_begin, tile_end);
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
