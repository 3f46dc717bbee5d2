// Losses.
#include "mace/importers/onnx/emit_norm.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/loss/negative_log_likelihood_loss.h"

namespace mace::importers::onnx {
namespace {

ValueId EmitLoss(OnnxContext& context, OnnxNode& node, ValueId logarithms) {
  ops::NegativeLogLikelihoodLossAttributes attributes;
  const std::string reduction = node.String("reduction", "mean");
  if (reduction == "none") {
    attributes.reduction = ops::LossReduction::kNone;
  } else if (reduction == "sum") {
    attributes.reduction = ops::LossReduction::kSum;
  } else if (reduction != "mean") {
    throw ImportError(InvalidArgument("reduction='%s' is not known", reduction.c_str()));
  }
  attributes.ignores = node.Has("ignore_index");
  if (attributes.ignores) attributes.ignored = node.Int("ignore_index", 0);
  const ValueId target = context.Input(node, 1);
  const ValueId weights = Widened(context, context.OptionalInput(node, 2));
  std::vector<ValueId> inputs = {Widened(context, logarithms), target};
  if (weights != kNone) inputs.push_back(weights);
  const ValueId loss = context.EmitMany(OpId::kNegativeLogLikelihoodLoss, inputs, attributes, 1)[0];
  return CastTo(context, loss, context.TypeOf(logarithms).dtype);
}

}  // namespace

Outputs ConvertNegativeLogLikelihoodLoss(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {EmitLoss(context, node, context.Input(node, 0))};
}

Outputs ConvertSoftmaxCrossEntropyLoss(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId scores = context.Input(node, 0);
  const ValueId logarithms = EmitLogSoftmax(context, scores, AxisOf(context, 1, scores));
  return {EmitLoss(context, node, logarithms), logarithms};
}

}  // namespace mace::importers::onnx
