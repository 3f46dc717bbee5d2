// Quantized Conv2d and FullyConnected on integer kernels.
#include "mace/backends/cpu/lower_integer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "mace/backends/cpu/lower_quantize.h"
#include "mace/kernels/integer_depthwise/integer_depthwise.h"
#include "mace/kernels/integer_gemm/integer_gemm.h"
#include "mace/kernels/integer_winograd/integer_winograd.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::cpu {
namespace {

kernels::IntegerRounding KernelRounding(ops::Rounding rounding) {
  switch (rounding) {
    case ops::Rounding::kTfliteSingle:
      return kernels::IntegerRounding::kOneRounding;
    case ops::Rounding::kHalfEvenFloat:
      return kernels::IntegerRounding::kHalfEvenFloat;
    default:
      return kernels::IntegerRounding::kTwoRoundings;
  }
}

const char* WhyNoIntegerKernel(const Lowering& lowering, const Node& node, const IntegerLayer& layer) {
  const auto is_activation = [](DType dtype) {
    return dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16;
  };
  if (!is_activation(layer.input) || !is_activation(layer.output))
    return "no fast kernel for these element types";
  if (layer.x == nullptr || layer.y == nullptr || layer.weights == nullptr || layer.x->scales.size() != 1 ||
      layer.y->scales.size() != 1) {
    return "the quantization is not per tensor";
  }
  const TensorView* weights = layer.sources.weights.view;
  if (weights == nullptr) return "the weights are not known when the plan is made";
  if (weights->dtype != DType::kI8 && weights->dtype != DType::kU8) return "no fast kernel for these weights";
  const size_t scales = layer.weights->scales.size();
  if (scales != 1 && (layer.weights->axis != 0 || static_cast<int64_t>(scales) != weights->shape[0])) {
    return "the weights' scales are not per output channel";
  }
  if (layer.weights->block_size != 0) return "the weights' scales are per block";
  if (InputOf(node, 2) != kNone) {
    const TensorView* bias = layer.sources.bias.view;
    if (bias == nullptr) return "the bias is not known when the plan is made";
    if (bias->dtype != DType::kI32 && bias->dtype != DType::kI64) return "no fast kernel for this bias";
  }
  return nullptr;
}

// The step of a kernel whose operands are the input, the packed weights, the output. pack(uint8_t*) packs
// what `format` distinguishes.
template <typename Params, typename Pack>
Status EmitPacked(Lowering& lowering, const Cluster& cluster, const IntegerLayer& layer,
                  const KernelChoice& kernel, const Params* params, const FormatHash& format,
                  const Pack& pack, int64_t depth, const char* reason) {
  const Node& node = lowering.node(cluster.nodes[0]);
  StepSpec spec;
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, node.inputs[0]));
  MACE_ASSIGN_OR_RETURN(const Operand packed,
                        lowering.Packed(layer.sources.weights, format.value(),
                                        static_cast<size_t>(params->packed_bytes), pack));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(packed));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, cluster.output));
  MACE_RETURN_IF_ERROR(lowering.SetKernel(kernel, params, &spec));
  spec.multiply_adds = lowering.shape(node.outputs[0]).ElementCount() * depth;
  spec.reason = reason;
  return lowering.Emit(cluster, std::move(spec));
}

// The name among those of a kernel's element types.
const char* NameFor(DType input, const char* u8, const char* i8, const char* i16) {
  return input == DType::kU8 ? u8 : input == DType::kI8 ? i8 : i16;
}

Status EmitIntegerLayer(Lowering& lowering, const Cluster& cluster, const char* name,
                        const IntegerLayer& layer, kernels::IntegerConv2dParams* params) {
  const void* weights = layer.sources.weights.data();
  MACE_RETURN_IF_ERROR(kernels::PrepareIntegerConv2d(weights, params));
  FormatHash hash =
      HashOf("conv2d_integer", layer, lowering.shape(lowering.node(cluster.nodes[0]).inputs[1]));
  hash.Add(params->groups)
      .AddPanels(params->panels)
      .Add(static_cast<int64_t>(params->isa))
      .Add(params->padding);
  const auto pack = [&](uint8_t* to) { kernels::PackIntegerConv2d(*params, weights, layer.channels, to); };
  return EmitPacked(lowering, cluster, layer,
                    {name, lowering.kernels().integer_gemm->conv2d_integer, params->isa, &params->panels},
                    params, hash, pack, params->depth,
                    params->is_direct ? "rows stay in place" : "rows are gathered");
}

// Every sum of products of bytes stays within 32 bits, bias included. (TensorFlow Lite's sums wrap, and so do
// its reference kernels.)
bool SumsFit(const IntegerLayer& layer) {
  constexpr int64_t kMostDistance = 255;  // of a byte to its zero point
  const TensorView& weights = *layer.sources.weights.view;
  const int64_t channels = weights.shape[0];
  const int64_t depth = channels == 0 ? 0 : weights.elements() / channels;
  const TensorView* bias = layer.sources.bias.view;
  int64_t most_bias = 0;
  for (int64_t n = 0; bias != nullptr && n < channels; ++n) {
    const int64_t value = bias->dtype == DType::kI64 ? bias->as<int64_t>()[n] : bias->as<int32_t>()[n];
    if (value == std::numeric_limits<int64_t>::min()) return false;
    most_bias = std::max(most_bias, std::abs(value));
  }
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  return most_bias <= kMost && depth <= (kMost - most_bias) / (kMostDistance * kMostDistance);
}

template <typename Params>
void SetGeometry(Lowering& lowering, const Cluster& cluster, const IntegerLayer& layer, const int64_t pads[2],
                 Params* params) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::Conv2dAttributes>();
  const Shape& in = lowering.shape(node.inputs[0]);
  const Shape& weights = lowering.shape(node.inputs[1]);
  const Shape& out = lowering.shape(node.outputs[0]);
  params->batch = in[0];
  params->input_height = in[1];
  params->input_width = in[2];
  params->output_height = out[1];
  params->output_width = out[2];
  params->kernel_height = weights[1];
  params->kernel_width = weights[2];
  params->stride_y = attributes.strides[0];
  params->stride_x = attributes.strides[1];
  params->dilation_y = attributes.dilations[0];
  params->dilation_x = attributes.dilations[1];
  params->pad_top = pads[0];
  params->pad_left = pads[1];
  params->input_pixel_stride = lowering.storage().PixelStride(node.inputs[0]) / BytesOf(layer.input);
  params->output_pixel_stride = lowering.storage().PixelStride(cluster.output) / BytesOf(layer.output);
}

Status LowerIntegerDepthwise(Lowering& lowering, const Cluster& cluster, const IntegerLayer& layer,
                             const int64_t pads[2]) {
  const Node& node = lowering.node(cluster.nodes[0]);
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::IntegerDepthwiseParams>());
  SetIntegerTypes(lowering.kernels().integer_depthwise_isa, layer, params);
  SetGeometry(lowering, cluster, layer, pads, params);
  params->channels = lowering.shape(node.inputs[0])[3];
  MACE_RETURN_IF_ERROR(kernels::PrepareIntegerDepthwise(params));
  FormatHash hash = HashOf("depthwise_integer", layer, lowering.shape(node.inputs[1]));
  hash.Add(params->is_bytes).Add(params->padded_channels).Add(static_cast<int64_t>(params->isa));
  const auto pack = [&](uint8_t* to) {
    kernels::PackIntegerDepthwise(*params, layer.sources.weights.data(), layer.channels, to);
  };
  const char* name = NameFor(layer.input, "depthwise_u8", "depthwise_i8", "depthwise_i16");
  return EmitPacked(lowering, cluster, layer,
                    {name, lowering.kernels().integer_depthwise->depthwise_integer, params->isa}, params,
                    hash, pack, params->kernel_height * params->kernel_width,
                    params->is_bytes ? "four rows a lane" : "two rows a lane");
}

// Sets *emitted where Winograd's form is exact and the fastest.
Status LowerIntegerWinograd(Lowering& lowering, const Cluster& cluster, const IntegerLayer& layer,
                            const int64_t pads[2], bool* emitted) {
  const Node& node = lowering.node(cluster.nodes[0]);
  kernels::IntegerWinogradParams candidate;
  SetIntegerTypes(lowering.kernels().integer_winograd_isa, layer, &candidate);
  SetGeometry(lowering, cluster, layer, pads, &candidate);
  candidate.input_channels = lowering.shape(node.inputs[0])[3];
  candidate.output_channels = lowering.shape(node.outputs[0])[3];
  const void* weights = layer.sources.weights.data();
  candidate.patch = kernels::ChooseWinogradPatch(candidate, lowering.kernels().integer_gemm_isa, weights,
                                                 layer.channels.weight_zero_points);
  if (candidate.patch == 0) return Status::Ok();
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::IntegerWinogradParams>());
  *params = candidate;
  MACE_RETURN_IF_ERROR(kernels::PrepareIntegerWinograd(params));
  FormatHash hash = HashOf("conv2d_winograd_integer", layer, lowering.shape(node.inputs[1]));
  hash.Add(params->patch).AddPanels(params->panels).Add(static_cast<int64_t>(params->isa));
  const auto pack = [&](uint8_t* to) { kernels::PackIntegerWinograd(*params, weights, layer.channels, to); };
  *emitted = true;
  return EmitPacked(
      lowering, cluster, layer,
      {layer.input == DType::kU8 ? "conv2d_winograd_u8" : "conv2d_winograd_i8",
       lowering.kernels().integer_winograd->conv2d_winograd_integer, params->isa, &params->panels},
      params, hash, pack, 9 * params->input_channels,
      params->patch == 2 ? "fewest products in patches of 2x2" : "fewest products in patches of 4x4");
}

}  // namespace

const Quantization* QuantizationOf(const Lowering& lowering, ValueId value) {
  if (value == kNone) return nullptr;
  const int32_t index = lowering.type(value).quantization;
  return index == kNone ? nullptr : &lowering.plan().graph->quantizations[index];
}

bool IsQuantized(const Lowering& lowering, ValueId value) {
  if (QuantizationOf(lowering, value) == nullptr) return false;
  const DType dtype = lowering.type(value).dtype;
  return dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16;
}

Status ReadIntegerLayer(const Lowering& lowering, const Node& node, ops::Rounding rounding,
                        bool single_precision, IntegerLayer* layer, const char** refusal) {
  layer->input = lowering.type(node.inputs[0]).dtype;
  layer->output = lowering.type(node.outputs[0]).dtype;
  layer->x = QuantizationOf(lowering, node.inputs[0]);
  layer->weights = QuantizationOf(lowering, node.inputs[1]);
  layer->y = QuantizationOf(lowering, node.outputs[0]);
  layer->sources.weights = lowering.Weights(node.inputs[1]);
  if (InputOf(node, 2) != kNone) layer->sources.bias = lowering.Weights(node.inputs[2]);
  layer->sources.weights.PackWith(layer->sources.bias);
  *refusal = WhyNoIntegerKernel(lowering, node, *layer);
  if (*refusal != nullptr) return Status::Ok();
  const WeightSource& bias = layer->sources.bias;
  const bool wide_bias = bias.view != nullptr && bias.dtype() == DType::kI64;
  // 16-bit activations are summed in 64 bits, but for TensorFlow Lite's layers with a 32-bit bias, whose sums
  // wrap.
  layer->wide = layer->input == DType::kI16 &&
                (bias.view == nullptr || wide_bias || rounding == ops::Rounding::kHalfEvenFloat);
  if (rounding == ops::Rounding::kHalfEvenFloat && !layer->wide && !SumsFit(*layer)) {
    *refusal = "sums may not fit into 32 bits";
    return Status::Ok();
  }

  const int64_t channels = layer->sources.weights.view->shape[0];
  MACE_RETURN_IF_ERROR(layer->multipliers.Resize(channels));
  MACE_RETURN_IF_ERROR(layer->exponents.Resize(channels));
  MACE_RETURN_IF_ERROR(layer->double_multipliers.Resize(channels));
  MACE_RETURN_IF_ERROR(layer->float_multipliers.Resize(channels));
  MACE_RETURN_IF_ERROR(layer->weight_zero_points.Resize(channels));
  const int32_t middle = layer->sources.weights.dtype() == DType::kU8 ? 128 : 0;
  for (int64_t n = 0; n < channels; ++n) {
    const size_t index = layer->weights->scales.size() == 1 ? 0 : static_cast<size_t>(n);
    const float weight_scale = layer->weights->scales[index];
    const double multiplier =
        ops::TfliteMultiplier(layer->x->scales[0], weight_scale, layer->y->scales[0], single_precision);
    const ops::FixedPointMultiplier fixed = ops::QuantizeMultiplier(multiplier);
    layer->double_multipliers[n] = multiplier;
    layer->multipliers[n] = fixed.multiplier;
    layer->exponents[n] = fixed.exponent;
    layer->float_multipliers[n] = layer->x->scales[0] * weight_scale / layer->y->scales[0];
    layer->weight_zero_points[n] = layer->weights->zero_points[index];
    if (!std::isfinite(layer->float_multipliers[n]) || !std::isfinite(multiplier)) {
      *refusal = "the scales' ratio is not finite";
      return Status::Ok();
    }
    layer->has_weight_zero_points |= layer->weight_zero_points[n] != middle;
  }
  const ops::IntegerRange range = ops::RangeOf(layer->output);
  layer->requantization = {KernelRounding(rounding), layer->output, layer->y->zero_points[0], range.low,
                           range.high};
  kernels::IntegerChannels& out = layer->channels;
  out.bias = bias.data();
  out.bias_dtype = wide_bias ? DType::kI64 : DType::kI32;
  out.multipliers = layer->multipliers.data();
  out.exponents = layer->exponents.data();
  out.double_multipliers = layer->double_multipliers.data();
  out.float_multipliers = layer->float_multipliers.data();
  out.weight_zero_points = layer->weight_zero_points.data();
  return Status::Ok();
}

FormatHash HashOf(const char* kernel, const IntegerLayer& layer, const Shape& weights) {
  FormatHash hash(kernel);
  hash.Add(layer.sources.bias.constant).Add(static_cast<int64_t>(layer.sources.weights.dtype()));
  for (int64_t dim : weights.span()) hash.Add(dim);
  hash.Add(static_cast<int64_t>(layer.input)).Add(static_cast<int64_t>(layer.requantization.rounding));
  hash.Add(layer.wide).Add(layer.x->zero_points[0]);
  for (size_t n = 0; n < layer.multipliers.size(); ++n) {
    hash.Add(layer.multipliers[n]).Add(layer.exponents[n]).Add(layer.weight_zero_points[n]);
    hash.Add(std::bit_cast<int64_t>(layer.double_multipliers[n]));
    hash.Add(std::bit_cast<int32_t>(layer.float_multipliers[n]));
  }
  return hash;
}

namespace {

// A clamp behind the layer is what its results are saturated to.
Status SetBounds(const Lowering& lowering, const Cluster& cluster, IntegerLayer* layer) {
  IntegerBounds bounds;
  MACE_RETURN_IF_ERROR(FindBounds(lowering, cluster, &bounds));
  layer->requantization.low = bounds.low;
  layer->requantization.high = bounds.high;
  return Status::Ok();
}

}  // namespace

Status LowerIntegerConv2d(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::Conv2dAttributes>();
  IntegerLayer layer;
  MACE_RETURN_IF_ERROR(ReadIntegerLayer(lowering, node, attributes.rounding,
                                        lowering.type(node.inputs[0]).dtype == DType::kU8, &layer, refusal));
  if (*refusal != nullptr) return Status::Ok();
  MACE_RETURN_IF_ERROR(SetBounds(lowering, cluster, &layer));
  const Shape& in = lowering.shape(node.inputs[0]);
  const Shape& weights = lowering.shape(node.inputs[1]);
  int64_t pads[2] = {}, unused = 0;
  for (int axis = 0; axis < 2; ++axis) {
    ops::WindowAxis window;
    MACE_RETURN_IF_ERROR(ops::MakeWindowAxis(axis, weights[1 + axis], attributes.strides,
                                             attributes.dilations, attributes.pads, attributes.padding, false,
                                             &window));
    MACE_RETURN_IF_ERROR(ops::ResolvePadding(window, in[1 + axis], &pads[axis], &unused));
  }
  const bool is_depthwise = attributes.groups == in[3] && weights[3] == 1 && weights[0] == in[3] &&
                            in[3] > 1 && weights[1] * weights[2] <= kernels::kMostDepthwiseTaps;
  if (is_depthwise) return LowerIntegerDepthwise(lowering, cluster, layer, pads);
  if (attributes.groups == 1) {
    bool emitted = false;
    MACE_RETURN_IF_ERROR(LowerIntegerWinograd(lowering, cluster, layer, pads, &emitted));
    if (emitted) return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::IntegerConv2dParams>());
  SetIntegerTypes(lowering.kernels().integer_gemm_isa, layer, params);
  SetGeometry(lowering, cluster, layer, pads, params);
  params->input_channels = in[3];
  params->output_channels = lowering.shape(node.outputs[0])[3];
  params->groups = attributes.groups;
  const char* name = NameFor(layer.input, "conv2d_u8", "conv2d_i8", "conv2d_i16");
  return EmitIntegerLayer(lowering, cluster, name, layer, params);
}

Status LowerIntegerFullyConnected(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::FullyConnectedAttributes>();
  IntegerLayer layer;
  MACE_RETURN_IF_ERROR(ReadIntegerLayer(lowering, node, attributes.rounding, false, &layer, refusal));
  if (*refusal != nullptr) return Status::Ok();
  MACE_RETURN_IF_ERROR(SetBounds(lowering, cluster, &layer));
  const Shape& in = lowering.shape(node.inputs[0]);
  const Shape& weights = lowering.shape(node.inputs[1]);
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::IntegerConv2dParams>());
  SetIntegerTypes(lowering.kernels().integer_gemm_isa, layer, params);
  params->batch = params->input_height = params->output_height = 1;
  params->input_width = params->output_width = in.Product(0, in.rank - 1);
  params->input_channels = weights[1];
  params->output_channels = weights[0];
  params->input_pixel_stride = lowering.storage().IsPadded(node.inputs[0])
                                   ? lowering.storage().PixelStride(node.inputs[0]) / BytesOf(layer.input)
                                   : weights[1];
  params->output_pixel_stride = lowering.storage().IsPadded(cluster.output)
                                    ? lowering.storage().PixelStride(cluster.output) / BytesOf(layer.output)
                                    : weights[0];
  const char* name = NameFor(layer.input, "fully_connected_u8", "fully_connected_i8", "fully_connected_i16");
  return EmitIntegerLayer(lowering, cluster, name, layer, params);
}

}  // namespace mace::cpu
