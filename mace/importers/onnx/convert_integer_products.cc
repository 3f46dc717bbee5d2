// MatMulInteger and ConvInteger, whose results are sums of products of bare integers, and what onnxruntime's
// dynamic quantization makes of them. Zero points may be computed at run time. The sums are taken in float32,
// which holds every integer up to 2^24, from parts so short that no sum can exceed that: they are exact.
#include <algorithm>
#include <cstdlib>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/quantized_operand.h"
#include "mace/importers/onnx/window.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/convolution/conv_nd.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {
namespace {

constexpr int64_t kExactSum = int64_t{1} << 24;
constexpr int64_t kLargestDistance = 255;  // of two bytes
constexpr int64_t kMostParts = 1 << 10;

void RequireBytes(const OnnxContext& context, ValueId value) {
  const DType dtype = context.TypeOf(value).dtype;
  if (dtype != DType::kU8 && dtype != DType::kI8)
    throw ImportError(Unsupported("operands of %s", NameOf(dtype)));
}

// value - zero point as floats. Constants stay bytes, behind a Dequantize of scale 1; several zero points
// belong to `axis`.
ValueId Distance(OnnxContext& context, ValueId value, ValueId zero_point, int64_t axis) {
  RequireBytes(context, value);
  if (zero_point != kNone && (!context.IsConstant(zero_point) || context.RankOf(zero_point) > 1)) {
    const ValueId zero = BroadcastParameter(context, zero_point, value, axis);
    return context.Emit(OpId::kSub, {context.Cast(value, DType::kF32), zero});
  }
  const int64_t count = zero_point == kNone ? 1 : context.TypeOf(zero_point).shape.ElementCount();
  if (count < 1) throw ImportError(InvalidArgument("no zero point"));
  context.SpendCopy(count * 4);
  const std::vector<float> ones(static_cast<size_t>(count), 1.0f);
  const ValueId scales =
      Unwrap(passes::AddFloatConstant(&context.graph(), "", ones, count == 1 ? Shape{} : Shape{count}));
  const ValueId stored = WithQuantization(context, value, scales, zero_point, axis);
  return context.EmitQuantized(OpId::kDequantize, {stored}, NoAttributes{}, kNone);
}

// Elements [begin, end) of `axis`.
ValueId Part(OnnxContext& context, ValueId value, int64_t axis, int64_t begin, int64_t end) {
  return context.EmitMoved(OpId::kSlice,
                           std::vector<ValueId>{value, context.Int64s(IntList{begin}),
                                                context.Int64s(IntList{end}), context.Int64s(IntList{axis})},
                           1, NoAttributes{}, 1)[0];
}

// The distances of constant weights to their one zero point: the largest, and the largest sum of those that
// belong to one output, of which there are `outputs`, `stride` elements apart.
struct Distances {
  int64_t largest = kLargestDistance;
  int64_t largest_sum = kExactSum;
};

Distances DistancesOf(const Graph& graph, ValueId weights, ValueId zero_point, int64_t stride,
                      int64_t outputs) {
  const TensorView* view = graph.ConstantOf(weights);
  double zero = 0;
  const bool one_zero = zero_point == kNone || passes::ScalarConstant(graph, zero_point, &zero);
  if (view == nullptr || !one_zero || stride < 1 || outputs < 1 || outputs > view->elements()) return {};
  const bool is_signed = view->dtype == DType::kI8;
  Distances distances = {1, 0};
  std::vector<int64_t> sums(static_cast<size_t>(outputs), 0);
  for (int64_t i = 0; i < view->elements(); ++i) {
    const int stored = is_signed ? int{view->as<int8_t>()[i]} : int{view->as<uint8_t>()[i]};
    const int64_t distance = std::abs(stored - static_cast<int>(zero));
    distances.largest = std::max(distances.largest, distance);
    sums[static_cast<size_t>(i / stride % outputs)] += distance;
  }
  for (int64_t sum : sums) distances.largest_sum = std::max(distances.largest_sum, sum);
  return distances;
}

// How many parts the sums over `depth` products with the weights need; 0 where that is not known, or too
// many.
int64_t PartsOf(OnnxContext& context, const Distances& weights, int64_t depth) {
  if (weights.largest_sum <= kExactSum / kLargestDistance) return 1;
  if (depth < 0) return 0;
  const int64_t parts = depth / (kExactSum / (kLargestDistance * weights.largest)) + 1;
  if (parts > kMostParts) return 0;
  context.SpendNodes(parts);
  return parts;
}

// The sum of product(begin, end) over parts [begin, end) of `depth`: one float, or int32s added.
template <typename Product>
ValueId SumOfParts(OnnxContext& context, int64_t depth, int64_t parts, const Product& product) {
  if (parts == 1) return product(0, depth);
  ValueId sum = kNone;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t begin = depth * part / parts, end = depth * (part + 1) / parts;
    if (begin == end) continue;
    const ValueId integers = context.Cast(product(begin, end), DType::kI32);
    sum = sum == kNone ? integers : context.Emit(OpId::kAdd, {sum, integers});
  }
  return sum;
}

// `a` holds byte distances as floats; b's are `weights` - `zero_point`. Float or int32. Where the sums cannot
// be cut into parts the product is one of int32.
ValueId MultiplyExactly(OnnxContext& context, ValueId a, ValueId weights, ValueId zero_point) {
  const int rank = context.RankOf(weights);
  if (rank == 0 || context.RankOf(a) == 0) throw ImportError(InvalidArgument("operands of rank 0"));
  if (rank == 1) {
    const ValueId column = context.Unsqueeze(weights, {1});
    const ValueId product = MultiplyExactly(context, a, column, zero_point);
    return context.Squeeze(product, {AxisOf(context, -1, context.RankOf(product))});
  }
  const int64_t depth = rank < 0 ? kUnknownDim : context.TypeOf(weights).shape[rank - 2];
  const int64_t columns = rank < 0 ? kUnknownDim : context.TypeOf(weights).shape[rank - 1];
  RequireBytes(context, weights);
  const Distances distances = DistancesOf(context.graph(), weights, zero_point, 1, columns);
  const int64_t parts = PartsOf(context, distances, depth);
  const auto multiply = [&](ValueId left, ValueId right) {
    return context.Emit(OpId::kMatMul, {left, right}, ops::MatMulAttributes{});
  };
  if (parts == 0) {
    const ValueId right = context.Cast(Distance(context, weights, zero_point, -1), DType::kI32);
    return multiply(context.Cast(a, DType::kI32), right);
  }
  return SumOfParts(context, depth, parts, [&](int64_t begin, int64_t end) {
    const bool all = begin == 0 && end == depth;
    const ValueId left = all ? a : Part(context, a, AxisOf(context, -1, context.RankOf(a)), begin, end);
    const ValueId right = all ? weights : Part(context, weights, rank - 2, begin, end);
    return multiply(left, Distance(context, right, zero_point, -1));
  });
}

// sums * scale of a * scale of b + bias, in float32.
ValueId ScaleSums(OnnxContext& context, ValueId sums, ValueId a_scale, ValueId b_scale, ValueId bias) {
  sums = context.Cast(sums, DType::kF32);
  ValueId y = context.Emit(OpId::kMul, {sums, context.Emit(OpId::kMul, {a_scale, b_scale})});
  if (bias != kNone) y = context.Emit(OpId::kAdd, {y, bias});
  return y;
}

// x [N, C, H, W] or [N, C, W], weights [O, C / group, kernel...], zero points (of the weights one, or one for
// each output channel). What is padded is x's zero point. Float or int32, [N, H, W, O].
ValueId ConvolveExactly(OnnxContext& context, OnnxNode& node, ValueId stored, ValueId x_zero_point,
                        ValueId weights, ValueId zero_point) {
  const int axes = SpatialAxes(context, node, &stored, &weights);
  const ops::Conv2dAttributes attributes = ReadConvolution(context, node, stored, weights);
  const ValueId x = ToImage(context, Distance(context, stored, x_zero_point, 1), axes);
  RequireBytes(context, weights);
  const Shape shape = context.TypeOf(weights).shape;
  const int64_t depth = shape[1];
  const int64_t products = shape.Product(1, shape.rank);
  const Distances distances = DistancesOf(context.graph(), weights, zero_point, products, shape[0]);
  const int64_t parts = PartsOf(context, distances, products);
  const auto distances_of = [&](ValueId taps) {
    return KernelToImage(context, Distance(context, taps, zero_point, 0), axes);
  };
  if (parts == 0 || (parts > 1 && (attributes.groups != 1 || parts > depth))) {
    const ops::ConvNdAttributes general = {attributes.strides, attributes.dilations, attributes.pads,
                                           attributes.padding, attributes.groups};
    const ValueId sums = context.Emit(
        OpId::kConvNd,
        {context.Cast(x, DType::kF64), context.Cast(distances_of(weights), DType::kF64), kNone}, general);
    return context.Cast(sums, DType::kI32);
  }
  return SumOfParts(context, depth, parts, [&](int64_t begin, int64_t end) {
    const bool all = begin == 0 && end == depth;
    const ValueId pixels = all ? x : Part(context, x, 3, begin, end);
    const ValueId taps = all ? weights : Part(context, weights, 1, begin, end);
    return context.Emit(OpId::kConv2d, {pixels, distances_of(taps), kNone}, attributes);
  });
}

// `sums` * x's scale * the weights' scale / y's scale, stored as y.
ValueId StoreSums(OnnxContext& context, const OnnxNode& node, ValueId sums, ValueId scales, int y_scale,
                  DType missing) {
  const ValueId divisor = BroadcastParameter(context, context.Input(node, y_scale), kNone, 0);
  const ValueId factor = context.Emit(OpId::kDiv, {scales, divisor});
  const ValueId units = context.Emit(OpId::kMul, {context.Cast(sums, DType::kF32), factor});
  const ValueId zero_point = context.OptionalInput(node, y_scale + 1);
  if (zero_point == kNone) return StoreRounded(context, units, kNone, missing);
  return StoreRounded(context, units, BroadcastParameter(context, zero_point, kNone, 0),
                      context.TypeOf(zero_point).dtype);
}

}  // namespace

// a, b, a's zero point, b's zero points (one, or one for each column).
Outputs ConvertMatMulInteger(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId a = Distance(context, context.Input(node, 0), context.OptionalInput(node, 2), -2);
  const ValueId sums = MultiplyExactly(context, a, context.Input(node, 1), context.OptionalInput(node, 3));
  return {context.Cast(sums, DType::kI32)};
}

ValueId EmitIntegerProduct(OnnxContext& context, const IntegerProduct& product) {
  const ValueId a = Distance(context, product.a, product.a_zero_point, -2);
  const ValueId sums = MultiplyExactly(context, a, product.b, product.b_zero_point);
  return ScaleSums(context, sums, product.a_scale, product.b_scale, product.bias);
}

// com.microsoft: a, b, a's scale, b's scale, a's zero point, b's zero point, bias.
Outputs ConvertMatMulIntegerToFloat(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  IntegerProduct product;
  product.a = context.Input(node, 0);
  product.b = context.Input(node, 1);
  product.a_scale = context.Input(node, 2);
  product.b_scale = context.Input(node, 3);
  product.a_zero_point = context.OptionalInput(node, 4);
  product.b_zero_point = context.OptionalInput(node, 5);
  product.bias = context.OptionalInput(node, 6);
  return {EmitIntegerProduct(context, product)};
}

// com.microsoft: a (float), b, b's scale, b's zero point, bias.
Outputs ConvertDynamicQuantizeMatMul(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const DynamicQuantization quantized = QuantizeDynamically(context, context.Input(node, 0));
  const ValueId a = context.Emit(OpId::kSub, {quantized.stored, quantized.zero_point});
  const ValueId sums = MultiplyExactly(context, a, context.Input(node, 1), context.OptionalInput(node, 3));
  return {ScaleSums(context, sums, quantized.scale, context.Input(node, 2), context.OptionalInput(node, 4))};
}

Outputs ConvertConvInteger(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ValueId x = context.Input(node, 0), weights = context.Input(node, 1);
  const int axes = SpatialAxes(context, node, &x, &weights);
  const ValueId sums = ConvolveExactly(context, node, x, context.OptionalInput(node, 2), weights,
                                       context.OptionalInput(node, 3));
  return {FromImage(context, context.Cast(sums, DType::kI32), axes)};
}

// QLinearMatMul and QLinearConv with scales or zero points that are computed at run time.
ValueId MultiplyQuantized(OnnxContext& context, const OnnxNode& node) {
  const ValueId a = context.Input(node, 0), b = context.Input(node, 3);
  const ValueId distance = Distance(context, a, context.OptionalInput(node, 2), -2);
  const ValueId sums = MultiplyExactly(context, distance, b, context.OptionalInput(node, 5));
  const ValueId a_scale = BroadcastParameter(context, context.Input(node, 1), a, -2);
  const ValueId b_scale = BroadcastParameter(context, context.Input(node, 4), b, -1);
  return StoreSums(context, node, sums, context.Emit(OpId::kMul, {a_scale, b_scale}), 6,
                   context.TypeOf(a).dtype);
}

ValueId ConvolveQuantized(OnnxContext& context, OnnxNode& node) {
  ValueId x = context.Input(node, 0), weights = context.Input(node, 3);
  const int axes = SpatialAxes(context, node, &x, &weights);
  ValueId sums = ConvolveExactly(context, node, x, context.OptionalInput(node, 2), weights,
                                 context.OptionalInput(node, 5));
  if (const ValueId bias = context.OptionalInput(node, 8); bias != kNone) {
    sums = context.Emit(OpId::kAdd, {context.Cast(sums, DType::kI32), bias});
  }
  const ValueId x_scale = BroadcastParameter(context, context.Input(node, 1), kNone, 0);
  // Several scales of the weights belong to the channels of y, which are its last axis here.
  const ValueId weight_scale = context.Cast(context.Widened(context.Input(node, 4)), DType::kF32);
  const ValueId scales = context.Emit(OpId::kMul, {x_scale, weight_scale});
  return FromImage(context, StoreSums(context, node, sums, scales, 6, context.TypeOf(x).dtype), axes);
}

}  // namespace mace::importers::onnx
