// Converters of StableHLO's elementwise operators (https://openxla.org/stablehlo/spec), and of dilation.
// Operands have one shape; bare numbers, no scales.
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/binary/binary_bits.h"
#include "mace/ops/index/index_ops.h"
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
  ValueId x = context.Input(0);
  const Shape shape = context.ShapeOf(x);
  const std::vector<int64_t> distances = context.ConstantInts(context.Input(1), "the list of distances");
  if (static_cast<int>(distances.size()) != shape.rank || !shape.IsConcrete() || shape.rank >= kMaxRank) {
    throw ImportError(StatusCode::kUnsupported,
                      std::to_string(distances.size()) + " distances for the shape " + ShapeText(shape).text);
  }
  TensorType type;
  type.quantization = context.TypeOf(x).quantization;
  ops::ReshapeAttributes scalar;
  scalar.shape = {1};
  const ValueId one = context.Emit(OpId::kReshape, {context.Input(2)}, scalar, type);
  ops::SqueezeAttributes squeeze;
  squeeze.axes = {0};
  const ValueId filler = context.Emit(OpId::kSqueeze, {one}, squeeze, type);
  // Each element gets an axis of its own behind it, which is filled up; the last filling is cut off.
  Shape grown = shape;
  for (int axis = 0; axis < shape.rank; ++axis) {
    const int64_t distance = distances[static_cast<size_t>(axis)];
    if (distance < 1) throw ImportError(StatusCode::kDataLoss, "a distance of " + std::to_string(distance));
    if (distance == 1 || shape[axis] == 0) continue;
    ops::UnsqueezeAttributes unsqueeze;
    unsqueeze.axes = {axis + 1};
    x = context.Emit(OpId::kUnsqueeze, {x}, unsqueeze, type);
    const int64_t pads[] = {0, distance - 1}, axes[] = {axis + 1};
    x = context.Emit(OpId::kPad, {x, context.AddInts(pads), filler, context.AddInts(axes)},
                     ops::PadAttributes{}, type);
    int64_t size = 0;
    if (__builtin_mul_overflow(shape[axis], distance, &size)) {
      throw ImportError(StatusCode::kDataLoss, "a distance of " + std::to_string(distance));
    }
    grown[axis] = size;
    ops::ReshapeAttributes merge;
    merge.allow_zero = true;
    for (int d = 0; d < grown.rank; ++d) merge.shape.Push(grown[d]);
    x = context.Emit(OpId::kReshape, {x}, merge, type);
    grown[axis] = size - distance + 1;
    const int64_t begin[] = {0}, end[] = {grown[axis]}, along[] = {axis};
    x = context.Emit(OpId::kSlice, {x, context.AddInts(begin), context.AddInts(end), context.AddInts(along)},
                     NoAttributes{}, type);
  }
  context.EmitOutput(OpId::kIdentity, {x}, NoAttributes{});
}

}  // namespace mace::importers::tflite
