#include <algorithm>

#include "mace/ops/index/index_ops.h"
#include "mace/ops/movement/element_size.h"

namespace mace::ops {

namespace {

Status InferOneHot(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kI64, DType::kI32}));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 2));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 2, 1));
  const Shape& indices = context.input(0).shape;
  const Shape& depth = context.input(1).shape;
  if (depth.rank > 1 || (depth.rank == 1 && depth[0] >= 0 && depth[0] != 1)) {
    return InvalidArgument("depth has the shape %s, expected one number", ShapeText(depth).text);
  }
  if (context.input(2).shape[0] >= 0 && context.input(2).shape[0] != 2) {
    return InvalidArgument("values has the shape %s, expected [2]", ShapeText(context.input(2).shape).text);
  }
  if (indices.rank >= kMaxRank) return Unsupported("the result has a rank above %d", kMaxRank);
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(context.attributes<OneHotAttributes>().axis, indices.rank + 1, &axis));
  IntList known;
  int64_t size = kUnknownDim;
  if (context.KnownInts(1, &known)) {
    if (known.size() != 1 || known[0] < 0) return InvalidArgument("the depth is no size");
    size = known[0];
  }
  Shape shape;
  for (int i = 0; i <= indices.rank; ++i) {
    shape.Push(i == axis ? size : indices[i < axis ? i : i - 1]);
  }
  context.SetOutput(0, context.input(2).dtype, shape);
  return Status::Ok();
}

Status ReferenceOneHot(const ReferenceContext& context) {
  const TensorView& indices = context.inputs[0];
  const TensorView& output = context.outputs[0];
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(context.attributes<OneHotAttributes>().axis, output.shape.rank, &axis));
  const int64_t depth = output.shape[axis];
  const int64_t inner = output.shape.Product(axis + 1, output.shape.rank);
  if (output.elements() == 0) return Status::Ok();
  return DispatchElementSize(output.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T off = context.inputs[2].as<T>()[0], on = context.inputs[2].as<T>()[1];
    T* y = static_cast<T*>(output.data);
    std::fill(y, y + output.elements(), off);
    for (int64_t i = 0; i < indices.elements(); ++i) {
      int64_t index = ReadInt(indices, i);
      if (index < -depth || index >= depth) continue;
      if (index < 0) index += depth;
      y[(i / inner * depth + index) * inner + i % inner] = on;
    }
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kOneHotDefinition = {
    .name = "OneHot",
    .min_inputs = 3,
    .max_inputs = 3,
    .flags = kOpCheap | kOpNarrowFloats,
    .content_inputs = ContentInputs({1}),
    .attributes = AttributeInfoOf<OneHotAttributes>(),
    .infer = InferOneHot,
    .reference = ReferenceOneHot,
};

}  // namespace mace::ops
