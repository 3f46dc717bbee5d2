#include "mace/ops/common.h"
#include "mace/ops/shape/copy_elements.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::ops {

namespace {

Status InferUnsqueeze(InferContext& context) {
  const auto& attributes = context.attributes<UnsqueezeAttributes>();
  const Shape& x = context.input(0).shape;
  const int rank = x.rank + attributes.axes.size();
  if (rank > kMaxRank) return Unsupported("the result has rank %d, at most %d is possible", rank, kMaxRank);
  bool inserted[kMaxRank] = {};
  for (int64_t listed : attributes.axes) {
    int axis = 0;
    MACE_RETURN_IF_ERROR(ResolveAxis(listed, rank, &axis));
    if (inserted[axis]) return InvalidArgument("axis %d is named twice", axis);
    inserted[axis] = true;
  }
  Shape shape;
  int source = 0;
  for (int axis = 0; axis < rank; ++axis) shape.Push(inserted[axis] ? 1 : x[source++]);
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kUnsqueezeDefinition = {
    .name = "Unsqueeze",
    .flags = kOpView | kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<UnsqueezeAttributes>(),
    .infer = InferUnsqueeze,
    .reference = CopyElements,
};

}  // namespace mace::ops
