// MatMulInteger and ConvInteger, whose results are sums of products of bare integers, and what onnxruntime's
// dynamic quantization makes of them. Zero points may be computed at run time. The sums are taken in float32,
// which holds every integer up to 2^24, from parts so short that no sum can exceed that: they are exact.
#include <algorithm>
#include <cstdlib>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/quantized_operand.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {
namespace {

constexpr int64_t kExactSum = int64_t{1} << 24;
constexpr int64_t kLargestDistance = 255;  // of two bytes
constexpr int64_t kMostParts = 1 << 10;

ValueId CastTo(OnnxContext& context, ValueId value, DType dtype) {
  ops::CastAttributes attributes;
  attributes.to = dtype;
  return context.Emit(OpId::kCast, {value}, attributes);
}

void RequireBytes(const OnnxContext& context, ValueId value) {
  const DType dtype = context.TypeOf(value).dtype;
  if (dtype != DType::kU8 && dtype != DType::kI8)
    throw ImportError(Unsupported("operands of %s", NameOf(dtype)));
}

// value - zero point as floats. Constants stay bytes, behind a Dequantize of scale 1; several zero points
// belong to `axis`.
ValueId Distance(OnnxContext& context, ValueId value, ValueId zero_point, int64_t axis) {
  RequireBytes(context, value);
  if (zero_point != kNone && !context.IsConstant(zero_point)) {
    if (context.TypeOf(zero_point).shape.ElementCount() != 1) {
      throw ImportError(Unsupported("several zero points computed at run time"));
    }
    const ValueId real = CastTo(context, value, DType::kF32);
    const ValueId zero = context.Reshape(CastTo(context, zero_point, DType::kF32), {1});
    return context.Emit(OpId::kSub, {real, zero});
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

// How many parts the sums over `depth` products with the weights need.
int64_t PartsOf(OnnxContext& context, const Distances& weights, int64_t depth) {
  if (depth < 0) throw ImportError(Unsupported("products over a dimension that is not known"));
  if (weights.largest_sum <= kExactSum / kLargestDistance) return 1;
  const int64_t parts = depth / (kExactSum / (kLargestDistance * weights.largest)) + 1;
  if (parts > kMostParts)
    throw ImportError(Unsupported("sums of %lld products", static_cast<long long>(depth)));
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
    const ValueId integers = CastTo(context, product(begin, end), DType::kI32);
    sum = sum == kNone ? integers : context.Emit(OpId::kAdd, {sum, integers});
  }
  return sum;
}

// `a` holds byte distances as floats; b's are `weights` - `zero_point`. Float or int32.
ValueId MultiplyExactly(OnnxContext& context, ValueId a, ValueId weights, ValueId zero_point) {
  const int rank = context.RankOf(weights);
  if (rank < 2 || context.RankOf(a) < 1) throw ImportError(Unsupported("a vector of weights"));
  const int64_t depth = context.TypeOf(weights).shape[rank - 2];
  RequireBytes(context, weights);
  const Distances distances =
      DistancesOf(context.graph(), weights, zero_point, 1, context.TypeOf(weights).shape[rank - 1]);
  const int64_t parts = PartsOf(context, distances, depth);
  return SumOfParts(context, depth, parts, [&](int64_t begin, int64_t end) {
    const bool all = begin == 0 && end == depth;
    const ValueId left = all ? a : Part(context, a, context.RankOf(a) - 1, begin, end);
    const ValueId right = all ? weights : Part(context, weights, rank - 2, begin, end);
    return context.Emit(OpId::kMatMul, {left, Distance(context, right, zero_point, -1)},
                        ops::MatMulAttributes{});
  });
}

// sums * scale of a * scale of b + bias, in float32.
ValueId ScaleSums(OnnxContext& context, ValueId sums, ValueId a_scale, ValueId b_scale, ValueId bias) {
  if (context.TypeOf(sums).dtype != DType::kF32) sums = CastTo(context, sums, DType::kF32);
  ValueId y = context.Emit(OpId::kMul, {sums, context.Emit(OpId::kMul, {a_scale, b_scale})});
  if (bias != kNone) y = context.Emit(OpId::kAdd, {y, bias});
  return y;
}

}  // namespace

// a, b, a's zero point, b's zero points (one, or one for each column).
Outputs ConvertMatMulInteger(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId a = Distance(context, context.Input(node, 0), context.OptionalInput(node, 2), -2);
  const ValueId sums = MultiplyExactly(context, a, context.Input(node, 1), context.OptionalInput(node, 3));
  return {CastTo(context, sums, DType::kI32)};
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

// x [N, C, H, W], weights [O, C / group, kh, kw], x's zero point, the weights' zero points (one, or one for
// each output channel). What is padded is x's zero point.
Outputs ConvertConvInteger(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId weights = context.Input(node, 1);
  const ValueId zero_point = context.OptionalInput(node, 3);
  const ops::Conv2dAttributes attributes = ReadConvolution(context, node, context.Input(node, 0), weights);
  const ValueId x =
      context.ToNhwc(Distance(context, context.Input(node, 0), context.OptionalInput(node, 2), 1));
  RequireBytes(context, weights);
  const Shape shape = context.TypeOf(weights).shape;
  const int64_t depth = shape[1];
  const Distances distances =
      DistancesOf(context.graph(), weights, zero_point, shape.Product(1, 4), shape[0]);
  const int64_t parts = PartsOf(context, distances, shape.Product(1, 4));
  if (parts > 1 && (attributes.groups != 1 || parts > depth)) {
    throw ImportError(Unsupported("sums of %lld products", static_cast<long long>(shape.Product(1, 4))));
  }
  const ValueId sums = SumOfParts(context, depth, parts, [&](int64_t begin, int64_t end) {
    const bool all = begin == 0 && end == depth;
    const ValueId pixels = all ? x : Part(context, x, 3, begin, end);
    const ValueId taps = all ? weights : Part(context, weights, 1, begin, end);
    return context.Emit(OpId::kConv2d,
                        {pixels, context.ToNhwc(Distance(context, taps, zero_point, 0)), kNone}, attributes);
  });
  return {context.ToNchw(CastTo(context, sums, DType::kI32))};
}

}  // namespace mace::importers::onnx
