// Window operators: NCHW in the file, NHWC in the IR; Transposes around them meet and cancel in a pass.
#include <algorithm>
#include <climits>
#include <utility>

#include "mace/importers/onnx/emit_norm.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/quantized_operand.h"
#include "mace/importers/onnx/window.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/convolution/conv_nd.h"
#include "mace/ops/convolution/conv_transpose2d.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/pooling/pool_nd.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {
namespace {

// Checks the weights [.., .., kernel...] against kernel_shape, which repeats them.
void CheckKernelShape(OnnxContext& context, OnnxNode& node, ValueId weights, int axes) {
  const Shape& shape = context.TypeOf(weights).shape;
  const std::optional<IntList> kernel = node.Ints("kernel_shape");
  if (shape.rank != axes + 2) throw ImportError(Unsupported("weights of rank %d", shape.rank));
  if (!kernel.has_value() || kernel->empty()) return;
  bool fits = kernel->size() == axes;
  for (int i = 0; fits && i < axes; ++i) fits = shape[2 + i] < 0 || shape[2 + i] == (*kernel)[i];
  if (!fits) {
    throw ImportError(InvalidArgument("kernel_shape does not fit the weights %s", ShapeText(shape).text));
  }
}

ops::Conv2dAttributes Attributes2d(const WindowAttributes& window, int64_t groups) {
  ops::Conv2dAttributes attributes;
  attributes.strides = window.strides;
  attributes.dilations = window.dilations;
  attributes.pads = window.pads;
  attributes.padding = window.padding;
  attributes.groups = groups;
  return attributes;
}

// Whether EmitPlanes takes this: nothing is known to be empty, and the padding of the depth is known.
bool HasPlanes(OnnxContext& context, ValueId x, ValueId weights, const WindowAttributes& window) {
  constexpr int64_t kMaxPlanes = 16;  // each is a layer
  const TensorType& in = context.TypeOf(x);
  const Shape& kernel = context.TypeOf(weights).shape;
  if (in.dtype != DType::kF32 || in.shape.rank != 5 || kernel.rank != 5 || !context.IsConstant(weights)) {
    return false;
  }
  for (int i = 1; i < 5; ++i) {
    if (in.shape[i] == 0 || in.shape[i] > INT32_MAX || kernel[i] < 1) return false;
  }
  if (window.padding != ops::Padding::kExplicit && in.shape[2] < 0) return false;
  return in.shape[0] != 0 && kernel[0] > 0 && kernel[2] <= kMaxPlanes;
}

// The padding of the depth of `x`, which is [N, D, H, W, C], in front and behind.
std::pair<int64_t, int64_t> DepthPadding(OnnxContext& context, ValueId x, int64_t kernel,
                                         const WindowAttributes& window) {
  std::pair<int64_t, int64_t> padding = {window.pads[0], window.pads[3]};
  if (window.padding == ops::Padding::kExplicit) return padding;
  ops::WindowAxis depth;
  Check(ops::MakeWindowAxis(0, kernel, {window.strides[0], 1}, {window.dilations[0], 1}, {0, 0, 0, 0},
                            window.padding, false, &depth));
  Check(ops::ResolvePadding(depth, context.TypeOf(x).shape[1], &padding.first, &padding.second));
  return padding;
}

// A convolution over three axes as the sum, over the planes of the kernel, of convolutions over two, for
// which there are fast kernels: the depth joins the batch. x [N, D, H, W, C], weights as ONNX has them.
ValueId EmitPlanes(OnnxContext& context, ValueId x, ValueId weights, ValueId bias,
                   const WindowAttributes& window, int64_t groups) {
  Graph& graph = context.graph();
  const Shape kernel = context.TypeOf(weights).shape;
  context.Repaired("a convolution over three axes", "the sum of convolutions over two, one for each plane");
  const auto [begin, end] = DepthPadding(context, x, kernel[2], window);
  if (begin > 0 || end > 0) {
    const int64_t pads[] = {0, begin, 0, 0, 0, 0, end, 0, 0, 0};
    x = context.Emit(OpId::kPad, {x, context.Int64s(pads)}, ops::PadAttributes{});
  }
  context.SpendNodes(8 * kernel[2]);
  context.SpendCopy(2 * graph.ConstantOf(weights)->bytes());
  const int64_t order[] = {2, 0, 3, 4, 1};
  const ValueId by_plane = Unwrap(passes::TransposedConstant(&graph, weights, order));
  const Shape plane = {kernel[0], kernel[3], kernel[4], kernel[1]};
  ops::Conv2dAttributes attributes;
  attributes.strides = {window.strides[1], window.strides[2]};
  attributes.dilations = {window.dilations[1], window.dilations[2]};
  attributes.pads = {window.pads[1], window.pads[2], window.pads[4], window.pads[5]};
  attributes.padding = window.padding;
  attributes.groups = groups;
  ValueId sum = kNone, planes = kNone;
  for (int64_t tap = 0; tap < kernel[2]; ++tap) {
    const int64_t first[] = {tap * window.dilations[0]}, axis[] = {1}, step[] = {window.strides[0]};
    // As far from the end as the last tap's first plane is from this one's.
    const int64_t behind[] = {tap + 1 == kernel[2] ? INT64_MAX : (tap + 1 - kernel[2]) * window.dilations[0]};
    const ValueId slice = context.Emit(OpId::kSlice, {x, context.Int64s(first), context.Int64s(behind),
                                                      context.Int64s(axis), context.Int64s(step)});
    const ValueId images = JoinDepth(context, slice);
    float* data = static_cast<float*>(graph.ConstantOf(by_plane)->data) + tap * plane.ElementCount();
    const ValueId taps = Unwrap(graph.AddConstant("", TensorView{data, DType::kF32, plane}, /*copy=*/true));
    const ValueId y = context.Emit(OpId::kConv2d, {images, taps, tap == 0 ? bias : kNone}, attributes);
    sum = tap == 0 ? y : context.Emit(OpId::kAdd, {sum, y});
    if (tap == 0) planes = slice;
  }
  return SplitDepth(context, sum, planes);
}

}  // namespace

ops::Conv2dAttributes ReadConvolution(OnnxContext& context, OnnxNode& node, ValueId x, ValueId weights) {
  const int axes = SpatialAxes(context, node, &x, &weights);
  if (axes > 2) throw ImportError(Unsupported("only [N, C, W] and [N, C, H, W] are supported"));
  CheckKernelShape(context, node, weights, axes);
  WindowAttributes window = ReadWindow(node, axes);
  window.Widen();
  return Attributes2d(window, node.Int("group", 1));
}

ValueId EmitConv(OnnxContext& context, OnnxNode& node, ValueId x, ValueId weights, ValueId bias) {
  const int axes = SpatialAxes(context, node, &x, &weights);
  CheckKernelShape(context, node, weights, axes);
  WindowAttributes window = ReadWindow(node, axes);
  const int64_t groups = node.Int("group", 1);
  if (groups == 1) {
    Shape demanded = {kUnknownDim, context.TypeOf(weights).shape[1]};
    for (int i = 0; i < axes; ++i) demanded.Push(kUnknownDim);
    context.RefineInput(x, demanded);
  }
  if (axes == 3 && HasPlanes(context, x, weights, window)) {
    const ValueId last = ToChannelsLast(context, x, axes);
    return ToChannelsFirst(context, EmitPlanes(context, last, weights, bias, window, groups), axes);
  }
  if (axes > 2 || context.TypeOf(x).dtype == DType::kF64) {
    ops::ConvNdAttributes attributes;
    attributes.strides = window.strides;
    attributes.dilations = window.dilations;
    attributes.pads = window.pads;
    attributes.padding = window.padding;
    attributes.groups = groups;
    const ValueId y = context.Emit(
        OpId::kConvNd, {ToChannelsLast(context, x, axes), ToChannelsLast(context, weights, axes), bias},
        attributes);
    return ToChannelsFirst(context, y, axes);
  }
  window.Widen();
  const ValueId y =
      context.Emit(OpId::kConv2d, {ToImage(context, x, axes), KernelToImage(context, weights, axes), bias},
                   Attributes2d(window, groups));
  return FromImage(context, y, axes);
}

Outputs ConvertConv(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {EmitConv(context, node, context.Input(node, 0), context.Input(node, 1),
                   context.OptionalInput(node, 2))};
}

Outputs ConvertQLinearConv(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ValueId raw_x = context.Input(node, 0), raw_weights = context.Input(node, 3);
  const ValueId given_bias = context.OptionalInput(node, 8);
  if (!HasFixedQuantizations(context, node) || (given_bias != kNone && !context.IsConstant(given_bias))) {
    return {ConvolveQuantized(context, node)};
  }
  const bool is_open = context.RankOf(raw_x) < 0 && context.RankOf(raw_weights) < 0;
  if (is_open) raw_x = context.WithRank(raw_x, 4);  // nothing tells: an image
  const int axes = SpatialAxes(context, node, &raw_x, &raw_weights);
  ops::Conv2dAttributes attributes = ReadConvolution(context, node, raw_x, raw_weights);
  attributes.rounding = ops::Rounding::kHalfEvenFloat;
  const ValueId x =
      WithQuantization(context, raw_x, context.Input(node, 1), context.OptionalInput(node, 2), 0);
  const ValueId weights =
      WithQuantization(context, raw_weights, context.Input(node, 4), context.OptionalInput(node, 5), 0);
  ValueId bias = given_bias;
  if (bias != kNone) {
    bias = WithBiasScale(context, bias, *context.graph().QuantizationOf(x),
                         *context.graph().QuantizationOf(weights));
  }
  const DType dtype = context.TypeOf(raw_x).dtype;
  const int32_t y_quantization =
      MakeQuantization(context, dtype, Shape{}, context.Input(node, 6), context.OptionalInput(node, 7), 0);
  const ValueId y = context.EmitQuantized(
      OpId::kConv2d, {ToImage(context, x, axes), KernelToImage(context, weights, axes), bias}, attributes,
      y_quantization);
  return {FromImage(context, y, axes)};
}

namespace {

// ONNX [I, O / groups, kernel...] -> [O, kernel..., I / groups].
ValueId TransposedConvolutionWeights(OnnxContext& context, ValueId weights, int64_t groups, int axes) {
  IntList perm = {1};
  for (int i = 0; i < axes; ++i) perm.Push(2 + i);
  perm.Push(0);
  if (groups == 1) return context.Transpose(weights, perm);
  const Shape shape = context.TypeOf(weights).shape;
  if (groups <= 0 || !shape.IsConcrete() || shape[0] % groups != 0) {
    throw ImportError(InvalidArgument("group=%lld does not fit the weights %s",
                                      static_cast<long long>(groups), ShapeText(shape).text));
  }
  const int64_t in = shape[0] / groups, out = shape[1];
  // The groups as an axis of their own, moved along with the output channels.
  Shape split = {groups, in, out}, joined = {groups * out};
  IntList moved = {0};
  for (int i = 0; i < axes; ++i) {
    split.Push(shape[2 + i]);
    joined.Push(shape[2 + i]);
  }
  joined.Push(in);
  for (int64_t axis : perm) moved.Push(axis + 1);
  const std::span<const int64_t> order(moved.values, static_cast<size_t>(moved.count));
  Graph& graph = context.graph();
  if (context.IsConstant(weights)) {
    context.SpendCopy(2 * graph.ConstantOf(weights)->bytes());
    const ValueId apart = Unwrap(passes::ReshapedConstant(&graph, weights, split));
    return Unwrap(
        passes::ReshapedConstant(&graph, Unwrap(passes::TransposedConstant(&graph, apart, order)), joined));
  }
  const auto list = [](const Shape& sizes) {
    IntList ints;
    for (int64_t size : sizes.span()) ints.Push(size);
    return ints;
  };
  return context.Reshape(context.Transpose(context.Reshape(weights, list(split)), moved), list(joined));
}

// What a transposed convolution has beside its window.
struct Stamps {
  WindowAttributes window;
  IntList output_padding;
  IntList output_shape;  // spatial sizes; empty: by the padding
  int64_t groups = 1;

  void Widen() {
    if (window.axes == 1) output_padding = {0, output_padding[0]};
    window.Widen();
  }
};

Stamps ReadStamps(OnnxNode& node, int axes) {
  Stamps stamps;
  stamps.window = ReadWindow(node, axes);
  stamps.output_padding = AxisInts(node, "output_padding", axes, 0, 0);
  stamps.groups = node.Int("group", 1);
  const IntList given = node.Ints("output_shape").value_or(IntList{});
  if (given.empty()) return stamps;
  if (given.size() < axes) throw ImportError(InvalidArgument("output_shape has %d numbers", given.size()));
  for (int i = given.size() - axes; i < given.size(); ++i) stamps.output_shape.Push(given[i]);
  return stamps;
}

// The padding that leads to the output size that ONNX asks for, where the sizes are known and it is not
// negative: then ConvTranspose2d, which has fast kernels, can be told by numbers.
bool ResolvePads(const Shape& x, const Shape& weights, Stamps* stamps) {
  WindowAttributes& window = stamps->window;
  if (window.padding == ops::Padding::kExplicit && stamps->output_shape.empty()) return true;
  IntList pads = window.pads;
  for (int i = 0; i < window.axes; ++i) {
    if (weights[2 + i] < 0 || weights[2 + i] > kMaxWindow) return false;
    const int64_t stride = window.strides[i];
    int64_t total = (weights[2 + i] - 1) * window.dilations[i] + 1 - stride + stamps->output_padding[i];
    if (!stamps->output_shape.empty()) {
      if (x[2 + i] < 0 || x[2 + i] > kMaxWindow) return false;
      total += stride * x[2 + i] - stamps->output_shape[i];
    } else {
      total = std::max<int64_t>(total, 0);
    }
    if (total < 0 || total > kMaxWindow) return false;
    const bool upper = window.padding == ops::Padding::kSameUpper;  // the odd pixel goes to the end
    pads[i] = upper ? total / 2 : total - total / 2;
    pads[window.axes + i] = total - pads[i];
  }
  window.pads = pads;
  window.padding = ops::Padding::kExplicit;
  stamps->output_shape = {};
  return true;
}

}  // namespace

Outputs ConvertConvTranspose(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ValueId x = context.Input(node, 0), weights = context.Input(node, 1);
  const ValueId bias = context.OptionalInput(node, 2);
  const int axes = SpatialAxes(context, node, &x, &weights);
  CheckKernelShape(context, node, weights, axes);
  Stamps stamps = ReadStamps(node, axes);
  const Shape in = context.TypeOf(x).shape, kernel = context.TypeOf(weights).shape;
  const bool is_image =
      axes <= 2 && context.TypeOf(x).dtype != DType::kF64 && ResolvePads(in, kernel, &stamps);
  const bool has_row = is_image && axes == 1;
  const ValueId moved = TransposedConvolutionWeights(
      context, has_row ? WithKernelRow(context, weights) : weights, stamps.groups, has_row ? 2 : axes);
  const auto fill = [&](auto attributes) {
    attributes.strides = stamps.window.strides;
    attributes.dilations = stamps.window.dilations;
    attributes.pads = stamps.window.pads;
    attributes.output_padding = stamps.output_padding;
    attributes.groups = stamps.groups;
    return attributes;
  };
  if (is_image) {
    stamps.Widen();
    const ValueId y = context.Emit(OpId::kConvTranspose2d, {ToImage(context, x, axes), moved, bias},
                                   fill(ops::ConvTranspose2dAttributes{}));
    return {FromImage(context, y, axes)};
  }
  auto attributes = fill(ops::ConvTransposeNdAttributes{});
  attributes.padding = stamps.window.padding;
  attributes.output_shape = stamps.output_shape;
  const ValueId y =
      context.Emit(OpId::kConvTransposeNd, {ToChannelsLast(context, x, axes), moved, bias}, attributes);
  return {ToChannelsFirst(context, y, axes)};
}

namespace {

// What a pool's node says.
struct PoolWindow {
  IntList kernel;
  WindowAttributes window;
  bool ceil_mode = false;

  // The kernels of the 2-D pools take no window that may lie in the padding alone.
  bool HasSmallPads() const {
    for (int i = 0; i < window.axes && window.padding == ops::Padding::kExplicit; ++i) {
      const int64_t extent = (kernel[i] - 1) * window.dilations[i] + 1;
      if (window.pads[i] >= extent || window.pads[window.axes + i] >= extent) return false;
    }
    return true;
  }
};

PoolWindow ReadPool(OnnxContext& context, OnnxNode& node, ValueId x) {
  const std::optional<IntList> kernel = node.Ints("kernel_shape");
  if (!kernel.has_value()) throw ImportError(InvalidArgument("kernel_shape is missing"));
  const int axes = SpatialAxes(context, node, &x, &x);
  PoolWindow pool;
  pool.kernel = AxisInts(node, "kernel_shape", axes, 1, 1);
  pool.window = ReadWindow(node, axes);
  pool.ceil_mode = node.Int("ceil_mode", 0) != 0;
  return pool;
}

template <typename Attributes>
Attributes PoolAttributes(const PoolWindow& pool) {
  Attributes attributes;
  attributes.kernel = pool.kernel;
  attributes.strides = pool.window.strides;
  attributes.dilations = pool.window.dilations;
  attributes.pads = pool.window.pads;
  attributes.padding = pool.window.padding;
  attributes.ceil_mode = pool.ceil_mode;
  return attributes;
}

Outputs EmitPoolNd(OnnxContext& context, OnnxNode& node, ops::PoolNdKind kind, ValueId x,
                   const PoolWindow& pool, bool indices) {
  auto attributes = PoolAttributes<ops::PoolNdAttributes>(pool);
  attributes.kind = kind;
  attributes.count_include_pad = node.Int("count_include_pad", 0) != 0;
  attributes.column_major = node.Int("storage_order", 0) != 0;
  attributes.p = ReadExponent(context, node);
  const int axes = pool.window.axes;
  const ValueId inputs[] = {ToChannelsLast(context, x, axes)};
  Outputs outputs = kind == ops::PoolNdKind::kMax && !indices
                        ? context.EmitMoved(OpId::kPoolNd, inputs, 1, attributes, 1)
                        : context.EmitMany(OpId::kPoolNd, inputs, attributes, indices ? 2 : 1);
  for (ValueId& output : outputs) output = ToChannelsFirst(context, output, axes);
  return outputs;
}

Outputs EmitPool(OnnxContext& context, OnnxNode& node, OpId op, ValueId x) {
  PoolWindow pool = ReadPool(context, node, x);
  const bool is_max = op == OpId::kMaxPool2d;
  const bool indices = is_max && node.HasOutput(1) && context.IsRead(node.OutputName(1));
  const int axes = pool.window.axes;
  if (indices || axes > 2 || context.TypeOf(x).dtype == DType::kF64 || !pool.HasSmallPads()) {
    const ops::PoolNdKind kind = is_max ? ops::PoolNdKind::kMax : ops::PoolNdKind::kAverage;
    return EmitPoolNd(context, node, kind, x, pool, indices);
  }
  if (axes == 1) {
    pool.window.Widen();
    pool.kernel = {1, pool.kernel[0]};
  }
  ValueId y;
  if (is_max) {
    node.Ignore("storage_order");  // of the indices, which nobody reads
    // Scales are positive: the order is the same.
    y = context.EmitMoved(op, {ToImage(context, x, axes)}, PoolAttributes<ops::MaxPool2dAttributes>(pool));
  } else {
    auto attributes = PoolAttributes<ops::AveragePool2dAttributes>(pool);
    attributes.count_include_pad = node.Int("count_include_pad", 0) != 0;
    y = context.Emit(op, {ToImage(context, x, axes)}, attributes);
  }
  return {FromImage(context, y, axes)};
}

}  // namespace

Outputs ConvertPool(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return EmitPool(context, node, entry.op, context.Input(node, 0));
}

Outputs ConvertLpPool(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  return EmitPoolNd(context, node, ops::PoolNdKind::kLp, x, ReadPool(context, node, x), /*indices=*/false);
}

Outputs ConvertGlobalPool(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {EmitSpatialReduce(context, static_cast<ops::ReduceKind>(entry.argument), context.Input(node, 0))};
}

// com.microsoft
Outputs ConvertQLinearGlobalAveragePool(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  node.RequireInt("channels_last", 0);
  const ValueId mean = EmitSpatialReduce(context, ops::ReduceKind::kMean, Dequantized(context, node, 0));
  return {Quantized(context, node, mean, 3, context.TypeOf(context.Input(node, 0)).dtype)};
}

Outputs ConvertQLinearAveragePool(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  node.RequireInt("channels_last", 0);
  const ValueId mean = EmitPool(context, node, OpId::kAveragePool2d, Dequantized(context, node, 0))[0];
  return {Quantized(context, node, mean, 3, context.TypeOf(context.Input(node, 0)).dtype)};
}

}  // namespace mace::importers::onnx
