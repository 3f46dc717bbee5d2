// Permute: a transposition whose order of axes is computed at run time.
#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/element_size.h"
#include "mace/ops/movement/rearrange.h"

namespace mace::ops {
namespace {

Status ResolveOrder(const TensorView& order, int rank, int perm[kMaxRank]) {
  bool seen[kMaxRank] = {};
  for (int i = 0; i < rank; ++i) {
    MACE_RETURN_IF_ERROR(ResolveAxis(ReadInt(order, i), rank, &perm[i]));
    if (seen[perm[i]]) return InvalidArgument("the order names axis %d twice", perm[i]);
    seen[perm[i]] = true;
  }
  return Status::Ok();
}

Status InferPermute(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 1));
  const Shape& x = context.input(0).shape;
  const int64_t count = context.input(1).shape[0];
  if (count >= 0 && count != x.rank) {
    return InvalidArgument("an order of %lld axes for the shape %s", static_cast<long long>(count),
                           ShapeText(x).text);
  }
  Shape shape;
  if (const TensorView* order = context.known(1); order != nullptr) {
    int perm[kMaxRank] = {};
    MACE_RETURN_IF_ERROR(ResolveOrder(*order, x.rank, perm));
    for (int i = 0; i < x.rank; ++i) shape.Push(x[perm[i]]);
  } else {
    for (int i = 0; i < x.rank; ++i) shape.Push(kUnknownDim);
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferencePermute(const ReferenceContext& context) {
  const Shape& x = context.inputs[0].shape;
  if (context.inputs[1].elements() != x.rank) return InvalidArgument("an order of another rank");
  int perm[kMaxRank] = {};
  MACE_RETURN_IF_ERROR(ResolveOrder(context.inputs[1], x.rank, perm));
  int64_t x_strides[kMaxRank], strides[kMaxRank] = {};
  ContiguousStrides(x, x_strides);
  for (int i = 0; i < x.rank; ++i) strides[i] = x_strides[perm[i]];
  return DispatchElementSize(context.outputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    T* y = static_cast<T*>(context.outputs[0].data);
    StridedWalk<1> walk(context.outputs[0].shape, {strides});
    for (; !walk.done(); walk.Next()) *y++ = context.inputs[0].as<T>()[walk.offset(0)];
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kPermuteDefinition = {
    .name = "Permute",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = kOpCheap | kOpNarrowFloats,
    .content_inputs = ContentInputs({1}),
    .infer = InferPermute,
    .reference = ReferencePermute,
};

}  // namespace mace::ops
