// Layers that move elements, take some of them or give them another shape.
#include <algorithm>
#include <climits>

#include "mace/importers/caffe/caffe_layer.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::caffe {
namespace {

// `values` as integers of 64 bits, of one axis.
ValueId Indices(LayerContext& layer, ValueId values) {
  const ValueId whole = layer.builder().Cast(values, DType::kI64);
  return layer.RankOf(whole) == 1 ? whole : layer.builder().Reshaped(whole, {-1});
}

// The axis of a layer that has it in a field of today, or in one of before 2014.
int AxisOf(const TextMessage& parameters, std::string_view old_name, int rank) {
  if (parameters.Has(old_name) && !parameters.Has("axis")) {
    return GraphBuilder::NormalizedAxis(parameters.Int(old_name, 1), rank);
  }
  return GraphBuilder::NormalizedAxis(parameters.Int("axis", 1), rank);
}

}  // namespace

Values ConvertConcat(LayerContext& layer) {
  const int axis = AxisOf(layer.Parameters("concat_param"), "concat_dim", layer.RankOf(layer.Bottom(0)));
  Values bottoms;
  for (size_t i = 0; i < layer.bottom_count(); ++i) bottoms.push_back(layer.Bottom(i));
  return {bottoms.size() == 1 ? bottoms[0] : layer.Concatenated(bottoms, axis)};
}

Values ConvertSlice(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("slice_param");
  const ValueId x = layer.Bottom(0);
  const int axis = AxisOf(parameters, "slice_dim", layer.RankOf(x));
  const std::vector<int64_t> points = parameters.Ints("slice_point");
  const size_t count = layer.top_count();
  if (count == 1 && points.empty()) return {x};
  const int64_t size = layer.Dim(x, axis);
  std::vector<int64_t> sizes;
  if (points.empty()) {
    if (size % static_cast<int64_t>(count) != 0) {
      throw ImportError(InvalidArgument("%zu tops do not divide axis %d of %lld", count, axis,
                                        static_cast<long long>(size)));
    }
    sizes.assign(count, size / static_cast<int64_t>(count));
  } else {
    int64_t last = 0;
    for (int64_t point : points) {
      if (point <= last || point >= size) {
        throw ImportError(InvalidArgument("slice_point %lld behind %lld on an axis of %lld",
                                          static_cast<long long>(point), static_cast<long long>(last),
                                          static_cast<long long>(size)));
      }
      sizes.push_back(point - last);
      last = point;
    }
    sizes.push_back(size - last);
  }
  if (sizes.size() != count) {
    throw ImportError(InvalidArgument("%zu slice_point for %zu tops", points.size(), count));
  }
  ops::SplitAttributes attributes;
  attributes.axis = axis;
  const ValueId inputs[] = {x, layer.builder().Int64s(sizes)};
  return layer.builder().EmitMany(OpId::kSplit, inputs, attributes, static_cast<int>(count));
}

Values ConvertFlatten(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("flatten_param");
  const ValueId x = layer.Bottom(0);
  const int rank = layer.RankOf(x);
  const int begin = GraphBuilder::NormalizedAxis(parameters.Int("axis", 1), rank);
  const int end = GraphBuilder::NormalizedAxis(parameters.Int("end_axis", -1), rank);
  if (end < begin) throw ImportError(InvalidArgument("end_axis %d is in front of axis %d", end, begin));
  std::vector<int64_t> shape(static_cast<size_t>(begin), 0);
  shape.push_back(-1);
  const int64_t joined = layer.ShapeOf(x).Product(begin, end + 1);
  if (joined >= 0) shape.back() = joined;
  for (int axis = end + 1; axis < rank; ++axis) shape.push_back(layer.Dim(x, axis));
  return {layer.builder().Reshaped(x, shape)};
}

Values ConvertReshape(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("reshape_param");
  const ValueId x = layer.Bottom(0);
  const int rank = layer.RankOf(x);
  const int64_t from = parameters.Int("axis", 0), count = parameters.Int("num_axes", -1);
  // `axis` counts places between axes: rank, and -1, are behind the last.
  if (from < -rank - 1 || from > rank) {
    throw ImportError(InvalidArgument("axis %lld of rank %d", static_cast<long long>(from), rank));
  }
  const int begin = static_cast<int>(from < 0 ? from + rank + 1 : from);
  if (count < -1 || count > rank - begin) {
    throw ImportError(InvalidArgument("num_axes %lld from axis %d on of rank %d",
                                      static_cast<long long>(count), begin, rank));
  }
  const int end = count == -1 ? rank : begin + static_cast<int>(count);
  std::vector<int64_t> shape(static_cast<size_t>(begin), 0);
  for (int64_t dim : parameters.Message("shape").Ints("dim")) {
    if (dim < -1 || shape.size() >= kMaxRank)
      throw ImportError(Unsupported("a dim of %lld, or too many", static_cast<long long>(dim)));
    if (dim == 0 && static_cast<int>(shape.size()) >= rank) {
      throw ImportError(InvalidArgument("dim 0 copies axis %zu of rank %d", shape.size(), rank));
    }
    shape.push_back(dim);
  }
  for (int axis = end; axis < rank; ++axis) {
    // Axes that stay where they are may have any size.
    shape.push_back(static_cast<int>(shape.size()) == axis ? 0 : layer.Dim(x, axis));
  }
  return {layer.builder().Reshaped(x, shape)};
}

Values ConvertPermute(LayerContext& layer) {
  const ValueId x = layer.Bottom(0);
  const int rank = layer.RankOf(x);
  std::vector<int64_t> perm = layer.Parameters("permute_param").Ints("order");
  const auto has = [&](int64_t axis) { return std::find(perm.begin(), perm.end(), axis) != perm.end(); };
  if (perm.size() > static_cast<size_t>(rank))
    throw ImportError(InvalidArgument("%zu axes in order", perm.size()));
  for (int axis = 0; axis < rank; ++axis) {
    if (!has(axis)) perm.push_back(axis);  // those that are not named follow
  }
  if (perm.size() != static_cast<size_t>(rank))
    throw ImportError(InvalidArgument("order names an axis twice, or one that is not there"));
  return {layer.builder().Transposed(x, perm)};
}

// X. Zhang et al.: ShuffleNet (2017): channel i of group g becomes channel g of group i.
Values ConvertShuffleChannel(LayerContext& layer) {
  const ValueId x = layer.Bottom(0);
  const int64_t groups =
      LayerContext::Extent(layer.Parameters("shuffle_channel_param").Int("group", 1), "group");
  if (layer.RankOf(x) != 4) throw ImportError(InvalidArgument("expected a bottom of rank 4"));
  const int64_t channels = layer.Dim(x, 1), height = layer.Dim(x, 2), width = layer.Dim(x, 3);
  if (channels % groups != 0) {
    throw ImportError(InvalidArgument("group %lld does not divide %lld channels",
                                      static_cast<long long>(groups), static_cast<long long>(channels)));
  }
  const ValueId split = layer.builder().Reshaped(x, {0, groups, channels / groups, height, width});
  return {layer.builder().Reshaped(layer.builder().Transposed(split, {0, 2, 1, 3, 4}),
                                   {0, channels, height, width})};
}

Values ConvertTile(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("tile_param");
  const ValueId x = layer.Bottom(0);
  const int rank = layer.RankOf(x);
  const int axis = GraphBuilder::NormalizedAxis(parameters.Int("axis", 1), rank);
  std::vector<int64_t> repeats(static_cast<size_t>(rank), 1);
  repeats[static_cast<size_t>(axis)] = LayerContext::Extent(parameters.Int("tiles", 0), "tiles");
  return {layer.Binary(OpId::kTile, x, layer.builder().Int64s(repeats))};
}

// Bottom 0 cut to the size of bottom 1 from `axis` on.
Values ConvertCrop(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("crop_param");
  const ValueId x = layer.Bottom(0), like = layer.Bottom(1);
  const int rank = layer.RankOf(x);
  if (layer.RankOf(like) != rank) throw ImportError(InvalidArgument("its bottoms differ in rank"));
  const int first = GraphBuilder::NormalizedAxis(parameters.Int("axis", 2), rank);
  const std::vector<int64_t> offsets = parameters.Ints("offset");
  if (offsets.size() > 1 && offsets.size() != static_cast<size_t>(rank - first)) {
    throw ImportError(InvalidArgument("%zu offsets for %d axes", offsets.size(), rank - first));
  }
  std::vector<int64_t> begins, ends, axes;
  for (int axis = first; axis < rank; ++axis) {
    const auto index = static_cast<size_t>(axis - first);
    const int64_t offset = offsets.empty() ? 0 : offsets[offsets.size() == 1 ? 0 : index];
    if (offset == 0 && layer.ShapeOf(x)[axis] == layer.ShapeOf(like)[axis] &&
        layer.ShapeOf(x)[axis] != kUnknownDim)
      continue;
    const int64_t size = layer.Dim(like, axis), most = layer.Dim(x, axis);
    if (offset < 0 || offset > most || size > most - offset) {
      throw ImportError(InvalidArgument("axis %d: offset %lld and size %lld of %lld", axis,
                                        static_cast<long long>(offset), static_cast<long long>(size),
                                        static_cast<long long>(most)));
    }
    begins.push_back(offset);
    ends.push_back(offset + size);
    axes.push_back(axis);
  }
  if (axes.empty()) return {x};
  GraphBuilder& builder = layer.builder();
  return {
      builder.Emit(OpId::kSlice, {x, builder.Int64s(begins), builder.Int64s(ends), builder.Int64s(axes)})};
}

Values ConvertBatchReindex(LayerContext& layer) {
  return {layer.builder().Emit(OpId::kGather, {layer.Bottom(0), Indices(layer, layer.Bottom(1))},
                               ops::GatherAttributes{})};
}

// The items of a batch whose selector, the last bottom, is not 0. (Where it is 0 for all of them, Caffe gives
// the first one; here there are none.)
Values ConvertFilter(LayerContext& layer) {
  GraphBuilder& builder = layer.builder();
  const ValueId selector = builder.Reshaped(layer.Bottom(layer.bottom_count() - 1), {-1});
  const ValueId places = builder.Reshaped(layer.Unary(OpId::kNonZero, selector), {-1});
  Values tops;
  for (size_t i = 0; i + 1 < layer.bottom_count(); ++i) {
    tops.push_back(builder.Emit(OpId::kGather, {layer.Bottom(i), places}, ops::GatherAttributes{}));
  }
  return tops;
}

Values ConvertParameter(LayerContext& layer) {
  Shape shape;
  for (int64_t dim : layer.Parameters("parameter_param").Message("shape").Ints("dim")) {
    if (dim < 0 || !shape.Push(dim))
      throw ImportError(Unsupported("a shape with a dim of %lld, or too many", static_cast<long long>(dim)));
  }
  return {layer.Weights(0, shape, "parameter")};
}

}  // namespace mace::importers::caffe
