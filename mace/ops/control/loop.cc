#include "mace/ops/common.h"
#include "mace/ops/control/control.h"

namespace mace::ops {

namespace {

Status InferLoop(InferContext& context) {
  const auto& attributes = context.attributes<LoopAttributes>();
  const Graph& graph = context.graph();
  if (attributes.body < 0 || static_cast<size_t>(attributes.body) >= graph.subgraphs.size()) {
    return InvalidArgument("lacks a body");
  }
  const Graph& body = *graph.subgraphs[attributes.body];
  const int carried = attributes.carried_count;
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kI64}));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kBool}));
  if (carried < 0 || carried > context.input_count() - kLoopFixedInputs ||
      body.inputs.size() != static_cast<size_t>(context.input_count()) ||
      body.outputs.size() < static_cast<size_t>(carried) + 1 ||
      static_cast<size_t>(context.output_count()) > body.outputs.size() - 1) {
    return InvalidArgument("has %d inputs, %d of them carried, and %d outputs; its body has %zu and %zu",
                           context.input_count(), carried, context.output_count(), body.inputs.size(),
                           body.outputs.size());
  }
  for (int i = 0; i < context.output_count(); ++i) {
    const TensorType& left = body.values[body.outputs[i + 1]].type;
    if (i >= carried) {  // scanned
      Shape shape = left.shape;
      if (shape.HasRank()) {
        if (shape.rank == kMaxRank) return Unsupported("output %d would have rank %d", i, kMaxRank + 1);
        for (int axis = shape.rank++; axis > 0; --axis) shape[axis] = shape[axis - 1];
        shape[0] = kUnknownDim;
      }
      context.SetOutput(i, left.dtype, shape);
      continue;
    }
    // The body may not run at all: then it is what came in.
    const TensorType& initial = context.input(kLoopFixedInputs + i);
    if (initial.dtype != left.dtype) {
      return InvalidArgument("carried value %d is %s, the body makes it %s", i, NameOf(initial.dtype),
                             NameOf(left.dtype));
    }
    Shape shape = initial.shape;
    if (!left.shape.HasRank() || left.shape.rank != shape.rank) {
      shape = Shape::OfUnknownRank();
    } else {
      for (int axis = 0; axis < shape.rank; ++axis) {
        if (shape[axis] != left.shape[axis]) shape[axis] = kUnknownDim;
      }
    }
    context.SetOutput(i, initial.dtype, shape);
  }
  return Status::Ok();
}

}  // namespace

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
