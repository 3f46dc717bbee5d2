#include <algorithm>
#include <cstring>

#include "mace/ops/index/index_ops.h"

namespace mace::ops {

namespace {

Status InferTensorScatter(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, 1, 0));
  Shape shape = context.input(0).shape;
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, shape.rank));
  const Shape& update = context.input(1).shape;
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(context.attributes<TensorScatterAttributes>().axis, shape.rank, &axis));
  if (axis == 0) return InvalidArgument("axis 0 is the batch's");
  for (int i = 0; i < shape.rank; ++i) {
    const bool fits =
        i == axis ? shape[i] < 0 || update[i] <= shape[i] : MergeDim(shape[i], update[i], &shape[i]);
    if (!fits) {
      return InvalidArgument("an update %s of a cache %s", ShapeText(update).text,
                             ShapeText(context.input(0).shape).text);
    }
  }
  if (context.has_input(2)) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 2, {DType::kI64, DType::kI32}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, 2, 1));
    if (!MergeDim(shape[0], context.input(2).shape[0], &shape[0])) {
      return InvalidArgument("positions %s for a cache %s", ShapeText(context.input(2).shape).text,
                             ShapeText(context.input(0).shape).text);
    }
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// Where the update of a batch entry begins: 0 .. size - 1, or up to size - count where nothing goes around.
Status ResolvePosition(int64_t position, int64_t size, int64_t count, bool circular, int64_t* first) {
  if (circular && size > 0) {
    *first = position % size;
    if (*first < 0) *first += size;
    return Status::Ok();
  }
  *first = position;
  if (position >= 0 && position <= size - count) return Status::Ok();
  return InvalidArgument("%lld elements written from %lld on into %lld", static_cast<long long>(count),
                         static_cast<long long>(position), static_cast<long long>(size));
}

Status ReferenceTensorScatter(const ReferenceContext& context) {
  const auto& attributes = context.attributes<TensorScatterAttributes>();
  const TensorView& cache = context.inputs[0];
  const TensorView& update = context.inputs[1];
  const Shape& shape = cache.shape;
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, shape.rank, &axis));
  if (cache.elements() == 0) return Status::Ok();
  std::memcpy(context.outputs[0].data, cache.data, static_cast<size_t>(cache.bytes()));
  if (update.elements() == 0) return Status::Ok();
  const int64_t size = shape[axis], count = update.shape[axis];
  const int64_t middle = shape.Product(1, axis);
  const int64_t bytes = shape.Product(axis + 1, shape.rank) * BytesOf(cache.dtype);
  const auto* source = update.as<uint8_t>();
  auto* y = static_cast<uint8_t*>(context.outputs[0].data);
  for (int64_t batch = 0; batch < shape[0]; ++batch) {
    int64_t first = 0;
    MACE_RETURN_IF_ERROR(ResolvePosition(context.has_input(2) ? ReadInt(context.inputs[2], batch) : 0, size,
                                         count, attributes.circular, &first));
    for (int64_t i = 0; i < middle; ++i, y += size * bytes, source += count * bytes) {
      const int64_t straight = std::min(count, size - first);
      std::memcpy(y + first * bytes, source, static_cast<size_t>(straight * bytes));
      std::memcpy(y, source + straight * bytes, static_cast<size_t>((count - straight) * bytes));
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kTensorScatterDefinition = {
    .name = "TensorScatter",
    .min_inputs = 2,
    .max_inputs = 3,
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<TensorScatterAttributes>(),
    .infer = InferTensorScatter,
    .reference = ReferenceTensorScatter,
};

}  // namespace mace::ops
