#include <algorithm>
#include <cstring>

#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::ops {

namespace {

Status InferExpand(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 1));
  const Shape& x = context.input(0).shape;
  const int64_t length = context.input(1).shape[0];
  if (length < 0 || length > kMaxRank) {
    return Unsupported("the shape has %lld dimensions, expected a constant number up to %d",
                       static_cast<long long>(length), kMaxRank);
  }
  Shape shape;
  IntList target;
  if (context.KnownInts(1, &target)) {
    Shape wanted;
    for (int64_t dim : target) {
      if (dim < 0) return InvalidArgument("the shape has the dimension %lld", static_cast<long long>(dim));
      wanted.Push(dim);
    }
    MACE_RETURN_IF_ERROR(BroadcastShapes(x, wanted, &shape));
  } else {
    shape.rank = std::max(x.rank, static_cast<int32_t>(length));
    for (int i = 0; i < shape.rank; ++i) shape[i] = kUnknownDim;
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceExpand(const ReferenceContext& context) {
  const TensorView& output = context.outputs[0];
  int64_t strides[kMaxRank];
  BroadcastStrides(context.inputs[0].shape, output.shape, strides);
  const size_t size = BytesOf(output.dtype);
  const auto* x = context.inputs[0].as<uint8_t>();
  auto* y = static_cast<uint8_t*>(output.data);
  for (StridedWalk<1> walk(output.shape, {strides}); !walk.done(); walk.Next(), y += size) {
    std::memcpy(y, x + walk.offset(0) * size, size);
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kExpandDefinition = {
    .name = "Expand",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = kOpCheap | kOpNarrowFloats,
    .infer = InferExpand,
    .reference = ReferenceExpand,
};

}  // namespace mace::ops
