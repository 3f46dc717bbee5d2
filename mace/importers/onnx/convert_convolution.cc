// Window operators: NCHW in the file, NHWC in the IR; Transposes around them meet and cancel in a pass.
#include <algorithm>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/quantized_operand.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/convolution/conv_transpose2d.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {
namespace {

constexpr int64_t kMaxWindow = 1 << 20;  // of every window attribute, so that sums of them cannot overflow

IntList Pair(OnnxNode& node, std::string_view attribute, int64_t missing, int64_t minimum) {
  const IntList list = node.Ints(attribute).value_or(IntList{missing, missing});
  if (list.size() != 2) {
    throw ImportError(Unsupported("%s has %d numbers: only 2-D windows are supported",
                                  Text(attribute).c_str(), list.size()));
  }
  for (int64_t value : list) {
    if (value < minimum || value > kMaxWindow) {
      throw ImportError(
          InvalidArgument("%s=%lld is out of range", Text(attribute).c_str(), static_cast<long long>(value)));
    }
  }
  return list;
}

IntList Pads(OnnxNode& node) {
  const IntList pads =
      node.Ints("pads").value_or(IntList{0, 0, 0, 0});  // top, left, bottom, right, as in the IR
  if (pads.size() != 4)
    throw ImportError(Unsupported("pads has %d numbers: only 2-D windows are supported", pads.size()));
  for (int64_t value : pads) {
    if (value < 0 || value > kMaxWindow) {
      throw ImportError(Unsupported("pads=%lld is not supported", static_cast<long long>(value)));
    }
  }
  return pads;
}

ops::Padding AutoPad(OnnxNode& node, IntList* pads) {
  const std::string text = node.String("auto_pad", "NOTSET");
  *pads = {0, 0, 0, 0};
  if (text == "NOTSET" || text.empty()) {
    *pads = Pads(node);
    return ops::Padding::kExplicit;
  }
  node.Ignore("pads");
  if (text == "VALID") return ops::Padding::kExplicit;
  if (text == "SAME_UPPER") return ops::Padding::kSameUpper;
  if (text == "SAME_LOWER") return ops::Padding::kSameLower;
  throw ImportError(InvalidArgument("auto_pad='%s' is not known", text.c_str()));
}

void RequireImage(const OnnxContext& context, ValueId x) {
  if (context.RankOf(x) != 4) {
    throw ImportError(
        Unsupported("input of rank %d: only 2-D images [N, C, H, W] are supported", context.RankOf(x)));
  }
}

// Checks the weights against kernel_shape, which repeats them.
void CheckKernelShape(OnnxContext& context, OnnxNode& node, ValueId weights) {
  const Shape& shape = context.TypeOf(weights).shape;
  if (shape.rank != 4) throw ImportError(Unsupported("weights of rank %d", shape.rank));
  const std::optional<IntList> kernel = node.Ints("kernel_shape");
  if (!kernel.has_value()) return;
  if (kernel->size() != 2 || (shape[2] >= 0 && shape[2] != (*kernel)[0]) ||
      (shape[3] >= 0 && shape[3] != (*kernel)[1])) {
    throw ImportError(InvalidArgument("kernel_shape does not fit the weights %s", ShapeText(shape).text));
  }
}

}  // namespace

ops::Conv2dAttributes ReadConvolution(OnnxContext& context, OnnxNode& node, ValueId x, ValueId weights) {
  RequireImage(context, x);
  CheckKernelShape(context, node, weights);
  ops::Conv2dAttributes attributes;
  attributes.strides = Pair(node, "strides", 1, 1);
  attributes.dilations = Pair(node, "dilations", 1, 1);
  attributes.padding = AutoPad(node, &attributes.pads);
  attributes.groups = node.Int("group", 1);
  return attributes;
}

Outputs ConvertConv(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const ValueId weights = context.Input(node, 1);
  const ops::Conv2dAttributes attributes = ReadConvolution(context, node, x, weights);
  const int64_t channels = context.TypeOf(weights).shape[1];
  if (attributes.groups == 1) context.RefineInput(x, {kUnknownDim, channels, kUnknownDim, kUnknownDim});
  const ValueId y =
      context.Emit(OpId::kConv2d,
                   {context.ToNhwc(x), context.ToNhwc(weights), context.OptionalInput(node, 2)}, attributes);
  return {context.ToNchw(y)};
}

Outputs ConvertQLinearConv(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId raw_x = context.Input(node, 0);
  const ValueId raw_weights = context.Input(node, 3);
  const ValueId given_bias = context.OptionalInput(node, 8);
  if (!HasFixedQuantizations(context, node) || (given_bias != kNone && !context.IsConstant(given_bias))) {
    return {ConvolveQuantized(context, node)};
  }
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
  const ValueId y = context.EmitQuantized(OpId::kConv2d, {context.ToNhwc(x), context.ToNhwc(weights), bias},
                                          attributes, y_quantization);
  return {context.ToNchw(y)};
}

namespace {

// ONNX [I, O / groups, kh, kw] -> [O, kh, kw, I / groups].
ValueId TransposedConvolutionWeights(OnnxContext& context, ValueId weights, int64_t groups) {
  if (groups == 1) return context.Transpose(weights, {1, 2, 3, 0});
  const Shape shape = context.TypeOf(weights).shape;
  if (groups <= 0 || !shape.IsConcrete() || shape[0] % groups != 0) {
    throw ImportError(InvalidArgument("group=%lld does not fit the weights %s",
                                      static_cast<long long>(groups), ShapeText(shape).text));
  }
  if (!context.IsConstant(weights)) throw ImportError(Unsupported("grouped weights that are computed"));
  Graph& graph = context.graph();
  const int64_t in = shape[0] / groups, out = shape[1];
  const ValueId split =
      Unwrap(passes::ReshapedConstant(&graph, weights, Shape{groups, in, out, shape[2], shape[3]}));
  const int64_t perm[] = {0, 2, 3, 4, 1};
  const ValueId moved = Unwrap(passes::TransposedConstant(&graph, split, perm));
  return Unwrap(passes::ReshapedConstant(&graph, moved, Shape{groups * out, shape[2], shape[3], in}));
}

}  // namespace

Outputs ConvertConvTranspose(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const ValueId weights = context.Input(node, 1);
  RequireImage(context, x);
  CheckKernelShape(context, node, weights);
  ops::ConvTranspose2dAttributes attributes;
  attributes.strides = Pair(node, "strides", 1, 1);
  attributes.dilations = Pair(node, "dilations", 1, 1);
  attributes.output_padding = Pair(node, "output_padding", 0, 0);
  attributes.groups = node.Int("group", 1);
  const ops::Padding padding = AutoPad(node, &attributes.pads);
  const std::optional<IntList> output_shape = node.Ints("output_shape");
  if (padding != ops::Padding::kExplicit || (output_shape.has_value() && !output_shape->empty())) {
    const Shape& in = context.TypeOf(x).shape;
    const Shape& kernel = context.TypeOf(weights).shape;
    for (int i = 0; i < 2; ++i) {
      const int64_t stride = attributes.strides[i];
      int64_t total =
          (kernel[2 + i] - 1) * attributes.dilations[i] + 1 - stride + attributes.output_padding[i];
      if (output_shape.has_value() && !output_shape->empty()) {
        if (output_shape->size() < 2 || in[2 + i] < 0 || in[2 + i] > kMaxWindow) {
          throw ImportError(Unsupported("output_shape with an input of dynamic size"));
        }
        total += stride * in[2 + i] - (*output_shape)[output_shape->size() - 2 + i];
      }
      if (kernel[2 + i] < 0 || total < 0 || total > kMaxWindow) {
        throw ImportError(Unsupported("an output size that needs negative padding"));
      }
      const int64_t small = total / 2;
      const bool upper = padding == ops::Padding::kSameUpper;  // the odd pixel goes to the end
      attributes.pads[i] = upper ? small : total - small;
      attributes.pads[2 + i] = upper ? total - small : small;
    }
  }
  const ValueId y =
      context.Emit(OpId::kConvTranspose2d,
                   {context.ToNhwc(x), TransposedConvolutionWeights(context, weights, attributes.groups),
                    context.OptionalInput(node, 2)},
                   attributes);
  return {context.ToNchw(y)};
}

namespace {

ValueId EmitPool(OnnxContext& context, OnnxNode& node, OpId op, ValueId x) {
  RequireImage(context, x);
  const auto fill = [&](auto* attributes) {
    if (!node.Has("kernel_shape")) throw ImportError(InvalidArgument("kernel_shape is missing"));
    attributes->kernel = Pair(node, "kernel_shape", 1, 1);
    attributes->strides = Pair(node, "strides", 1, 1);
    attributes->dilations = Pair(node, "dilations", 1, 1);
    attributes->padding = AutoPad(node, &attributes->pads);
    attributes->ceil_mode = node.Int("ceil_mode", 0) != 0;
  };
  if (op == OpId::kMaxPool2d) {
    node.Ignore("storage_order");  // of the indices, an output that is not supported where it is read
    ops::MaxPool2dAttributes attributes;
    fill(&attributes);
    const ValueId nhwc = context.ToNhwc(x);
    // Scales are positive: the order is the same.
    return context.ToNchw(context.EmitMoved(op, {nhwc}, attributes));
  }
  ops::AveragePool2dAttributes attributes;
  fill(&attributes);
  attributes.count_include_pad = node.Int("count_include_pad", 0) != 0;
  return context.ToNchw(context.Emit(op, {context.ToNhwc(x)}, attributes));
}

ValueId GlobalReduce(OnnxContext& context, ValueId x, ops::ReduceKind kind) {
  if (context.RankOf(x) < 3)
    throw ImportError(InvalidArgument("expected [N, C, ...], got rank %d", context.RankOf(x)));
  ops::ReduceAttributes attributes;
  attributes.kind = kind;
  attributes.keep_dims = true;
  for (int i = 2; i < context.RankOf(x); ++i) attributes.axes.Push(i);
  return context.Emit(OpId::kReduce, {x}, attributes);
}

}  // namespace

Outputs ConvertPool(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {EmitPool(context, node, entry.op, context.Input(node, 0))};
}

Outputs ConvertGlobalPool(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {GlobalReduce(context, context.Input(node, 0), static_cast<ops::ReduceKind>(entry.argument))};
}

// com.microsoft
Outputs ConvertQLinearGlobalAveragePool(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  node.RequireInt("channels_last", 0);
  const ValueId mean = GlobalReduce(context, Dequantized(context, node, 0), ops::ReduceKind::kMean);
  return {Quantized(context, node, mean, 3, context.TypeOf(context.Input(node, 0)).dtype)};
}

Outputs ConvertQLinearAveragePool(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  node.RequireInt("channels_last", 0);
  const ValueId mean = EmitPool(context, node, OpId::kAveragePool2d, Dequantized(context, node, 0));
  return {Quantized(context, node, mean, 3, context.TypeOf(context.Input(node, 0)).dtype)};
}

}  // namespace mace::importers::onnx
