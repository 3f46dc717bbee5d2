#include "mace/convert/pipeline_steps.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "mace/ops/detection/non_max_suppression.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/search/ctc_greedy_decode.h"
#include "mace/ops/search/top_k.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/ops/unary/unary.h"
#include "mace/ops/vision/nv12_to_rgb.h"
#include "mace/passes/constants.h"

namespace mace::convert {
namespace {

using passes::PassError;
using passes::Unwrap;

constexpr int64_t kMostPixels = INT64_C(1) << 16;  // of a side

[[noreturn]] void Refuse(Status status) { throw PassError(std::move(status)); }

bool IsSemiPlanar(std::string_view color) { return color == "nv12" || color == "nv21"; }

bool IsInterleaved(std::string_view color) { return color == "rgb" || color == "bgr" || color == "gray"; }

void CheckColor(const ColorStep& step) {
  if ((IsInterleaved(step.source) || IsSemiPlanar(step.source)) && IsInterleaved(step.target)) return;
  Refuse(InvalidArgument("from '%s' to '%s': expected nv12, nv21, rgb, bgr or gray to rgb, bgr or gray",
                         step.source.c_str(), step.target.c_str()));
}

// The permutation of a LayoutStep.
IntList PermutationOf(const LayoutStep& step) {
  if (step.source == "NHWC" && step.target == "NCHW") return {0, 3, 1, 2};
  if (step.source == "NCHW" && step.target == "NHWC") return {0, 2, 3, 1};
  Refuse(InvalidArgument("from '%s' to '%s': expected NHWC to NCHW, or NCHW to NHWC", step.source.c_str(),
                         step.target.c_str()));
}

void ExpectPicture(const Shape& shape) {
  if (shape.rank != 4) Refuse(InvalidArgument("expected pictures of rank 4, got %s", ShapeText(shape).text));
}

// A size that is no other: the model may have a symbol of that name, for something else.
int64_t NewSymbol(std::string name, Graph* graph) {
  const auto is_taken = [&](const Symbol& symbol) { return symbol.name == name; };
  while (std::any_of(graph->symbols.begin(), graph->symbols.end(), is_taken)) name += '_';
  return SymbolDim(Unwrap(graph->FindOrAddSymbol(name)));
}

void CheckResize(const ResizeStep& step) {
  for (int64_t side : {step.height, step.width}) {
    if (side < 1 || side > kMostPixels) {
      Refuse(InvalidArgument("to %lld x %lld: expected sides of 1 to %lld pixels",
                             static_cast<long long>(step.height), static_cast<long long>(step.width),
                             static_cast<long long>(kMostPixels)));
    }
  }
  if (!std::isfinite(step.pad_value)) Refuse(InvalidArgument("pad_value must be a finite number"));
}

}  // namespace

const char* NameOf(const Step& step) {
  constexpr const char* kNames[] = {"Source",  "Color", "Resize",    "Normalize",        "Layout",
                                    "Softmax", "TopK",  "CtcDecode", "NonMaxSuppression"};
  static_assert(std::size(kNames) == std::variant_size_v<Step>);
  return kNames[step.index()];
}

Shape ShapeBefore(const Step& step, const std::string& name, const Shape& shape, Graph* graph) {
  if (std::holds_alternative<SourceStep>(step) || std::holds_alternative<NormalizeStep>(step)) return shape;
  if (const auto* layout = std::get_if<LayoutStep>(&step)) {
    const IntList perm = PermutationOf(*layout);
    ExpectPicture(shape);
    Shape before = shape;
    for (int i = 0; i < 4; ++i) before[static_cast<int>(perm[i])] = shape[i];
    return before;
  }
  if (const auto* resize = std::get_if<ResizeStep>(&step)) {
    CheckResize(*resize);
    ExpectPicture(shape);
    return {shape[0], NewSymbol(name + "_height", graph), NewSymbol(name + "_width", graph), shape[3]};
  }
  const auto* color = std::get_if<ColorStep>(&step);
  if (color == nullptr) Refuse(InvalidArgument("belongs behind an output"));
  CheckColor(*color);
  ExpectPicture(shape);
  if (!IsSemiPlanar(color->source)) return {shape[0], shape[1], shape[2], color->source == "gray" ? 1 : 3};
  if (shape[1] < 0) return {shape[0], NewSymbol(name + "_rows", graph), shape[2]};
  if (shape[1] % 2 != 0 || shape[2] % 2 == 1) {
    Refuse(InvalidArgument("%s pictures have an even height and width, the step behind it takes %s",
                           color->source.c_str(), ShapeText(shape).text));
  }
  return {shape[0], shape[1] / 2 * 3, shape[2]};
}

void ApplySource(const SourceStep& source, TensorType* type) {
  if (source.dtype == "u8") {
    type->dtype = DType::kU8;
  } else if (source.dtype == "f32") {
    type->dtype = DType::kF32;
  } else {
    Refuse(InvalidArgument("the element type '%s': expected u8 or f32", source.dtype.c_str()));
  }
  if (source.shape.empty()) return;
  bool fits = static_cast<int>(source.shape.size()) == type->shape.rank;
  for (int i = 0; fits && i < type->shape.rank; ++i) {
    const int64_t dim = source.shape[static_cast<size_t>(i)];
    if (dim == -1) continue;
    fits = dim >= 0 && (type->shape[i] < 0 || type->shape[i] == dim);
    type->shape[i] = dim;
  }
  if (fits) return;
  std::string text;
  for (int64_t dim : source.shape) text += (text.empty() ? "" : ", ") + std::to_string(dim);
  Refuse(InvalidArgument("the shape [%s] does not fit the steps behind it", text.substr(0, 200).c_str()));
}

ValueId StepBuilder::As(ValueId value, DType dtype) {
  if (editor_.QuantizationIndexOf(value) != kNone) value = Emit(OpId::kDequantize, {value}, NoAttributes{});
  if (editor_.DTypeOf(value) == dtype) return value;
  return Emit(OpId::kCast, {value}, ops::CastAttributes{.to = dtype});
}

ValueId StepBuilder::AsBytes(ValueId value) {
  value = Emit(OpId::kRound, {value}, NoAttributes{});
  value = Emit(OpId::kClip, {value}, ops::ClipAttributes{.min = 0, .max = 255});
  return As(value, DType::kU8);
}

ValueId StepBuilder::Floats(const std::vector<double>& elements, const Shape& shape) {
  const std::vector<float> floats(elements.begin(), elements.end());
  const ValueId value = Unwrap(passes::AddFloatConstant(&editor_.graph(), "", floats, shape));
  editor_.Track();
  return value;
}

ValueId StepBuilder::Ints(std::initializer_list<int64_t> elements) {
  const ValueId value =
      Unwrap(passes::AddInt64Constant(&editor_.graph(), "", std::span(elements.begin(), elements.size())));
  editor_.Track();
  return value;
}

ValueId StepBuilder::AddColor(const ColorStep& step, ValueId value) {
  if (channels_second_) Refuse(InvalidArgument("takes NHWC pictures: it belongs in front of Layout"));
  std::string_view source = step.source;
  if (IsSemiPlanar(source)) {
    ops::Nv12ToRgbAttributes attributes;
    attributes.full_range = step.full_range;
    attributes.v_first = source == "nv21";
    value = Emit(OpId::kNv12ToRgb, {value}, attributes);
    source = "rgb";
  }
  if (source == step.target) return value;
  if (source == "gray") {
    channels_reversed_ = false;
    return Emit(OpId::kConcat, {value, value, value}, ops::ConcatAttributes{.axis = 3});
  }
  if (step.target == "gray") {
    // ITU-R BT.601's luma.
    std::vector<double> weights = {0.299, 0.587, 0.114};
    if ((source == "bgr") != channels_reversed_) std::swap(weights[0], weights[2]);
    channels_reversed_ = false;
    const ValueId weighted = Emit(OpId::kMul, {As(value, DType::kF32), Floats(weights, {3})}, NoAttributes{});
    ops::ReduceAttributes sum;
    sum.kind = ops::ReduceKind::kSum;
    sum.axes = {3};
    return Emit(OpId::kReduce, {weighted}, sum);
  }
  channels_reversed_ = !channels_reversed_;
  return value;
}

ValueId StepBuilder::Settle(ValueId value) {
  if (!channels_reversed_) return value;
  channels_reversed_ = false;
  return Emit(OpId::kSlice, {value, Ints({-1}), Ints({INT64_MIN}), Ints({3}), Ints({-1})}, NoAttributes{});
}

ValueId StepBuilder::ResizeTo(const ResizeStep& step, ValueId value, ValueId sizes) {
  ops::ResizeAttributes attributes;
  attributes.mode = step.nearest ? ops::ResizeMode::kNearest : ops::ResizeMode::kLinear;
  attributes.nearest_mode = ops::NearestMode::kFloor;
  attributes.coordinate_mode =
      step.nearest ? ops::CoordinateMode::kAsymmetric : ops::CoordinateMode::kHalfPixel;
  return Emit(OpId::kResize, {value, kNone, sizes}, attributes);
}

ValueId StepBuilder::AddResize(const ResizeStep& step, ValueId value) {
  if (channels_second_) Refuse(InvalidArgument("takes NHWC pictures: it belongs in front of Layout"));
  if (!step.nearest) value = As(value, DType::kF32);
  return step.keep_aspect ? AddFittingResize(step, value)
                          : ResizeTo(step, value, Ints({step.height, step.width}));
}

// The sizes are integers that are computed from the picture's shape while a plan is made:
// height = clamp((h * width + w / 2) / w, 1, height), and the other way round.
ValueId StepBuilder::AddFittingResize(const ResizeStep& step, ValueId value) {
  ops::ShapeAttributes rows_and_columns;
  rows_and_columns.start = 1;
  rows_and_columns.end = 3;
  const ValueId source = Emit(OpId::kShape, {value}, rows_and_columns);  // [h, w]
  const ValueId swapped = Emit(OpId::kGather, {source, Ints({1, 0})}, ops::GatherAttributes{});
  const ValueId other = Emit(OpId::kMax, {swapped, Ints({1})}, NoAttributes{});
  const ValueId half = Emit(OpId::kDiv, {other, Ints({2})}, NoAttributes{});
  const ValueId product = Emit(OpId::kMul, {source, Ints({step.width, step.height})}, NoAttributes{});
  const ValueId rounded = Emit(OpId::kAdd, {product, half}, NoAttributes{});
  const ValueId scaled = Emit(OpId::kDiv, {rounded, other}, NoAttributes{});
  const ValueId target = Ints({step.height, step.width});
  const ValueId at_least = Emit(OpId::kMax, {scaled, Ints({1})}, NoAttributes{});
  const ValueId sizes = Emit(OpId::kMin, {at_least, target}, NoAttributes{});
  const ValueId resized = ResizeTo(step, value, sizes);
  const ValueId rest = Emit(OpId::kSub, {target, sizes}, NoAttributes{});
  const ValueId before = step.centre ? Emit(OpId::kDiv, {rest, Ints({2})}, NoAttributes{})
                                     : Emit(OpId::kSub, {rest, rest}, NoAttributes{});
  const ValueId behind = Emit(OpId::kSub, {rest, before}, NoAttributes{});
  const ValueId none = Ints({0});
  const ValueId pads = Emit(OpId::kConcat, {none, before, none, none, behind, none}, ops::ConcatAttributes{});
  ValueId fill = Floats({static_cast<double>(step.pad_value)}, {});
  if (editor_.DTypeOf(resized) == DType::kU8) {
    if (step.pad_value < 0 || step.pad_value > 255) Refuse(InvalidArgument("pad_value must lie in 0 .. 255"));
    fill = As(fill, DType::kU8);
  }
  const ValueId padded = Emit(OpId::kPad, {resized, pads, fill}, ops::PadAttributes{});
  // The pads are computed, the result's size is known: a view says so.
  ops::ReshapeAttributes known;
  known.shape = {0, step.height, step.width, 0};
  return Emit(OpId::kReshape, {padded}, known);
}

ValueId StepBuilder::AddNormalize(const NormalizeStep& step, ValueId value) {
  const size_t count = std::max(step.mean.size(), step.deviation.size());
  const int axis = channels_second_ ? 1 : ShapeOf(value).rank - 1;
  const auto one_each = [&](const std::vector<double>& list) {
    return list.size() == count || list.size() == 1;
  };
  if (count == 0 || !one_each(step.mean) || !one_each(step.deviation) || axis < 0) {
    Refuse(InvalidArgument("%zu means and %zu deviations: expected one, or one a channel", step.mean.size(),
                           step.deviation.size()));
  }
  const int64_t channels = ShapeOf(value)[axis];
  if (count > 1 && channels >= 0 && channels != static_cast<int64_t>(count)) {
    Refuse(InvalidArgument("%zu means and deviations for %lld channels", count,
                           static_cast<long long>(channels)));
  }
  // The multiplication comes last: a convolution behind it takes it into its weights (the sum it cannot: it
  // pads with zeros).
  std::vector<double> factors(count), offsets(count);
  for (size_t i = 0; i < count; ++i) {
    const double deviation = step.deviation[step.deviation.size() == 1 ? 0 : i];
    const double mean = step.mean[step.mean.size() == 1 ? 0 : i];
    factors[i] = step.scale / deviation;
    offsets[i] = -mean / step.scale;
    if (!std::isfinite(static_cast<float>(factors[i])) || !std::isfinite(static_cast<float>(offsets[i]))) {
      Refuse(InvalidArgument("the mean %g, deviation %g and scale %g give no finite number", mean, deviation,
                             step.scale));
    }
  }
  if (channels_reversed_) {
    std::reverse(factors.begin(), factors.end());
    std::reverse(offsets.begin(), offsets.end());
  }
  Shape shape = {static_cast<int64_t>(count)};
  if (channels_second_) shape = {static_cast<int64_t>(count), 1, 1};
  value = Emit(OpId::kAdd, {As(value, DType::kF32), Floats(offsets, shape)}, NoAttributes{});
  return Emit(OpId::kMul, {value, Floats(factors, shape)}, NoAttributes{});
}

ValueId StepBuilder::AddLayout(const LayoutStep& step, ValueId value) {
  const IntList perm = PermutationOf(step);
  ExpectPicture(ShapeOf(value));
  value = Settle(value);
  channels_second_ = step.target == "NCHW";
  return Emit(OpId::kTranspose, {value}, ops::TransposeAttributes{.perm = perm});
}

ValueId StepBuilder::AddToInput(const Step& step, ValueId value) {
  if (const auto* color = std::get_if<ColorStep>(&step)) return AddColor(*color, value);
  if (const auto* resize = std::get_if<ResizeStep>(&step)) return AddResize(*resize, value);
  if (const auto* normalize = std::get_if<NormalizeStep>(&step)) return AddNormalize(*normalize, value);
  if (const auto* layout = std::get_if<LayoutStep>(&step)) return AddLayout(*layout, value);
  return value;  // a SourceStep has done its work
}

StepResult StepBuilder::AddToOutput(const Step& step, ValueId value) {
  StepResult result;
  if (const auto* layout = std::get_if<LayoutStep>(&step)) {
    result.value = AddLayout(*layout, value);
  } else if (const auto* softmax = std::get_if<SoftmaxStep>(&step)) {
    ops::SoftmaxAttributes attributes;
    attributes.axis = softmax->axis;
    result.value = Emit(OpId::kSoftmax, {As(value, DType::kF32)}, attributes);
  } else if (const auto* top = std::get_if<TopKStep>(&step)) {
    const ValueId inputs[] = {As(value, DType::kF32), Ints({top->k})};
    const auto values =
        editor_.EmitMany(anchor_, OpId::kTopK, inputs, ops::TopKAttributes{.axis = top->axis}, 2);
    result = {values[0], {{"_indices", values[1]}}};
  } else if (const auto* decode = std::get_if<CtcDecodeStep>(&step)) {
    const ValueId inputs[] = {As(value, DType::kF32)};
    const ops::CtcGreedyDecodeAttributes attributes = {decode->blank, decode->merge_repeats};
    const auto values = editor_.EmitMany(anchor_, OpId::kCtcGreedyDecode, inputs, attributes, 4);
    result = {values[0], {{"_lengths", values[1]}, {"_scores", values[2]}, {"_steps", values[3]}}};
  } else {
    Refuse(InvalidArgument("belongs in front of an input"));
  }
  return result;
}

StepResult StepBuilder::AddSuppression(const NonMaxSuppressionStep& step, ValueId boxes, ValueId scores) {
  ops::NonMaxSuppressionAttributes attributes;
  attributes.max_detections = step.max_detections;
  attributes.iou_threshold = step.iou_threshold;
  attributes.score_threshold = step.score_threshold;
  attributes.class_agnostic = step.class_agnostic;
  if (step.box_format == "xyxy") {
    attributes.box_format = ops::BoxFormat::kXyxy;
  } else if (step.box_format == "centre") {
    attributes.box_format = ops::BoxFormat::kCentre;
  } else if (step.box_format != "yxyx") {
    Refuse(InvalidArgument("the box format '%s': expected yxyx, xyxy or centre", step.box_format.c_str()));
  }
  scores = As(scores, DType::kF32);
  if (step.class_last) {
    if (ShapeOf(scores).rank != 3) Refuse(InvalidArgument("scores %s", ShapeText(ShapeOf(scores)).text));
    scores = Emit(OpId::kTranspose, {scores}, ops::TransposeAttributes{.perm = {0, 2, 1}});
  }
  const ValueId inputs[] = {As(boxes, DType::kF32), scores};
  const auto values = editor_.EmitMany(anchor_, OpId::kNonMaxSuppression, inputs, attributes, 4);
  return {values[0], {{"_classes", values[1]}, {"_scores", values[2]}, {"_count", values[3]}}};
}

}  // namespace mace::convert
