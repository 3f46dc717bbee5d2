// Resize and Upsample. Images resized along height and width become Resize, which has fast kernels,
// everything else ResizeNd.
#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/slices.h"
#include "mace/importers/onnx/window.h"
#include "mace/ops/movement/resize_nd.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {
namespace {

template <typename Enum, size_t kCount>
Enum Named(OnnxNode& node, std::string_view attribute, std::string_view missing,
           const std::array<std::pair<std::string_view, Enum>, kCount>& names) {
  const std::string text = node.String(attribute, missing);
  for (const auto& [name, value] : names) {
    if (name == text) return value;
  }
  throw ImportError(Unsupported("%s='%s' is not supported", Text(attribute).c_str(), text.c_str()));
}

constexpr std::array<std::pair<std::string_view, ops::CoordinateMode>, 6> kCoordinates = {{
    {"half_pixel", ops::CoordinateMode::kHalfPixel},
    {"half_pixel_symmetric", ops::CoordinateMode::kHalfPixelSymmetric},
    {"pytorch_half_pixel", ops::CoordinateMode::kPytorchHalfPixel},
    {"align_corners", ops::CoordinateMode::kAlignCorners},
    {"asymmetric", ops::CoordinateMode::kAsymmetric},
    {"tf_crop_and_resize", ops::CoordinateMode::kTfCropAndResize},
}};
constexpr std::array<std::pair<std::string_view, ops::NearestMode>, 4> kNearest = {{
    {"round_prefer_floor", ops::NearestMode::kRoundPreferFloor},
    {"round_prefer_ceil", ops::NearestMode::kRoundPreferCeil},
    {"floor", ops::NearestMode::kFloor},
    {"ceil", ops::NearestMode::kCeil},
}};
constexpr std::array<std::pair<std::string_view, ops::AspectRatio>, 3> kAspects = {{
    {"stretch", ops::AspectRatio::kStretch},
    {"not_larger", ops::AspectRatio::kNotLarger},
    {"not_smaller", ops::AspectRatio::kNotSmaller},
}};

ops::ResizeNdAttributes ReadModes(OnnxContext& context, OnnxNode& node) {
  ops::ResizeNdAttributes attributes;
  const std::string mode = node.String("mode", "nearest");
  if (mode == "nearest") {
    attributes.mode = ops::ResizeNdMode::kNearest;
  } else if (mode == "linear" || (mode == "bilinear" && context.opset() < 10)) {
    attributes.mode = ops::ResizeNdMode::kLinear;
  } else if (mode == "cubic" && context.opset() >= 11) {
    attributes.mode = ops::ResizeNdMode::kCubic;
  } else {
    throw ImportError(Unsupported("mode='%s' is not supported", mode.c_str()));
  }
  if (context.opset() < 11) {  // fixed by the definition: x_original = x_resized / scale
    attributes.coordinate_mode = ops::CoordinateMode::kAsymmetric;
    attributes.nearest_mode = ops::NearestMode::kFloor;
    return attributes;
  }
  if (node.String("coordinate_transformation_mode", "") == "tf_half_pixel_for_nn") {
    // Of opset 11 and 12: (x + 0.5) / scale. half_pixel's place is half a pixel less, so that rounding it to
    // the nearest is rounding this down.
    if (attributes.mode != ops::ResizeNdMode::kNearest ||
        node.String("nearest_mode", "round_prefer_floor") != "floor") {
      throw ImportError(Unsupported("tf_half_pixel_for_nn is for the nearest element below"));
    }
    node.Ignore("cubic_coeff_a");
    context.Repaired("the mode tf_half_pixel_for_nn, which ONNX dropped",
                     "half_pixel with nearest_mode round_prefer_ceil");
    attributes.nearest_mode = ops::NearestMode::kRoundPreferCeil;
    return attributes;
  }
  attributes.coordinate_mode = Named(node, "coordinate_transformation_mode", "half_pixel", kCoordinates);
  attributes.nearest_mode = Named(node, "nearest_mode", "round_prefer_floor", kNearest);
  attributes.aspect_ratio = Named(node, "keep_aspect_ratio_policy", "stretch", kAspects);
  attributes.antialias = node.Int("antialias", 0) != 0;
  attributes.exclude_outside = node.Int("exclude_outside", 0) != 0;
  attributes.cubic_coefficient = node.Float("cubic_coeff_a", -0.75f);
  attributes.extrapolation_value = node.Float("extrapolation_value", 0);
  return attributes;
}

struct ResizeOperands {
  ValueId region = kNone, scales = kNone, sizes = kNone;
};

// An operand that is given, but empty, is absent.
ValueId Given(OnnxContext& context, ValueId value) {
  if (value == kNone) return kNone;
  const Shape& shape = context.TypeOf(value).shape;
  return shape.rank == 1 && shape[0] == 0 ? kNone : value;
}

ResizeOperands ReadOperands(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ResizeOperands operands;
  if (entry.op_type == "Upsample") context.Repaired("ONNX dropped the operator Upsample", "expressed by Resize");
  if (entry.op_type == "Upsample" && context.opset() < 9) {
    std::vector<float> list = node.Floats("scales");
    if (context.opset() < 7) list = {1, 1, node.Float("height_scale", 0), node.Float("width_scale", 0)};
    operands.scales = Unwrap(
        passes::AddFloatConstant(&context.graph(), "", list, Shape{static_cast<int64_t>(list.size())}));
  } else if (context.opset() < 11) {
    operands.scales = context.Input(node, 1);
  } else {
    operands.region = Given(context, context.OptionalInput(node, 1));
    operands.sizes = Given(context, context.OptionalInput(node, 3));
    if (operands.sizes == kNone) operands.scales = Given(context, context.OptionalInput(node, 2));
  }
  if (operands.scales == kNone && operands.sizes == kNone) {
    throw ImportError(InvalidArgument("neither scales nor sizes"));
  }
  return operands;
}

// Whether Resize computes this, leaving aside which axes change.
bool IsImageResize(const OnnxContext& context, const ops::ResizeNdAttributes& attributes, ValueId x) {
  const TensorType& type = context.TypeOf(x);
  const bool is_linear = attributes.mode == ops::ResizeNdMode::kLinear;
  if ((type.shape.rank != 4 && type.shape.rank != 3) || BytesOf(type.dtype) == 0) return false;
  if (attributes.mode == ops::ResizeNdMode::kCubic || (is_linear && type.dtype == DType::kF64)) return false;
  return !attributes.antialias && attributes.aspect_ratio == ops::AspectRatio::kStretch &&
         attributes.coordinate_mode != ops::CoordinateMode::kTfCropAndResize;
}

// Resize's scales for an image, [height, width], from constant scales of ONNX's axes; kNone where another
// axis changes. (Of an image of one spatial axis the rows are scaled by 1.) Resize aligns corners by whole
// elements: a scale that leads to others is for ResizeNd.
ValueId ImageScales(OnnxContext& context, ValueId scales, const IntList& axes, const Shape& shape,
                    bool align_corners) {
  const TensorView* view = context.graph().ConstantOf(scales);
  if (view == nullptr || view->dtype != DType::kF32 || view->elements() != axes.size()) return kNone;
  float spatial[2] = {1, 1};
  for (int i = 0; i < axes.size(); ++i) {
    const float scale = view->as<float>()[i];
    if (!(scale > 0) || scale > 1e6f) throw ImportError(InvalidArgument("scale %g is out of range", scale));
    const float length = scale * static_cast<float>(std::max<int64_t>(shape[static_cast<int>(axes[i])], 1));
    if (axes[i] >= 2) {
      spatial[axes[i] + 2 - shape.rank] = scale;
      if (align_corners && length != std::floor(length)) return kNone;
    } else if (scale != 1) {
      return kNone;
    }
  }
  return Unwrap(passes::AddFloatConstant(&context.graph(), "", spatial, Shape{2}));
}

ValueId ImageSizes(OnnxContext& context, ValueId sizes, const IntList& axes, const Shape& shape) {
  if (context.IsConstant(sizes)) {
    const IntList list = context.ConstantInts(sizes, "sizes");
    if (list.size() != axes.size())
      throw ImportError(InvalidArgument("expected %d sizes, got %d", axes.size(), list.size()));
    int64_t spatial[2] = {1, shape[shape.rank - 1]};
    if (shape.rank == 4) spatial[0] = shape[2];
    for (int i = 0; i < axes.size(); ++i) {
      if (axes[i] >= 2) {
        spatial[axes[i] + 2 - shape.rank] = list[i];
      } else if (list[i] != shape[static_cast<int>(axes[i])]) {
        return kNone;
      }
    }
    return spatial[0] < 0 || spatial[1] < 0 ? kNone : context.Int64s(spatial);
  }
  if (shape.rank != 4) return kNone;
  if (axes == IntList{2, 3}) return sizes;
  // Computed sizes of all axes: batch and channels cannot change in any model that makes sense; the run
  // checks nothing more. Sizes that are fed may be anything.
  if (!(axes == IntList{0, 1, 2, 3}) || context.graph().values[sizes].producer == kNone) return kNone;
  const int64_t start[] = {2}, end[] = {4};
  return context.Emit(OpId::kSlice, {sizes, context.Int64s(start), context.Int64s(end)});
}

ValueId EmitCast(OnnxContext& context, ValueId value, DType to) {
  if (context.TypeOf(value).dtype == to) return value;
  return context.Emit(OpId::kCast, {value}, ops::CastAttributes{.to = to});
}

ValueId EmitImageResize(OnnxContext& context, const ops::ResizeNdAttributes& modes, ValueId x, ValueId scales,
                        ValueId sizes) {
  ops::ResizeAttributes attributes;
  attributes.mode =
      modes.mode == ops::ResizeNdMode::kLinear ? ops::ResizeMode::kLinear : ops::ResizeMode::kNearest;
  attributes.coordinate_mode = modes.coordinate_mode;
  attributes.nearest_mode = modes.nearest_mode;
  const int axes = context.RankOf(x) - 2;
  const DType dtype = context.TypeOf(x).dtype;
  // Of bare integers the mean goes towards zero, as onnxruntime takes it.
  const bool mixes_integers = attributes.mode == ops::ResizeMode::kLinear && !IsFloat(dtype);
  if (mixes_integers) context.Repaired("a linear Resize of integers", "resized as float32 between two Casts");
  const ValueId mixed = mixes_integers ? EmitCast(context, x, DType::kF32) : x;
  const ValueId y = context.Emit(OpId::kResize, {ToImage(context, mixed, axes), scales, sizes}, attributes);
  const ValueId first = FromImage(context, y, axes);
  return mixes_integers ? EmitCast(context, first, dtype) : first;
}

// Volumes whose three axes have constant scales, as images twice: height and width with the depth in the
// batch, then the depth with height and width as one axis. kNone where that is not so.
ValueId EmitVolumeResize(OnnxContext& context, const ops::ResizeNdAttributes& modes, ValueId x,
                         ValueId scales) {
  const TensorType type = context.TypeOf(x);
  const TensorView* view = context.graph().ConstantOf(scales);
  if (type.shape.rank != 5 || type.dtype != DType::kF32 || view == nullptr || view->dtype != DType::kF32 ||
      view->elements() != 5 || !modes.axes.empty() || modes.mode == ops::ResizeNdMode::kCubic ||
      modes.antialias || modes.coordinate_mode == ops::CoordinateMode::kAlignCorners ||
      modes.coordinate_mode == ops::CoordinateMode::kTfCropAndResize) {
    return kNone;
  }
  const float* scale = view->as<float>();
  if (scale[0] != 1 || scale[1] != 1) return kNone;
  for (int i = 2; i < 5; ++i) {
    if (!(scale[i] > 0) || scale[i] > 1e6f) {
      throw ImportError(InvalidArgument("scale %g is out of range", scale[i]));
    }
  }
  context.Repaired("a Resize over three axes", "two Resizes of images, the depth in the batch and by rows");
  ops::ResizeAttributes attributes;
  attributes.mode =
      modes.mode == ops::ResizeNdMode::kLinear ? ops::ResizeMode::kLinear : ops::ResizeMode::kNearest;
  attributes.coordinate_mode = modes.coordinate_mode;
  attributes.nearest_mode = modes.nearest_mode;
  const auto resize = [&](ValueId images, float rows, float columns) {
    const float both[] = {rows, columns};
    const ValueId list = Unwrap(passes::AddFloatConstant(&context.graph(), "", both, Shape{2}));
    return context.Emit(OpId::kResize, {images, list, kNone}, attributes);
  };
  const ValueId volumes = ToChannelsLast(context, x, 3);
  const ValueId planes =
      SplitDepth(context, resize(JoinDepth(context, volumes), scale[3], scale[4]), volumes);
  const ValueId any = context.Int64s(IntList{-1});
  const ValueId flat =
      ReshapeTo(context, planes, {SizesOf(context, planes, 0, 2), any, SizesOf(context, planes, 4, 5)});
  const ValueId deep = resize(flat, scale[2], 1);
  const ValueId y = ReshapeTo(context, deep, {SizesOf(context, deep, 0, 2), SizesOf(context, planes, 2, 5)});
  return ToChannelsFirst(context, y, 3);
}

}  // namespace

Outputs ConvertResize(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::ResizeNdAttributes attributes = ReadModes(context, node);
  const ResizeOperands operands = ReadOperands(context, node, entry);
  const Shape shape = context.TypeOf(x).shape;
  attributes.axes = node.Ints("axes").value_or(IntList{});
  for (int64_t& axis : std::span(attributes.axes.values, static_cast<size_t>(attributes.axes.count))) {
    axis = AxisOf(context, axis, shape.rank);
  }
  if (IsImageResize(context, attributes, x)) {
    IntList axes = attributes.axes;
    for (int i = 0; attributes.axes.empty() && i < shape.rank; ++i) axes.Push(i);
    const bool aligns = attributes.coordinate_mode == ops::CoordinateMode::kAlignCorners;
    const ValueId sizes = operands.sizes == kNone ? kNone : ImageSizes(context, operands.sizes, axes, shape);
    const ValueId scales =
        operands.scales == kNone ? kNone : ImageScales(context, operands.scales, axes, shape, aligns);
    if (sizes != kNone || scales != kNone) {
      return {EmitImageResize(context, attributes, x, scales, sizes)};
    }
  }
  if (operands.scales != kNone) {
    const ValueId y = EmitVolumeResize(context, attributes, x, operands.scales);
    if (y != kNone) return {y};
  }
  const bool crops = attributes.coordinate_mode == ops::CoordinateMode::kTfCropAndResize;
  if (crops && operands.region == kNone) throw ImportError(InvalidArgument("roi is missing"));
  const ValueId region = crops ? EmitCast(context, operands.region, DType::kF32) : kNone;
  const DType dtype = context.TypeOf(x).dtype;
  const bool is_bool = dtype == DType::kBool;
  if (is_bool) context.Repaired("a Resize of bool", "resized as uint8 between two Casts");
  const ValueId y = context.Emit(
      OpId::kResizeNd,
      {is_bool ? EmitCast(context, x, DType::kU8) : x, region, operands.scales, operands.sizes}, attributes);
  return {is_bool ? EmitCast(context, y, dtype) : y};
}

}  // namespace mace::importers::onnx
