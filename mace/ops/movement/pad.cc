#include <cstring>

#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"

namespace mace::ops {

namespace {

// The padded size of one axis, and whether the mode can fill it.
Status PaddedDim(PadMode mode, int64_t dim, int64_t begin, int64_t end, int64_t* padded) {
  if (!CheckedAdd(dim, begin, padded) || !CheckedAdd(*padded, end, padded) || *padded < 0) {
    return InvalidArgument("padding of %lld and %lld around %lld elements", static_cast<long long>(begin),
                           static_cast<long long>(end), static_cast<long long>(dim));
  }
  if (mode == PadMode::kReflect && (begin >= dim || end >= dim) && (begin > 0 || end > 0)) {
    return InvalidArgument("padding of %lld and %lld reflected from %lld elements",
                           static_cast<long long>(begin), static_cast<long long>(end),
                           static_cast<long long>(dim));
  }
  if (mode == PadMode::kSymmetric && (begin > dim || end > dim)) {
    return InvalidArgument("padding of %lld and %lld mirrored from %lld elements",
                           static_cast<long long>(begin), static_cast<long long>(end),
                           static_cast<long long>(dim));
  }
  if (mode == PadMode::kEdge && dim == 0 && *padded > 0) {
    return InvalidArgument("an empty axis has no edge to repeat");
  }
  return Status::Ok();
}

Status CheckPadCount(int64_t count, int rank) {
  if (count < 0 || count == 2 * rank) return Status::Ok();
  return InvalidArgument("%lld pads for a tensor of rank %d, expected %d", static_cast<long long>(count),
                         rank, 2 * rank);
}

Status InferPad(InferContext& context) {
  const auto& attributes = context.attributes<PadAttributes>();
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 1));
  const Shape& x = context.input(0).shape;
  MACE_RETURN_IF_ERROR(CheckPadCount(context.input(1).shape[0], x.rank));
  if (context.has_input(2)) {
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, 2, 0));
    const Shape& value = context.input(2).shape;
    if (value.rank > 1 || (value.rank == 1 && value[0] >= 0 && value[0] != 1)) {
      return InvalidArgument("the padding value has the shape %s, expected a scalar", ShapeText(value).text);
    }
  }
  Shape shape = x;
  const TensorView* pads = context.known(1);
  if (pads != nullptr) MACE_RETURN_IF_ERROR(CheckPadCount(pads->elements(), x.rank));
  for (int axis = 0; axis < x.rank; ++axis) {
    if (pads == nullptr) {
      shape[axis] = kUnknownDim;
      continue;
    }
    const int64_t begin = ReadInt(*pads, axis), end = ReadInt(*pads, x.rank + axis);
    if (begin == 0 && end == 0) continue;
    if (x[axis] < 0) {
      shape[axis] = kUnknownDim;
      continue;
    }
    MACE_RETURN_IF_ERROR(PaddedDim(attributes.mode, x[axis], begin, end, &shape[axis]));
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// Where output element `index` of an axis comes from; -1: from the padding value.
int64_t SourceIndex(PadMode mode, int64_t dim, int64_t index) {
  if (index >= 0 && index < dim) return index;
  switch (mode) {
    case PadMode::kReflect:  // PaddedDim has checked that one reflection is enough
      return index < 0 ? -index : 2 * (dim - 1) - index;
    case PadMode::kSymmetric:
      return index < 0 ? -index - 1 : 2 * dim - 1 - index;
    case PadMode::kEdge:
      return index < 0 ? 0 : dim - 1;
    default:
      return -1;
  }
}

Status ReferencePad(const ReferenceContext& context) {
  const auto& attributes = context.attributes<PadAttributes>();
  const TensorView& x = context.inputs[0];
  const TensorView& pads = context.inputs[1];
  const TensorView& output = context.outputs[0];
  const int rank = x.shape.rank;
  if (output.elements() == 0) return Status::Ok();
  for (int axis = 0; axis < rank; ++axis) {
    int64_t padded = 0;
    MACE_RETURN_IF_ERROR(
        PaddedDim(attributes.mode, x.shape[axis], ReadInt(pads, axis), ReadInt(pads, rank + axis), &padded));
    if (padded != output.shape[axis]) return InvalidArgument("the padding changed since planning");
  }
  const size_t size = BytesOf(x.dtype);
  const uint8_t zero[8] = {};
  const uint8_t* value = context.has_input(2) ? context.inputs[2].as<uint8_t>() : zero;
  int64_t strides[kMaxRank];
  ContiguousStrides(x.shape, strides);
  auto* y = static_cast<uint8_t*>(output.data);
  for (StridedWalk<1> walk(output.shape, {strides}); !walk.done(); walk.Next(), y += size) {
    int64_t offset = 0;
    bool inside = true;
    for (int axis = 0; axis < rank && inside; ++axis) {
      const int64_t source =
          SourceIndex(attributes.mode, x.shape[axis], walk.index(axis) - ReadInt(pads, axis));
      inside = source >= 0;
      offset += source * strides[axis];
    }
    std::memcpy(y, inside ? x.as<uint8_t>() + offset * size : value, size);
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kPadDefinition = {
    .name = "Pad",
    .min_inputs = 2,
    .max_inputs = 3,
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<PadAttributes>(),
    .infer = InferPad,
    .reference = ReferencePad,
};

}  // namespace mace::ops
