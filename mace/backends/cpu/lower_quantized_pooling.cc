// Pooling and reductions of quantized integers, which are one kernel.
#include "mace/backends/cpu/lower_quantize.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/reduce/reduce_integer.h"

namespace mace::cpu {

Status EmitQuantizedPool(Lowering& lowering, const Cluster& cluster, kernels::QuantizedPoolingParams* params,
                         const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const Graph& graph = *lowering.plan().graph;
  const Quantization* x = graph.QuantizationOf(node.inputs[0]);
  const Quantization* y = graph.QuantizationOf(node.outputs[0]);
  const bool needs_scales =
      params->scaling != kernels::PoolScaling::kStored || params->kind == kernels::PoolKind::kMean;
  if (needs_scales && (x == nullptr || y == nullptr || x->scales.size() != 1 || y->scales.size() != 1)) {
    *refusal = "no fast kernel for the scales of channels";
    return Status::Ok();
  }
  params->type = lowering.type(node.inputs[0]).dtype;
  if (needs_scales) {
    params->input_zero = x->zero_points[0];
    params->output_zero = y->zero_points[0];
    params->input_scale = x->scales[0];
    params->output_scale = y->scales[0];
  }
  IntegerBounds bounds;
  MACE_RETURN_IF_ERROR(FindBounds(lowering, cluster, &bounds));
  params->low = bounds.low;
  params->high = bounds.high;
  Status prepared = kernels::PrepareQuantizedPooling(params);
  if (prepared.code() == StatusCode::kUnsupported) {
    *refusal = "the sum over a window may need more than 32 bits";
    return Status::Ok();
  }
  MACE_RETURN_IF_ERROR(std::move(prepared));
  const auto& table = lowering.kernels();
  return lowering.EmitKernel(cluster, {"quantized_pool", table.quantize->pool, table.quantize_isa}, params,
                             {node.inputs[0]}, cluster.output);
}

namespace {

bool PoolKindOf(ops::ReduceKind reduce, kernels::PoolKind* kind) {
  switch (reduce) {
    case ops::ReduceKind::kSum:
      *kind = kernels::PoolKind::kSum;
      return true;
    case ops::ReduceKind::kMean:
      *kind = kernels::PoolKind::kMean;
      return true;
    case ops::ReduceKind::kMax:
      *kind = kernels::PoolKind::kMax;
      return true;
    case ops::ReduceKind::kMin:
      *kind = kernels::PoolKind::kMin;
      return true;
    default:
      return false;
  }
}

// How a reduction of `count` elements each is rounded.
void SetScaling(const Lowering& lowering, const Node& node, int64_t count,
                kernels::QuantizedPoolingParams* params) {
  const auto& attributes = node.attributes.as<ops::ReduceAttributes>();
  if (attributes.rounding == ops::Rounding::kHalfEvenFloat) {
    params->scaling = kernels::PoolScaling::kHalfEvenFloat;
    return;
  }
  if (attributes.kind != ops::ReduceKind::kSum && attributes.kind != ops::ReduceKind::kMean) {
    params->scaling = kernels::PoolScaling::kStored;
    return;
  }
  const float x = lowering.plan().graph->QuantizationOf(node.inputs[0])->scales[0];
  const float y = lowering.plan().graph->QuantizationOf(node.outputs[0])->scales[0];
  const ops::FixedPointMultiplier multiplier =
      attributes.kind == ops::ReduceKind::kMean && count > 0
          ? ops::MultiplierOfMean(x, y, count)
          : ops::QuantizeMultiplier(static_cast<double>(x) / static_cast<double>(y));
  params->scaling = kernels::PoolScaling::kTwoRoundings;
  params->output_multiplier = {multiplier.multiplier, multiplier.exponent};
}

}  // namespace

// What is reduced is one row of pixels, what is kept behind it their channels, what is kept before it images.
Status LowerQuantizedReduce(Lowering& lowering, const Cluster& cluster,
                            const kernels::ReduceParams& collapsed, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::ReduceAttributes>();
  const DType dtype = lowering.type(node.inputs[0]).dtype;
  const bool is_known_type = dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16;
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::QuantizedPoolingParams>());
  if (!is_known_type || lowering.type(node.outputs[0]).dtype != dtype ||
      !PoolKindOf(attributes.kind, &params->kind)) {
    *refusal = "no fast kernel for this reduction of quantized values";
    return Status::Ok();
  }
  SetScaling(lowering, node, collapsed.reduced, params);
  kernels::PoolingParams& window = params->window;
  window.batch = collapsed.outer;
  window.input_height = window.output_height = window.output_width = 1;
  window.input_width = collapsed.reduced;
  window.kernel_width = collapsed.reduced > 0 ? collapsed.reduced : 1;
  window.channels = collapsed.inner;
  window.input_pixel_stride = window.output_pixel_stride = collapsed.inner;
  return EmitQuantizedPool(lowering, cluster, params, refusal);
}

}  // namespace mace::cpu
