#include "mace/ops/reduce/reduce.h"

#include "mace/ops/common.h"
#include "mace/ops/reduce/reduce_accumulator.h"
#include "mace/ops/reduce/reduce_integer.h"
#include "mace/ops/reduce/reduce_walk.h"

namespace mace::ops {

Status ReducedAxes(const ReduceAttributes& attributes, const TensorView* axes, int rank,
                   bool reduced[kMaxRank]) {
  const int64_t count = axes == nullptr ? attributes.axes.size() : axes->elements();
  for (int i = 0; i < kMaxRank; ++i) reduced[i] = count == 0 && !attributes.empty_is_none;
  for (int64_t i = 0; i < count; ++i) {
    int axis = 0;
    const int64_t listed = axes == nullptr ? attributes.axes[static_cast<int>(i)] : ReadInt(*axes, i);
    MACE_RETURN_IF_ERROR(ResolveAxis(listed, rank, &axis));
    reduced[axis] = true;
  }
  return Status::Ok();
}

namespace {

// The shape where the axes are computed at run time, and are not none.
Shape ShapeOfUnknownAxes(const ReduceAttributes& attributes, const Shape& x) {
  if (!attributes.keep_dims) return Shape::OfUnknownRank();  // an axis may be named twice
  Shape shape;
  for (int axis = 0; axis < x.rank; ++axis) shape.Push(kUnknownDim);
  return shape;
}

Status CheckTypes(const InferContext& context) {
  const auto& attributes = context.attributes<ReduceAttributes>();
  const DType dtype = context.input(0).dtype;
  if (context.has_input(1)) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
    if (context.input(1).shape.rank > 1) MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 1));
  }
  if (context.input_quantization(0) != nullptr && IsInteger(dtype)) return CheckReduceInteger(context);
  const bool is_bound = attributes.kind == ReduceKind::kMax || attributes.kind == ReduceKind::kMin;
  if (dtype == DType::kBool && is_bound) return Status::Ok();
  return ExpectDType(context, 0,
                     {DType::kF32, DType::kF64, DType::kI8, DType::kU8, DType::kI16, DType::kU16, DType::kI32,
                      DType::kU32, DType::kI64, DType::kU64});
}

Status InferReduce(InferContext& context) {
  const auto& attributes = context.attributes<ReduceAttributes>();
  MACE_RETURN_IF_ERROR(CheckTypes(context));
  const Shape& x = context.input(0).shape;
  const TensorView* axes = context.has_input(1) ? context.known(1) : nullptr;
  bool reduced[kMaxRank];
  if (context.has_input(1) && axes == nullptr) {
    const int64_t count = context.input(1).shape.rank == 0 ? 1 : context.input(1).shape[0];
    if (count != 0) {
      context.SetOutput(0, context.input(0).dtype, ShapeOfUnknownAxes(attributes, x));
      return Status::Ok();
    }
    for (bool& axis : reduced) axis = !attributes.empty_is_none;
  } else {
    MACE_RETURN_IF_ERROR(ReducedAxes(attributes, axes, x.rank, reduced));
  }
  Shape shape;
  for (int axis = 0; axis < x.rank; ++axis) {
    if (!reduced[axis]) {
      shape.Push(x[axis]);
    } else if (attributes.keep_dims) {
      shape.Push(1);
    }
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

template <typename T>
Status ReduceAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<ReduceAttributes>();
  const T* elements = context.inputs[0].template as<T>();
  T* y = context.outputs[0].template as<T>();
  return ForEachReduction(context, [&](int64_t i, const ReducedElements& reduced) {
    Accumulator<T> accumulator(attributes.kind);
    reduced.ForEach([&](int64_t offset) { accumulator.Add(elements[offset]); });
    y[i] = accumulator.Result();
  });
}

Status ReferenceReduce(const ReferenceContext& context) {
  if (context.input_quantization(0) != nullptr && IsInteger(context.inputs[0].dtype)) {
    return ReferenceReduceInteger(context);
  }
  // Booleans are bytes of 0 and 1, whose bounds are "any" and "all".
  if (context.inputs[0].dtype == DType::kBool) {
    const bool is_any = context.attributes<ReduceAttributes>().kind == ReduceKind::kMax;
    const auto* elements = context.inputs[0].as<bool>();
    auto* y = context.outputs[0].as<bool>();
    return ForEachReduction(context, [&](int64_t i, const ReducedElements& reduced) {
      bool result = !is_any;
      reduced.ForEach(
          [&](int64_t offset) { result = is_any ? result || elements[offset] : result && elements[offset]; });
      y[i] = result;
    });
  }
  return DispatchDType<float, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                       uint64_t>(context.inputs[0].dtype,
                                 [&](auto zero) { return ReduceAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kReduceDefinition = {
    .name = "Reduce",
    .max_inputs = 2,
    .flags = kOpCheap,
    .content_inputs = ContentInputs({1}),
    .attributes = AttributeInfoOf<ReduceAttributes>(),
    .infer = InferReduce,
    .reference = ReferenceReduce,
};

}  // namespace mace::ops
