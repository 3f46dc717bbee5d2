#include <algorithm>

#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/element_size.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::ops {

namespace {

Status InferExpand(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 1));
  const Shape& x = context.input(0).shape;
  const int64_t length = context.input(1).shape[0];
  if (length > kMaxRank) {
    return Unsupported("the shape has %lld dimensions, at most %d are possible",
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
    shape = OpenShape(length < 0 ? length : std::max<int64_t>(x.rank, length));
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceExpand(const ReferenceContext& context) {
  const TensorView& output = context.outputs[0];
  int64_t strides[kMaxRank];
  BroadcastStrides(context.inputs[0].shape, output.shape, strides);
  return DispatchElementSize(output.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = context.inputs[0].as<T>();
    T* y = static_cast<T*>(output.data);
    for (StridedWalk<1> walk(output.shape, {strides}); !walk.done(); walk.Next()) *y++ = x[walk.offset(0)];
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kExpandDefinition = {
    .name = "Expand",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = kOpCheap | kOpNarrowFloats,
    .content_inputs = ContentInputs({1}),
    .infer = InferExpand,
    .reference = ReferenceExpand,
};

}  // namespace mace::ops
