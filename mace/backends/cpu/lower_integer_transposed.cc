// Quantized ConvTranspose2d: all phases of the output as the channels of one convolution, then each phase
// copied to its pixels.
#include <cstring>

#include "mace/backends/cpu/lower_integer.h"
#include "mace/kernels/elementwise/elementwise.h"
#include "mace/kernels/integer_gemm/integer_gemm.h"
#include "mace/ops/convolution/conv_transpose2d.h"

namespace mace::cpu {
namespace {

int64_t FloorDivide(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// One spatial axis. Output position stride * q + phase sums tap k of the input at q + (phase + pad - k) /
// stride, for the taps where that divides: input distances first .. last from q, over all phases.
struct PhaseAxis {
  int64_t stride, pad, taps, first, last;

  PhaseAxis(int64_t stride_in, int64_t pad_in, int64_t taps_in)
      : stride(stride_in),
        pad(pad_in),
        taps(taps_in),
        first(FloorDivide(pad_in - taps_in + 1 + stride_in - 1, stride_in)),
        last(FloorDivide(stride_in - 1 + pad_in, stride_in)) {}

  int64_t window() const { return last - first + 1; }
  // The tap that `phase` has at window position `position`; kNone where there is none.
  int64_t TapAt(int64_t phase, int64_t position) const {
    const int64_t tap = phase + pad - (first + position) * stride;
    return tap >= 0 && tap < taps ? tap : kNone;
  }
};

// The weights and the constants of channels [phase y][phase x][output channel].
struct PhaseWeights {
  Vector<uint8_t> weights;  // OHWI
  Vector<int32_t> multipliers, exponents, weight_zero_points;
  Vector<double> double_multipliers;
  Vector<float> float_multipliers;
  Vector<int64_t> bias;
  kernels::IntegerChannels channels;
};

Status MakePhaseWeights(const IntegerLayer& layer, const PhaseAxis& rows, const PhaseAxis& columns,
                        PhaseWeights* out) {
  const TensorView& weights = *layer.sources.weights.view;
  const int64_t outputs = weights.shape[0], inputs = weights.shape[3];
  const int64_t count = outputs * rows.stride * columns.stride;
  MACE_RETURN_IF_ERROR(
      out->weights.Resize(static_cast<size_t>(count * rows.window() * columns.window() * inputs)));
  for (Vector<int32_t>* list : {&out->multipliers, &out->exponents, &out->weight_zero_points}) {
    MACE_RETURN_IF_ERROR(list->Resize(static_cast<size_t>(count)));
  }
  MACE_RETURN_IF_ERROR(out->double_multipliers.Resize(static_cast<size_t>(count)));
  MACE_RETURN_IF_ERROR(out->float_multipliers.Resize(static_cast<size_t>(count)));
  MACE_RETURN_IF_ERROR(out->bias.Resize(static_cast<size_t>(count)));
  uint8_t* to = out->weights.data();
  for (int64_t channel = 0; channel < count; ++channel) {
    const int64_t o = channel % outputs;
    const int64_t phase_x = channel / outputs % columns.stride, phase_y = channel / outputs / columns.stride;
    out->multipliers[channel] = layer.multipliers[o];
    out->exponents[channel] = layer.exponents[o];
    out->double_multipliers[channel] = layer.double_multipliers[o];
    out->float_multipliers[channel] = layer.float_multipliers[o];
    out->weight_zero_points[channel] = layer.weight_zero_points[o];
    if (layer.channels.bias != nullptr) {
      out->bias[channel] = layer.channels.bias_dtype == DType::kI64
                               ? static_cast<const int64_t*>(layer.channels.bias)[o]
                               : static_cast<const int32_t*>(layer.channels.bias)[o];
    }
    for (int64_t y = 0; y < rows.window(); ++y) {
      for (int64_t x = 0; x < columns.window(); ++x, to += inputs) {
        const int64_t tap_y = rows.TapAt(phase_y, y), tap_x = columns.TapAt(phase_x, x);
        if (tap_y == kNone || tap_x == kNone) {  // adds nothing
          std::memset(to, layer.weight_zero_points[o] & 0xff, static_cast<size_t>(inputs));
        } else {
          std::memcpy(to,
                      weights.as<const uint8_t>() + ((o * rows.taps + tap_y) * columns.taps + tap_x) * inputs,
                      static_cast<size_t>(inputs));
        }
      }
    }
  }
  kernels::IntegerChannels& channels = out->channels;
  channels = layer.channels;
  channels.multipliers = out->multipliers.data();
  channels.exponents = out->exponents.data();
  channels.double_multipliers = out->double_multipliers.data();
  channels.float_multipliers = out->float_multipliers.data();
  channels.weight_zero_points = out->weight_zero_points.data();
  channels.bias = layer.channels.bias == nullptr ? nullptr : out->bias.data();
  channels.bias_dtype = DType::kI64;
  return Status::Ok();
}

// Phase (phase_y, phase_x) of `phases` [N, Q, R, stride y, stride x, O] to its pixels of the output.
Status EmitPhase(Lowering& lowering, NodeId id, const Operand& phases, const Shape& shape, int64_t phase_y,
                 int64_t phase_x) {
  const Node& node = lowering.node(id);
  const Shape& out = lowering.shape(node.outputs[0]);
  const int64_t stride_y = shape[3], stride_x = shape[4], channels = shape[5];
  MACE_ASSIGN_OR_RETURN(auto* copy, lowering.builder().NewParams<kernels::CopyParams>());
  copy->element_bytes = BytesOf(lowering.type(node.outputs[0]).dtype);
  copy->dims = {shape[0], (out[1] - phase_y + stride_y - 1) / stride_y,
                (out[2] - phase_x + stride_x - 1) / stride_x, channels};
  int64_t from[6];
  kernels::DenseStrides(shape, from);
  const int64_t pixel = lowering.storage().PixelStride(node.outputs[0]) / copy->element_bytes;
  const int64_t to[] = {out[1] * out[2] * pixel, out[2] * pixel, pixel, 1};
  const int64_t from_strides[] = {from[0], from[1], from[2], 1};
  const int64_t to_strides[] = {to[0], to[1] * stride_y, to[2] * stride_x, 1};
  for (int i = 0; i < 4; ++i) {
    copy->input_strides[i] = from_strides[i];
    copy->output_strides[i] = to_strides[i];
  }
  copy->input_offset = phase_y * from[3] + phase_x * from[4];
  copy->output_offset = phase_y * to[1] + phase_x * to[2];
  MACE_RETURN_IF_ERROR(kernels::PrepareCopy(copy));
  const auto& table = lowering.kernels();
  StepSpec spec;
  MACE_RETURN_IF_ERROR(
      lowering.SetKernel({"copy", table.elementwise->copy, table.elementwise_isa}, copy, &spec));
  spec.reason = "a phase goes to its pixels";
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(phases));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, node.outputs[0]));
  return lowering.Emit(SingleNode(id), std::move(spec));
}

const char* WhyNoPhases(const ops::ConvTranspose2dAttributes& attributes, const Shape& weights) {
  if (attributes.groups != 1) return "no fast kernel for groups";
  if (attributes.dilations[0] != 1 || attributes.dilations[1] != 1) return "no fast kernel for dilations";
  // Where the strides are larger than the kernel, most of a phase's window is empty.
  if (attributes.strides[0] > 2 * weights[1] || attributes.strides[1] > 2 * weights[2]) {
    return "the strides are far larger than the kernel";
  }
  constexpr int64_t kMostPhases = 64;
  if (attributes.strides[0] * attributes.strides[1] > kMostPhases) return "the strides are too large";
  return nullptr;
}

}  // namespace

Status LowerIntegerConvTranspose2d(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::ConvTranspose2dAttributes>();
  const Shape& in = lowering.shape(node.inputs[0]);
  const Shape& weights = lowering.shape(node.inputs[1]);
  const Shape& out = lowering.shape(node.outputs[0]);
  *refusal = WhyNoPhases(attributes, weights);
  if (*refusal != nullptr) return Status::Ok();
  IntegerLayer layer;
  MACE_RETURN_IF_ERROR(ReadIntegerLayer(lowering, node, attributes.rounding,
                                        lowering.type(node.inputs[0]).dtype == DType::kU8, &layer, refusal));
  if (*refusal != nullptr) return Status::Ok();
  const PhaseAxis rows(attributes.strides[0], attributes.pads[0], weights[1]);
  const PhaseAxis columns(attributes.strides[1], attributes.pads[1], weights[2]);
  PhaseWeights phase_weights;
  MACE_RETURN_IF_ERROR(MakePhaseWeights(layer, rows, columns, &phase_weights));

  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::IntegerConv2dParams>());
  SetIntegerTypes(lowering.kernels().integer_gemm_isa, layer, params);
  params->batch = in[0];
  params->input_height = in[1];
  params->input_width = in[2];
  params->input_channels = in[3];
  params->output_height = (out[1] + rows.stride - 1) / rows.stride;
  params->output_width = (out[2] + columns.stride - 1) / columns.stride;
  params->output_channels = weights[0] * rows.stride * columns.stride;
  params->kernel_height = rows.window();
  params->kernel_width = columns.window();
  params->pad_top = -rows.first;
  params->pad_left = -columns.first;
  params->input_pixel_stride = lowering.storage().PixelStride(node.inputs[0]) / BytesOf(layer.input);
  params->output_pixel_stride = params->output_channels;
  MACE_RETURN_IF_ERROR(kernels::PrepareIntegerConv2d(phase_weights.weights.data(), params));
  FormatHash hash = HashOf("conv_transpose2d_integer", layer, weights);
  hash.AddPanels(params->panels).Add(static_cast<int64_t>(params->isa)).Add(params->padding);
  hash.Add(rows.stride).Add(rows.pad).Add(columns.stride).Add(columns.pad);
  StepSpec spec;
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, node.inputs[0]));
  MACE_ASSIGN_OR_RETURN(const Operand packed,
                        lowering.Packed(layer.sources.weights, hash.value(),
                                        static_cast<size_t>(params->packed_bytes), [&](uint8_t* to) {
                                          kernels::PackIntegerConv2d(*params, phase_weights.weights.data(),
                                                                     phase_weights.channels, to);
                                        }));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(packed));
  const Shape shape = {in[0],       params->output_height, params->output_width,
                       rows.stride, columns.stride,        weights[0]};
  const int64_t bytes = shape.ElementCount() * BytesOf(layer.output);
  MACE_ASSIGN_OR_RETURN(const int32_t slot, lowering.builder().AddSlot(kNone, bytes));
  const Operand phases{slot, 0, nullptr, bytes};
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(phases));
  const char* name = layer.input == DType::kU8   ? "conv_transpose2d_u8"
                     : layer.input == DType::kI8 ? "conv_transpose2d_i8"
                                                 : "conv_transpose2d_i16";
  MACE_RETURN_IF_ERROR(lowering.SetKernel(
      {name, lowering.kernels().integer_gemm->conv2d_integer, params->isa, &params->panels}, params, &spec));
  spec.multiply_adds = in.Product(0, 3) * weights.ElementCount();
  spec.reason = "all phases of the output as channels";
  MACE_RETURN_IF_ERROR(lowering.Emit(cluster, std::move(spec)));
  for (int64_t phase_y = 0; phase_y < rows.stride && phase_y < out[1]; ++phase_y) {
    for (int64_t phase_x = 0; phase_x < columns.stride && phase_x < out[2]; ++phase_x) {
      MACE_RETURN_IF_ERROR(EmitPhase(lowering, cluster.nodes[0], phases, shape, phase_y, phase_x));
    }
  }
  return Status::Ok();
}

}  // namespace mace::cpu
