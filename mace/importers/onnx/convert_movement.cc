// Operators that move elements.
#include <numeric>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {

Outputs ConvertTranspose(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const int rank = context.RankOf(x);
  if (rank < 0) {
    ops::TransposeAttributes attributes;
    attributes.perm = node.Ints("perm").value_or(IntList{});
    return {context.EmitMoved(OpId::kTranspose, {x}, attributes)};
  }
  IntList perm;
  if (const auto given = node.Ints("perm"); given.has_value()) {
    perm = *given;
  } else {
    for (int i = 0; i < rank; ++i) perm.Push(rank - 1 - i);
  }
  uint32_t seen = 0;
  for (int64_t axis : perm) {
    if (axis < 0 || axis >= rank || (seen >> axis & 1) != 0)
      throw ImportError(InvalidArgument("perm is no permutation"));
    seen |= 1u << axis;
  }
  if (perm.size() != rank)
    throw ImportError(InvalidArgument("perm has %d axes, the tensor %d", perm.size(), rank));
  return {context.Transpose(x, perm)};
}

Outputs ConvertConcat(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  std::vector<ValueId> inputs;
  for (int i = 0; i < node.input_count(); ++i) inputs.push_back(context.Input(node, i));
  if (inputs.empty()) throw ImportError(InvalidArgument("no inputs"));
  ops::ConcatAttributes attributes;
  if (!node.Has("axis")) throw ImportError(InvalidArgument("axis is missing"));
  attributes.axis = AxisOf(context, node.Int("axis", 0), context.RankOf(inputs[0]));
  return context.EmitMoved(OpId::kConcat, inputs, static_cast<int>(inputs.size()), attributes, 1);
}

Outputs ConvertSplit(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::SplitAttributes attributes;
  attributes.axis = AxisOf(context, node.Int("axis", 0), context.RankOf(x));
  ValueId sizes = kNone;
  if (context.opset() >= 13) {
    sizes = context.OptionalInput(node, 1);
  } else if (const auto split = node.LongInts("split"); split.has_value()) {
    sizes = context.Int64s(*split);
  }
  const int64_t count = node.Int("num_outputs", node.output_count());
  if (count != node.output_count())
    throw ImportError(InvalidArgument("num_outputs does not fit the outputs"));
  const ValueId inputs[] = {x, sizes};
  return context.EmitMoved(OpId::kSplit, std::span<const ValueId>(inputs, sizes == kNone ? 1 : 2), 1,
                           attributes, static_cast<int>(count));
}

Outputs ConvertSlice(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  if (context.opset() < 10) {
    const auto starts = node.Ints("starts"), ends = node.Ints("ends"), axes = node.Ints("axes");
    if (!starts.has_value() || !ends.has_value())
      throw ImportError(InvalidArgument("starts or ends are missing"));
    const ValueId inputs[] = {x, context.Int64s(*starts), context.Int64s(*ends),
                              axes.has_value() ? context.Int64s(*axes) : kNone};
    return context.EmitMoved(OpId::kSlice, std::span<const ValueId>(inputs, axes.has_value() ? 4 : 3), 1,
                             NoAttributes{}, 1);
  }
  std::vector<ValueId> inputs = {x, context.Input(node, 1), context.Input(node, 2),
                                 context.OptionalInput(node, 3), context.OptionalInput(node, 4)};
  while (inputs.back() == kNone) inputs.pop_back();
  return context.EmitMoved(OpId::kSlice, inputs, 1, NoAttributes{}, 1);
}

Outputs ConvertGather(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::GatherAttributes attributes;
  attributes.axis = AxisOf(context, node.Int("axis", 0), context.RankOf(x));
  return {context.EmitMoved(OpId::kGather, {x, context.Input(node, 1)}, attributes)};
}

namespace {

ops::PadMode ReadPadMode(OnnxNode& node) {
  const std::string mode = node.String("mode", "constant");
  constexpr std::pair<std::string_view, ops::PadMode> kModes[] = {{"constant", ops::PadMode::kConstant},
                                                                  {"reflect", ops::PadMode::kReflect},
                                                                  {"edge", ops::PadMode::kEdge},
                                                                  {"wrap", ops::PadMode::kWrap}};
  for (const auto& [name, value] : kModes) {
    if (name == mode) return value;
  }
  throw ImportError(Unsupported("mode='%s' is not supported", mode.c_str()));
}

}  // namespace

ValueId EmitPad(OnnxContext& context, ValueId x, ValueId pads, ValueId value, ValueId axes,
                const ops::PadAttributes& attributes) {
  const int rank = context.RankOf(x);
  const TensorView* given = context.graph().ConstantOf(pads);
  const TensorView* listed = context.graph().ConstantOf(axes);
  if (given != nullptr && listed != nullptr && rank >= 0 && ops::IsIntVector(*given) &&
      ops::IsIntVector(*listed)) {
    ops::PadAmounts amounts;
    Check(ops::ResolvePads(*given, listed, rank, &amounts));
    std::vector<int64_t> all(amounts.begin, amounts.begin + rank);
    all.insert(all.end(), amounts.end, amounts.end + rank);
    pads = context.Int64s(all);
    axes = kNone;
  }
  // The padding is a stored integer, 0 where none is given; its own scale (it may come from QuantizeLinear)
  // does not matter.
  if (axes != kNone) return context.EmitMoved(OpId::kPad, {x, pads, value, axes}, attributes);
  if (value != kNone) return context.EmitMoved(OpId::kPad, {x, pads, value}, attributes);
  return context.EmitMoved(OpId::kPad, {x, pads}, attributes);
}

Outputs ConvertPad(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::PadAttributes attributes;
  attributes.mode = ReadPadMode(node);
  if (context.opset() < 11 && !entry.microsoft) {
    const auto list = node.LongInts("pads");
    if (!list.has_value()) throw ImportError(InvalidArgument("pads are missing"));
    const float fill = node.Float("value", 0);
    const ValueId value = fill != 0 ? context.Float(fill, context.TypeOf(x).dtype) : kNone;
    return {EmitPad(context, x, context.Int64s(*list), value, kNone, attributes)};
  }
  ValueId pads = context.Input(node, 1), value = context.OptionalInput(node, 2);
  if (entry.microsoft && context.RankOf(pads) == 2) pads = context.Reshape(pads, IntList{-1});
  if (value != kNone && context.RankOf(value) == 1 && context.TypeOf(value).shape[0] == 1) {
    value = context.Reshape(value, IntList{});  // old files hold a list of one
  }
  const ValueId axes = entry.microsoft ? kNone : context.OptionalInput(node, 3);
  return {EmitPad(context, x, pads, value, axes, attributes)};
}

namespace {

ops::ResizeAttributes ResizeModes(OnnxContext& context, OnnxNode& node) {
  ops::ResizeAttributes attributes;
  const std::string mode = node.String("mode", "nearest");
  if (mode == "nearest") {
    attributes.mode = ops::ResizeMode::kNearest;
  } else if (mode == "linear" || (mode == "bilinear" && context.opset() < 10)) {
    attributes.mode = ops::ResizeMode::kLinear;
  } else {
    throw ImportError(Unsupported("mode='%s' is not supported", mode.c_str()));
  }
  if (context.opset() < 11) {  // fixed by the definition: x_original = x_resized / scale
    attributes.coordinate_mode = ops::CoordinateMode::kAsymmetric;
    attributes.nearest_mode = ops::NearestMode::kFloor;
    return attributes;
  }
  const std::string coordinates = node.String("coordinate_transformation_mode", "half_pixel");
  constexpr std::pair<std::string_view, ops::CoordinateMode> kCoordinates[] = {
      {"half_pixel", ops::CoordinateMode::kHalfPixel},
      {"pytorch_half_pixel", ops::CoordinateMode::kPytorchHalfPixel},
      {"align_corners", ops::CoordinateMode::kAlignCorners},
      {"asymmetric", ops::CoordinateMode::kAsymmetric},
  };
  bool found = false;
  for (const auto& [name, value] : kCoordinates) {
    if (name == coordinates) attributes.coordinate_mode = value, found = true;
  }
  if (!found)
    throw ImportError(
        Unsupported("coordinate_transformation_mode='%s' is not supported", coordinates.c_str()));
  const std::string nearest = node.String("nearest_mode", "round_prefer_floor");
  constexpr std::pair<std::string_view, ops::NearestMode> kNearest[] = {
      {"round_prefer_floor", ops::NearestMode::kRoundPreferFloor},
      {"round_prefer_ceil", ops::NearestMode::kRoundPreferCeil},
      {"floor", ops::NearestMode::kFloor},
      {"ceil", ops::NearestMode::kCeil},
  };
  found = false;
  for (const auto& [name, value] : kNearest) {
    if (name == nearest) attributes.nearest_mode = value, found = true;
  }
  if (!found) throw ImportError(Unsupported("nearest_mode='%s' is not supported", nearest.c_str()));
  node.RequireInt("antialias", 0);
  node.RequireInt("exclude_outside", 0);
  node.Ignore("cubic_coeff_a");
  node.Ignore("extrapolation_value");
  const std::string policy = node.String("keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch")
    throw ImportError(Unsupported("keep_aspect_ratio_policy='%s' is not supported", policy.c_str()));
  return attributes;
}

// The two spatial entries of a list over `axes`; the others must leave the size alone. kNone where the list
// is absent or empty.
ValueId SpatialScales(OnnxContext& context, ValueId scales, const IntList& axes) {
  if (scales == kNone) return kNone;
  const TensorView* view = context.graph().ConstantOf(scales);
  if (view == nullptr) throw ImportError(Unsupported("scales computed at run time are not supported"));
  if (view->elements() == 0) return kNone;
  if (view->dtype != DType::kF32 || view->elements() != axes.size()) {
    throw ImportError(
        InvalidArgument("expected %d float32 scales, got %s", axes.size(), ShapeText(view->shape).text));
  }
  float spatial[2] = {1, 1};
  for (int i = 0; i < axes.size(); ++i) {
    const float scale = view->as<float>()[i];
    if (!(scale > 0) || scale > 1e6f) throw ImportError(InvalidArgument("scale %g is out of range", scale));
    if (axes[i] >= 2) {
      spatial[axes[i] - 2] = scale;
    } else if (scale != 1) {
      throw ImportError(Unsupported("resizing axis %d (only height and width)", static_cast<int>(axes[i])));
    }
  }
  return Unwrap(passes::AddFloatConstant(&context.graph(), "", spatial, Shape{2}));
}

ValueId SpatialSizes(OnnxContext& context, ValueId sizes, const IntList& axes, const Shape& shape) {
  if (sizes == kNone) return kNone;
  if (context.RankOf(sizes) != 1 || context.TypeOf(sizes).shape[0] == 0) return kNone;
  if (context.IsConstant(sizes)) {
    const IntList list = context.ConstantInts(sizes, "sizes");
    if (list.size() != axes.size())
      throw ImportError(InvalidArgument("expected %d sizes, got %d", axes.size(), list.size()));
    int64_t spatial[2] = {shape[2], shape[3]};
    for (int i = 0; i < axes.size(); ++i) {
      if (axes[i] >= 2) {
        spatial[axes[i] - 2] = list[i];
      } else if (list[i] != shape[static_cast<int>(axes[i])]) {
        throw ImportError(Unsupported("resizing axis %d (only height and width)", static_cast<int>(axes[i])));
      }
    }
    if (spatial[0] < 0 || spatial[1] < 0)
      throw ImportError(Unsupported("sizes of one axis, the other dynamic"));
    return context.Int64s(spatial);
  }
  // Computed sizes: batch and channels cannot change in any model that makes sense; the run checks nothing
  // more.
  const bool all = axes == IntList{0, 1, 2, 3};
  if (!all && !(axes == IntList{2, 3})) throw ImportError(Unsupported("computed sizes of these axes"));
  if (!all) return sizes;
  const int64_t start[] = {2}, end[] = {4};
  return context.Emit(OpId::kSlice, {sizes, context.Int64s(start), context.Int64s(end)});
}

}  // namespace

Outputs ConvertResize(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  if (context.RankOf(x) != 4)
    throw ImportError(Unsupported("input of rank %d (only [N, C, H, W])", context.RankOf(x)));
  const ops::ResizeAttributes attributes = ResizeModes(context, node);
  IntList axes = node.Ints("axes").value_or(IntList{0, 1, 2, 3});
  for (int i = 0; i < axes.size(); ++i) axes[i] = context.NormalizedAxis(axes[i], 4);
  ValueId scales = kNone, sizes = kNone;
  if (entry.op_type == "Upsample" && context.opset() < 9) {
    const std::vector<float> list = node.Floats("scales");
    scales = Unwrap(
        passes::AddFloatConstant(&context.graph(), "", list, Shape{static_cast<int64_t>(list.size())}));
  } else if (context.opset() < 11) {
    scales = context.Input(node, 1);
  } else {
    scales = context.OptionalInput(node, 2);
    sizes = context.OptionalInput(node, 3);
  }
  const Shape shape = context.TypeOf(x).shape;
  sizes = SpatialSizes(context, sizes, axes, shape);
  scales = sizes != kNone ? kNone : SpatialScales(context, scales, axes);
  if (scales == kNone && sizes == kNone) throw ImportError(InvalidArgument("neither scales nor sizes"));
  const DType dtype = context.TypeOf(x).dtype;
  const bool mixes_integers = attributes.mode == ops::ResizeMode::kLinear && IsInteger(dtype);
  const auto cast = [&](ValueId value, DType to) {
    return mixes_integers ? context.Emit(OpId::kCast, {value}, ops::CastAttributes{.to = to}) : value;
  };
  // Of bare integers the mean goes towards zero, as onnxruntime takes it.
  const ValueId y =
      context.Emit(OpId::kResize, {context.ToNhwc(cast(x, DType::kF32)), scales, sizes}, attributes);
  return {context.ToNchw(cast(y, dtype))};
}

}  // namespace mace::importers::onnx
