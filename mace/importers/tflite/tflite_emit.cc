#include "mace/importers/tflite/tflite_emit.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/binary/binary_bits.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/output_scale.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {

bool IsConstant(TfliteContext& context, ValueId value) {
  return context.graph().ConstantOf(value) != nullptr;
}

ValueId Ints(TfliteContext& context, std::initializer_list<int64_t> elements) {
  return context.AddInts(std::span<const int64_t>(elements.begin(), elements.size()));
}

ValueId Int(TfliteContext& context, int64_t element) {
  context.Spend(static_cast<int64_t>(sizeof(Value) + sizeof(Constant)));
  return Unwrap(context.graph().AddConstant({}, TensorView{&element, DType::kI64, Shape()}, /*copy=*/true));
}

ValueId Repeated(TfliteContext& context, int64_t element, int count) {
  return context.AddInts(std::vector<int64_t>(static_cast<size_t>(count), element));
}

ValueId Number(TfliteContext& context, double number, DType dtype) {
  const auto add = [&](const auto& element) {
    context.Spend(static_cast<int64_t>(sizeof(Value) + sizeof(Constant)));
    auto copy = element;
    return Unwrap(context.graph().AddConstant({}, TensorView{&copy, dtype, Shape()}, /*copy=*/true));
  };
  if (dtype == DType::kF64) return add(number);
  if (mace::IsFloat(dtype)) {
    const auto single = static_cast<float>(number);
    const ValueId value =
        Unwrap(context.graph().AddConstant({}, TensorView{const_cast<float*>(&single), DType::kF32, Shape()},
                                           /*copy=*/true));
    return CastTo(context, value, dtype);
  }
  const auto integer = static_cast<int64_t>(number);
  if (BytesOf(dtype) == 8) return add(integer);
  const ValueId value = Unwrap(context.graph().AddUninitializedConstant({}, dtype, Shape()));
  ops::StoreInteger(context.graph().constants.back().view.data, dtype, 0, static_cast<int32_t>(integer));
  return value;
}

ValueId CastTo(TfliteContext& context, ValueId value, DType dtype) {
  if (context.DTypeOf(value) == dtype) return value;
  ops::CastAttributes attributes;
  attributes.to = dtype;
  return context.EmitInner(OpId::kCast, {value}, attributes);
}

ValueId AsInt64(TfliteContext& context, ValueId value) {
  const TensorView* view = context.graph().ConstantOf(value);
  constexpr int64_t kFew = 64;
  if (view == nullptr || view->shape.rank != 1 || view->elements() > kFew || !IsInteger(view->dtype)) {
    return CastTo(context, value, DType::kI64);
  }
  return context.AddInts(context.ConstantInts(value, "a list of integers"));
}

ValueId Reshaped(TfliteContext& context, ValueId value, const IntList& dims) {
  ops::ReshapeAttributes attributes;
  attributes.shape = dims;
  attributes.allow_zero = std::find(dims.begin(), dims.end(), -1) == dims.end();
  return context.EmitInner(OpId::kReshape, {value}, attributes, value);
}

ValueId ReshapedTo(TfliteContext& context, ValueId value, ValueId dims) {
  ops::ReshapeAttributes attributes;
  attributes.allow_zero = true;
  return context.EmitInner(OpId::kReshape, {value, dims}, attributes, value);
}

ValueId AddedAxes(TfliteContext& context, ValueId value, const IntList& axes) {
  ops::UnsqueezeAttributes attributes;
  attributes.axes = axes;
  return context.EmitInner(OpId::kUnsqueeze, {value}, attributes, value);
}

ValueId Permuted(TfliteContext& context, ValueId value, const IntList& perm) {
  ops::TransposeAttributes attributes;
  attributes.perm = perm;
  return context.EmitInner(OpId::kTranspose, {value}, attributes, value);
}

ValueId DimsOf(TfliteContext& context, ValueId value) {
  const Shape shape = context.ShapeOf(value);
  if (shape.IsConcrete()) return context.AddInts(shape.span());
  return context.EmitInner(OpId::kShape, {value}, ops::ShapeAttributes{});
}

ValueId DimOf(TfliteContext& context, ValueId value, int axis) {
  const Shape shape = context.ShapeOf(value);
  if (shape[axis] >= 0) return Ints(context, {shape[axis]});
  ops::ShapeAttributes attributes;
  attributes.start = axis;
  attributes.end = axis + 1;
  return context.EmitInner(OpId::kShape, {value}, attributes);
}

ValueId Joined(TfliteContext& context, std::span<const ValueId> lists) {
  if (lists.size() == 1) return lists[0];
  const ops::ConcatAttributes attributes;
  return context.EmitInner(OpId::kConcat, lists, &attributes, sizeof(attributes));
}

ValueId Picked(TfliteContext& context, ValueId list, std::span<const int64_t> places) {
  return context.EmitInner(OpId::kGather, {list, context.AddInts(places)}, ops::GatherAttributes{});
}

ValueId Plus(TfliteContext& context, ValueId a, ValueId b) {
  return context.EmitInner(OpId::kAdd, {a, b}, ops::RoundingAttributes{});
}
ValueId Minus(TfliteContext& context, ValueId a, ValueId b) {
  return context.EmitInner(OpId::kSub, {a, b}, ops::RoundingAttributes{});
}
ValueId Times(TfliteContext& context, ValueId a, ValueId b) {
  return context.EmitInner(OpId::kMul, {a, b}, ops::RoundingAttributes{});
}
ValueId Over(TfliteContext& context, ValueId a, ValueId b) {
  return context.EmitInner(OpId::kDiv, {a, b}, ops::RoundingAttributes{});
}
ValueId Chosen(TfliteContext& context, ValueId condition, ValueId a, ValueId b) {
  return context.EmitInner(OpId::kWhere, {condition, a, b}, NoAttributes{}, a);
}

int RankOf(TfliteContext& context, ValueId value) {
  const Shape shape = context.ShapeOf(value);
  if (shape.HasRank()) return shape.rank;
  throw ImportError(StatusCode::kUnsupported, "a tensor whose rank is computed at run time");
}

ValueId AxisFromFront(TfliteContext& context, ValueId axis, int rank) {
  const ValueId listed = Reshaped(context, CastTo(context, axis, DType::kI64), {1});
  return context.EmitInner(OpId::kMod, {listed, Ints(context, {rank})}, ops::ModAttributes{});
}

int LengthOf(TfliteContext& context, ValueId list, const char* what) {
  const Shape shape = context.ShapeOf(list);
  const int64_t length = shape.rank == 0 ? 1 : shape.rank == 1 ? shape[0] : kUnknownDim;
  if (length >= 0 && length <= 64) return static_cast<int>(length);
  throw ImportError(
      StatusCode::kUnsupported,
      std::string(what) + " is computed at run time and has the shape " + ShapeText(shape).text);
}

}  // namespace mace::importers::tflite
