#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"

namespace mace::ops {

namespace {

Status InferConcat(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  Shape shape = context.input(0).shape;
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(context.attributes<ConcatAttributes>().axis, shape.rank, &axis));
  for (int input = 1; input < context.input_count(); ++input) {
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, input, 0));
    MACE_RETURN_IF_ERROR(ExpectRank(context, input, shape.rank));
    const Shape& other = context.input(input).shape;
    for (int i = 0; i < shape.rank; ++i) {
      if (i == axis) {
        MACE_RETURN_IF_ERROR(AddDims(shape[i], other[i], &shape[i]));
      } else if (!MergeDim(shape[i], other[i], &shape[i])) {
        return InvalidArgument("input %d has the shape %s beside %s; they may differ only on axis %d", input,
                               ShapeText(other).text, ShapeText(context.input(0).shape).text, axis);
      }
    }
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceConcat(const ReferenceContext& context) {
  const TensorView& output = context.outputs[0];
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(context.attributes<ConcatAttributes>().axis, output.shape.rank, &axis));
  if (output.elements() == 0) return Status::Ok();
  const int64_t outer = output.shape.Product(0, axis);
  const int64_t inner_bytes = output.shape.Product(axis + 1, output.shape.rank) * BytesOf(output.dtype);
  auto* y = static_cast<uint8_t*>(output.data);
  for (int64_t row = 0; row < outer; ++row) {
    for (int i = 0; i < context.input_count; ++i) {
      const TensorView& input = context.inputs[i];
      const int64_t bytes = input.shape[axis] * inner_bytes;
      if (bytes > 0) std::memcpy(y, input.as<uint8_t>() + row * bytes, static_cast<size_t>(bytes));
      y += bytes;
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kConcatDefinition = {
    .name = "Concat",
    .max_inputs = -1,
    .flags = kOpCheap,
    .attributes = AttributeInfoOf<ConcatAttributes>(),
    .infer = InferConcat,
    .reference = ReferenceConcat,
};

}  // namespace mace::ops
