// MaxPool2d, AveragePool2d and Resize.
#include <type_traits>

#include "mace/backends/cpu/lower_quantize.h"
#include "mace/backends/cpu/lowering_table.h"
#include "mace/backends/cpu/stride_planner.h"
#include "mace/kernels/norm/norm.h"
#include "mace/kernels/pooling/pooling.h"
#include "mace/kernels/resize/resize.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/movement/resize.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"

namespace mace::cpu {
namespace {

bool CountsPadding(const ops::AveragePool2dAttributes& attributes) { return attributes.count_include_pad; }
bool CountsPadding(const ops::MaxPool2dAttributes&) { return false; }

template <typename Attributes>
Status FillPoolingParams(Lowering& lowering, const Node& node, kernels::PoolingParams* params) {
  const auto& attributes = node.attributes.as<Attributes>();
  const Shape& in = lowering.shape(node.inputs[0]);
  const Shape& out = lowering.shape(node.outputs[0]);
  int64_t begin[2] = {}, end[2] = {};
  for (int axis = 0; axis < 2; ++axis) {
    ops::WindowAxis window;
    MACE_RETURN_IF_ERROR(ops::MakeWindowAxis(axis, attributes.kernel[axis], attributes.strides,
                                             attributes.dilations, attributes.pads, attributes.padding,
                                             attributes.ceil_mode, &window));
    MACE_RETURN_IF_ERROR(ops::ResolvePadding(window, in[1 + axis], &begin[axis], &end[axis]));
  }
  params->batch = in[0];
  params->input_height = in[1];
  params->input_width = in[2];
  params->channels = in[3];
  params->output_height = out[1];
  params->output_width = out[2];
  params->kernel_height = attributes.kernel[0];
  params->kernel_width = attributes.kernel[1];
  params->stride_y = attributes.strides[0];
  params->stride_x = attributes.strides[1];
  params->dilation_y = attributes.dilations[0];
  params->dilation_x = attributes.dilations[1];
  params->pad_top = begin[0];
  params->pad_left = begin[1];
  params->pad_bottom = end[0];
  params->pad_right = end[1];
  params->count_include_pad = CountsPadding(attributes);
  const int64_t bytes = BytesOf(lowering.type(node.inputs[0]).dtype);
  params->input_pixel_stride = lowering.storage().PixelStride(node.inputs[0]) / bytes;
  params->output_pixel_stride = lowering.storage().PixelStride(node.outputs[0]) / bytes;
  return Status::Ok();
}

// The reduction kernel writes without gaps, and reads none between single elements.
bool IsGlobal(const kernels::PoolingParams& params) {
  return params.output_pixel_stride == params.channels &&
         (params.channels > 1 || params.input_pixel_stride == 1) && params.output_height == 1 &&
         params.output_width == 1 && params.kernel_height == params.input_height &&
         params.kernel_width == params.input_width && params.dilation_y == 1 && params.dilation_x == 1 &&
         params.pad_top == 0 && params.pad_left == 0 && params.pad_bottom == 0 && params.pad_right == 0;
}

bool IsQuantizedPool(const Lowering& lowering, const Node& node) {
  const DType dtype = lowering.type(node.inputs[0]).dtype;
  return (dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16) &&
         lowering.type(node.outputs[0]).dtype == dtype;
}

kernels::PoolScaling ScalingOf(const ops::AveragePool2dAttributes& attributes) {
  return attributes.rounding == ops::Rounding::kHalfEvenFloat ? kernels::PoolScaling::kHalfEvenFloat
                                                              : kernels::PoolScaling::kStored;
}
kernels::PoolScaling ScalingOf(const ops::MaxPool2dAttributes&) { return kernels::PoolScaling::kStored; }

template <typename Attributes>
Status LowerQuantizedPool(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::QuantizedPoolingParams>());
  MACE_RETURN_IF_ERROR(FillPoolingParams<Attributes>(lowering, node, &params->window));
  params->kind = std::is_same_v<Attributes, ops::MaxPool2dAttributes> ? kernels::PoolKind::kMax
                                                                      : kernels::PoolKind::kMean;
  params->scaling = ScalingOf(node.attributes.as<Attributes>());
  return EmitQuantizedPool(lowering, cluster, params, refusal);
}

template <typename Attributes>
Status LowerPool(Lowering& lowering, const Cluster& cluster, const char* kernel,
                 kernels::KernelFunction function, kernels::ReduceOp global, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  if (IsQuantizedPool(lowering, node)) return LowerQuantizedPool<Attributes>(lowering, cluster, refusal);
  if (!lowering.IsF32(node.inputs[0])) {
    *refusal = "no fast kernel for this element type";
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::PoolingParams>());
  MACE_RETURN_IF_ERROR(FillPoolingParams<Attributes>(lowering, node, params));
  const auto& table = lowering.kernels();
  if (IsGlobal(*params)) {
    MACE_ASSIGN_OR_RETURN(auto* reduce, lowering.builder().NewParams<kernels::ReduceParams>());
    reduce->op = global;
    reduce->outer = params->batch;
    reduce->reduced = params->input_height * params->input_width;
    reduce->inner = params->channels;
    reduce->input_stride = params->input_pixel_stride;
    MACE_RETURN_IF_ERROR(kernels::PrepareReduce(reduce));
    return lowering.EmitKernel(cluster, {"reduce_f32", table.norm->reduce_f32, table.norm_isa}, reduce,
                               {node.inputs[0]}, node.outputs[0], Lowering::Placement::kApart,
                               "the window is the whole map");
  }
  MACE_RETURN_IF_ERROR(kernels::PreparePooling(params));
  return lowering.EmitKernel(cluster, {kernel, function, table.pooling_isa}, params, {node.inputs[0]},
                             node.outputs[0]);
}

// Null where a fast kernel takes the node, else the reason why not.
const char* WhyNoResizeKernel(const Lowering& lowering, const Node& node) {
  if (InputOf(node, 1) != kNone && lowering.known(node.inputs[1]) == nullptr)
    return "the scales are not known";
  const DType dtype = lowering.type(node.inputs[0]).dtype;
  const bool is_linear = node.attributes.as<ops::ResizeAttributes>().mode == ops::ResizeMode::kLinear;
  if (is_linear && dtype != DType::kF32 && dtype != DType::kI8 && dtype != DType::kU8 &&
      dtype != DType::kI16) {
    return "no fast kernel for this element type";
  }
  return nullptr;
}

kernels::ResizeTap TapOf(const ops::LinearTap& tap) {
  return {static_cast<int32_t>(tap.low), static_cast<int32_t>(tap.high), tap.weight};
}

// Where the output elements along `axis` (1: height, 2: width) come from, by the functions that define the
// operator.
void FillResizeTaps(const ops::ResizeAttributes& attributes, kernels::ResizeArithmetic arithmetic,
                    const float* scales, int axis, int64_t input, int64_t output, kernels::ResizeTap* taps) {
  if (input == 0) return;  // and then no kernel runs: PrepareResize makes no tiles
  const ops::ResizeAxis place(attributes, scales, axis - 1, input, output);
  for (int64_t i = 0; i < output; ++i) {
    if (attributes.mode == ops::ResizeMode::kNearest) {
      const int64_t nearest = place.Nearest(i);
      taps[i] = TapOf({nearest, nearest, 0.0f});
    } else if (arithmetic == kernels::ResizeArithmetic::kFixedPoint) {
      const ops::FixedTap tap = place.Fixed(i);
      taps[i] = TapOf({tap.low, tap.high, static_cast<float>(tap.weight)});
    } else {
      taps[i] =
          TapOf(arithmetic == kernels::ResizeArithmetic::kFloat ? place.UnclampedLinear(i) : place.Linear(i));
    }
  }
}

// Of integers.
kernels::ResizeArithmetic ArithmeticOf(const ops::ResizeAttributes& attributes, DType dtype) {
  if (attributes.mode == ops::ResizeMode::kNearest) return kernels::ResizeArithmetic::kNearest;
  if (attributes.rounding == ops::Rounding::kHalfEvenFloat) return kernels::ResizeArithmetic::kHalfEven;
  return dtype == DType::kU8 ? kernels::ResizeArithmetic::kFloat : kernels::ResizeArithmetic::kFixedPoint;
}

void FillResizeParams(Lowering& lowering, const Node& node, kernels::ResizeParams* params) {
  const Shape& in = lowering.shape(node.inputs[0]);
  const Shape& out = lowering.shape(node.outputs[0]);
  const int64_t bytes = BytesOf(lowering.type(node.inputs[0]).dtype);
  params->batch = in[0];
  params->input_height = in[1];
  params->input_width = in[2];
  params->channels = in[3];
  params->output_height = out[1];
  params->output_width = out[2];
  params->input_pixel_stride = lowering.storage().PixelStride(node.inputs[0]) / bytes;
  params->output_pixel_stride = lowering.storage().PixelStride(node.outputs[0]) / bytes;
}

// The step of a resize kernel, with the table of its taps.
template <typename Params>
Status EmitResize(Lowering& lowering, const Cluster& cluster, const KernelChoice& kernel,
                  const Params* params, const kernels::ResizeParams& shape,
                  kernels::ResizeArithmetic arithmetic) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::ResizeAttributes>();
  const int64_t table_bytes = kernels::ResizeTableBytes(shape);
  MACE_ASSIGN_OR_RETURN(uint8_t* table, lowering.builder().NewBytes(static_cast<size_t>(table_bytes)));
  auto* taps = reinterpret_cast<kernels::ResizeTap*>(table);
  const TensorView* known_scales = lowering.known(InputOf(node, 1));
  const float* scales = known_scales != nullptr ? known_scales->as<const float>() : nullptr;
  FillResizeTaps(attributes, arithmetic, scales, 1, shape.input_height, shape.output_height, taps);
  FillResizeTaps(attributes, arithmetic, scales, 2, shape.input_width, shape.output_width,
                 taps + shape.output_height);
  StepSpec spec;
  MACE_RETURN_IF_ERROR(lowering.SetKernel(kernel, params, &spec));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, node.inputs[0]));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(Operand{kNone, 0, table, table_bytes}));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, node.outputs[0]));
  return lowering.Emit(cluster, std::move(spec));
}

Status LowerIntegerResize(Lowering& lowering, const Cluster& cluster) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const DType dtype = lowering.type(node.inputs[0]).dtype;
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::QuantizedResizeParams>());
  kernels::ResizeParams& shape = params->shape;
  FillResizeParams(lowering, node, &shape);
  params->arithmetic = ArithmeticOf(node.attributes.as<ops::ResizeAttributes>(), dtype);
  params->type = dtype;
  if (params->arithmetic == kernels::ResizeArithmetic::kNearest) {
    params->type = DType::kU8;
    for (int64_t* elements : {&shape.channels, &shape.input_pixel_stride, &shape.output_pixel_stride}) {
      *elements *= BytesOf(dtype);
    }
  } else if (params->arithmetic == kernels::ResizeArithmetic::kHalfEven) {
    const Quantization& x = *lowering.plan().graph->QuantizationOf(node.inputs[0]);
    const Quantization& y = *lowering.plan().graph->QuantizationOf(node.outputs[0]);
    params->input_zero = x.zero_points[0];
    params->output_zero = y.zero_points[0];
    params->input_scale = x.scales[0];
    params->output_scale = y.scales[0];
  }
  MACE_RETURN_IF_ERROR(kernels::PrepareQuantizedResize(params));
  const auto& table = lowering.kernels();
  const bool is_nearest = params->arithmetic == kernels::ResizeArithmetic::kNearest;
  return EmitResize(
      lowering, cluster,
      {is_nearest ? "resize_nearest_bytes" : "quantized_resize", table.quantize->resize, table.quantize_isa},
      params, shape, params->arithmetic);
}

}  // namespace

bool HasPoolingKernel(const Lowering& lowering, const Node& node) {
  return (node.op == OpId::kMaxPool2d || node.op == OpId::kAveragePool2d) && lowering.IsF32(node.inputs[0]);
}

bool HasResizeKernel(const Lowering& lowering, const Node& node) {
  return node.op == OpId::kResize && lowering.IsF32(node.inputs[0]) &&
         WhyNoResizeKernel(lowering, node) == nullptr;
}

Status FillMaxPoolParams(Lowering& lowering, const Node& node, kernels::PoolingParams* params) {
  MACE_RETURN_IF_ERROR(FillPoolingParams<ops::MaxPool2dAttributes>(lowering, node, params));
  return kernels::PreparePooling(params);
}

Status LowerMaxPool2d(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  return LowerPool<ops::MaxPool2dAttributes>(lowering, cluster, "max_pool_f32",
                                             lowering.kernels().pooling->max_pool_f32,
                                             kernels::ReduceOp::kMax, refusal);
}

Status LowerAveragePool2d(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  return LowerPool<ops::AveragePool2dAttributes>(lowering, cluster, "average_pool_f32",
                                                 lowering.kernels().pooling->average_pool_f32,
                                                 kernels::ReduceOp::kMean, refusal);
}

Status LowerResize(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  *refusal = WhyNoResizeKernel(lowering, node);
  if (*refusal != nullptr) return Status::Ok();
  if (!lowering.IsF32(node.inputs[0])) return LowerIntegerResize(lowering, cluster);
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::ResizeParams>());
  params->linear = node.attributes.as<ops::ResizeAttributes>().mode == ops::ResizeMode::kLinear;
  FillResizeParams(lowering, node, params);
  MACE_RETURN_IF_ERROR(kernels::PrepareResize(params));
  const auto& kernel = *lowering.kernels().resize;
  return EmitResize(
      lowering, cluster,
      {params->linear ? "resize_linear_f32" : "resize_nearest_f32",
       params->linear ? kernel.resize_linear_f32 : kernel.resize_nearest_f32, lowering.kernels().resize_isa},
      params, *params, kernels::ResizeArithmetic::kHalfEven);
}

}  // namespace mace::cpu
