// Products, normalisations and reductions.
#include <algorithm>
#include <climits>
#include <cmath>

#include "mace/importers/caffe/caffe_layer.h"
#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/search/top_k.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::caffe {

ValueId EmitDense(LayerContext& layer, ValueId x, ValueId weights, ValueId bias) {
  return layer.builder().Emit(OpId::kFullyConnected, {x, weights, bias}, ops::FullyConnectedAttributes{});
}

Values ConvertInnerProduct(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("inner_product_param");
  const int64_t outputs = LayerContext::Extent(parameters.Int("num_output", 0), "num_output");
  ValueId x = layer.Bottom(0);
  const int axis = GraphBuilder::NormalizedAxis(parameters.Int("axis", 1), layer.RankOf(x));
  x = layer.FlattenedFrom(x, axis);
  const int64_t inputs = layer.Dim(x, axis);
  ValueId weights = kNone;
  if (parameters.Bool("transpose", false)) {
    weights = layer.builder().Transposed(layer.Weights(0, {inputs, outputs}, "weights"), {1, 0});
  } else {
    weights = layer.Weights(0, {outputs, inputs}, "weights");
  }
  const ValueId bias = parameters.Bool("bias_term", true) ? layer.Weights(1, {outputs}, "bias") : kNone;
  return {EmitDense(layer, x, weights, bias)};
}

Values ConvertEmbed(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("embed_param");
  const int64_t outputs = LayerContext::Extent(parameters.Int("num_output", 0), "num_output");
  const int64_t words = parameters.Int("input_dim", 0);
  if (words < 1) throw ImportError(InvalidArgument("input_dim is %lld", static_cast<long long>(words)));
  const ValueId table = layer.Weights(0, {words, outputs}, "weights");
  const ValueId y = layer.builder().Emit(
      OpId::kGather, {table, layer.builder().Cast(layer.Bottom(0), DType::kI64)}, ops::GatherAttributes{});
  if (!parameters.Bool("bias_term", true)) return {y};
  return {layer.Binary(OpId::kAdd, y, layer.Weights(1, {outputs}, "bias"))};
}

namespace {

// All axes but `axis`.
IntList AllAxesBut(int rank, int axis) {
  IntList axes;
  for (int i = 0; i < rank; ++i) {
    if (i != axis) axes.Push(i);
  }
  return axes;
}

IntList AxesFrom(int begin, int rank) {
  IntList axes;
  for (int i = begin; i < rank; ++i) axes.Push(i);
  return axes;
}

// x without its mean over `axes`, and the mean of the squares of that.
struct Centred {
  ValueId value = kNone, variance = kNone;
};
Centred Centre(LayerContext& layer, ValueId x, const IntList& axes) {
  Centred centred;
  centred.value = layer.Binary(OpId::kSub, x, layer.Reduced(ops::ReduceKind::kMean, x, axes));
  centred.variance =
      layer.Reduced(ops::ReduceKind::kMean, layer.Binary(OpId::kMul, centred.value, centred.value), axes);
  return centred;
}

}  // namespace

// Means and variances of the file are sums, with the weight that they are divided by.
Values ConvertBatchNorm(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("batch_norm_param");
  const ValueId x = layer.Bottom(0);
  const int rank = layer.RankOf(x);
  const double epsilon = parameters.Number("eps", 1e-5);
  if (!parameters.Bool("use_global_stats", true)) {
    layer.builder().Warn("layer '" + layer.layer().name +
                         "': use_global_stats: false takes mean and variance of the batch");
    const Centred centred = Centre(layer, x, AllAxesBut(rank, 1));
    const ValueId deviation = layer.Unary(OpId::kSqrt, layer.Shifted(centred.variance, epsilon));
    return {layer.Binary(OpId::kDiv, centred.value, deviation)};
  }
  const int64_t channels = rank == 1 ? 1 : layer.Dim(x, 1);
  if (rank == 1) throw ImportError(Unsupported("a bottom of rank 1"));
  const float weight = layer.Elements(2, {1}, "moving average factor")[0];
  const float factor = weight == 0 ? 0 : 1 / weight;
  std::vector<float> mean = layer.Elements(0, {channels}, "mean");
  std::vector<float> variance = layer.Elements(1, {channels}, "variance");
  for (float& element : mean) element *= factor;
  for (float& element : variance) element *= factor;
  const std::vector<float> ones(mean.size(), 1.0f), zeros(mean.size(), 0.0f);
  GraphBuilder& builder = layer.builder();
  ops::BatchNormalizationAttributes attributes;
  attributes.epsilon = static_cast<float>(epsilon);
  return {layer.ChannelsFirst(builder.Emit(
      OpId::kBatchNormalization,
      {layer.ChannelsLast(x), builder.Floats(ones, {channels}), builder.Floats(zeros, {channels}),
       builder.Floats(mean, {channels}), builder.Floats(variance, {channels})},
      attributes))};
}

Values ConvertMvn(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("mvn_param");
  const ValueId x = layer.Bottom(0);
  const int rank = layer.RankOf(x);
  const IntList axes = AxesFrom(parameters.Bool("across_channels", false) ? 1 : 2, rank);
  if (axes.empty()) throw ImportError(InvalidArgument("expected a bottom of rank 4, got %d", rank));
  if (!parameters.Bool("normalize_variance", true)) {
    return {layer.Binary(OpId::kSub, x, layer.Reduced(ops::ReduceKind::kMean, x, axes))};
  }
  const Centred centred = Centre(layer, x, axes);
  // Caffe adds epsilon to the deviation, not to the variance.
  const ValueId deviation =
      layer.Shifted(layer.Unary(OpId::kSqrt, centred.variance), parameters.Number("eps", 1e-9));
  return {layer.Binary(OpId::kDiv, centred.value, deviation)};
}

// x by its length over the channels (or over all but the batch), times a scale for each channel (or for all):
// W. Liu, A. Rabinovich, A. C. Berg: ParseNet (2015).
Values ConvertNormalize(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("norm_param");
  const ValueId x = layer.Bottom(0);
  const int rank = layer.RankOf(x);
  if (rank < 2) throw ImportError(InvalidArgument("expected a bottom with channels, got rank %d", rank));
  const IntList axes = parameters.Bool("across_spatial", true) ? AxesFrom(1, rank) : IntList{1};
  const ValueId sum = layer.Reduced(ops::ReduceKind::kSumSquare, x, axes);
  const ValueId length = layer.Unary(OpId::kSqrt, layer.Shifted(sum, parameters.Number("eps", 1e-10)));
  const ValueId y = layer.Binary(OpId::kDiv, x, length);
  const bool is_shared = parameters.Bool("channel_shared", true);
  const int64_t count = is_shared ? 1 : layer.Dim(x, 1);
  return {layer.Binary(OpId::kMul, y, layer.AlignedAt(layer.Weights(0, {count}, "scale"), 1, rank))};
}

Values ConvertSoftmax(LayerContext& layer) {
  ops::SoftmaxAttributes attributes;
  const ValueId x = layer.Bottom(0);
  attributes.axis =
      GraphBuilder::NormalizedAxis(layer.Parameters("softmax_param").Int("axis", 1), layer.RankOf(x));
  if (layer.layer().type != "Softmax") {
    layer.builder().Warn("layer '" + layer.layer().name + "': the loss was replaced by its softmax");
  }
  return {layer.builder().Emit(OpId::kSoftmax, {x}, attributes)};
}

Values ConvertReduction(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("reduction_param");
  const ValueId x = layer.Bottom(0);
  const int rank = layer.RankOf(x);
  const std::string kind = parameters.Word("operation", "SUM");
  ops::ReduceKind reduce = ops::ReduceKind::kSum;
  if (kind == "ASUM" || kind == "2") {
    reduce = ops::ReduceKind::kL1;
  } else if (kind == "SUMSQ" || kind == "3") {
    reduce = ops::ReduceKind::kSumSquare;
  } else if (kind == "MEAN" || kind == "4") {
    reduce = ops::ReduceKind::kMean;
  } else if (kind != "SUM" && kind != "1") {
    throw ImportError(Unsupported("operation: %s", kind.substr(0, 60).c_str()));
  }
  const int64_t from = parameters.Int("axis", 0);
  const int begin = from == rank ? rank : GraphBuilder::NormalizedAxis(from, rank);
  return {layer.Scaled(layer.Reduced(reduce, x, AxesFrom(begin, rank), /*keep_dims=*/false),
                       parameters.Number("coeff", 1))};
}

namespace {

// The elements along `axis` from the last to the first.
ValueId Reversed(LayerContext& layer, ValueId x, int axis) {
  GraphBuilder& builder = layer.builder();
  return builder.Emit(OpId::kSlice, {x, builder.Int64s({-1}), builder.Int64s({INT64_MIN}),
                                     builder.Int64s({axis}), builder.Int64s({-1})});
}

}  // namespace

// Places or values of the largest elements. Of equal ones Caffe takes the last; so TopK, which takes the
// first, looks at the elements in reverse order.
Values ConvertArgMax(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("argmax_param");
  GraphBuilder& builder = layer.builder();
  const int64_t count = LayerContext::Extent(parameters.Int("top_k", 1), "top_k");
  const bool with_values = parameters.Bool("out_max_val", false), has_axis = parameters.Has("axis");
  ValueId x = layer.Bottom(0);
  const int axis = has_axis ? GraphBuilder::NormalizedAxis(parameters.Int("axis", 0), layer.RankOf(x)) : 1;
  if (!has_axis) x = layer.RankOf(x) == 1 ? builder.Reshaped(x, {0, 1}) : layer.FlattenedFrom(x, 1);
  const int64_t size = layer.Dim(x, axis);
  if (count > size)
    throw ImportError(
        InvalidArgument("top_k %lld of %lld", static_cast<long long>(count), static_cast<long long>(size)));
  ops::TopKAttributes attributes;
  attributes.axis = axis;
  const ValueId operands[] = {Reversed(layer, x, axis), builder.Int64s({count})};
  const Values best = builder.EmitMany(OpId::kTopK, operands, attributes, 2);
  if (has_axis && with_values) return {best[0]};
  const ValueId place =
      builder.Cast(layer.Binary(OpId::kSub, builder.Int64s({size - 1}), best[1]), DType::kF32);
  if (has_axis) return {place};
  const ValueId row = builder.Reshaped(place, {0, 1, count});
  if (!with_values) return {row};
  return {layer.Concatenated({row, builder.Reshaped(best[0], {0, 1, count})}, 1)};
}

}  // namespace mace::importers::caffe
