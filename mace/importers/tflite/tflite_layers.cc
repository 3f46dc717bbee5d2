// Converters of layers: convolution, fully connected, pooling, softmax.
#include <cstring>

#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {
namespace {

constexpr int8_t kInt32Number = 2;  // of the element type, in options

void RequireRank(const TfliteContext& context, ValueId value, int rank, const char* what) {
  const Shape shape = context.ShapeOf(value);
  if (shape.rank == rank) return;
  throw ImportError(StatusCode::kDataLoss, std::string(what) + " has the shape " + ShapeText(shape).text +
                                               ", expected rank " + std::to_string(rank));
}

ops::Padding PaddingOf(TfliteContext& context, int8_t number) {
  switch (number) {
    case 0:  // SAME
      return ops::Padding::kSameUpper;
    case 1:  // VALID: explicit pads of zero
      return ops::Padding::kExplicit;
    default:
      context.Refuse("padding " + std::to_string(number));
      return ops::Padding::kSameUpper;
  }
}

template <typename Options>
ops::Conv2dAttributes WindowOf(TfliteContext& context, const Options& options) {
  ops::Conv2dAttributes attributes;
  attributes.strides = {options.stride_h(), options.stride_w()};
  attributes.dilations = {options.dilation_h(), options.dilation_w()};
  attributes.padding = PaddingOf(context, options.padding());
  attributes.rounding = ops::Rounding::kTfliteDouble;
  return attributes;
}

// A float layer takes its weights and bias as floats, however the file keeps them.
void EmitLayer(TfliteContext& context, OpId op, ValueId x, ValueId weights, ValueId bias,
               const auto& attributes, int8_t activation) {
  if (context.DTypeOf(x) == DType::kF32) {
    weights = context.AsFloat(weights);
    bias = context.AsFloat(bias);
  }
  context.EmitOutput(op, {x, weights, bias}, attributes, activation);
}

template <typename Attributes>
Attributes PoolOf(TfliteContext& context, const file::PoolOptions& options) {
  Attributes attributes;
  attributes.kernel = {options.filter_h(), options.filter_w()};
  attributes.strides = {options.stride_h(), options.stride_w()};
  attributes.padding = PaddingOf(context, options.padding());
  if constexpr (requires { attributes.rounding; }) attributes.rounding = ops::Rounding::kTfliteDouble;
  return attributes;
}

}  // namespace

ValueId BiasOf(TfliteContext& context, int i, ValueId x, ValueId weights, int8_t type) {
  if (context.HasInput(i) || context.DTypeOf(x) != DType::kI16 || type != kInt32Number) {
    return context.OptionalInput(i);
  }
  const Shape shape = context.ShapeOf(weights);
  const ValueId zeros = Unwrap(context.graph().AddUninitializedConstant({}, DType::kI32, {shape[0]}));
  const TensorView& view = context.graph().constants.back().view;
  context.Spend(view.bytes());
  std::memset(view.data, 0, static_cast<size_t>(view.bytes()));
  return zeros;
}

void ConvertConv2d(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::ConvolutionOptions>();
  const ValueId x = context.Input(0);
  const ValueId weights = context.Input(1);  // OHWI, as here
  RequireRank(context, x, 4, "the input");
  RequireRank(context, weights, 4, "the weights");
  ops::Conv2dAttributes attributes = WindowOf(context, options);
  const int64_t channels = context.ShapeOf(x)[3];
  const int64_t group_channels = context.ShapeOf(weights)[3];
  if (channels > 0 && group_channels > 0 && channels % group_channels == 0) {
    attributes.groups = channels / group_channels;
  }
  const ValueId bias = BiasOf(context, 2, x, weights, options.bias_type());
  EmitLayer(context, OpId::kConv2d, x, weights, bias, attributes, options.activation());
}

// The file's weights are [1, height, width, channels * multiplier] with the multiplier's outputs of one
// channel side by side: the same order as groups of one channel.
void ConvertDepthwiseConv2d(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::DepthwiseOptions>();
  const ValueId x = context.Input(0);
  const ValueId stored = context.Input(1);
  RequireRank(context, x, 4, "the input");
  RequireRank(context, stored, 4, "the weights");
  const Shape shape = context.ShapeOf(stored);
  const int64_t channels = context.ShapeOf(x)[3];
  if (shape[0] != 1 || channels < 1 || shape[3] % channels != 0) {
    throw ImportError(StatusCode::kDataLoss, std::string("depthwise weights of the shape ") +
                                                 ShapeText(shape).text + " for " + std::to_string(channels) +
                                                 " channels");
  }
  ops::Conv2dAttributes attributes = WindowOf(context, options);
  attributes.groups = channels;
  const ValueId weights = context.Transposed(stored, {3, 1, 2, 0});
  EmitLayer(context, OpId::kConv2d, x, weights, context.OptionalInput(2), attributes, options.activation());
}

void ConvertFullyConnected(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::FullyConnectedOptions>();
  if (options.weights_layout() != 0) {
    context.Refuse("shuffled weights (layout " + std::to_string(options.weights_layout()) + ")");
  }
  ValueId x = context.Input(0);
  const ValueId weights = context.Input(1);
  RequireRank(context, weights, 2, "the weights");
  const Shape shape = context.ShapeOf(x);
  const int64_t depth = context.ShapeOf(weights)[1];
  const bool fits = shape.rank > 0 && shape[shape.rank - 1] == depth;
  if (!fits || (shape.rank != 2 && !options.keep_dims())) {  // rows of `depth` elements, whatever the shape
    TensorType rows = context.TypeOf(x);
    rows.shape = {kUnknownDim, depth};
    ops::ReshapeAttributes reshape;
    reshape.shape = {-1, depth};
    x = context.Emit(OpId::kReshape, {x}, reshape, rows);
  }
  ops::FullyConnectedAttributes attributes;
  // LiteRT's reference kernel of this operator, unlike that of convolution, rounds once, in double precision.
  attributes.rounding = ops::Rounding::kTfliteSingle;
  const ValueId bias = BiasOf(context, 2, x, weights, options.bias_type());
  EmitLayer(context, OpId::kFullyConnected, x, weights, bias, attributes, options.activation());
}

void ConvertAveragePool2d(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::PoolOptions>();
  auto attributes = PoolOf<ops::AveragePool2dAttributes>(context, options);
  attributes.rounding = ops::Rounding::kTfliteDouble;
  context.EmitOutput(OpId::kAveragePool2d, {context.Input(0)}, attributes, options.activation());
}

void ConvertMaxPool2d(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::PoolOptions>();
  context.EmitOutput(OpId::kMaxPool2d, {context.Input(0)}, PoolOf<ops::MaxPool2dAttributes>(context, options),
                     options.activation());
}

// The square root of the mean of squares.
void ConvertL2Pool2d(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::PoolOptions>();
  const ValueId x = context.Input(0);
  context.Repaired("L2_POOL_2D has no kernel",
                   "the root (Sqrt) of the mean (AveragePool2d) of squares (Mul)");
  const ops::RoundingAttributes rounding = {ops::Rounding::kTfliteDouble};
  const ValueId squares = context.Emit(OpId::kMul, {x, x}, rounding, context.TypeOf(x));
  const ValueId mean =
      context.Emit(OpId::kAveragePool2d, {squares}, PoolOf<ops::AveragePool2dAttributes>(context, options),
                   context.OutputType(0));
  context.EmitOutput(OpId::kSqrt, {mean}, rounding, options.activation());
}

void ConvertSoftmax(TfliteContext& context) {
  ops::SoftmaxAttributes attributes;
  attributes.beta = context.RequiredOptions<file::SoftmaxOptions>().beta();
  attributes.rounding = ops::Rounding::kTfliteDouble;
  context.EmitOutput(OpId::kSoftmax, {context.Input(0)}, attributes);
}

// x - max - log(sum(exp(x - max))) of floats: the operators have fast kernels.
void ConvertLogSoftmax(TfliteContext& context) {
  const ops::RoundingAttributes rounding = {ops::Rounding::kTfliteDouble};
  const ValueId x = context.Input(0);
  const TensorType type = context.TypeOf(x);
  if (type.dtype != DType::kF32 || type.shape.rank < 1) {
    return context.EmitOutput(OpId::kLogSoftmax, {x}, rounding);
  }
  ops::ReduceAttributes reduce;
  reduce.axes = {-1};
  TensorType one = type;
  one.shape[one.shape.rank - 1] = 1;
  reduce.kind = ops::ReduceKind::kMax;
  const ValueId highest = context.Emit(OpId::kReduce, {x}, reduce, one);
  const ValueId shifted = context.Emit(OpId::kSub, {x, highest}, rounding, type);
  reduce.kind = ops::ReduceKind::kSum;
  const ValueId sum =
      context.Emit(OpId::kReduce, {context.Emit(OpId::kExp, {shifted}, rounding, type)}, reduce, one);
  context.EmitOutput(OpId::kSub, {shifted, context.Emit(OpId::kLog, {sum}, rounding, one)}, rounding);
}

}  // namespace mace::importers::tflite
