#include "mace/ops/reduce/reduce.h"

#include "mace/ops/common.h"
#include "mace/ops/reduce/reduce_accumulator.h"
#include "mace/ops/reduce/reduce_integer.h"
#include "mace/ops/reduce/reduce_walk.h"

namespace mace::ops {

namespace {

Status InferReduce(InferContext& context) {
  const auto& attributes = context.attributes<ReduceAttributes>();
  const DType dtype = context.input(0).dtype;
  if (context.input_quantization(0) != nullptr && IsInteger(dtype)) {
    MACE_RETURN_IF_ERROR(CheckReduceInteger(context));
  } else {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kI32, DType::kI64}));
  }
  const Shape& x = context.input(0).shape;
  bool reduced[kMaxRank];
  MACE_RETURN_IF_ERROR(ReducedAxes(attributes.axes, x.rank, reduced));
  Shape shape;
  for (int axis = 0; axis < x.rank; ++axis) {
    if (!reduced[axis]) {
      shape.Push(x[axis]);
    } else if (attributes.keep_dims) {
      shape.Push(1);
    }
  }
  context.SetOutput(0, dtype, shape);
  return Status::Ok();
}

template <typename T>
Status ReduceAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<ReduceAttributes>();
  const T* elements = context.inputs[0].template as<T>();
  T* y = context.outputs[0].template as<T>();
  return ForEachReduction(context, attributes.axes, [&](int64_t i, const ReducedElements& reduced) {
    Accumulator<T> accumulator(attributes.kind);
    reduced.ForEach([&](int64_t offset) { accumulator.Add(elements[offset]); });
    y[i] = accumulator.Result();
  });
}

Status ReferenceReduce(const ReferenceContext& context) {
  if (context.input_quantization(0) != nullptr && IsInteger(context.inputs[0].dtype)) {
    return ReferenceReduceInteger(context);
  }
  return DispatchDType<float, int32_t, int64_t>(context.inputs[0].dtype,
                                                [&](auto zero) { return ReduceAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kReduceDefinition = {
    .name = "Reduce",
    .flags = kOpCheap,
    .attributes = AttributeInfoOf<ReduceAttributes>(),
    .infer = InferReduce,
    .reference = ReferenceReduce,
};

}  // namespace mace::ops
