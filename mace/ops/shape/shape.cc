#include <algorithm>

#include "mace/ops/common.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::ops {

namespace {

// The reported dimensions [begin, end) of a tensor of rank `rank`.
void ResolveRange(const ShapeAttributes& attributes, int rank, int64_t* begin, int64_t* end) {
  const auto resolve = [rank](int64_t place) {
    return std::clamp<int64_t>(place < 0 ? place + rank : place, 0, rank);
  };
  *begin = resolve(attributes.start);
  *end = std::max(*begin, resolve(attributes.end));
}

Status InferShape(InferContext& context) {
  int64_t begin, end;
  ResolveRange(context.attributes<ShapeAttributes>(), context.input(0).shape.rank, &begin, &end);
  context.SetOutput(0, DType::kI64, {end - begin});
  return Status::Ok();
}

Status ReferenceShape(const ReferenceContext& context) {
  const Shape& x = context.inputs[0].shape;
  int64_t begin, end;
  ResolveRange(context.attributes<ShapeAttributes>(), x.rank, &begin, &end);
  int64_t* y = context.outputs[0].as<int64_t>();
  for (int64_t i = begin; i < end; ++i) *y++ = x[static_cast<int>(i)];
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kShapeDefinition = {
    .name = "Shape",
    .flags = kOpShapeOnly | kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<ShapeAttributes>(),
    .infer = InferShape,
    .reference = ReferenceShape,
};

}  // namespace mace::ops
