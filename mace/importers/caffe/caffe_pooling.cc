// Pooling as Caffe rounds it: output sizes up, and averages that count the padding; and what is made of it.
#include <algorithm>

#include "mace/importers/caffe/caffe_layer.h"
#include "mace/ops/binary/binary_bits.h"
#include "mace/ops/detection/roi_align.h"
#include "mace/ops/norm/local_response_normalization.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/pooling/pool_nd.h"

namespace mace::importers::caffe {
namespace {

// "name", or "name_h" and "name_w".
IntList HeightAndWidth(const TextMessage& parameters, const std::string& name, const std::string& prefix,
                       int64_t missing, int64_t least) {
  const int64_t both = parameters.Int(name, missing);
  IntList list;
  for (const char* side : {"_h", "_w"}) {
    list.Push(LayerContext::Extent(parameters.Int(prefix + side, both), name.c_str(), least));
  }
  return list;
}

// A window that begins behind the input (its stride is larger than its kernel, and the size is rounded up):
// Caffe reads nothing there.
void CheckLastWindow(const LayerContext& layer, ValueId x, const PoolParameters& pool) {
  for (int axis = 0; axis < 2; ++axis) {
    const int64_t size = layer.ShapeOf(x)[2 + axis], kernel = pool.kernel[axis], stride = pool.strides[axis];
    if (pool.pads[axis] >= kernel) {
      throw ImportError(InvalidArgument("pad %lld is not smaller than the kernel %lld",
                                        static_cast<long long>(pool.pads[axis]),
                                        static_cast<long long>(kernel)));
    }
    if (size < 0 || pool.pads[axis] > 0 || !pool.round_up || size < kernel) continue;
    if ((size - kernel + stride - 1) / stride * stride >= size) {
      throw ImportError(Unsupported("its last window lies behind the input"));
    }
  }
}

template <typename Attributes>
Attributes WindowOf(const PoolParameters& pool) {
  Attributes attributes;
  attributes.kernel = pool.kernel;
  attributes.strides = pool.strides;
  attributes.pads = {pool.pads[0], pool.pads[1], pool.pads[0], pool.pads[1]};
  attributes.ceil_mode = pool.round_up;
  return attributes;
}

// The values, and which element of its channel each is (a number in the type of the values, as Caffe has it).
Values MaximumAndPlace(LayerContext& layer, ValueId x, const PoolParameters& pool) {
  auto attributes = WindowOf<ops::PoolNdAttributes>(pool);
  attributes.kind = ops::PoolNdKind::kMax;
  const ValueId last = layer.ChannelsLast(x);
  const Values both =
      layer.builder().EmitMany(OpId::kPoolNd, std::span<const ValueId>(&last, 1), attributes, 2);
  const int64_t plane = layer.Dim(x, 2) * layer.Dim(x, 3);
  const ValueId place = layer.builder().Emit(
      OpId::kMod, {both[1], layer.builder().Int64s({std::max<int64_t>(plane, 1)})}, ops::ModAttributes{});
  return {layer.ChannelsFirst(both[0]), layer.ChannelsFirst(layer.builder().Cast(place, DType::kF32))};
}

// At inference a mean weighted by the elements themselves (M. D. Zeiler, R. Fergus: Stochastic pooling for
// regularization of deep convolutional neural networks, 2013, section 3.2).
ValueId StochasticPool(LayerContext& layer, ValueId x, const PoolParameters& pool) {
  constexpr double kSmallest = 1.17549435e-38;  // FLT_MIN: what Caffe adds, so that zeros give 0
  const ValueId squares = EmitPool(layer, layer.Binary(OpId::kMul, x, x), pool);
  return layer.Binary(OpId::kDiv, squares, layer.Shifted(EmitPool(layer, x, pool), kSmallest));
}

}  // namespace

ValueId EmitPool(LayerContext& layer, ValueId x, const PoolParameters& pool) {
  CheckLastWindow(layer, x, pool);
  const ValueId last = layer.ChannelsLast(x);
  if (!pool.average) {
    return layer.ChannelsFirst(
        layer.builder().Emit(OpId::kMaxPool2d, {last}, WindowOf<ops::MaxPool2dAttributes>(pool)));
  }
  auto attributes = WindowOf<ops::AveragePool2dAttributes>(pool);
  attributes.count_include_pad = true;
  return layer.ChannelsFirst(layer.builder().Emit(OpId::kAveragePool2d, {last}, attributes));
}

Values ConvertPooling(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("pooling_param");
  const ValueId x = layer.Bottom(0);
  if (layer.RankOf(x) != 4) throw ImportError(InvalidArgument("expected a bottom of rank 4"));
  const std::string kind = parameters.Word("pool", "MAX");
  const bool is_maximum = kind == "MAX" || kind == "0", is_average = kind == "AVE" || kind == "1";
  const bool is_stochastic = kind == "STOCHASTIC" || kind == "2";
  if (!is_maximum && !is_average && !is_stochastic) {
    throw ImportError(Unsupported("pool: %s", kind.substr(0, 60).c_str()));
  }
  const bool with_places = layer.top_count() > 1;
  if (with_places && !is_maximum) throw ImportError(InvalidArgument("a second top needs pool: MAX"));
  PoolParameters pool;
  pool.average = !is_maximum;
  if (parameters.Bool("global_pooling", false)) {
    if (!with_places && !is_stochastic) {
      return {layer.Reduced(is_maximum ? ops::ReduceKind::kMax : ops::ReduceKind::kMean, x, {2, 3})};
    }
    pool.kernel = {layer.Dim(x, 2), layer.Dim(x, 3)};
  } else {
    pool.kernel = HeightAndWidth(parameters, "kernel_size", "kernel", 0, 1);
    pool.strides = HeightAndWidth(parameters, "stride", "stride", 1, 1);
    pool.pads = HeightAndWidth(parameters, "pad", "pad", 0, 0);
    const std::string round = parameters.Word("round_mode", "CEIL");
    pool.round_up = parameters.Bool("ceil_mode", true) && round != "FLOOR" && round != "1";
  }
  if (with_places) {
    CheckLastWindow(layer, x, pool);
    return MaximumAndPlace(layer, x, pool);
  }
  return {is_stochastic ? StochasticPool(layer, x, pool) : EmitPool(layer, x, pool)};
}

// K. He, X. Zhang, S. Ren, J. Sun: Spatial pyramid pooling in deep convolutional networks for visual
// recognition (2014): level i has 2^i x 2^i bins.
Values ConvertSpp(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("spp_param");
  const ValueId x = layer.Bottom(0);
  if (layer.RankOf(x) != 4) throw ImportError(InvalidArgument("expected a bottom of rank 4"));
  const int64_t levels = parameters.Int("pyramid_height", 0);
  if (levels < 1 || levels > 16)
    throw ImportError(InvalidArgument("pyramid_height %lld", static_cast<long long>(levels)));
  const std::string kind = parameters.Word("pool", "MAX");
  if (kind != "MAX" && kind != "AVE") throw ImportError(Unsupported("pool: %s", kind.substr(0, 60).c_str()));
  Values flat;
  for (int64_t level = 0; level < levels; ++level) {
    PoolParameters pool;
    pool.average = kind == "AVE";
    const int64_t bins = int64_t{1} << level;
    for (int axis = 0; axis < 2; ++axis) {
      const int64_t size = layer.Dim(x, 2 + axis);
      const int64_t kernel = std::max<int64_t>((size + bins - 1) / bins, 1);
      pool.kernel.Push(LayerContext::Extent(kernel, "the size of a bin"));
      pool.pads[axis] = (kernel * bins - size + 1) / 2;
    }
    pool.strides = pool.kernel;
    flat.push_back(layer.FlattenedFrom(EmitPool(layer, x, pool), 1));
  }
  return {flat.size() == 1 ? flat[0] : layer.Concatenated(flat, 1)};
}

Values ConvertRoiPooling(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("roi_pooling_param");
  ops::MaxRoiPoolAttributes attributes;
  attributes.output_height = LayerContext::Extent(parameters.Int("pooled_h", 0), "pooled_h");
  attributes.output_width = LayerContext::Extent(parameters.Int("pooled_w", 0), "pooled_w");
  attributes.spatial_scale = static_cast<float>(parameters.Number("spatial_scale", 1));
  if (layer.RankOf(layer.Bottom(0)) != 4) throw ImportError(InvalidArgument("expected a bottom of rank 4"));
  ValueId boxes = layer.Bottom(1);
  if (layer.RankOf(boxes) != 2) boxes = layer.builder().Reshaped(boxes, {-1, 5});
  return {layer.ChannelsFirst(
      layer.builder().Emit(OpId::kMaxRoiPool, {layer.ChannelsLast(layer.Bottom(0)), boxes}, attributes))};
}

Values ConvertLrn(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("lrn_param");
  const ValueId x = layer.Bottom(0);
  const int64_t size = LayerContext::Extent(parameters.Int("local_size", 5), "local_size");
  if (size % 2 == 0)
    throw ImportError(InvalidArgument("local_size %lld is even", static_cast<long long>(size)));
  const double alpha = parameters.Number("alpha", 1), beta = parameters.Number("beta", 0.75);
  const std::string region = parameters.Word("norm_region", "ACROSS_CHANNELS");
  if (region == "ACROSS_CHANNELS" || region == "0") {
    ops::LocalResponseNormalizationAttributes attributes;
    attributes.axis = 1;
    attributes.size = size;
    attributes.alpha = static_cast<float>(alpha);
    attributes.beta = static_cast<float>(beta);
    attributes.bias = static_cast<float>(parameters.Number("k", 1));
    layer.Dim(x, 1);
    return {layer.builder().Emit(OpId::kLocalResponseNormalization, {x}, attributes)};
  }
  if (region != "WITHIN_CHANNEL" && region != "1") {
    throw ImportError(Unsupported("norm_region: %s", region.substr(0, 60).c_str()));
  }
  if (layer.RankOf(x) != 4) throw ImportError(InvalidArgument("expected a bottom of rank 4"));
  PoolParameters pool;  // k is not read: Caffe takes 1
  pool.average = true;
  pool.kernel = {size, size};
  pool.pads = {(size - 1) / 2, (size - 1) / 2};
  const ValueId mean = EmitPool(layer, layer.Binary(OpId::kMul, x, x), pool);
  const ValueId base = layer.Shifted(layer.Scaled(mean, alpha), 1);
  return {layer.Binary(OpId::kMul, x, layer.Binary(OpId::kPow, base, layer.Number(-beta)))};
}

}  // namespace mace::importers::caffe
