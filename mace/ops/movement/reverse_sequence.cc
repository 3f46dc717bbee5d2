#include <algorithm>
#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/movement/rearrange.h"

namespace mace::ops {

namespace {

Status ResolveAxes(const ReverseSequenceAttributes& attributes, int rank, int* batch, int* time) {
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.batch_axis, rank, batch));
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.time_axis, rank, time));
  if (*batch != *time) return Status::Ok();
  return InvalidArgument("axis %d is both the batch's and the time's", *time);
}

Status InferReverseSequence(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 1));
  Shape shape = context.input(0).shape;
  int batch = 0, time = 0;
  MACE_RETURN_IF_ERROR(
      ResolveAxes(context.attributes<ReverseSequenceAttributes>(), shape.rank, &batch, &time));
  const int64_t lengths = context.input(1).shape[0];
  if (!MergeDim(shape[batch], lengths, &shape[batch])) {
    return InvalidArgument("%lld lengths for axis %d of %s", static_cast<long long>(lengths), batch,
                           ShapeText(shape).text);
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceReverseSequence(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  const Shape& shape = x.shape;
  int batch = 0, time = 0;
  MACE_RETURN_IF_ERROR(
      ResolveAxes(context.attributes<ReverseSequenceAttributes>(), shape.rank, &batch, &time));
  for (int64_t i = 0; i < shape[batch]; ++i) {
    const int64_t length = ReadInt(context.inputs[1], i);
    if (length < 0 || length > shape[time]) {
      return InvalidArgument("the first %lld of %lld elements", static_cast<long long>(length),
                             static_cast<long long>(shape[time]));
    }
  }
  if (x.elements() == 0) return Status::Ok();
  // x as [outer, first, middle, second, block] where first and second are the two axes.
  const int first = std::min(batch, time), second = std::max(batch, time);
  const int64_t outer = shape.Product(0, first), middle = shape.Product(first + 1, second);
  const int64_t block = shape.Product(second + 1, shape.rank) * BytesOf(x.dtype);
  auto* y = static_cast<uint8_t*>(context.outputs[0].data);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < shape[first]; ++i) {
      for (int64_t m = 0; m < middle; ++m) {
        for (int64_t k = 0; k < shape[second]; ++k, y += block) {
          const int64_t place = time == first ? i : k;
          const int64_t length = ReadInt(context.inputs[1], time == first ? k : i);
          const int64_t source = place < length ? length - 1 - place : place;
          const int64_t from_first = time == first ? source : i, from_second = time == first ? k : source;
          const int64_t row = ((o * shape[first] + from_first) * middle + m) * shape[second] + from_second;
          std::memcpy(y, x.as<uint8_t>() + row * block, static_cast<size_t>(block));
        }
      }
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kReverseSequenceDefinition = {
    .name = "ReverseSequence",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<ReverseSequenceAttributes>(),
    .infer = InferReverseSequence,
    .reference = ReferenceReverseSequence,
};

}  // namespace mace::ops
