#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/movement/rearrange.h"

namespace mace::ops {

namespace {

Status InferTile(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 1));
  Shape shape = context.input(0).shape;
  IntList repeats;
  const bool known = context.KnownInts(1, &repeats);
  const int64_t count = known ? repeats.size() : context.input(1).shape[0];
  if (count >= 0 && count != shape.rank) {
    return InvalidArgument("%lld repeats of a tensor of rank %d", static_cast<long long>(count), shape.rank);
  }
  for (int axis = 0; axis < shape.rank; ++axis) {
    if (!known) {
      shape[axis] = kUnknownDim;
    } else if (repeats[axis] < 0) {
      return InvalidArgument("axis %d repeated %lld times", axis, static_cast<long long>(repeats[axis]));
    } else if (repeats[axis] != 1) {
      MACE_RETURN_IF_ERROR(MultiplyDims(shape[axis], repeats[axis], &shape[axis]));
    }
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// Writes the tiles one behind the other: a row and its copies, then copies of all of these, and so on.
struct TileWriter {
  const uint8_t* source;
  uint8_t* target;
  const Shape& shape;
  const int64_t* repeats;
  int last;  // the innermost axis that is repeated; what is inside of it is one block
  size_t block_bytes;

  void Write(int axis) {
    uint8_t* const begin = target;
    if (axis == last) {
      std::memcpy(target, source, block_bytes);
      source += block_bytes;
      target += block_bytes;
    } else {
      for (int64_t i = 0; i < shape[axis]; ++i) Write(axis + 1);
    }
    const auto bytes = static_cast<size_t>(target - begin);
    for (int64_t i = 1; i < repeats[axis]; ++i, target += bytes) std::memcpy(target, begin, bytes);
  }
};

Status ReferenceTile(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& output = context.outputs[0];
  if (output.elements() == 0) return Status::Ok();
  int64_t repeats[kMaxRank];
  int last = 0;
  for (int axis = 0; axis < x.shape.rank; ++axis) {
    repeats[axis] = ReadInt(context.inputs[1], axis);
    if (repeats[axis] != 1) last = axis;
  }
  if (x.shape.rank == 0) {
    std::memcpy(output.data, x.data, static_cast<size_t>(BytesOf(x.dtype)));
    return Status::Ok();
  }
  const auto block = static_cast<size_t>(x.shape.Product(last, x.shape.rank) * BytesOf(x.dtype));
  TileWriter writer = {x.as<uint8_t>(), static_cast<uint8_t*>(output.data), x.shape, repeats, last, block};
  writer.Write(0);
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kTileDefinition = {
    .name = "Tile",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = kOpCheap | kOpNarrowFloats,
    .content_inputs = ContentInputs({1}),
    .infer = InferTile,
    .reference = ReferenceTile,
};

}  // namespace mace::ops
