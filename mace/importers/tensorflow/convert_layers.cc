// Layers: windows over images, products, normalisation. The IR keeps channels last, as TensorFlow mostly
// does.
#include <algorithm>

#include "mace/importers/tensorflow/tensorflow_registry.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/convolution/conv_nd.h"
#include "mace/ops/convolution/conv_transpose2d.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/norm/local_response_normalization.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/pooling/pool_nd.h"
#include "mace/passes/constants.h"

namespace mace::importers::tensorflow {
namespace {

constexpr int64_t kMaxWindow = 1 << 20;  // of every window attribute, so that sums cannot overflow

// Of the attributes' entries (one an axis of the tensor) those of the spatial axes.
IntList Spatial(Call& call, std::vector<int64_t> entries, int axes, int64_t missing) {
  IntList list;
  const bool channels_first = call.IsChannelsFirst();
  for (int i = 0; i < axes; ++i) {
    int64_t entry = missing;
    if (!entries.empty()) {
      if (static_cast<int>(entries.size()) != axes + 2) {
        throw ImportError(DataLoss("%zu entries for %d axes", entries.size(), axes + 2));
      }
      entry = entries[static_cast<size_t>(i) + (channels_first ? 2 : 1)];
    }
    if (entry < 1 || entry > kMaxWindow) {
      throw ImportError(DataLoss("a window of %lld", static_cast<long long>(entry)));
    }
    list.Push(entry);
  }
  if (!entries.empty()) {
    const int64_t channels = channels_first ? entries[1] : entries.back();
    if (entries[0] != 1 || channels != 1) throw ImportError(Unsupported("a window over images or channels"));
  }
  return list;
}

struct Window {
  int axes = 2;
  IntList strides, dilations, pads;
  ops::Padding padding = ops::Padding::kExplicit;
};

Window ReadWindow(Call& call, int axes) {
  Window window;
  window.axes = axes;
  window.strides = Spatial(call, call.Ints("strides"), axes, 1);
  window.dilations = Spatial(call, call.Ints("dilations"), axes, 1);
  for (int i = 0; i < 2 * axes; ++i) window.pads.Push(0);
  const std::string_view padding = call.String("padding", "VALID");
  if (padding == "SAME") {
    window.padding = ops::Padding::kSameUpper;
  } else if (padding == "EXPLICIT") {
    const std::vector<int64_t> pads = call.Ints("explicit_paddings");
    if (static_cast<int>(pads.size()) != 2 * (axes + 2)) throw ImportError(DataLoss("%zu pads", pads.size()));
    const int first = call.IsChannelsFirst() ? 2 : 1;
    for (int i = 0; i < 2 * axes; ++i) {
      const int64_t pad = pads[2 * static_cast<size_t>(first) + static_cast<size_t>(i)];
      if (pad < 0 || pad > kMaxWindow)
        throw ImportError(DataLoss("a pad of %lld", static_cast<long long>(pad)));
      window.pads[i % 2 == 0 ? i / 2 : axes + i / 2] = pad;
    }
  } else if (padding != "VALID") {
    throw ImportError(DataLoss("a padding called '%s'", Text(padding).c_str()));
  }
  return window;
}

template <typename Attributes>
Attributes WindowOf(const Window& window) {
  Attributes attributes;
  attributes.strides = window.strides;
  attributes.dilations = window.dilations;
  attributes.pads = window.pads;
  attributes.padding = window.padding;
  return attributes;
}

// Runs `emit` on the value with its channels last, and puts the result where the node wants it.
template <typename Function>
ValueId WithChannelsLast(Call& call, ValueId x, const Function& emit) {
  if (!call.IsChannelsFirst()) return emit(x);
  return ToChannelsFirst(call, emit(ToChannelsLast(call, x)));
}

void RequireRank(Call& call, ValueId value, int rank, const char* what) {
  if (call.g.RankOf(value) == rank) return;
  throw ImportError(Unsupported("%s has the shape %s, expected rank %d", what,
                                ShapeText(call.g.ShapeOf(value)).text, rank));
}

ValueId EmitConvolution(Call& call, ValueId x, ValueId weights, const Window& window, int64_t groups) {
  GraphBuilder& g = call.g;
  if (window.axes == 2 && g.DTypeOf(x) != DType::kF64) {
    auto attributes = WindowOf<ops::Conv2dAttributes>(window);
    attributes.groups = groups;
    return g.Emit(OpId::kConv2d, {x, weights, kNone}, attributes);
  }
  auto attributes = WindowOf<ops::ConvNdAttributes>(window);
  attributes.groups = groups;
  return g.Emit(OpId::kConvNd, {x, weights, kNone}, attributes);
}

// A constant in another shape without a node, whatever its size.
ValueId ReshapedWeights(Call& call, ValueId weights, const Shape& shape) {
  GraphBuilder& g = call.g;
  if (const TensorView* view = g.graph().ConstantOf(weights); view != nullptr) {
    g.Spend(view->bytes());
    return Unwrap(passes::ReshapedConstant(&g.graph(), weights, shape));
  }
  return g.Reshaped(weights, shape.span());
}

}  // namespace

Results ConvertConvolution(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const int axes = entry.variant;
  RequireRank(call, call.In(0), axes + 2, "the image");
  RequireRank(call, call.In(1), axes + 2, "the filter");
  const Window window = ReadWindow(call, axes);
  std::vector<int64_t> perm = {axes + 1};  // [kernel..., I, O]
  for (int i = 0; i <= axes; ++i) perm.push_back(i);
  const ValueId weights = g.Transposed(call.In(1), perm);
  return {WithChannelsLast(call, call.In(0), [&](ValueId x) {
    const int64_t channels = g.ShapeOf(x)[axes + 1], group = g.ShapeOf(weights)[axes + 1];
    const bool is_grouped = channels > 0 && group > 0 && channels % group == 0;
    return EmitConvolution(call, x, weights, window, is_grouped ? channels / group : 1);
  })};
}

Results ConvertDepthwise(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  RequireRank(call, call.In(0), 4, "the image");
  RequireRank(call, call.In(1), 4, "the filter");
  const Shape filter = g.ShapeOf(call.In(1));  // [H, W, C, M]
  int64_t channels = 0;
  if (!filter.IsConcrete() || !CheckedMultiply(filter[2], filter[3], &channels)) {
    throw ImportError(Unsupported("a filter of shape %s", ShapeText(filter).text));
  }
  const Window window = ReadWindow(call, 2);
  const ValueId flat = ReshapedWeights(call, call.In(1), Shape{filter[0], filter[1], 1, channels});
  const ValueId weights = g.Transposed(flat, {3, 0, 1, 2});
  return {WithChannelsLast(call, call.In(0),
                           [&](ValueId x) { return EmitConvolution(call, x, weights, window, filter[2]); })};
}

namespace {

// The elements of a list that is put together of constants and computed numbers: -1 for the latter.
std::vector<int64_t> PartlyKnown(Call& call, ValueId value, int depth = 0) {
  Graph& graph = call.g.graph();
  constexpr int kMostSteps = 8;
  if (const TensorView* view = graph.ConstantOf(value); view != nullptr) {
    if (view->elements() > kMaxRank) return {};
    return call.g.ConstantInts(value, "a size", kMaxRank);
  }
  const NodeId producer = graph.values[value].producer;
  const Shape& shape = graph.values[value].type.shape;
  if (producer == kNone || depth > kMostSteps) return {};
  const Node& node = graph.nodes[producer];
  if (node.op == OpId::kCast || node.op == OpId::kIdentity)
    return PartlyKnown(call, node.inputs[0], depth + 1);
  if (node.op != OpId::kConcat) {
    const int64_t count = shape.ElementCount();
    return count >= 0 && count <= kMaxRank ? std::vector<int64_t>(static_cast<size_t>(count), -1)
                                           : std::vector<int64_t>{};
  }
  std::vector<int64_t> all;
  for (ValueId input : node.inputs) {
    const std::vector<int64_t> part = PartlyKnown(call, input, depth + 1);
    if (part.empty() || part.size() + all.size() > kMaxRank) return {};
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

// What is cut off one axis of a transposed convolution at its ends; output_padding where that is negative.
struct Ends {
  int64_t begin = 0, end = 0, output_padding = 0;
};
Ends EndsOf(const Window& window, int axis, int64_t kernel, int64_t input, int64_t output) {
  const int64_t stride = window.strides[axis];
  const int64_t extent = (kernel - 1) * window.dilations[axis] + 1;
  Ends ends;
  const bool same = window.padding == ops::Padding::kSameUpper;
  if (output < 0) {  // as Keras computes it from the size of the input
    const int64_t total = same ? std::max<int64_t>(extent - stride, 0) : 0;
    ends.begin = same ? total / 2 : window.pads[axis];
    ends.end = same ? total - total / 2 : window.pads[window.axes + axis];
    ends.output_padding = std::max<int64_t>(stride - extent, 0);
    return ends;
  }
  if (output > kMaxWindow || input > kMaxWindow) throw ImportError(Unsupported("an image of such a size"));
  if (input < 0) {
    input = same ? (output + stride - 1) / stride
                 : (output + window.pads[axis] + window.pads[window.axes + axis] - extent + stride) / stride;
  }
  // The convolution that this one is the transpose of reads `output` and gives `input`.
  const int64_t total = same ? std::max<int64_t>((input - 1) * stride + extent - output, 0) : 0;
  ends.begin = same ? total / 2 : window.pads[axis];
  ends.end = stride * (input - 1) + extent - ends.begin - output;
  if (ends.end < 0) {
    ends.output_padding = -ends.end;
    ends.end = 0;
  }
  return ends;
}

}  // namespace

Results ConvertConvolutionTranspose(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const int axes = entry.variant;
  const ValueId sizes = call.In(0), filter = call.In(1);
  RequireRank(call, filter, axes + 2, "the filter");
  RequireRank(call, call.In(2), axes + 2, "the image");
  const Window window = ReadWindow(call, axes);
  std::vector<int64_t> perm = {axes};  // [kernel..., O, I]
  for (int i = 0; i < axes; ++i) perm.push_back(i);
  perm.push_back(axes + 1);
  const ValueId weights = g.Transposed(filter, perm);
  const std::vector<int64_t> output = PartlyKnown(call, sizes);
  return {WithChannelsLast(call, call.In(2), [&](ValueId x) {
    const Shape in = g.ShapeOf(x), kernel = g.ShapeOf(weights);
    IntList pads, output_padding;
    for (int i = 0; i < 2 * axes; ++i) pads.Push(0);
    for (int i = 0; i < axes; ++i) {
      const auto place = static_cast<size_t>(call.IsChannelsFirst() ? 2 + i : 1 + i);
      // A list without the batch and the channels holds the spatial sizes alone.
      const size_t skip = output.size() == static_cast<size_t>(axes) ? place - static_cast<size_t>(i) : 0;
      const int64_t size = place - skip < output.size() ? output[place - skip] : -1;
      if (kernel[1 + i] < 1 || kernel[1 + i] > kMaxWindow)
        throw ImportError(Unsupported("a filter of this size"));
      const Ends ends = EndsOf(window, i, kernel[1 + i], in[1 + i], size);
      pads[i] = ends.begin;
      pads[axes + i] = ends.end;
      output_padding.Push(ends.output_padding);
    }
    const auto fill = [&](auto attributes) {
      attributes.strides = window.strides;
      attributes.dilations = window.dilations;
      attributes.pads = pads;
      attributes.output_padding = output_padding;
      return attributes;
    };
    if (axes == 2 && g.DTypeOf(x) != DType::kF64) {
      return g.Emit(OpId::kConvTranspose2d, {x, weights, kNone}, fill(ops::ConvTranspose2dAttributes{}));
    }
    return g.Emit(OpId::kConvTransposeNd, {x, weights, kNone}, fill(ops::ConvTransposeNdAttributes{}));
  })};
}

namespace {

std::vector<int64_t> WindowEntries(Call& call, std::string_view attribute, size_t input) {
  if (call.count() <= input) return call.Ints(attribute);
  return call.g.ConstantInts(call.In(input), "the window", kMaxRank);  // MaxPoolV2
}

Window ReadPool(Call& call, int axes, IntList* kernel) {
  Window window = ReadWindow(call, axes);
  *kernel = Spatial(call, WindowEntries(call, "ksize", 1), axes, 1);
  window.strides = Spatial(call, WindowEntries(call, "strides", 2), axes, 1);
  return window;
}

template <typename Attributes>
Attributes PoolOf(const Window& window, const IntList& kernel) {
  auto attributes = WindowOf<Attributes>(window);
  attributes.kernel = kernel;
  return attributes;
}

}  // namespace

Results ConvertPool(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const int axes = entry.variant;
  RequireRank(call, call.In(0), axes + 2, "the image");
  IntList kernel;
  const Window window = ReadPool(call, axes, &kernel);
  const bool is_max = entry.op == OpId::kMaxPool2d;
  return {WithChannelsLast(call, call.In(0), [&](ValueId x) {
    if (axes == 2 && g.DTypeOf(x) != DType::kF64) {
      return is_max ? g.Emit(entry.op, {x}, PoolOf<ops::MaxPool2dAttributes>(window, kernel))
                    : g.Emit(entry.op, {x}, PoolOf<ops::AveragePool2dAttributes>(window, kernel));
    }
    auto attributes = PoolOf<ops::PoolNdAttributes>(window, kernel);
    attributes.kind = is_max ? ops::PoolNdKind::kMax : ops::PoolNdKind::kAverage;
    return g.Emit(OpId::kPoolNd, {x}, attributes);
  })};
}

// PoolNd counts channel by channel; TensorFlow counts as the image lies in memory.
Results ConvertMaxPoolWithArgmax(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const ValueId x = call.In(0);
  RequireRank(call, x, 4, "the image");
  IntList kernel;
  const Window window = ReadPool(call, 2, &kernel);
  const auto attributes = PoolOf<ops::PoolNdAttributes>(window, kernel);
  const Results pooled = g.EmitMany(OpId::kPoolNd, std::span(&x, 1), attributes, 2);
  const ValueId shape = ShapeValue(call, x);
  const auto dim = [&](int64_t axis) { return SliceAxis(call, shape, 0, axis, axis + 1); };
  const ValueId channels = dim(3), area = g.Emit(OpId::kMul, {dim(1), dim(2)});
  const auto scalar = [&](ValueId list) { return g.Reshaped(list, std::span<const int64_t>{}); };
  const auto range = [&](ValueId count) {
    return g.Emit(OpId::kRange, {g.Scalar(0, DType::kI64), scalar(count), g.Scalar(1, DType::kI64)});
  };
  const ValueId image = g.Emit(OpId::kMul, {area, channels});
  // index = (n * C + c) * area + place -> place * C + c
  const ValueId plane = g.Emit(OpId::kDiv, {pooled[1], area});
  const ValueId place = g.Emit(OpId::kSub, {pooled[1], g.Emit(OpId::kMul, {plane, area})});
  ValueId index = g.Emit(OpId::kAdd, {g.Emit(OpId::kMul, {place, channels}), range(channels)});
  if (call.Bool("include_batch_in_index", false)) {
    const ValueId first = g.Reshaped(g.Emit(OpId::kMul, {range(dim(0)), image}), {-1, 1, 1, 1});
    index = g.Emit(OpId::kAdd, {index, first});
  }
  return {pooled[0], g.Cast(index, call.Type("Targmax", DType::kI64))};
}

Results ConvertBiasAdd(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  ValueId bias = call.In(1);
  if (call.IsChannelsFirst()) {
    std::vector<int64_t> shape = {-1};
    for (int i = 2; i < call.Rank(0); ++i) shape.push_back(1);
    bias = g.Reshaped(bias, shape);
  }
  return {g.Emit(OpId::kAdd, {call.In(0), bias})};
}

Results ConvertFusedBatchNorm(Call& call, const TensorflowOp& entry) {
  if (call.Bool("is_training", true)) {
    throw ImportError(Unsupported("is_training is true: export the model for inference"));
  }
  ops::BatchNormalizationAttributes attributes;
  attributes.epsilon = call.Float("epsilon", 1e-4f);
  const ValueId y = WithChannelsLast(call, call.In(0), [&](ValueId x) {
    return call.g.Emit(OpId::kBatchNormalization, {x, call.In(1), call.In(2), call.In(3), call.In(4)},
                       attributes);
  });
  return {y};
}

// Of 1.x: x, mean, variance, beta, gamma.
Results ConvertBatchNorm(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  ops::BatchNormalizationAttributes attributes;
  attributes.epsilon = call.Float("variance_epsilon", 1e-3f);
  ValueId scale = call.In(4);
  if (!call.Bool("scale_after_normalization", true)) {
    const int64_t channels = g.ShapeOf(scale).ElementCount();
    if (channels < 0) throw ImportError(Unsupported("a number of channels that is not known"));
    scale = g.Emit(OpId::kExpand, {g.Scalar(1, g.DTypeOf(scale)), g.Int64s({channels})});
  }
  return {
      g.Emit(OpId::kBatchNormalization, {call.In(0), scale, call.In(3), call.In(1), call.In(2)}, attributes)};
}

Results ConvertMatMul(Call& call, const TensorflowOp& entry) {
  ops::MatMulAttributes attributes;
  attributes.transpose_a = call.Bool("transpose_a", false);
  attributes.transpose_b = call.Bool("transpose_b", false);
  return {call.g.Emit(OpId::kMatMul, {call.In(0), call.In(1)}, attributes)};
}

Results ConvertBatchMatMul(Call& call, const TensorflowOp& entry) {
  ops::MatMulAttributes attributes;
  attributes.transpose_a = call.Bool("adj_x", false);
  attributes.transpose_b = call.Bool("adj_y", false);
  return {call.g.Emit(OpId::kMatMul, {call.In(0), call.In(1)}, attributes)};
}

Results ConvertSoftmax(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  if (entry.op == OpId::kLogSoftmax && g.DTypeOf(call.In(0)) != DType::kF64) {
    return {g.Emit(OpId::kLogSoftmax, {call.In(0)})};
  }
  const ValueId y = g.Emit(OpId::kSoftmax, {call.In(0)}, ops::SoftmaxAttributes{});
  return {entry.op == OpId::kLogSoftmax ? g.Emit(OpId::kLog, {y}) : y};
}

Results ConvertLocalResponse(Call& call, const TensorflowOp& entry) {
  ops::LocalResponseNormalizationAttributes attributes;
  const int64_t radius = call.Int("depth_radius", 5);
  if (radius < 0 || radius > kMaxWindow) throw ImportError(DataLoss("a radius of that size"));
  attributes.axis = 3;
  attributes.size = 2 * radius + 1;
  attributes.alpha = call.Float("alpha", 1) * static_cast<float>(attributes.size);
  attributes.beta = call.Float("beta", 0.5f);
  attributes.bias = call.Float("bias", 1);
  return {call.g.Emit(OpId::kLocalResponseNormalization, {call.In(0)}, attributes)};
}

}  // namespace mace::importers::tensorflow
