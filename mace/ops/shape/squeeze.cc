#include "mace/ops/common.h"
#include "mace/ops/shape/copy_elements.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::ops {

namespace {

// With every axis of size 1 dropped.
Shape WithoutOnes(const Shape& x) {
  Shape shape;
  for (int64_t dim : x.span()) {
    if (dim < 0) return Shape::OfUnknownRank();
    if (dim != 1) shape.Push(dim);
  }
  return shape;
}

Status InferSqueeze(InferContext& context) {
  const Shape& x = context.input(0).shape;
  const DType dtype = context.input(0).dtype;
  IntList axes;
  int64_t count = 0;
  bool known = false;
  MACE_RETURN_IF_ERROR(
      FindAxes(context, context.attributes<SqueezeAttributes>().axes, &axes, &count, &known));
  if (count > x.rank)
    return InvalidArgument("%lld axes of %s", static_cast<long long>(count), ShapeText(x).text);
  if (!known) {
    context.SetOutput(0, dtype, count > 0 ? OpenShape(x.rank - count) : Shape::OfUnknownRank());
    return Status::Ok();
  }
  if (axes.empty()) {
    context.SetOutput(0, dtype, WithoutOnes(x));
    return Status::Ok();
  }
  bool dropped[kMaxRank] = {};
  for (int64_t listed : axes) {
    int axis = 0;
    MACE_RETURN_IF_ERROR(ResolveAxis(listed, x.rank, &axis));
    if (x[axis] >= 0 && x[axis] != 1) {
      return InvalidArgument("axis %d of %s is not of size 1", axis, ShapeText(x).text);
    }
    dropped[axis] = true;
  }
  Shape shape;
  for (int axis = 0; axis < x.rank; ++axis) {
    if (!dropped[axis]) shape.Push(x[axis]);
  }
  context.SetOutput(0, dtype, shape);
  return Status::Ok();
}

}  // namespace

Status FindAxes(const InferContext& context, const IntList& listed, IntList* axes, int64_t* count,
                bool* known) {
  *axes = listed;
  *known = true;
  if (context.has_input(1)) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
    const Shape& shape = context.input(1).shape;
    if (shape.rank > 1) return InvalidArgument("the axes have the shape %s", ShapeText(shape).text);
    *axes = IntList();
    *known = context.KnownInts(1, axes);
    *count = shape.rank == 0 ? 1 : shape[0];
  }
  if (*known) *count = axes->size();
  return Status::Ok();
}

constinit const OpDefinition kSqueezeDefinition = {
    .name = "Squeeze",
    .max_inputs = 2,
    .flags = kOpView | kOpCheap | kOpNarrowFloats,
    .content_inputs = ContentInputs({1}),
    .attributes = AttributeInfoOf<SqueezeAttributes>(),
    .infer = InferSqueeze,
    .reference = CopyElements,
};

}  // namespace mace::ops
