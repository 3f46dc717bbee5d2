#include "mace/ops/custom/custom.h"

#include "mace/graph/custom_operator.h"

namespace mace::ops {
namespace {

std::string_view TextOf(const TensorView& view) {
  return {static_cast<const char*>(view.data), static_cast<size_t>(view.elements())};
}

Status InferCustom(InferContext& context) {
  const auto& attributes = context.attributes<CustomAttributes>();
  if (attributes.dtypes.size() != context.output_count()) {
    return InvalidArgument("%d dtypes for %d outputs", attributes.dtypes.size(), context.output_count());
  }
  for (int i = kCustomName; i <= kCustomOptions; ++i) {
    if (!context.has_input(i) || context.input(i).dtype != DType::kU8 || context.input(i).shape.rank != 1) {
      return InvalidArgument("input %d is no list of bytes", i);
    }
  }
  for (int i = 0; i < context.output_count(); ++i) {
    const auto dtype = static_cast<DType>(attributes.dtypes[i]);
    if (attributes.dtypes[i] < 0 || attributes.dtypes[i] > UINT8_MAX || BitsOf(dtype) == 0) {
      return InvalidArgument("dtype %lld of output %d", static_cast<long long>(attributes.dtypes[i]), i);
    }
    context.SetOutput(i, dtype, Shape::OfUnknownRank());
  }
  return Status::Ok();
}

Status EvaluateCustom(const DynamicContext& context) {
  const std::string_view name = TextOf(context.inputs[kCustomName]);
  const CustomOperator* custom = context.custom == nullptr ? nullptr : context.custom->Find(name);
  if (custom == nullptr) {
    return Status::Format(StatusCode::kFailedPrecondition, "nobody registered the operator '%.*s'",
                          static_cast<int>(name.size()), name.data());
  }
  return custom->run(*custom, context);
}

}  // namespace

std::string_view CustomNameOf(const Graph& graph, const Node& node) {
  const TensorView* view = graph.ConstantOf(node.inputs[kCustomName]);
  return view == nullptr || view->dtype != DType::kU8 ? std::string_view() : TextOf(*view);
}

constinit const OpDefinition kCustomDefinition = {
    .name = "Custom",
    .min_inputs = 2,
    .max_inputs = kCustomOperands + 256,  // a number, so that any of them may be absent
    .min_outputs = 1,
    .max_outputs = 8,
    // Whatever the function does, it is asked in each run.
    .flags = kOpNarrowFloats | kOpRandom,
    .attributes = AttributeInfoOf<CustomAttributes>(),
    .infer = InferCustom,
    .evaluate = EvaluateCustom,
};

}  // namespace mace::ops
