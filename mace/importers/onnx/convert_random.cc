// Random numbers, and Dropout.
#include <bit>

#include "mace/importers/onnx/emit_norm.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/random/multinomial.h"
#include "mace/ops/random/random.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::onnx {
namespace {

// ONNX's seeds are floats: their bits are ours.
template <typename Attributes>
void ReadSeed(OnnxNode& node, Attributes* attributes) {
  attributes->is_seeded = node.Has("seed");
  if (attributes->is_seeded) attributes->seed = std::bit_cast<int32_t>(node.Float("seed", 0));
}

DType ReadDType(OnnxNode& node, DType missing) {
  if (!node.Has("dtype")) return missing;
  const int64_t number = node.Int("dtype", 0);
  const DType dtype = DTypeOfOnnx(number >= 0 && number < 1000 ? static_cast<int32_t>(number) : -1);
  if (dtype != DType::kInvalid) return dtype;
  throw ImportError(
      Unsupported("elements of the ONNX type %s, which MACE lacks", OnnxTypeName(number).c_str()));
}

ValueId ShapeOf(OnnxContext& context, ValueId value) {
  return context.Emit(OpId::kShape, {value}, ops::ShapeAttributes{});
}

ValueId EmitRandom(OnnxContext& context, ValueId shape, ops::RandomAttributes attributes, DType dtype) {
  attributes.to = WideTypeOf(dtype);
  return CastTo(context, context.Emit(OpId::kRandom, {shape}, attributes), dtype);
}

ops::RandomAttributes ReadDistribution(OnnxNode& node, ops::RandomKind kind) {
  const bool is_normal = kind == ops::RandomKind::kNormal;
  ops::RandomAttributes attributes;
  attributes.kind = kind;
  attributes.first = node.Float(is_normal ? "mean" : "low", 0);
  attributes.second = node.Float(is_normal ? "scale" : "high", 1);
  ReadSeed(node, &attributes);
  return attributes;
}

}  // namespace

Outputs ConvertRandom(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const auto attributes = ReadDistribution(node, static_cast<ops::RandomKind>(entry.argument));
  const std::optional<IntList> shape = node.Ints("shape");
  if (!shape.has_value()) throw ImportError(InvalidArgument("the attribute 'shape' is missing"));
  return {EmitRandom(context, context.Int64s(*shape), attributes, ReadDType(node, DType::kF32))};
}

Outputs ConvertRandomLike(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const auto attributes = ReadDistribution(node, static_cast<ops::RandomKind>(entry.argument));
  return {EmitRandom(context, ShapeOf(context, x), attributes, ReadDType(node, context.TypeOf(x).dtype))};
}

// An even number in [0, 1) is below p with the probability p.
Outputs ConvertBernoulli(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId given = context.Input(node, 0);
  const ValueId x = Widened(context, given);
  ops::RandomAttributes attributes;
  ReadSeed(node, &attributes);
  const ValueId even = EmitRandom(context, ShapeOf(context, x), attributes, context.TypeOf(x).dtype);
  const ValueId drawn = context.Emit(OpId::kLess, {even, x});
  return {CastTo(context, drawn, ReadDType(node, context.TypeOf(given).dtype))};
}

Outputs ConvertMultinomial(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::MultinomialAttributes attributes;
  attributes.samples = node.Int("sample_size", 1);
  attributes.to = ReadDType(node, DType::kI32);
  ReadSeed(node, &attributes);
  return {context.Emit(OpId::kMultinomial, {context.Input(node, 0)}, attributes)};
}

namespace {

ValueId EmitTrue(OnnxContext& context, ValueId like, DType dtype) {
  ops::ConstantOfShapeAttributes attributes;
  attributes.dtype = dtype;
  attributes.int_value = 1;
  attributes.float_value = 1;
  return context.Emit(OpId::kConstantOfShape, {ShapeOf(context, like)}, attributes);
}

// Where `training` says so: elements are dropped with the probability `ratio`, and the others are multiplied
// by 1 / (1 - ratio).
Outputs EmitDropout(OnnxContext& context, OnnxNode& node, ValueId x, ValueId training) {
  const ValueId wide = Widened(context, x);
  const DType dtype = context.TypeOf(wide).dtype;
  const ValueId ratio =
      node.HasInput(1) ? CastTo(context, context.Input(node, 1), dtype) : context.Float(0.5f, dtype);
  ops::RandomAttributes attributes;
  attributes.is_seeded = node.Has("seed");
  attributes.seed = node.Int("seed", 0);
  const ValueId even = EmitRandom(context, ShapeOf(context, wide), attributes, dtype);
  const ValueId drawn = context.Emit(OpId::kGreaterOrEqual, {even, ratio});
  const ValueId kept = context.Emit(OpId::kOr, {drawn, context.Emit(OpId::kNot, {training})});
  const ValueId one = context.Float(1, dtype);
  const ValueId larger = context.Emit(OpId::kReciprocal, {context.Emit(OpId::kSub, {one, ratio})});
  const ValueId factor = context.Emit(OpId::kWhere, {training, larger, one});
  const ValueId scaled = context.Emit(OpId::kMul, {wide, factor});
  const ValueId y = context.Emit(OpId::kWhere, {kept, scaled, context.Float(0, dtype)});
  return {CastTo(context, y, context.TypeOf(x).dtype), kept};
}

}  // namespace

// Inference, where nothing is dropped, but for files that ask for training. The mask had the elements' type
// before opset 10.
Outputs ConvertDropout(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  if (context.opset() >= 12 && node.HasInput(2)) {
    const ValueId training = context.Input(node, 2);
    const TensorView* view = context.graph().ConstantOf(training);
    const bool is_off =
        view != nullptr && view->dtype == DType::kBool && view->elements() == 1 && !*view->as<bool>();
    if (!is_off) return EmitDropout(context, node, x, training);
  }
  node.Ignore("ratio");
  node.Ignore("seed");
  Outputs outputs = {context.EmitMoved(OpId::kIdentity, {x}, NoAttributes{})};
  const DType mask = context.opset() < 10 ? context.TypeOf(x).dtype : DType::kBool;
  if (ReadOutputs(context, node) > 1) outputs.push_back(EmitTrue(context, x, mask));
  return outputs;
}

}  // namespace mace::importers::onnx
