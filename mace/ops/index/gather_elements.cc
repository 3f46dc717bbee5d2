#include "mace/ops/broadcast.h"
#include "mace/ops/index/index_ops.h"
#include "mace/ops/movement/element_size.h"

namespace mace::ops {

namespace {

Status InferGatherElements(InferContext& context) {
  int axis = 0;
  MACE_RETURN_IF_ERROR(
      CheckElementIndices(context, context.attributes<GatherElementsAttributes>().axis, &axis));
  context.SetOutput(0, context.input(0).dtype, context.input(1).shape);
  return Status::Ok();
}

// Rows of the last axis at a time.
template <typename T>
Status GatherRows(const TensorView& data, const TensorView& indices, int axis, T* y) {
  const int last = data.shape.rank - 1;
  int64_t strides[kMaxRank];
  ContiguousStrides(data.shape, strides);
  const int64_t dim = data.shape[axis], stride = strides[axis];
  const int64_t step = axis == last ? 0 : 1;  // along a row, beside what the index adds
  strides[axis] = 0;
  Shape rows = indices.shape;
  rows[last] = 1;
  int64_t place = 0;
  for (StridedWalk<1> walk(rows, {strides}); !walk.done(); walk.Next()) {
    const T* source = data.as<T>() + walk.offset(0);
    for (int64_t i = 0; i < indices.shape[last]; ++i, ++place) {
      int64_t index = 0;
      MACE_RETURN_IF_ERROR(ResolveIndex(ReadInt(indices, place), dim, &index));
      y[place] = source[index * stride + i * step];
    }
  }
  return Status::Ok();
}

Status ReferenceGatherElements(const ReferenceContext& context) {
  const TensorView& data = context.inputs[0];
  int axis = 0;
  MACE_RETURN_IF_ERROR(
      ResolveAxis(context.attributes<GatherElementsAttributes>().axis, data.shape.rank, &axis));
  if (context.outputs[0].elements() == 0) return Status::Ok();
  return DispatchElementSize(data.dtype, [&](auto zero) {
    return GatherRows(data, context.inputs[1], axis, context.outputs[0].as<decltype(zero)>());
  });
}

}  // namespace

constinit const OpDefinition kGatherElementsDefinition = {
    .name = "GatherElements",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<GatherElementsAttributes>(),
    .infer = InferGatherElements,
    .reference = ReferenceGatherElements,
};

}  // namespace mace::ops
