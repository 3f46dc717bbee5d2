#include "mace/ops/common.h"
#include "mace/ops/shape/copy_elements.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::ops {

namespace {

Status InferSqueeze(InferContext& context) {
  const auto& attributes = context.attributes<SqueezeAttributes>();
  const Shape& x = context.input(0).shape;
  bool dropped[kMaxRank] = {};
  for (int64_t listed : attributes.axes) {
    int axis = 0;
    MACE_RETURN_IF_ERROR(ResolveAxis(listed, x.rank, &axis));
    if (x[axis] >= 0 && x[axis] != 1) {
      return InvalidArgument("axis %d of %s is not of size 1", axis, ShapeText(x).text);
    }
    dropped[axis] = true;
  }
  Shape shape;
  for (int axis = 0; axis < x.rank; ++axis) {
    if (attributes.axes.empty()) {
      if (x[axis] < 0) {
        return InvalidArgument("%s: which axes have size 1 must be known where none are named",
                               ShapeText(x).text);
      }
      dropped[axis] = x[axis] == 1;
    }
    if (!dropped[axis]) shape.Push(x[axis]);
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kSqueezeDefinition = {
    .name = "Squeeze",
    .flags = kOpView | kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<SqueezeAttributes>(),
    .infer = InferSqueeze,
    .reference = CopyElements,
};

}  // namespace mace::ops
