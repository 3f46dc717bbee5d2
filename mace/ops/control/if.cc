#include "mace/ops/common.h"
#include "mace/ops/control/control.h"

namespace mace::ops {

namespace {

Status InferIf(InferContext& context) {
  const Graph& graph = context.graph();
  const auto& attributes = context.attributes<IfAttributes>();
  MACE_RETURN_IF_ERROR(CheckBodies(graph, attributes, static_cast<size_t>(context.input_count()),
                                   static_cast<size_t>(context.output_count())));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kBool}));
  const Graph& then_branch = *graph.subgraphs[attributes.then_branch];
  const Graph& else_branch = *graph.subgraphs[attributes.else_branch];
  for (int i = 0; i < context.output_count(); ++i) {
    const TensorType& a = then_branch.values[then_branch.outputs[i]].type;
    const TensorType& b = else_branch.values[else_branch.outputs[i]].type;
    if (a.dtype != b.dtype) {
      return InvalidArgument("output %d is %s in one branch and %s in the other", i, NameOf(a.dtype),
                             NameOf(b.dtype));
    }
    if (!IsValid(a.dtype)) return InvalidArgument("output %d of the branches has no type", i);
    context.SetOutput(i, a.dtype, CommonShape(a.shape, b.shape));
  }
  return Status::Ok();
}

}  // namespace

Status ReadCondition(const TensorView& condition, bool* value) {
  if (condition.dtype != DType::kBool || condition.elements() != 1) {
    return InvalidArgument("the condition is %s%s, expected one bool", NameOf(condition.dtype),
                           ShapeText(condition.shape).text);
  }
  *value = *condition.as<uint8_t>() != 0;
  return Status::Ok();
}

constinit const OpDefinition kIfDefinition = {
    .name = "If",
    .min_inputs = 1,
    .max_inputs = -1,
    .min_outputs = 1,
    .max_outputs = -1,
    .flags = kOpControl | kOpNarrowFloats,
    .attributes = AttributeInfoOf<IfAttributes>(),
    .infer = InferIf,
};

}  // namespace mace::ops
