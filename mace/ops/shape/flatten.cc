#include "mace/ops/common.h"
#include "mace/ops/shape/copy_elements.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::ops {

namespace {

// The product of the dimensions [begin, end); a single open dimension beside ones passes through.
Status ProductOf(const Shape& shape, int begin, int end, int64_t* product) {
  *product = 1;
  for (int i = begin; i < end; ++i) {
    if (shape[i] == 1) continue;
    if (*product == 1) {
      *product = shape[i];
    } else {
      MACE_RETURN_IF_ERROR(MultiplyDims(*product, shape[i], product));
    }
  }
  return Status::Ok();
}

Status InferFlatten(InferContext& context) {
  const Shape& x = context.input(0).shape;
  int64_t axis = context.attributes<FlattenAttributes>().axis;
  if (axis < 0) axis += x.rank;
  if (axis < 0 || axis > x.rank) {  // axis == rank is allowed: [all, 1]
    return InvalidArgument("axis %lld of a tensor of rank %d", static_cast<long long>(axis), x.rank);
  }
  Shape shape = {0, 0};
  MACE_RETURN_IF_ERROR(ProductOf(x, 0, static_cast<int>(axis), &shape[0]));
  MACE_RETURN_IF_ERROR(ProductOf(x, static_cast<int>(axis), x.rank, &shape[1]));
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kFlattenDefinition = {
    .name = "Flatten",
    .flags = kOpView | kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<FlattenAttributes>(),
    .infer = InferFlatten,
    .reference = CopyElements,
};

}  // namespace mace::ops
