#include <cstring>

#include "mace/ops/broadcast.h"
#include "mace/ops/index/index_ops.h"
#include "mace/ops/index/scatter_reduction.h"

namespace mace::ops {

namespace {

Status InferScatterElements(InferContext& context) {
  int axis = 0;
  MACE_RETURN_IF_ERROR(
      CheckElementIndices(context, context.attributes<ScatterElementsAttributes>().axis, &axis));
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, 2, 0));
  const Shape& indices = context.input(1).shape;
  MACE_RETURN_IF_ERROR(ExpectRank(context, 2, indices.rank));
  for (int i = 0; i < indices.rank; ++i) {
    int64_t merged = 0;
    if (!MergeDim(indices[i], context.input(2).shape[i], &merged)) {
      return InvalidArgument("updates %s for indices %s", ShapeText(context.input(2).shape).text,
                             ShapeText(indices).text);
    }
  }
  context.SetOutput(0, context.input(0).dtype, context.input(0).shape);
  return Status::Ok();
}

template <typename Rule>
Status ScatterRows(const ReferenceContext& context, int axis) {
  using Stored = typename Rule::Stored;
  const TensorView& indices = context.inputs[1];
  const Shape& shape = context.inputs[0].shape;
  const ScatterReduction reduction = context.attributes<ScatterElementsAttributes>().reduction;
  const int last = shape.rank - 1;
  int64_t strides[kMaxRank];
  ContiguousStrides(shape, strides);
  const int64_t dim = shape[axis], stride = strides[axis];
  const int64_t step = axis == last ? 0 : 1;  // along a row, beside what the index adds
  strides[axis] = 0;
  Shape rows = indices.shape;
  rows[last] = 1;
  const auto* updates = context.inputs[2].as<Stored>();
  int64_t place = 0;
  for (StridedWalk<1> walk(rows, {strides}); !walk.done(); walk.Next()) {
    Stored* target = context.outputs[0].as<Stored>() + walk.offset(0);
    for (int64_t i = 0; i < indices.shape[last]; ++i, ++place) {
      int64_t index = 0;
      MACE_RETURN_IF_ERROR(ResolveIndex(ReadInt(indices, place), dim, &index));
      Rule::Join(reduction, target + index * stride + i * step, updates[place]);
    }
  }
  return Status::Ok();
}

Status ReferenceScatterElements(const ReferenceContext& context) {
  const TensorView& data = context.inputs[0];
  const auto& attributes = context.attributes<ScatterElementsAttributes>();
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, data.shape.rank, &axis));
  if (data.elements() > 0) std::memcpy(context.outputs[0].data, data.data, static_cast<size_t>(data.bytes()));
  if (context.inputs[1].elements() == 0) return Status::Ok();
  return DispatchReduction(data.dtype, attributes.reduction,
                           [&](auto rule) { return ScatterRows<decltype(rule)>(context, axis); });
}

}  // namespace

constinit const OpDefinition kScatterElementsDefinition = {
    .name = "ScatterElements",
    .min_inputs = 3,
    .max_inputs = 3,
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<ScatterElementsAttributes>(),
    .infer = InferScatterElements,
    .reference = ReferenceScatterElements,
};

}  // namespace mace::ops
