// Converters of SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: blocks of pixels that become batches, and back.
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {
namespace {

// Operands of both operators: blocks of `size` pixels, and (begin, end) per spatial axis.
struct Blocks {
  int axes = 0;  // 1 or 2
  int64_t size[2] = {1, 1};
  int64_t edge[2][2] = {};

  int64_t count() const { return size[0] * size[1]; }
};

Blocks BlocksOf(TfliteContext& context, const Shape& shape) {
  if ((shape.rank != 3 && shape.rank != 4) || !shape.IsConcrete()) {
    throw ImportError(StatusCode::kUnsupported, std::string("the shape ") + ShapeText(shape).text);
  }
  Blocks blocks;
  blocks.axes = shape.rank - 2;
  const std::vector<int64_t> sizes = context.ConstantInts(context.Input(1), "the block");
  const std::vector<int64_t> edges = context.ConstantInts(context.Input(2), "the paddings or crops");
  const auto axes = static_cast<size_t>(blocks.axes);
  if (sizes.size() != axes || edges.size() != 2 * axes) {
    throw ImportError(StatusCode::kDataLoss, std::to_string(sizes.size()) + " block sizes, " +
                                                 std::to_string(edges.size()) + " edges for rank " +
                                                 std::to_string(shape.rank));
  }
  constexpr int64_t kMost = int64_t{1} << 20;
  for (size_t axis = 0; axis < axes; ++axis) {
    blocks.size[axis] = sizes[axis];
    for (size_t side = 0; side < 2; ++side) blocks.edge[axis][side] = edges[2 * axis + side];
    if (sizes[axis] < 1 || sizes[axis] > kMost || edges[2 * axis] < 0 || edges[2 * axis] > kMost ||
        edges[2 * axis + 1] < 0 || edges[2 * axis + 1] > kMost) {
      throw ImportError(StatusCode::kDataLoss, "a block, padding or crop out of range");
    }
  }
  return blocks;
}

// `value` with the elements in the same order, seen as `dims`.
ValueId Reshaped(TfliteContext& context, ValueId value, const IntList& dims, bool is_last = false) {
  ops::ReshapeAttributes attributes;
  attributes.shape = dims;
  attributes.allow_zero = true;
  TensorType type = context.TypeOf(value);
  type.shape = Shape();
  for (int64_t dim : dims) type.shape.Push(dim);
  if (is_last) {
    context.EmitOutput(OpId::kReshape, {value}, attributes);
    return kNone;
  }
  return context.Emit(OpId::kReshape, {value}, attributes, type);
}

ValueId Permuted(TfliteContext& context, ValueId value, const IntList& perm) {
  ops::TransposeAttributes attributes;
  attributes.perm = perm;
  TensorType type = context.TypeOf(value);
  const Shape from = type.shape;
  for (int i = 0; i < perm.size(); ++i) type.shape[i] = from[static_cast<int>(perm[i])];
  return context.Emit(OpId::kTranspose, {value}, attributes, type);
}

}  // namespace

void ConvertSpaceToBatch(TfliteContext& context) {
  context.Repaired("SPACE_TO_BATCH_ND has no kernel", "Pad, and a Transpose between two Reshapes");
  ValueId x = context.Input(0);
  TensorType type = context.TypeOf(x);
  const Blocks blocks = BlocksOf(context, type.shape);
  RequireEqualQuantization(context, type, context.OutputType(0));
  std::vector<int64_t> pads(2 * static_cast<size_t>(type.shape.rank), 0);
  for (int axis = 0; axis < blocks.axes; ++axis) {
    for (int side = 0; side < 2; ++side) {
      pads[static_cast<size_t>(side) * type.shape.rank + 1 + axis] = blocks.edge[axis][side];
      type.shape[1 + axis] += blocks.edge[axis][side];
    }
    if (type.shape[1 + axis] % blocks.size[axis] != 0) {
      throw ImportError(StatusCode::kDataLoss, "blocks of " + std::to_string(blocks.size[axis]) +
                                                   " in the padded shape " + ShapeText(type.shape).text);
    }
  }
  x = context.Emit(OpId::kPad, {x, context.AddInts(pads), ZeroOf(context, x)}, ops::PadAttributes{}, type);
  const bool two = blocks.axes == 2;
  const int64_t rows = type.shape[1] / blocks.size[0], columns = two ? type.shape[2] / blocks.size[1] : 1;
  const int64_t batch = type.shape[0], channels = type.shape[type.shape.rank - 1];
  x = Reshaped(context, x, {batch, rows, blocks.size[0], columns, blocks.size[1], channels});
  x = Permuted(context, x, {2, 4, 0, 1, 3, 5});
  const int64_t batches = batch * blocks.count();
  Reshaped(context, x, two ? IntList{batches, rows, columns, channels} : IntList{batches, rows, channels},
           /*is_last=*/true);
}

void ConvertBatchToSpace(TfliteContext& context) {
  context.Repaired("BATCH_TO_SPACE_ND has no kernel", "a Transpose between two Reshapes, and Slice");
  ValueId x = context.Input(0);
  const Shape shape = context.ShapeOf(x);
  const Blocks blocks = BlocksOf(context, shape);
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  if (shape[0] % blocks.count() != 0) {
    throw ImportError(StatusCode::kDataLoss, std::to_string(blocks.count()) + " pixels in a block, " +
                                                 std::to_string(shape[0]) + " batches");
  }
  const bool two = blocks.axes == 2;
  const int64_t batch = shape[0] / blocks.count(), rows = shape[1], columns = two ? shape[2] : 1;
  const int64_t channels = shape[shape.rank - 1];
  x = Reshaped(context, x, {blocks.size[0], blocks.size[1], batch, rows, columns, channels});
  x = Permuted(context, x, {2, 3, 0, 4, 1, 5});
  const int64_t height = rows * blocks.size[0], width = columns * blocks.size[1];
  x = Reshaped(context, x, two ? IntList{batch, height, width, channels} : IntList{batch, height, channels});
  std::vector<int64_t> starts, ends, axes, steps;
  for (int axis = 0; axis < blocks.axes; ++axis) {
    const int64_t extent = axis == 0 ? height : width;
    if (blocks.edge[axis][0] + blocks.edge[axis][1] > extent) {
      throw ImportError(StatusCode::kDataLoss, "crops of more than " + std::to_string(extent) + " elements");
    }
    starts.push_back(blocks.edge[axis][0]);
    ends.push_back(extent - blocks.edge[axis][1]);
    axes.push_back(1 + axis);
    steps.push_back(1);
  }
  context.EmitOutput(
      OpId::kSlice,
      {x, context.AddInts(starts), context.AddInts(ends), context.AddInts(axes), context.AddInts(steps)},
      NoAttributes{});
}

}  // namespace mace::importers::tflite
