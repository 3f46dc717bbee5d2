// Converters of SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: blocks of pixels that become batches, and back.
#include "mace/importers/tflite/tflite_emit.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {
namespace {

// Operands of both operators, i64: the sizes of the blocks [axes], what is added or cut in front of and
// behind each spatial axis [axes].
struct Blocks {
  int axes = 0;  // 1 or 2
  ValueId size, begin, end;
};

constexpr int64_t kMost = int64_t{1} << 20;

void CheckElements(TfliteContext& context, ValueId list, int64_t low, int count, const char* what) {
  if (!IsConstant(context, list)) return;
  const std::vector<int64_t> elements = context.ConstantInts(list, what);
  bool sound = elements.size() == static_cast<size_t>(count);
  for (int64_t element : elements) sound = sound && element >= low && element <= kMost;
  if (!sound) throw ImportError(StatusCode::kDataLoss, std::string("a ") + what + " out of range");
}

Blocks BlocksOf(TfliteContext& context, ValueId x) {
  const int rank = RankOf(context, x);
  if (rank != 3 && rank != 4) {
    throw ImportError(StatusCode::kUnsupported,
                      std::string("the shape ") + ShapeText(context.ShapeOf(x)).text);
  }
  Blocks blocks;
  blocks.axes = rank - 2;
  CheckElements(context, context.Input(1), 1, blocks.axes, "block");
  CheckElements(context, context.Input(2), 0, 2 * blocks.axes, "padding or crop");
  blocks.size = Reshaped(context, AsInt64(context, context.Input(1)), {blocks.axes});
  const ValueId edges = Reshaped(context, CastTo(context, context.Input(2), DType::kI64), {blocks.axes, 2});
  ops::GatherAttributes column;
  column.axis = 1;
  blocks.begin = context.EmitInner(OpId::kGather, {edges, Int(context, 0)}, column);
  blocks.end = context.EmitInner(OpId::kGather, {edges, Int(context, 1)}, column);
  return blocks;
}

ValueId Element(TfliteContext& context, ValueId list, int64_t place) {
  return Picked(context, list, std::span<const int64_t>(&place, 1));
}

void EmitReshapedTo(TfliteContext& context, ValueId x, std::span<const ValueId> dims) {
  const ValueId shape = Joined(context, dims);
  ops::ReshapeAttributes attributes;
  attributes.allow_zero = true;
  if (!IsConstant(context, shape)) return context.EmitOutput(OpId::kReshape, {x, shape}, attributes);
  attributes.shape = ToList(context.ConstantInts(shape, "the shape"), "the shape");
  context.EmitOutput(OpId::kReshape, {x}, attributes);
}

ValueId ReshapedToList(TfliteContext& context, ValueId x, std::span<const ValueId> dims) {
  const ValueId shape = Joined(context, dims);
  if (!IsConstant(context, shape)) return ReshapedTo(context, x, shape);
  return Reshaped(context, x, ToList(context.ConstantInts(shape, "the shape"), "the shape"));
}

}  // namespace

void ConvertSpaceToBatch(TfliteContext& context) {
  ValueId x = context.Input(0);
  const Blocks blocks = BlocksOf(context, x);
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.Repaired("SPACE_TO_BATCH_ND has no kernel", "Pad, and a Transpose between two Reshapes");
  const ValueId zero = Ints(context, {0});
  const ValueId pads[] = {zero, blocks.begin, zero, zero, blocks.end, zero};
  x = context.EmitInner(OpId::kPad, {x, Joined(context, pads), ZeroOf(context, x)}, ops::PadAttributes{}, x);
  const Shape padded = context.ShapeOf(x);
  const int rank = padded.rank;
  std::vector<ValueId> split = {DimOf(context, x, 0)}, result;
  ValueId batches = split[0];
  for (int axis = 0; axis < blocks.axes; ++axis) {
    const ValueId block = Element(context, blocks.size, axis);
    if (IsConstant(context, block) && padded[1 + axis] >= 0 &&
        padded[1 + axis] % context.ConstantInts(block, "the block")[0] != 0) {
      throw ImportError(StatusCode::kDataLoss,
                        std::string("blocks in the padded shape ") + ShapeText(padded).text);
    }
    const ValueId count = Over(context, DimOf(context, x, 1 + axis), block);
    split.push_back(count);
    split.push_back(block);
    result.push_back(count);
    batches = Times(context, batches, block);
  }
  split.push_back(DimOf(context, x, rank - 1));
  result.insert(result.begin(), batches);
  result.push_back(split.back());
  x = ReshapedToList(context, x, split);
  x = Permuted(context, x, blocks.axes == 2 ? IntList{2, 4, 0, 1, 3, 5} : IntList{2, 0, 1, 3});
  EmitReshapedTo(context, x, result);
}

void ConvertBatchToSpace(TfliteContext& context) {
  ValueId x = context.Input(0);
  const Blocks blocks = BlocksOf(context, x);
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.Repaired("BATCH_TO_SPACE_ND has no kernel", "a Transpose between two Reshapes, and Slice");
  const int rank = RankOf(context, x);
  std::vector<ValueId> split, joined;
  ValueId batches = DimOf(context, x, 0);
  for (int axis = 0; axis < blocks.axes; ++axis) {
    split.push_back(Element(context, blocks.size, axis));
    if (IsConstant(context, batches) && IsConstant(context, split.back()) &&
        context.ConstantInts(batches, "")[0] % context.ConstantInts(split.back(), "")[0] != 0) {
      throw ImportError(StatusCode::kDataLoss, "blocks of another size than there are batches for");
    }
    batches = Over(context, batches, split.back());
    joined.push_back(Times(context, DimOf(context, x, 1 + axis), split.back()));
  }
  split.push_back(batches);
  for (int axis = 1; axis < rank; ++axis) split.push_back(DimOf(context, x, axis));
  const ValueId extents = Joined(context, joined);
  joined.insert(joined.begin(), batches);
  joined.push_back(split.back());
  x = ReshapedToList(context, x, split);
  x = Permuted(context, x, blocks.axes == 2 ? IntList{2, 3, 0, 4, 1, 5} : IntList{1, 2, 0, 3});
  x = ReshapedToList(context, x, joined);
  const ValueId ends = Minus(context, extents, blocks.end);
  if (IsConstant(context, ends)) {
    const std::vector<int64_t> from = context.ConstantInts(blocks.begin, "a crop");
    const std::vector<int64_t> to = context.ConstantInts(ends, "a crop");
    for (size_t axis = 0; axis < to.size(); ++axis) {
      if (from[axis] > to[axis])
        throw ImportError(StatusCode::kDataLoss, "crops of more elements than there are");
    }
  }
  const ValueId axes = blocks.axes == 2 ? Ints(context, {1, 2}) : Ints(context, {1});
  context.EmitOutput(OpId::kSlice, {x, blocks.begin, ends, axes}, NoAttributes{});
}

}  // namespace mace::importers::tflite
