#include "mace/ops/common.h"
#include "mace/ops/control/control.h"

namespace mace::ops {

namespace {

Status InferLoop(InferContext& context) {
  const auto& attributes = context.attributes<LoopAttributes>();
  const Graph& graph = context.graph();
  MACE_RETURN_IF_ERROR(CheckBodies(graph, attributes, static_cast<size_t>(context.input_count()),
                                   static_cast<size_t>(context.output_count())));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kI64}));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kBool}));
  const Graph& body = *graph.subgraphs[attributes.body];
  const int carried = attributes.carried_count;
  for (int i = 0; i < context.output_count(); ++i) {
    const TensorType& left = body.values[body.outputs[i + 1]].type;
    if (!IsValid(left.dtype)) return InvalidArgument("output %d of the body has no type", i + 1);
    if (i >= carried) {
      Shape shape;
      MACE_RETURN_IF_ERROR(ScannedShape(left.shape, kUnknownDim, &shape).WithPrefix("output %d", i));
      context.SetOutput(i, left.dtype, shape);
      continue;
    }
    // The body may not run at all: then it is what came in.
    const TensorType& initial = context.input(kLoopFixedInputs + i);
    if (initial.dtype != left.dtype) {
      return InvalidArgument("carried value %d is %s, the body makes it %s", i, NameOf(initial.dtype),
                             NameOf(left.dtype));
    }
    context.SetOutput(i, initial.dtype, CommonShape(initial.shape, left.shape));
  }
  return Status::Ok();
}

}  // namespace

Status ReadTripCount(const TensorView& trip_count, int64_t* value) {
  if (trip_count.dtype != DType::kI64 || trip_count.elements() != 1) {
    return InvalidArgument("the trip count is %s%s, expected one int64", NameOf(trip_count.dtype),
                           ShapeText(trip_count.shape).text);
  }
  *value = *trip_count.as<int64_t>();
  return Status::Ok();
}

Status ScannedShape(const Shape& element, int64_t iterations, Shape* shape) {
  *shape = element;
  if (!element.HasRank()) return Status::Ok();
  if (element.rank >= kMaxRank) return Unsupported("scanned, it would have rank %d", element.rank + 1);
  for (int axis = shape->rank++; axis > 0; --axis) (*shape)[axis] = (*shape)[axis - 1];
  (*shape)[0] = iterations;
  return Status::Ok();
}

Shape UnscannedShape(const Shape& declared) {
  if (!declared.HasRank()) return Shape();
  Shape shape = declared;
  for (int i = 0; i < shape.rank; ++i) {
    if (shape[i] < 0) shape[i] = 0;
  }
  return shape;
}

constinit const OpDefinition kLoopDefinition = {
    .name = "Loop",
    .min_inputs = 2,
    .max_inputs = -1,
    .min_outputs = 1,
    .max_outputs = -1,
    .flags = kOpControl | kOpNarrowFloats,
    .attributes = AttributeInfoOf<LoopAttributes>(),
    .infer = InferLoop,
};

}  // namespace mace::ops
