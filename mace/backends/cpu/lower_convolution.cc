// Conv2d (dense, grouped, depthwise) and ConvTranspose2d.
#include <cstring>

#include "mace/backends/cpu/lower_integer.h"
#include "mace/backends/cpu/lowering_table.h"
#include "mace/backends/cpu/stride_planner.h"
#include "mace/kernels/convolution/convolution.h"
#include "mace/kernels/depthwise/depthwise.h"
#include "mace/kernels/elementwise/elementwise.h"
#include "mace/ops/common.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/convolution/conv_transpose2d.h"
#include "mace/ops/movement/movement.h"

namespace mace::cpu {
namespace {

FormatHash StartHash(const char* kernel, const LayerWeights& sources, const Shape& weights) {
  FormatHash hash(kernel);
  hash.Add(sources.bias.constant).Add(static_cast<int64_t>(sources.weights.dtype()));
  for (int64_t dim : weights.span()) hash.Add(dim);
  return hash;
}

// The fields that all three kernels' parameters have.
template <typename Attributes, typename Params>
void SetWindow(const Attributes& attributes, const Shape& weights, Params* params) {
  params->kernel_height = weights[1];
  params->kernel_width = weights[2];
  params->stride_y = attributes.strides[0];
  params->stride_x = attributes.strides[1];
  params->dilation_y = attributes.dilations[0];
  params->dilation_x = attributes.dilations[1];
}

template <typename Attributes, typename Params>
void SetGeometry(Lowering& lowering, const Node& node, const Attributes& attributes, ValueId output,
                 Params* params) {
  const Shape& in = lowering.shape(node.inputs[0]);
  const Shape& out = lowering.shape(node.outputs[0]);
  SetWindow(attributes, lowering.shape(node.inputs[1]), params);
  params->batch = in[0];
  params->input_height = in[1];
  params->input_width = in[2];
  params->input_channels = in[3];
  params->output_height = out[1];
  params->output_width = out[2];
  params->input_pixel_stride = lowering.storage().PixelStride(node.inputs[0]) / 4;
  params->output_pixel_stride = lowering.storage().PixelStride(output) / 4;
}

int64_t ConvolutionWork(const Lowering& lowering, const Node& node) {
  const Shape& weights = lowering.shape(node.inputs[1]);
  if (node.op == OpId::kConv2d) {
    return lowering.shape(node.outputs[0]).ElementCount() * weights.Product(1, 4);
  }
  const Shape& in = lowering.shape(node.inputs[0]);  // each input pixel meets all taps
  return in.Product(0, 3) * weights.ElementCount();
}

template <typename Params>
Result<Operand> PackLayer(Lowering& lowering, const LayerWeights& sources, const FormatHash& hash,
                          int64_t bytes, const Params& params,
                          void (*pack)(const Params& params, const void* weights, DType dtype,
                                       const void* bias, DType bias_dtype, void* packed)) {
  return lowering.Packed(sources.weights, hash.value(), static_cast<size_t>(bytes), [&](uint8_t* packed) {
    pack(params, sources.weights.data(), sources.weights.dtype(), sources.bias.data(), sources.bias.dtype(),
         packed);
  });
}

// Operands: input, packed weights, output, post-ops' operands. `prepare_and_pack` places the packed weights,
// and may give a reason.
template <typename Params, typename Prepare>
Status EmitConvolution(Lowering& lowering, const Cluster& cluster, const KernelChoice& kernel, ValueId input,
                       Params* params, StepSpec* spec, const Prepare& prepare_and_pack) {
  MACE_RETURN_IF_ERROR(lowering.AddOperand(spec, input));
  MACE_RETURN_IF_ERROR(spec->operands.PushBack(Operand{}));  // the weights: packed below
  MACE_RETURN_IF_ERROR(lowering.AddOperand(spec, cluster.output));
  MACE_RETURN_IF_ERROR(lowering.AddPostOps(cluster, spec, &params->post_ops));
  MACE_RETURN_IF_ERROR(prepare_and_pack());
  MACE_RETURN_IF_ERROR(lowering.SetKernel(kernel, params, spec));
  spec->multiply_adds = ConvolutionWork(lowering, lowering.node(cluster.nodes[0]));
  return lowering.Emit(cluster, std::move(*spec));
}

// The NCHW tensor that `input` is the transposition of, where that has not been made yet; else kNone.
ValueId FindNchwSource(Lowering& lowering, ValueId input) {
  const NodeId producer = lowering.PutOffProducer(input, OpId::kTranspose);
  if (producer == kNone) return kNone;
  const IntList& perm = lowering.node(producer).attributes.as<ops::TransposeAttributes>().perm;
  return perm == IntList{0, 2, 3, 1} ? lowering.node(producer).inputs[0] : kNone;
}

Status LowerDepthwise(Lowering& lowering, const Cluster& cluster, const LayerWeights& sources,
                      int64_t pad_top, int64_t pad_left) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::Conv2dAttributes>();
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::DepthwiseParams>());
  SetGeometry(lowering, node, attributes, cluster.output, params);
  params->multiplier = lowering.shape(node.outputs[0])[3] / params->input_channels;
  params->pad_top = pad_top;
  params->pad_left = pad_left;
  const KernelChoice kernel = {"depthwise_f32", lowering.kernels().depthwise->depthwise_f32,
                               lowering.kernels().depthwise_isa};
  StepSpec spec;
  return EmitConvolution(lowering, cluster, kernel, node.inputs[0], params, &spec, [&]() -> Status {
    MACE_RETURN_IF_ERROR(kernels::PrepareDepthwise(params));
    FormatHash hash = StartHash("depthwise", sources, lowering.shape(node.inputs[1]));
    hash.Add(params->padded_channels).Add(params->multiplier);
    MACE_ASSIGN_OR_RETURN(spec.operands[1],
                          PackLayer(lowering, sources, hash, kernels::DepthwisePackedBytes(*params), *params,
                                    kernels::PackDepthwise));
    return Status::Ok();
  });
}

// Kernel and stride are equal, and taps lie side by side: every output pixel has one tap, and all phases are
// columns of one matrix.
bool IsOneGemm(const Lowering& lowering, const Node& node) {
  const auto& attributes = node.attributes.as<ops::ConvTranspose2dAttributes>();
  const Shape& weights = lowering.shape(node.inputs[1]);
  for (int axis = 0; axis < 2; ++axis) {
    const int64_t taps = weights[1 + axis];
    if (attributes.strides[axis] != taps || (taps > 1 && attributes.dilations[axis] != 1)) return false;
  }
  return attributes.groups == 1 && attributes.pads == IntList{0, 0, 0, 0} &&
         attributes.output_padding == IntList{0, 0};
}

// Null where a fast kernel takes the node, else the reason why not.
const char* WhyNoTransposedKernel(const Lowering& lowering, const Node& node, LayerWeights* sources) {
  const char* refusal = lowering.FindLayerWeights(node, sources);
  if (refusal != nullptr) return refusal;
  kernels::ConvTranspose2dParams params;
  SetWindow(node.attributes.as<ops::ConvTranspose2dAttributes>(), lowering.shape(node.inputs[1]), &params);
  return kernels::HasFewPhases(params) ? nullptr : "the strides are far larger than the kernel";
}

// With few output channels the phases' panels are mostly filling. One matrix for all of them, whose result is
// then moved to its pixels, pays where it saves half of the panels.
bool PaysAsOneGemm(const Lowering& lowering, const Node& node) {
  const Shape& weights = lowering.shape(node.inputs[1]);
  const Isa isa = lowering.kernels().gemm_isa;
  const int64_t taps = weights[1] * weights[2];
  return taps * kernels::PlanGemmPanels(isa, weights[0]).padded_columns >=
         2 * kernels::PlanGemmPanels(isa, taps * weights[0]).padded_columns;
}

Status LowerAsOneGemm(Lowering& lowering, const Cluster& cluster, LayerWeights sources) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const Shape& in = lowering.shape(node.inputs[0]);
  const Shape& weights = lowering.shape(node.inputs[1]);
  const int64_t taps = weights[1] * weights[2], columns = weights[0] * taps;
  const ValueId output = node.outputs[0];
  MACE_ASSIGN_OR_RETURN(auto* gemm, lowering.builder().NewParams<kernels::GemmParams>());
  gemm->isa = lowering.kernels().gemm_isa;
  gemm->rows = in.Product(0, 3);
  gemm->columns = columns;
  gemm->depth = in[3];
  gemm->lhs_stride = lowering.storage().PixelStride(node.inputs[0]) / 4;
  gemm->out_stride = columns;
  MACE_RETURN_IF_ERROR(kernels::PrepareGemm(gemm));

  kernels::GemmRhs rhs =
      kernels::GemmRhsFromNK(sources.weights.data(), sources.weights.dtype(), columns, in[3]);
  if (sources.bias.view != nullptr) {  // once for each tap
    const int bytes = BytesOf(sources.bias.view->dtype);
    MACE_ASSIGN_OR_RETURN(uint8_t* bias, lowering.builder().NewBytes(static_cast<size_t>(columns * bytes)));
    for (int64_t n = 0; n < columns; ++n) {
      std::memcpy(bias + n * bytes, sources.bias.view->as<const uint8_t>() + n / taps * bytes,
                  static_cast<size_t>(bytes));
    }
    rhs.bias = bias;
    rhs.bias_dtype = sources.bias.view->dtype;
  }
  FormatHash hash = StartHash("conv_transpose2d_gemm", sources, weights);
  hash.AddPanels(gemm->panels);
  StepSpec product;
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&product, node.inputs[0]));
  MACE_ASSIGN_OR_RETURN(
      const Operand packed,
      lowering.Packed(sources.weights, hash.value(), kernels::GemmPackedBytes(*gemm), [&](uint8_t* to) {
        kernels::PackGemmMatrix(*gemm, rhs, reinterpret_cast<float*>(to));
      }));
  MACE_RETURN_IF_ERROR(product.operands.PushBack(packed));
  const int64_t bytes = gemm->rows * columns * 4;
  MACE_ASSIGN_OR_RETURN(const int32_t slot, lowering.builder().AddSlot(kNone, bytes));
  const Operand phases{slot, 0, nullptr, bytes};
  MACE_RETURN_IF_ERROR(product.operands.PushBack(phases));
  MACE_RETURN_IF_ERROR(lowering.SetKernel(
      {"gemm_f32", lowering.kernels().gemm->gemm_f32, gemm->isa, &gemm->panels}, gemm, &product));
  product.multiply_adds = ConvolutionWork(lowering, node);
  product.reason = "all phases of the output as one matrix";
  MACE_RETURN_IF_ERROR(lowering.Emit(SingleNode(cluster.nodes[0]), std::move(product)));

  // Columns are [output channel][tap y][tap x].
  MACE_ASSIGN_OR_RETURN(auto* move, lowering.builder().NewParams<kernels::TransposeParams>());
  move->input = {in[0], in[1], in[2], weights[0], weights[1], weights[2]};
  const int32_t perm[] = {0, 1, 4, 2, 5, 3};
  for (int i = 0; i < 6; ++i) move->perm[i] = perm[i];
  MACE_RETURN_IF_ERROR(kernels::PrepareTranspose(move));
  StepSpec placing;
  const auto& table = lowering.kernels();
  MACE_RETURN_IF_ERROR(
      lowering.SetKernel({"transpose", table.elementwise->transpose, table.elementwise_isa}, move, &placing));
  placing.reason = "phases go to their pixels";
  MACE_RETURN_IF_ERROR(placing.operands.PushBack(phases));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&placing, output));
  return lowering.Emit(SingleNode(cluster.nodes[0]), std::move(placing));
}

}  // namespace

bool HasConvolutionKernel(const Lowering& lowering, const Node& node) {
  LayerWeights sources;
  switch (node.op) {
    case OpId::kConv2d:
      return lowering.FindLayerWeights(node, &sources) == nullptr;
    case OpId::kConvTranspose2d:
      return WhyNoTransposedKernel(lowering, node, &sources) == nullptr;
    default:
      return false;
  }
}

Status LowerConv2d(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  if (IsQuantized(lowering, node.inputs[0])) return LowerIntegerConv2d(lowering, cluster, refusal);
  const auto& attributes = node.attributes.as<ops::Conv2dAttributes>();
  LayerWeights sources;
  *refusal = lowering.FindLayerWeights(node, &sources);
  if (*refusal != nullptr) return Status::Ok();
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
  if (attributes.groups == in[3] && weights[3] == 1 && in[3] > 1) {
    return LowerDepthwise(lowering, cluster, sources, pads[0], pads[1]);
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::Conv2dParams>());
  SetGeometry(lowering, node, attributes, cluster.output, params);
  params->isa = lowering.kernels().convolution_isa;
  params->output_channels = lowering.shape(node.outputs[0])[3];
  params->groups = attributes.groups;
  params->pad_top = pads[0];
  params->pad_left = pads[1];
  if (cluster.has_pool) {
    MACE_ASSIGN_OR_RETURN(auto* pool, lowering.builder().NewParams<kernels::PoolingParams>());
    MACE_RETURN_IF_ERROR(FillMaxPoolParams(lowering, lowering.node(cluster.tail()), pool));
    params->output_pixel_stride = params->output_channels;
    params->max_pool = pool;
  }
  // Where rows are gathered to bands anyway, they may as well be gathered from channel planes.
  ValueId input = node.inputs[0];
  const ValueId nchw = FindNchwSource(lowering, input);
  if (nchw != kNone) {
    MACE_RETURN_IF_ERROR(kernels::PrepareConv2d(params));
    params->input_is_nchw = params->method == kernels::Conv2dMethod::kBand;
    if (params->input_is_nchw) input = nchw;
  }
  const KernelChoice kernel = {cluster.has_pool ? "conv2d_max_pool_f32" : "conv2d_f32",
                               lowering.kernels().convolution->conv2d_f32, params->isa, &params->panels};
  StepSpec spec;
  return EmitConvolution(lowering, cluster, kernel, input, params, &spec, [&]() -> Status {
    MACE_RETURN_IF_ERROR(kernels::PrepareConv2d(params));
    const bool is_gemm = params->method == kernels::Conv2dMethod::kGemm;
    const bool is_band = params->method == kernels::Conv2dMethod::kBand;
    spec.reason = is_gemm                 ? "1x1: a plain GEMM"
                  : params->input_is_nchw ? "few channels: bands of rows from NCHW"
                  : is_band               ? "few channels: bands of rows"
                                          : "row pointers";
    FormatHash hash = StartHash("conv2d", sources, weights);
    hash.Add(params->groups).Add(params->zero_floats).Add(params->group_floats);
    hash.AddPanels(params->panels);
    MACE_ASSIGN_OR_RETURN(spec.operands[1],
                          PackLayer(lowering, sources, hash, kernels::Conv2dPackedBytes(*params), *params,
                                    kernels::PackConv2d));
    return Status::Ok();
  });
}

Status LowerConvTranspose2d(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  if (IsQuantized(lowering, node.inputs[0])) return LowerIntegerConvTranspose2d(lowering, cluster, refusal);
  const auto& attributes = node.attributes.as<ops::ConvTranspose2dAttributes>();
  LayerWeights sources;
  *refusal = WhyNoTransposedKernel(lowering, node, &sources);
  if (*refusal != nullptr) return Status::Ok();
  const bool is_dense =
      !lowering.storage().IsPadded(node.outputs[0]) && !lowering.storage().IsPadded(cluster.output);
  if (is_dense && IsOneGemm(lowering, node) && PaysAsOneGemm(lowering, node)) {
    MACE_RETURN_IF_ERROR(LowerAsOneGemm(lowering, cluster, sources));
    return lowering.LowerPostOps(cluster);
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::ConvTranspose2dParams>());
  SetGeometry(lowering, node, attributes, cluster.output, params);
  params->isa = lowering.kernels().convolution_isa;
  params->output_channels = lowering.shape(node.outputs[0])[3];
  params->groups = attributes.groups;
  params->pad_top = attributes.pads[0];
  params->pad_left = attributes.pads[1];
  const KernelChoice kernel = {"conv_transpose2d_f32", lowering.kernels().convolution->conv_transpose2d_f32,
                               params->isa, &params->panels};
  StepSpec spec;
  return EmitConvolution(lowering, cluster, kernel, node.inputs[0], params, &spec, [&]() -> Status {
    MACE_RETURN_IF_ERROR(kernels::PrepareConvTranspose2d(params));
    spec.reason = "a convolution for each phase of the output";
    FormatHash hash = StartHash("conv_transpose2d", sources, lowering.shape(node.inputs[1]));
    hash.Add(params->groups).Add(params->zero_floats);
    for (int64_t number : {params->stride_y, params->stride_x, params->dilation_y, params->dilation_x,
                           params->pad_top, params->pad_left}) {
      hash.Add(number);
    }
    hash.AddPanels(params->panels);
    MACE_ASSIGN_OR_RETURN(spec.operands[1],
                          PackLayer(lowering, sources, hash, kernels::ConvTranspose2dPackedBytes(*params),
                                    *params, kernels::PackConvTranspose2d));
    return Status::Ok();
  });
}

}  // namespace mace::cpu
