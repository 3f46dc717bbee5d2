#include "mace/ops/common.h"
#include "mace/ops/shape/copy_elements.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::ops {

namespace {

Status InferUnsqueeze(InferContext& context) {
  const Shape& x = context.input(0).shape;
  IntList axes;
  int64_t count = 0;
  bool known = false;
  MACE_RETURN_IF_ERROR(
      FindAxes(context, context.attributes<UnsqueezeAttributes>().axes, &axes, &count, &known));
  if (count > kMaxRank - x.rank) return Unsupported("the result has a rank above %d", kMaxRank);
  if (!known) {
    context.SetOutput(0, context.input(0).dtype, OpenShape(count < 0 ? count : x.rank + count));
    return Status::Ok();
  }
  const int rank = x.rank + axes.size();
  bool inserted[kMaxRank] = {};
  for (int64_t listed : axes) {
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
    .max_inputs = 2,
    .flags = kOpView | kOpCheap | kOpNarrowFloats,
    .content_inputs = ContentInputs({1}),
    .attributes = AttributeInfoOf<UnsqueezeAttributes>(),
    .infer = InferUnsqueeze,
    .reference = CopyElements,
};

}  // namespace mace::ops
