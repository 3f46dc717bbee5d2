// Operators that sample images at places of their own (GridSample, RoiAlign, DeformConv), MaxUnpool, Col2Im,
// CausalConvWithState, and com.microsoft's FusedConv.
#include <climits>

#include "mace/importers/onnx/emit_norm.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/open_rank.h"
#include "mace/importers/onnx/window.h"
#include "mace/ops/convolution/col2im.h"
#include "mace/ops/convolution/deform_conv.h"
#include "mace/ops/detection/roi_align.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/pooling/pool_nd.h"
#include "mace/ops/unary/unary.h"
#include "mace/ops/vision/grid_sample.h"

namespace mace::importers::onnx {

Outputs ConvertGlobalLpPool(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const int64_t p = ReadExponent(context, node);
  if (p < 1 || p > INT_MAX) throw ImportError(InvalidArgument("p=%lld", static_cast<long long>(p)));
  if (p == 2) return {EmitSpatialReduce(context, ops::ReduceKind::kL2, x)};
  const ValueId magnitude = context.Emit(OpId::kAbs, {x});
  if (p == 1) return {EmitSpatialReduce(context, ops::ReduceKind::kSum, magnitude)};
  const DType wide = context.TypeOf(x).dtype == DType::kF64 ? DType::kF64 : DType::kF32;
  const ValueId power = context.Emit(OpId::kPow, {magnitude, context.Float(static_cast<float>(p), wide)});
  const ValueId sum = EmitSpatialReduce(context, ops::ReduceKind::kSum, power);
  return {context.Emit(OpId::kPow, {sum, context.Float(1 / static_cast<float>(p), wide)})};
}

Outputs ConvertMaxUnpool(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const std::optional<IntList> kernel = node.Ints("kernel_shape");
  if (!kernel.has_value()) throw ImportError(InvalidArgument("kernel_shape is missing"));
  ops::MaxUnpoolAttributes attributes;
  attributes.kernel = *kernel;
  attributes.strides = AxisInts(node, "strides", kernel->size(), 1, 1);
  attributes.pads = AxisInts(node, "pads", 2 * kernel->size(), 0, 0);
  return {context.Emit(OpId::kMaxUnpool, {x, context.Input(node, 1), context.OptionalInput(node, 2)},
                       attributes)};
}

namespace {

int64_t OutputSide(OnnxNode& node, std::string_view name) {
  const int64_t side = node.Int(name, 1);
  if (side < 1 || side > kMaxWindow) {
    throw ImportError(InvalidArgument("%s=%lld", Text(name).c_str(), static_cast<long long>(side)));
  }
  return side;
}

}  // namespace

Outputs ConvertMaxRoiPool(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const std::optional<IntList> shape = node.Ints("pooled_shape");
  if (!shape.has_value() || shape->size() != 2) throw ImportError(InvalidArgument("pooled_shape is missing"));
  ops::MaxRoiPoolAttributes attributes;
  attributes.output_height = (*shape)[0];
  attributes.output_width = (*shape)[1];
  attributes.spatial_scale = node.Float("spatial_scale", 1);
  const ValueId y = context.Emit(
      OpId::kMaxRoiPool, {context.ToNhwc(context.Input(node, 0)), context.Input(node, 1)}, attributes);
  return {context.ToNchw(y)};
}

Outputs ConvertRoiAlign(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::RoiAlignAttributes attributes;
  attributes.output_height = OutputSide(node, "output_height");
  attributes.output_width = OutputSide(node, "output_width");
  attributes.sampling_ratio = node.Int("sampling_ratio", 0);
  attributes.spatial_scale = node.Float("spatial_scale", 1);
  const std::string mode = node.String("mode", "avg");
  if (mode != "avg" && mode != "max") throw ImportError(InvalidArgument("mode='%s'", mode.c_str()));
  attributes.maximum = mode == "max";
  // Before opset 16 boxes begin at the pixels' corners.
  const std::string coordinates = node.String("coordinate_transformation_mode",
                                              context.opset() < 16 ? "output_half_pixel" : "half_pixel");
  if (coordinates != "half_pixel" && coordinates != "output_half_pixel") {
    throw ImportError(InvalidArgument("coordinate_transformation_mode='%s'", coordinates.c_str()));
  }
  attributes.half_pixel = coordinates == "half_pixel";
  const ValueId y = context.Emit(
      OpId::kRoiAlign,
      {context.ToNhwc(context.Input(node, 0)), context.Input(node, 1), context.Input(node, 2)}, attributes);
  return {context.ToNchw(y)};
}

// Also com.microsoft's, which has the names of opset 16.
Outputs ConvertGridSample(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::GridSampleAttributes attributes;
  const bool old = entry.microsoft || context.opset() < 20;
  const std::string mode = node.String("mode", old ? "bilinear" : "linear");
  if (mode == (old ? "bilinear" : "linear")) {
    attributes.mode = ops::SampleMode::kLinear;
  } else if (mode == (old ? "bicubic" : "cubic")) {
    attributes.mode = ops::SampleMode::kCubic;
  } else if (mode == "nearest") {
    attributes.mode = ops::SampleMode::kNearest;
  } else {
    throw ImportError(InvalidArgument("mode='%s'", mode.c_str()));
  }
  const std::string padding = node.String("padding_mode", "zeros");
  if (padding == "border") {
    attributes.padding = ops::SamplePadding::kBorder;
  } else if (padding == "reflection") {
    attributes.padding = ops::SamplePadding::kReflection;
  } else if (padding != "zeros") {
    throw ImportError(InvalidArgument("padding_mode='%s'", padding.c_str()));
  }
  attributes.align_corners = node.Int("align_corners", 0) != 0;
  ValueId x = context.Input(node, 0), grid = context.Input(node, 1);
  if (context.RankOf(x) < 0 && context.RankOf(grid) < 0) {
    const ValueId samples =
        context.Emit(OpId::kGridSample, {ChannelsLastOfOpenRank(context, x), grid}, attributes);
    return {ChannelsFirstOfOpenRank(context, samples)};
  }
  const int axes = SpatialAxes(context, node, &x, &grid);
  const ValueId y = context.Emit(OpId::kGridSample, {ToChannelsLast(context, x, axes), grid}, attributes);
  return {ToChannelsFirst(context, y, axes)};
}

Outputs ConvertAffineGrid(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::AffineGridAttributes attributes;
  attributes.align_corners = node.Int("align_corners", 0) != 0;
  return {context.Emit(OpId::kAffineGrid, {context.Input(node, 0), context.Input(node, 1)}, attributes)};
}

Outputs ConvertDeformConv(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.WithRank(context.Input(node, 0), 4);
  const ValueId weights = context.WithRank(context.Input(node, 1), 4);
  if (context.RankOf(x) != 4 || context.RankOf(weights) != 4)
    throw ImportError(Unsupported("only images [N, C, H, W]"));
  const IntList kernel = node.Ints("kernel_shape").value_or(IntList{});
  const Shape& shape = context.TypeOf(weights).shape;
  for (int i = 0; i < kernel.size() && shape.rank == 4; ++i) {
    if (kernel.size() != 2 || (shape[2 + i] >= 0 && shape[2 + i] != kernel[i])) {
      throw ImportError(InvalidArgument("kernel_shape does not fit the weights %s", ShapeText(shape).text));
    }
  }
  const WindowAttributes window = ReadWindow(node, 2);
  ops::DeformConvAttributes attributes;
  attributes.strides = window.strides;
  attributes.dilations = window.dilations;
  attributes.pads = window.pads;
  attributes.groups = node.Int("group", 1);
  attributes.offset_groups = node.Int("offset_group", 1);
  const ValueId mask = context.OptionalInput(node, 4);
  const ValueId y =
      context.Emit(OpId::kDeformConv,
                   {context.ToNhwc(x), context.ToNhwc(weights), context.ToNhwc(context.Input(node, 2)),
                    context.OptionalInput(node, 3), mask == kNone ? kNone : context.ToNhwc(mask)},
                   attributes);
  return {context.ToNchw(y)};
}

Outputs ConvertCol2Im(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::Col2ImAttributes attributes;
  attributes.strides = node.Ints("strides").value_or(IntList{});
  attributes.dilations = node.Ints("dilations").value_or(IntList{});
  attributes.pads = node.Ints("pads").value_or(IntList{});
  return {context.Emit(OpId::kCol2im,
                       {context.Input(node, 0), context.Input(node, 1), context.Input(node, 2)}, attributes)};
}

// A depthwise convolution over what came before, zeros or the state, and the input.
Outputs ConvertCausalConvWithState(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.WithRank(context.Input(node, 0), 3), weights = context.Input(node, 1);
  const Shape& shape = context.TypeOf(weights).shape;
  if (shape.rank != 3 || shape[0] < 1 || shape[2] < 1) {
    throw ImportError(Unsupported("weights %s, expected [C, 1, k]", ShapeText(shape).text));
  }
  const int64_t channels = shape[0], state = shape[2] - 1;
  ValueId padded = context.OptionalInput(node, 3);
  if (padded == kNone) {
    const int64_t pads[] = {0, 0, state, 0, 0, 0};
    padded = context.Emit(OpId::kPad, {x, context.Int64s(pads)}, ops::PadAttributes{});
  } else {
    const ValueId parts[] = {padded, x};
    padded = context.EmitMany(OpId::kConcat, parts, ops::ConcatAttributes{.axis = 2}, 1)[0];
  }
  context.Repaired("CausalConvWithState has no kernel", "Pad or Concat, a depthwise Conv2d, Slice");
  ops::Conv2dAttributes attributes;
  attributes.groups = channels;
  ValueId y = context.Emit(
      OpId::kConv2d,
      {ToImage(context, padded, 1), ToImage(context, weights, 1), context.OptionalInput(node, 2)},
      attributes);
  y = FromImage(context, y, 1);
  const std::string activation = node.String("activation", "none");
  if (activation == "silu" || activation == "swish") {
    y = context.Emit(OpId::kSilu, {y});
  } else if (activation != "none") {
    throw ImportError(Unsupported("activation='%s' is not supported", activation.c_str()));
  }
  const int64_t start[] = {-state}, end[] = {state == 0 ? 0 : INT64_MAX}, axis[] = {2};
  const ValueId last =
      context.Emit(OpId::kSlice, {padded, context.Int64s(start), context.Int64s(end), context.Int64s(axis)});
  return {y, last};
}

// com.microsoft: Conv, a sum with Z, and an activation.
Outputs ConvertFusedConv(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ValueId y =
      EmitConv(context, node, context.Input(node, 0), context.Input(node, 1), context.OptionalInput(node, 2));
  const ValueId added = context.OptionalInput(node, 3);
  if (added != kNone) y = context.Emit(OpId::kAdd, {y, added});
  const std::string activation = node.String("activation", "");
  const std::vector<float> parameters = node.Floats("activation_params");
  const auto parameter = [&](size_t i, float missing) {
    return i < parameters.size() ? parameters[i] : missing;
  };
  if (activation.empty()) return {y};
  if (activation == "Relu") return {context.Emit(OpId::kRelu, {y})};
  if (activation == "Tanh") return {context.Emit(OpId::kTanh, {y})};
  if (activation == "Sigmoid") return {context.Emit(OpId::kSigmoid, {y})};
  if (activation == "LeakyRelu") {
    return {context.Emit(OpId::kLeakyRelu, {y}, ops::LeakyReluAttributes{.alpha = parameter(0, 0.01f)})};
  }
  if (activation == "HardSigmoid") {
    ops::HardSigmoidAttributes attributes;
    attributes.alpha = parameter(0, 0.2f);
    attributes.beta = parameter(1, 0.5f);
    return {context.Emit(OpId::kHardSigmoid, {y}, attributes)};
  }
  if (activation == "Clip" && parameters.size() == 2) {
    ops::ClipAttributes attributes;
    attributes.min = parameters[0];
    attributes.max = parameters[1];
    return {context.Emit(OpId::kClip, {y}, attributes)};
  }
  throw ImportError(Unsupported("activation='%s' is not supported", activation.c_str()));
}

}  // namespace mace::importers::onnx
