#include <algorithm>

#include "mace/ops/common.h"
#include "mace/ops/control/control.h"

namespace mace::ops {

namespace {

const Graph* SubgraphAt(const Graph& graph, int32_t index) {
  if (index < 0 || static_cast<size_t>(index) >= graph.subgraphs.size()) return nullptr;
  return graph.subgraphs[index].get();
}

// What holds of the output whichever branch runs.
Shape Common(const Shape& a, const Shape& b) {
  if (!a.HasRank() || a.rank != b.rank) return Shape::OfUnknownRank();
  Shape common = a;
  for (int i = 0; i < a.rank; ++i) {
    if (a[i] != b[i]) common[i] = kUnknownDim;
  }
  return common;
}

Status InferIf(InferContext& context) {
  const auto& attributes = context.attributes<IfAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kBool}));
  const Graph* then_branch = SubgraphAt(context.graph(), attributes.then_branch);
  const Graph* else_branch = SubgraphAt(context.graph(), attributes.else_branch);
  if (then_branch == nullptr || else_branch == nullptr) return InvalidArgument("lacks a branch");
  const size_t outputs = then_branch->outputs.size();
  if (else_branch->outputs.size() != outputs || static_cast<size_t>(context.output_count()) > outputs) {
    return InvalidArgument("the branches have %zu and %zu outputs, the node %d", outputs,
                           else_branch->outputs.size(), context.output_count());
  }
  for (int i = 0; i < context.output_count(); ++i) {
    const TensorType& a = then_branch->values[then_branch->outputs[i]].type;
    const TensorType& b = else_branch->values[else_branch->outputs[i]].type;
    if (a.dtype != b.dtype) {
      return InvalidArgument("output %d is %s in one branch and %s in the other", i, NameOf(a.dtype),
                             NameOf(b.dtype));
    }
    context.SetOutput(i, a.dtype, Common(a.shape, b.shape));
  }
  return Status::Ok();
}

}  // namespace

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
