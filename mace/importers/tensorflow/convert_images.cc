// Resizing and cropping images.
#include "mace/importers/tensorflow/tensorflow_registry.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/movement/resize_nd.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/ops/vision/grid_sample.h"

namespace mace::importers::tensorflow {
namespace {

ops::CoordinateMode CoordinatesOf(Call& call) {
  if (call.Bool("align_corners", false)) return ops::CoordinateMode::kAlignCorners;
  return call.Bool("half_pixel_centers", false) ? ops::CoordinateMode::kHalfPixel
                                                : ops::CoordinateMode::kAsymmetric;
}

}  // namespace

Results ConvertResize(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const auto mode = static_cast<ops::ResizeNdMode>(entry.variant);
  ValueId x = call.In(0);
  const ValueId sizes = AsInt64(call, call.In(1));
  if (mode != ops::ResizeNdMode::kNearest) x = g.Cast(x, DType::kF32);  // as TensorFlow returns it
  if (mode == ops::ResizeNdMode::kCubic) {
    ops::ResizeNdAttributes attributes;
    attributes.mode = mode;
    attributes.coordinate_mode = CoordinatesOf(call);
    const bool is_half_pixel = attributes.coordinate_mode == ops::CoordinateMode::kHalfPixel;
    attributes.cubic_coefficient = is_half_pixel ? -0.5f : -0.75f;
    attributes.exclude_outside = is_half_pixel;
    attributes.axes = {1, 2};
    return {g.Emit(OpId::kResizeNd, {x, kNone, kNone, sizes}, attributes)};
  }
  ops::ResizeAttributes attributes;
  attributes.mode =
      mode == ops::ResizeNdMode::kNearest ? ops::ResizeMode::kNearest : ops::ResizeMode::kLinear;
  attributes.coordinate_mode = CoordinatesOf(call);
  attributes.rounding = ops::Rounding::kTfliteDouble;  // the coordinates are TensorFlow's
  return {g.Emit(OpId::kResize, {x, kNone, sizes}, attributes)};
}

namespace {

// Places -1 to 1 of `count` points (a list of one) from `begin` to `end` [n, 1], one point in the middle.
ValueId CropPlaces(Call& call, ValueId begin, ValueId end, int64_t count) {
  GraphBuilder& g = call.g;
  std::vector<float> steps;
  for (int64_t i = 0; i < count; ++i) {
    steps.push_back(count == 1 ? 0.5f : static_cast<float>(i) / static_cast<float>(count - 1));
  }
  const ValueId extent = g.Emit(OpId::kSub, {end, begin});
  const ValueId place =
      g.Emit(OpId::kAdd, {g.Emit(OpId::kMul, {extent, g.Floats(steps, Shape{count})}), begin});
  const ValueId twice = g.Emit(OpId::kMul, {place, g.Scalar(2, DType::kF32)});
  return g.Emit(OpId::kSub, {twice, g.Scalar(1, DType::kF32)});
}

}  // namespace

// A crop is the image sampled on a grid: image, boxes [n, 4], which image [n], size.
Results ConvertCropAndResize(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const std::vector<int64_t> size = g.ConstantInts(call.In(3), "the size of the crop", 2);
  constexpr int64_t kMostSize = 1 << 14;
  if (size.size() != 2 || size[0] < 1 || size[1] < 1 || size[0] > kMostSize || size[1] > kMostSize) {
    throw ImportError(DataLoss("the size of the crop"));
  }
  const auto corner = [&](int64_t i) { return SliceAxis(call, call.In(1), 1, i, i + 1); };
  const ValueId rows = g.Reshaped(CropPlaces(call, corner(0), corner(2), size[0]), {-1, size[0], 1, 1});
  const ValueId columns = g.Reshaped(CropPlaces(call, corner(1), corner(3), size[1]), {-1, 1, size[1], 1});
  const ValueId zero = g.Scalar(0, DType::kF32);
  const ValueId ones = g.Emit(OpId::kExpand, {zero, g.Int64s({1, size[0], size[1], 1})});
  const ValueId grid[] = {g.Emit(OpId::kAdd, {columns, ones}), g.Emit(OpId::kAdd, {rows, ones})};
  ops::ConcatAttributes last;
  last.axis = 3;
  const ValueId places = g.EmitMany(OpId::kConcat, grid, last, 1)[0];
  const ValueId images =
      g.Emit(OpId::kGather, {g.Cast(call.In(0), DType::kF32), call.In(2)}, ops::GatherAttributes{});
  ops::GridSampleAttributes sample;
  sample.align_corners = true;
  sample.padding = ops::SamplePadding::kBorder;
  const bool is_nearest = call.String("method", "bilinear") == "nearest";
  sample.mode = is_nearest ? ops::SampleMode::kNearest : ops::SampleMode::kLinear;
  const ValueId crops = g.Emit(OpId::kGridSample, {images, places}, sample);
  const ValueId one = g.Scalar(1, DType::kF32);
  const auto is_outside = [&](ValueId place) {
    return g.Emit(OpId::kGreater, {g.Emit(OpId::kAbs, {place}), one});
  };
  const ValueId outside = g.Emit(OpId::kOr, {is_outside(rows), is_outside(columns)});
  const ValueId filler = g.Scalar(call.Float("extrapolation_value", 0), DType::kF32);
  return {g.Emit(OpId::kWhere, {outside, filler, crops})};
}

}  // namespace mace::importers::tensorflow
