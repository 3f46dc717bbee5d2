// BitCast: the same bits as another type.
#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/quantize/quantize_ops.h"

namespace mace::ops {
namespace {

Status InferBitCast(InferContext& context) {
  const DType from = context.input(0).dtype, to = context.attributes<BitCastAttributes>().to;
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
