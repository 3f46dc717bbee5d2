#include "mace/kernels/norm/norm.h"

namespace mace::kernels {
namespace {

// Elements per tile where each output element reads `depth` inputs.
int64_t TileElementsOfDepth(int64_t depth) {
  const int64_t elements = kTileElements / (depth > 0 ? depth : 1);
  return elements > 0 ? elements : 1;
}

}  // namespace

Status PrepareSoftmax(SoftmaxParams* params) {
  if (params->outer < 0 || params->axis < 0 || params->inner < 0)
    return Internal("a softmax of negative size");
  const int64_t elements = TileElementsOfDepth(params->axis);
  if (params->axis == 0) {
    params->tiles = RowTiles();
  } else if (params->inner == 1) {
    params->tiles = CutRows(params->outer, 1, elements);
  } else {
    params->tiles = CutRows(params->outer, params->inner, elements);
  }
  params->tile_count = params->tiles.tile_count;
  return Status::Ok();
}

Status PrepareLayerNorm(LayerNormParams* params) {
  if (params->rows < 0 || params->columns < 0) return Internal("a layer normalization of negative size");
  if (params->rows > 1 &&
      (params->input_stride < params->columns || params->output_stride < params->columns)) {
    return Internal("a layer normalization's rows overlap");
  }
  params->tiles =
      params->columns == 0 ? RowTiles() : CutRows(params->rows, 1, TileElementsOfDepth(params->columns));
  params->tile_count = params->tiles.tile_count;
  return Status::Ok();
}

Status PrepareGroupNorm(GroupNormParams* params) {
  if (params->samples < 0 || params->rows < 0 || params->groups < 1 || params->group_channels < 0) {
    return Internal("a group normalization of negative size");
  }
  const int64_t channels = params->groups * params->group_channels;
  if (params->input_stride < channels || params->output_stride < channels) {
    return Internal("a group normalization's rows overlap");
  }
  if (params->rows == 0 || channels == 0) {
    params->tile_count = 0;
    return Status::Ok();
  }
  constexpr int64_t kChannels = 16;  // fewer would leave a part of each cache line to another worker
  const int64_t groups = (kChannels + params->group_channels - 1) / params->group_channels;
  params->groups_per_tile = groups < params->groups ? groups : params->groups;
  params->tiles_per_sample = (params->groups + params->groups_per_tile - 1) / params->groups_per_tile;
  params->tile_count = params->samples * params->tiles_per_sample;
  return Status::Ok();
}

Status PrepareReduce(ReduceParams* params) {
  if (params->outer < 0 || params->reduced < 0 || params->inner < 0)
    return Internal("a reduction of negative size");
  if (params->inner == 1) {
    params->input_stride = 1;
    params->tiles = CutRows(params->outer, 1, TileElementsOfDepth(params->reduced));
  } else {
    if (params->input_stride < params->inner) return Internal("a reduction's rows overlap");
    params->tiles = CutRows(params->outer, params->inner, TileElementsOfDepth(params->reduced));
  }
  params->tile_count = params->tiles.tile_count;
  return Status::Ok();
}

Status PrepareArgReduce(ArgReduceParams* params) {
  if (params->outer < 0 || params->axis < 1 || params->inner < 0)
    return Internal("positions along an axis of no size");
  params->tiles = CutRows(params->outer, params->inner, TileElementsOfDepth(params->axis));
  params->tile_count = params->tiles.tile_count;
  return Status::Ok();
}

Status CollapseReduction(const Shape& shape, std::span<const int32_t> axes, ReduceParams* params) {
  bool is_reduced[kMaxRank] = {};
  for (int32_t axis : axes) {
    if (axis < 0 || axis >= shape.rank) return InvalidArgument("reduction axis %d is out of range", axis);
    is_reduced[axis] = true;
  }
  params->outer = params->reduced = params->inner = 1;
  // Axes of one element are on whichever side suits.
  int part = 0;  // 0 outer, 1 reduced, 2 inner
  for (int i = 0; i < shape.rank; ++i) {
    const int64_t dim = shape.dims[i];
    if (dim == 1) continue;
    if (is_reduced[i]) {
      if (part == 2) return Unsupported("a reduction over axes with others between them");
      part = 1;
      params->reduced *= dim;
    } else if (part == 0) {
      params->outer *= dim;
    } else {
      part = 2;
      params->inner *= dim;
    }
  }
  params->input_stride = params->inner;
  return Status::Ok();
}

}  // namespace mace::kernels
