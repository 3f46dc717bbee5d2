// BitCast: the same bits as another type.
#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/quantize/quantize_ops.h"

namespace mace::ops {
namespace {

// Of types of whole bytes that differ in size.
Status RegroupedShape(const TensorType& x, DType to, Shape* shape) {
  *shape = x.shape;
  const auto from_bytes = static_cast<int64_t>(BytesOf(x.dtype)),
             to_bytes = static_cast<int64_t>(BytesOf(to));
  if (from_bytes > to_bytes) {
    if (shape->rank == kMaxRank) return Unsupported("more than %d dimensions", kMaxRank);
    shape->Push(from_bytes / to_bytes);
    return Status::Ok();
  }
  const int64_t count = to_bytes / from_bytes;
  if (shape->rank < 1 || (shape->dims[shape->rank - 1] >= 0 && shape->dims[shape->rank - 1] != count)) {
    return InvalidArgument("%s of %s as %s, expected a last axis of %lld", ShapeText(*shape).text,
                           NameOf(x.dtype), NameOf(to), static_cast<long long>(count));
  }
  --shape->rank;
  return Status::Ok();
}

Status InferBitCast(InferContext& context) {
  const DType from = context.input(0).dtype, to = context.attributes<BitCastAttributes>().to;
  if (context.attributes<BitCastAttributes>().regroup && BytesOf(from) > 0 && BytesOf(to) > 0 &&
      BytesOf(from) != BytesOf(to)) {
    Shape shape;
    MACE_RETURN_IF_ERROR(RegroupedShape(context.input(0), to, &shape));
    context.SetOutput(0, to, shape);
    return Status::Ok();
  }
  if (!IsValid(to) || BitsOf(from) != BitsOf(to)) {
    return InvalidArgument("%s has %d bits an element, %s has %d", NameOf(from), BitsOf(from), NameOf(to),
                           BitsOf(to));
  }
  context.SetOutput(0, to, context.input(0).shape);
  return Status::Ok();
}

Status ReferenceBitCast(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  const int64_t bytes = x.bytes();
  if (bytes > 0) std::memcpy(y.data, x.data, static_cast<size_t>(bytes));
  if (y.dtype != DType::kBool) return Status::Ok();
  auto* bools = static_cast<uint8_t*>(y.data);
  for (int64_t i = 0; i < bytes; ++i) bools[i] = bools[i] != 0;
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kBitCastDefinition = {
    .name = "BitCast",
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<BitCastAttributes>(),
    .infer = InferBitCast,
    .reference = ReferenceBitCast,
};

}  // namespace mace::ops
