// Positions of extremes. No vector code of its own: the loop over the columns of a block is written for the
// compiler's vectorizer, and a scan of one row is bound by its reads.
#include "mace/kernels/elementwise/row_tiles-inl.h"
#include "mace/kernels/norm/norm-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::ArgReduceParams;

constexpr int64_t kColumns = 64;

// Whether `candidate` takes the place of `best`.
template <bool smallest, bool last, typename T>
MACE_INLINE bool Replaces(T candidate, T best) {
  if constexpr (smallest) return last ? candidate <= best : candidate < best;
  return last ? candidate >= best : candidate > best;
}

// The positions of up to kColumns columns side by side, `stride` elements from an element to the next. (A NaN
// that comes first stays: nothing compares with it.)
template <bool smallest, bool last, typename T>
MACE_INLINE void FindPlaces(const T* in, int64_t count, int64_t stride, int64_t columns, int64_t* places) {
  T best[kColumns];
  for (int64_t c = 0; c < columns; ++c) {
    best[c] = in[c];
    places[c] = 0;
  }
  for (int64_t i = 1; i < count; ++i) {
    const T* row = in + i * stride;
    for (int64_t c = 0; c < columns; ++c) {
      const bool replaces = Replaces<smallest, last>(row[c], best[c]);
      best[c] = replaces ? row[c] : best[c];
      places[c] = replaces ? i : places[c];
    }
  }
}

template <bool smallest, bool last, typename T>
void ArgReduceTiles(const ArgReduceParams& params, const KernelArguments& arguments, int64_t tile_begin,
                    int64_t tile_end) {
  const T* input = static_cast<const T*>(arguments.operands[0]);
  int64_t places[kColumns];
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    for (int64_t row = range.row_begin; row < range.row_end; ++row) {
      for (int64_t c = range.column_begin; c < range.column_end; c += kColumns) {
        const int64_t columns = ScalarMin(kColumns, range.column_end - c);
        const T* in = input + row * params.axis * params.inner + c;
        if (params.inner == 1) {
          FindPlaces<smallest, last>(in, params.axis, 1, 1, places);
        } else {
          FindPlaces<smallest, last>(in, params.axis, params.inner, columns, places);
        }
        const int64_t first = row * params.inner + c;
        if (params.wide) {
          int64_t* out = static_cast<int64_t*>(arguments.operands[1]) + first;
          for (int64_t i = 0; i < columns; ++i) out[i] = places[i];
        } else {
          int32_t* out = static_cast<int32_t*>(arguments.operands[1]) + first;
          for (int64_t i = 0; i < columns; ++i) out[i] = static_cast<int32_t>(places[i]);
        }
      }
    }
  }
}

template <typename T>
void ArgReduceOf(const ArgReduceParams& params, const KernelArguments& arguments, int64_t tile_begin,
                 int64_t tile_end) {
  if (params.smallest) {
    if (params.select_last) return ArgReduceTiles<true, true, T>(params, arguments, tile_begin, tile_end);
    return ArgReduceTiles<true, false, T>(params, arguments, tile_begin, tile_end);
  }
  if (params.select_last) return ArgReduceTiles<false, true, T>(params, arguments, tile_begin, tile_end);
  return ArgReduceTiles<false, false, T>(params, arguments, tile_begin, tile_end);
}

void ArgReduce(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const ArgReduceParams& params = *static_cast<const ArgReduceParams*>(arguments.params);
  switch (params.dtype) {
    case DType::kI8:
      return ArgReduceOf<int8_t>(params, arguments, tile_begin, tile_end);
    case DType::kU8:
      return ArgReduceOf<uint8_t>(params, arguments, tile_begin, tile_end);
    case DType::kI16:
      return ArgReduceOf<int16_t>(params, arguments, tile_begin, tile_end);
    case DType::kI32:
      return ArgReduceOf<int32_t>(params, arguments, tile_begin, tile_end);
    case DType::kI64:
      return ArgReduceOf<int64_t>(params, arguments, tile_begin, tile_end);
    default:
      return ArgReduceOf<float>(params, arguments, tile_begin, tile_end);
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
