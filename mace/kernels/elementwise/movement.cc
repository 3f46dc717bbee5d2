#include "mace/kernels/elementwise/movement.h"

#include <cstring>

#include "mace/kernels/sizes.h"

namespace mace::kernels {
namespace {

// A tile of what is only moved: 64 KiB.
constexpr int64_t kTileBytes = 64 * 1024;

bool IsMovable(int32_t bytes) { return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8; }

int64_t TileElements(int32_t element_bytes) { return kTileBytes / (element_bytes > 0 ? element_bytes : 1); }

}  // namespace

Status PrepareCast(CastParams* params) {
  if (BytesOf(params->from) == 0 || BytesOf(params->to) == 0) {
    return Unsupported("cast from %s to %s", NameOf(params->from), NameOf(params->to));
  }
  if (params->count < 0) return Internal("a cast of negative size");
  params->tiles = CutRows(1, params->count);
  params->tile_count = params->tiles.tile_count;
  return Status::Ok();
}

Status PrepareGather(GatherParams* params) {
  if (params->index_type != DType::kI32 && params->index_type != DType::kI64) {
    return Unsupported("gather with indices of type %s", NameOf(params->index_type));
  }
  int64_t rows = 0;
  int64_t bytes = 0;
  if (params->axis_size < 0 || !CheckedMultiply(params->outer, params->index_count, &rows) ||
      !CheckedMultiply(rows, params->block_bytes, &bytes)) {
    return Internal("a gather of impossible size");
  }
  params->tiles = CutRows(rows, params->block_bytes, kTileBytes);
  params->tile_count = params->tiles.tile_count;
  return Status::Ok();
}

void DenseStrides(const Shape& shape, int64_t* strides) {
  int64_t stride = 1;
  for (int i = shape.rank - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= shape.dims[i];
  }
}

Status PrepareCopy(CopyParams* params) {
  if (params->element_bytes <= 0 || params->dims.ElementCount() < 0)
    return Internal("a copy of impossible size");
  // From the innermost dimension out, joining a dimension to the one inside where both tensors run on.
  int64_t dims[kMaxRank];
  int64_t strides[2][kMaxRank];
  int count = 0;
  for (int i = params->dims.rank - 1; i >= 0; --i) {
    const int64_t dim = params->dims.dims[i];
    const int64_t in = params->input_strides[i];
    const int64_t out = params->output_strides[i];
    if (dim == 1) continue;
    if (count > 0 && in == strides[0][count - 1] * dims[count - 1] &&
        out == strides[1][count - 1] * dims[count - 1]) {
      dims[count - 1] *= dim;
      continue;
    }
    dims[count] = dim;
    strides[0][count] = in;
    strides[1][count] = out;
    ++count;
  }
  if (count == 0) {
    dims[0] = params->dims.ElementCount();  // 1, or 0 where rank is 0 and a dimension was
    strides[0][0] = strides[1][0] = 1;
    count = 1;
  }
  params->outer_rank = count - 1;
  int64_t rows = 1;
  for (int i = 1; i < count; ++i) {
    const int d = count - 1 - i;
    params->outer_dims[d] = dims[i];
    params->outer_strides[0][d] = strides[0][i];
    params->outer_strides[1][d] = strides[1][i];
    rows *= dims[i];
  }
  params->row_strides[0] = strides[0][0];
  params->row_strides[1] = strides[1][0];
  params->tiles = CutRows(rows, dims[0], TileElements(params->element_bytes));
  params->tile_count = params->tiles.tile_count;
  return Status::Ok();
}

Status PreparePad(PadParams* params) {
  if (!IsMovable(params->element_bytes))
    return Unsupported("pad of elements of %d bytes", params->element_bytes);
  if (params->input.ElementCount() < 0) return Internal("pad of a shape that is not concrete");
  params->output = params->input;
  for (int i = 0; i < params->input.rank; ++i) {
    const int64_t size = params->input.dims[i];
    int64_t padded = 0;
    if (!CheckedAdd(size, params->begin[i], &padded) || !CheckedAdd(padded, params->end[i], &padded) ||
        padded < 0) {
      return InvalidArgument("pads leave dimension %d without a size", i);
    }
    const int64_t most = params->begin[i] > params->end[i] ? params->begin[i] : params->end[i];
    if (params->kind == PadKind::kReflect && most > 0 && most >= size) {
      return InvalidArgument("reflect pads want a dimension larger than the pad: dimension %d has %lld", i,
                             static_cast<long long>(size));
    }
    if (params->kind == PadKind::kSymmetric && most > size) {
      return InvalidArgument("symmetric pads of more than dimension %d has: %lld", i,
                             static_cast<long long>(size));
    }
    if (params->kind == PadKind::kEdge && size == 0 && padded > 0) {
      return InvalidArgument("edge pads of the empty dimension %d", i);
    }
    params->output.dims[i] = padded;
  }
  if (params->output.ElementCount() < 0) return InvalidArgument("the padded tensor is too large");

  // Trailing dimensions without pads join the one outside, so that rows are long (channels last: C joins W).
  params->rank = 0;
  for (int i = 0; i < params->input.rank; ++i) {
    const int last = params->rank - 1;
    if (last >= 0 && params->kind == PadKind::kConstant && params->begin[i] == 0 && params->end[i] == 0) {
      params->input_dims[last] *= params->input.dims[i];
      params->output_dims[last] *= params->input.dims[i];
      params->leads[last] *= params->input.dims[i];
      continue;
    }
    params->input_dims[params->rank] = params->input.dims[i];
    params->output_dims[params->rank] = params->output.dims[i];
    params->leads[params->rank] = params->begin[i];
    ++params->rank;
  }
  if (params->rank == 0) {
    params->rank = 1;
    params->input_dims[0] = params->output_dims[0] = 1;
    params->leads[0] = 0;
  }
  const int64_t columns = params->output_dims[params->rank - 1];
  const int64_t elements = params->output.ElementCount();
  params->tiles = CutRows(columns > 0 ? elements / columns : 0, columns, TileElements(params->element_bytes));
  params->tile_count = params->tiles.tile_count;
  return Status::Ok();
}

namespace {

// A permutation without dimensions of one element, where dimensions that stay neighbours are one. In output
// order: dims, and the strides of both tensors.
struct CollapsedTranspose {
  int rank = 0;
  int64_t dims[kMaxRank];
  int64_t input_strides[kMaxRank];
  int64_t output_strides[kMaxRank];
};

CollapsedTranspose Collapse(const TransposeParams& params) {
  CollapsedTranspose result;
  int64_t input_strides[kMaxRank];
  DenseStrides(params.input, input_strides);
  for (int d = 0; d < params.input.rank; ++d) {
    const int axis = params.perm[d];
    const int64_t dim = params.input.dims[axis];
    if (dim == 1) continue;
    const int last = result.rank - 1;
    if (last >= 0 && result.input_strides[last] == input_strides[axis] * dim) {
      result.dims[last] *= dim;
      result.input_strides[last] = input_strides[axis];
      continue;
    }
    result.dims[result.rank] = dim;
    result.input_strides[result.rank] = input_strides[axis];
    ++result.rank;
  }
  int64_t stride = 1;
  for (int d = result.rank - 1; d >= 0; --d) {
    result.output_strides[d] = stride;
    stride *= result.dims[d];
  }
  return result;
}

void PrepareTransposeCopy(const CollapsedTranspose& collapsed, TransposeParams* params) {
  params->is_copy = true;
  params->copy = CopyParams();
  params->copy.element_bytes = params->element_bytes;
  for (int d = 0; d < collapsed.rank; ++d) {
    params->copy.dims.Push(collapsed.dims[d]);
    params->copy.input_strides[d] = collapsed.input_strides[d];
    params->copy.output_strides[d] = collapsed.output_strides[d];
  }
}

// A block has about 4,096 elements, so that the lines of its input and output stay in L1; a thin matrix makes
// longer ones.
void CutBlocks(TransposeParams* params) {
  constexpr int64_t kSide = 64;
  params->rows_per_block = kSide;
  params->columns_per_block = kSide;
  if (params->columns < kSide) {
    params->columns_per_block = params->columns;
    params->rows_per_block = kSide * kSide / params->columns / 8 * 8;
  } else if (params->rows < kSide) {
    params->rows_per_block = params->rows;
    params->columns_per_block = kSide * kSide / params->rows / 8 * 8;
  }
  params->row_blocks = DivideRoundUp(params->rows, params->rows_per_block);
  params->column_blocks = DivideRoundUp(params->columns, params->columns_per_block);
}

}  // namespace

Status PrepareTranspose(TransposeParams* params) {
  if (!IsMovable(params->element_bytes)) {
    return Unsupported("transpose of elements of %d bytes", params->element_bytes);
  }
  const int64_t elements = params->input.ElementCount();
  if (elements < 0) return Internal("transpose of a shape that is not concrete");
  uint32_t seen = 0;
  for (int i = 0; i < params->input.rank; ++i) {
    if (params->perm[i] < 0 || params->perm[i] >= params->input.rank)
      return Internal("a permutation out of range");
    seen |= 1u << params->perm[i];
  }
  if (seen != (1u << params->input.rank) - 1) return Internal("a permutation names an axis twice");
  params->tile_count = 0;
  if (elements == 0) return Status::Ok();

  const CollapsedTranspose collapsed = Collapse(*params);
  if (collapsed.rank == 0 || collapsed.input_strides[collapsed.rank - 1] == 1) {
    PrepareTransposeCopy(collapsed, params);
    MACE_RETURN_IF_ERROR(PrepareCopy(&params->copy));
    params->tile_count = params->copy.tile_count;
    return Status::Ok();
  }
  const int last = collapsed.rank - 1;
  params->is_copy = false;
  params->rows = collapsed.dims[last];
  params->input_row_stride = collapsed.input_strides[last];
  params->outer_rank = 0;
  int64_t outer = 1;
  for (int d = 0; d < last; ++d) {
    if (collapsed.input_strides[d] == 1) {
      params->columns = collapsed.dims[d];
      params->output_column_stride = collapsed.output_strides[d];
      continue;
    }
    params->outer_dims[params->outer_rank] = collapsed.dims[d];
    params->outer_strides[0][params->outer_rank] = collapsed.input_strides[d];
    params->outer_strides[1][params->outer_rank] = collapsed.output_strides[d];
    ++params->outer_rank;
    outer *= collapsed.dims[d];
  }
  CutBlocks(params);
  params->tile_count = outer * params->row_blocks * params->column_blocks;
  return Status::Ok();
}

}  // namespace mace::kernels
