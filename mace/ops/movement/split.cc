#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"

namespace mace::ops {

namespace {

// The sizes of equal parts, the last one smaller where `dim` does not divide.
Status EqualPart(int64_t dim, int parts, int index, int64_t* size) {
  if (dim < 0) {
    *size = parts == 1 ? dim : kUnknownDim;
    return Status::Ok();
  }
  const int64_t part = dim / parts + (dim % parts != 0);
  *size = index < parts - 1 ? part : dim - part * (parts - 1);
  if (*size >= 0) return Status::Ok();
  return InvalidArgument("%lld elements cannot be split into %d parts", static_cast<long long>(dim), parts);
}

// Checks the listed sizes against the outputs and the split dimension.
Status CheckSizes(const TensorView& sizes, int parts, int64_t dim) {
  if (sizes.elements() != parts) {
    return InvalidArgument("%lld sizes for %d outputs", static_cast<long long>(sizes.elements()), parts);
  }
  int64_t sum = 0;
  for (int i = 0; i < parts; ++i) {
    const int64_t size = ReadInt(sizes, i);
    if (size < 0 || !CheckedAdd(sum, size, &sum)) {
      return InvalidArgument("output %d would have the size %lld", i, static_cast<long long>(size));
    }
  }
  if (dim < 0 || sum == dim) return Status::Ok();
  return InvalidArgument("the sizes sum to %lld, the axis has %lld", static_cast<long long>(sum),
                         static_cast<long long>(dim));
}

Status InferSplit(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  const Shape& x = context.input(0).shape;
  const int parts = context.output_count();
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(context.attributes<SplitAttributes>().axis, x.rank, &axis));
  const TensorView* sizes = nullptr;
  if (context.has_input(1)) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 1));
    sizes = context.known(1);
    if (sizes != nullptr) MACE_RETURN_IF_ERROR(CheckSizes(*sizes, parts, x[axis]));
  }
  for (int i = 0; i < parts; ++i) {
    Shape shape = x;
    if (!context.has_input(1)) {
      MACE_RETURN_IF_ERROR(EqualPart(x[axis], parts, i, &shape[axis]));
    } else {
      shape[axis] = sizes != nullptr ? ReadInt(*sizes, i) : kUnknownDim;
    }
    context.SetOutput(i, context.input(0).dtype, shape);
  }
  return Status::Ok();
}

Status ReferenceSplit(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(context.attributes<SplitAttributes>().axis, x.shape.rank, &axis));
  if (x.elements() == 0) return Status::Ok();
  const int64_t outer = x.shape.Product(0, axis);
  const int64_t inner_bytes = x.shape.Product(axis + 1, x.shape.rank) * BytesOf(x.dtype);
  const TensorView* sizes = context.has_input(1) ? &context.inputs[1] : nullptr;
  if (sizes != nullptr) MACE_RETURN_IF_ERROR(CheckSizes(*sizes, context.output_count, x.shape[axis]));
  int64_t begin = 0;
  for (int i = 0; i < context.output_count; ++i) {
    int64_t size = 0;
    if (sizes != nullptr) {
      size = ReadInt(*sizes, i);
    } else {
      MACE_RETURN_IF_ERROR(EqualPart(x.shape[axis], context.output_count, i, &size));
    }
    const int64_t bytes = size * inner_bytes;
    if (context.has_output(i) && bytes > 0) {
      if (context.outputs[i].shape[axis] != size) return InvalidArgument("the sizes changed since planning");
      for (int64_t row = 0; row < outer; ++row) {
        std::memcpy(context.outputs[i].as<uint8_t>() + row * bytes,
                    x.as<uint8_t>() + (row * x.shape[axis] + begin) * inner_bytes,
                    static_cast<size_t>(bytes));
      }
    }
    begin += size;
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kSplitDefinition = {
    .name = "Split",
    .max_inputs = 2,
    .max_outputs = -1,
    .flags = kOpCheap | kOpNarrowFloats,
    .content_inputs = ContentInputs({1}),
    .attributes = AttributeInfoOf<SplitAttributes>(),
    .infer = InferSplit,
    .reference = ReferenceSplit,
};

}  // namespace mace::ops
