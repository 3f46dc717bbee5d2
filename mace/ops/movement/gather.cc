#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/movement/element_size.h"
#include "mace/ops/movement/movement.h"

namespace mace::ops {

namespace {

Status InferGather(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  const Shape& data = context.input(0).shape;
  const Shape& indices = context.input(1).shape;
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(context.attributes<GatherAttributes>().axis, data.rank, &axis));
  Shape shape;
  bool fits = true;
  for (int i = 0; i < axis; ++i) fits = fits && shape.Push(data[i]);
  for (int i = 0; i < indices.rank; ++i) fits = fits && shape.Push(indices[i]);
  for (int i = axis + 1; i < data.rank; ++i) fits = fits && shape.Push(data[i]);
  if (!fits) return Unsupported("the result has a rank above %d", kMaxRank);
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// Calls copy(row, index) for each row of the output in order.
template <typename Copy>
Status ForEachRow(int64_t outer, int64_t dim, const TensorView& indices, const Copy& copy) {
  const int64_t count = indices.elements();
  for (int64_t row = 0; row < outer; ++row) {
    for (int64_t i = 0; i < count; ++i) {
      int64_t index = ReadInt(indices, i);
      if (index < -dim || index >= dim) {
        return InvalidArgument("index %lld of an axis of size %lld", static_cast<long long>(index),
                               static_cast<long long>(dim));
      }
      if (index < 0) index += dim;
      copy(row * dim + index);
    }
  }
  return Status::Ok();
}

Status ReferenceGather(const ReferenceContext& context) {
  const TensorView& data = context.inputs[0];
  const TensorView& indices = context.inputs[1];
  const TensorView& output = context.outputs[0];
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(context.attributes<GatherAttributes>().axis, data.shape.rank, &axis));
  if (output.elements() == 0) return Status::Ok();
  const int64_t dim = data.shape[axis];
  const int64_t outer = data.shape.Product(0, axis);
  const int64_t block = data.shape.Product(axis + 1, data.shape.rank);
  auto* y = static_cast<uint8_t*>(output.data);
  const auto* x = data.as<uint8_t>();
  if (IsSubByte(data.dtype)) {
    const int bits = BitsOf(data.dtype);
    std::memset(y, 0, static_cast<size_t>(output.bytes()));
    int64_t place = 0;
    return ForEachRow(outer, dim, indices, [&](int64_t source) {
      for (int64_t i = 0; i < block; ++i)
        StorePacked(y, bits, place++, LoadPacked(x, bits, source * block + i));
    });
  }
  const int64_t bytes = block * BytesOf(data.dtype);
  return ForEachRow(outer, dim, indices, [&](int64_t source) {
    std::memcpy(y, x + source * bytes, static_cast<size_t>(bytes));
    y += bytes;
  });
}

}  // namespace

constinit const OpDefinition kGatherDefinition = {
    .name = "Gather",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<GatherAttributes>(),
    .infer = InferGather,
    .reference = ReferenceGather,
};

}  // namespace mace::ops
