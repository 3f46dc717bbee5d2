// Converters of StableHLO's elementwise operators (https://openxla.org/stablehlo/spec), and of dilation.
// Operands have one shape; bare numbers, no scales.
#include <iterator>

#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/binary/binary_bits.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {
namespace {

template <typename Attributes = NoAttributes>
void ConvertElementwise(TfliteContext& context, OpId op, const Attributes& attributes = {}) {
  context.EmitOutput(op, {context.Input(0), context.Input(1)}, attributes);
}

void ConvertNumberOrBool(TfliteContext& context, OpId of_numbers, OpId of_bools) {
  ConvertElementwise(context, context.DTypeOf(context.Input(0)) == DType::kBool ? of_bools : of_numbers);
}

// The value of one element as a scalar.
ValueId ScalarOf(TfliteContext& context, ValueId value) {
  ops::ReshapeAttributes list;
  list.shape = {1};
  ops::SqueezeAttributes squeeze;
  squeeze.axes = {0};
  const ValueId one = context.Emit(OpId::kReshape, {value}, list, TensorType{});
  return context.Emit(OpId::kSqueeze, {one}, squeeze, TensorType{});
}

void RequireConcrete(const Shape& shape, size_t entries) {
  if (static_cast<int>(entries) == shape.rank && shape.IsConcrete() && shape.rank < kMaxRank) return;
  throw ImportError(StatusCode::kUnsupported,
                    std::to_string(entries) + " entries for the shape " + ShapeText(shape).text);
}

ValueId Sliced(TfliteContext& context, ValueId x, int64_t axis, int64_t from, int64_t to, int64_t step) {
  const int64_t begin[] = {from}, end[] = {to}, along[] = {axis}, steps[] = {step};
  const ValueId starts = context.AddInts(begin), ends = context.AddInts(end), axes = context.AddInts(along);
  return context.Emit(OpId::kSlice, {x, starts, ends, axes, context.AddInts(steps)}, NoAttributes{},
                      TensorType{});
}

// x with `filler` between its elements, which come to lie `distances` apart.
ValueId Dilated(TfliteContext& context, ValueId x, std::span<const int64_t> distances, ValueId filler) {
  Shape shape = context.ShapeOf(x);
  RequireConcrete(shape, distances.size());
  // Each element gets an axis of its own behind it, which is filled up; the last filling is cut off.
  for (int axis = 0; axis < shape.rank; ++axis) {
    const int64_t distance = distances[static_cast<size_t>(axis)];
    int64_t size = 0;
    if (distance < 1 || __builtin_mul_overflow(shape[axis], distance, &size)) {
      throw ImportError(StatusCode::kDataLoss, "a distance of " + std::to_string(distance));
    }
    if (distance == 1 || shape[axis] == 0) continue;
    ops::UnsqueezeAttributes unsqueeze;
    unsqueeze.axes = {axis + 1};
    x = context.Emit(OpId::kUnsqueeze, {x}, unsqueeze, TensorType{});
    const int64_t pads[] = {0, distance - 1}, axes[] = {axis + 1};
    x = context.Emit(OpId::kPad, {x, context.AddInts(pads), filler, context.AddInts(axes)},
                     ops::PadAttributes{}, TensorType{});
    shape[axis] = size;
    ops::ReshapeAttributes merge;
    merge.allow_zero = true;
    for (int d = 0; d < shape.rank; ++d) merge.shape.Push(shape[d]);
    x = context.Emit(OpId::kReshape, {x}, merge, TensorType{});
    shape[axis] = size - distance + 1;
    x = Sliced(context, x, axis, 0, shape[axis], 1);
  }
  return x;
}

// Windows along one axis, joined by `op`.
ValueId ReduceAlong(TfliteContext& context, OpId op, ValueId x, int64_t axis, int64_t window, int64_t stride,
                    int64_t dilation) {
  constexpr int64_t kMostTaps = 4096, kMostStep = int64_t{1} << 31;
  const int64_t size = context.ShapeOf(x)[static_cast<int>(axis)];
  if (window < 1 || stride < 1 || dilation < 1 || stride > kMostStep || dilation > kMostStep) {
    throw ImportError(StatusCode::kDataLoss, "a window, stride or dilation that is not positive");
  }
  if (window > kMostTaps) {
    throw ImportError(StatusCode::kUnsupported, "a window of " + std::to_string(window) + " elements");
  }
  const int64_t spanned = (window - 1) * dilation + 1;
  const int64_t count = size < spanned ? 0 : (size - spanned) / stride + 1;
  if (count == 0) return Sliced(context, x, axis, 0, 0, 1);
  ValueId joined = kNone;
  for (int64_t tap = 0; tap < window; ++tap) {
    const int64_t from = tap * dilation;
    const ValueId part = Sliced(context, x, axis, from, from + (count - 1) * stride + 1, stride);
    joined = joined == kNone ? part : context.Emit(op, {joined, part}, NoAttributes{}, TensorType{});
  }
  return joined;
}

}  // namespace

// Of bools adding and the maximum are "or", multiplying and the minimum "and".
void ConvertStablehloAdd(TfliteContext& context) { ConvertNumberOrBool(context, OpId::kAdd, OpId::kOr); }
void ConvertStablehloMultiply(TfliteContext& context) {
  ConvertNumberOrBool(context, OpId::kMul, OpId::kAnd);
}
void ConvertStablehloMaximum(TfliteContext& context) { ConvertNumberOrBool(context, OpId::kMax, OpId::kOr); }
void ConvertStablehloMinimum(TfliteContext& context) { ConvertNumberOrBool(context, OpId::kMin, OpId::kAnd); }

// Shifts of as many bits as the type has, or more, give 0.
void ConvertStablehloShiftLeft(TfliteContext& context) {
  ops::BitwiseAttributes attributes;
  attributes.kind = ops::BitwiseKind::kShiftLeft;
  ConvertElementwise(context, OpId::kBitwise, attributes);
}

// Inputs: x, the distance of its elements on each axis, what stands between them.
void ConvertDilate(TfliteContext& context) {
  const std::vector<int64_t> distances = context.ConstantInts(context.Input(1), "the list of distances");
  const ValueId filler = ScalarOf(context, context.Input(2));
  context.EmitOutput(OpId::kIdentity, {Dilated(context, context.Input(0), distances, filler)},
                     NoAttributes{});
}

// Inputs: x, what it is filled with: between its elements, then around them. Negative edges cut off.
void ConvertStablehloPad(TfliteContext& context) {
  const auto& options = context.RequiredOptions2<file::StablehloPadOptions>();
  std::vector<int64_t> edges = CopyOf(options.low());
  const std::vector<int64_t> high = CopyOf(options.high());
  std::vector<int64_t> distances = CopyOf(options.interior());
  if (edges.size() != high.size() || edges.size() != distances.size()) {
    throw ImportError(StatusCode::kDataLoss, "its lists differ in size");
  }
  for (int64_t& distance : distances) {
    if (distance < 0 || distance >= INT32_MAX) {
      throw ImportError(StatusCode::kDataLoss, "interior padding of " + std::to_string(distance));
    }
    ++distance;
  }
  const ValueId filler = ScalarOf(context, context.Input(1));
  const ValueId x = Dilated(context, context.Input(0), distances, filler);
  edges.insert(edges.end(), high.begin(), high.end());
  context.EmitOutput(OpId::kPad, {x, context.AddInts(edges), filler}, ops::PadAttributes{});
}

// Inputs: x, what each result begins with, sizes, strides and dilations of the windows on all axes.
void ConvertReduceWindow(TfliteContext& context) {
  static constexpr OpId kFunctions[] = {OpId::kInvalid, OpId::kAdd, OpId::kMul, OpId::kMin,
                                        OpId::kMax,     OpId::kAnd, OpId::kOr};
  const int32_t function = context.RequiredOptions2<file::ReduceWindowOptions>().function();
  if (function < 1 || function >= static_cast<int32_t>(std::size(kFunctions))) {
    throw ImportError(StatusCode::kUnsupported, "the function " + std::to_string(function));
  }
  const OpId op = kFunctions[function];
  ValueId x = context.Input(0);
  const std::vector<int64_t> window = context.ConstantInts(context.Input(2), "the list of sizes");
  const std::vector<int64_t> strides = context.ConstantInts(context.Input(3), "the list of strides");
  const std::vector<int64_t> dilations = context.ConstantInts(context.Input(4), "the list of dilations");
  if (window.size() != strides.size() || window.size() != dilations.size()) {
    throw ImportError(StatusCode::kDataLoss, "its lists differ in size");
  }
  RequireConcrete(context.ShapeOf(x), window.size());
  for (size_t axis = 0; axis < window.size(); ++axis) {
    x = ReduceAlong(context, op, x, static_cast<int64_t>(axis), window[axis], strides[axis], dilations[axis]);
  }
  context.EmitOutput(op, {x, ScalarOf(context, context.Input(1))}, NoAttributes{});
}

}  // namespace mace::importers::tflite
