// Gru, Lstm, SequenceLstm and Svdf.
#include "mace/backends/cpu/lowering_table.h"
#include "mace/kernels/recurrent/recurrent.h"
#include "mace/kernels/recurrent/sequence_lstm.h"
#include "mace/kernels/recurrent/svdf.h"
#include "mace/ops/recurrent/recurrent.h"
#include "mace/ops/recurrent/sequence_lstm_integer.h"
#include "mace/ops/recurrent/svdf_integer.h"

namespace mace::cpu {
namespace {

kernels::RecurrentDirection DirectionOf(ops::Direction direction) {
  switch (direction) {
    case ops::Direction::kReverse:
      return kernels::RecurrentDirection::kReverse;
    case ops::Direction::kBidirectional:
      return kernels::RecurrentDirection::kBidirectional;
    case ops::Direction::kForward:
    case ops::Direction::kCount:
      break;
  }
  return kernels::RecurrentDirection::kForward;
}

struct RecurrentWeights {
  WeightSource input, recurrent, bias;
  DType dtype = DType::kF32;
};

const char* FindWeights(const Lowering& lowering, const Node& node, RecurrentWeights* found) {
  if (!lowering.IsF32(node.inputs[0])) return "no fast kernel for this element type";
  if (InputOf(node, 4) != kNone) return "no fast kernel for sequences of their own length";
  if (InputOf(node, 7) != kNone) return "no fast kernel for peepholes";
  found->input = lowering.Weights(InputOf(node, 1));
  found->recurrent = lowering.Weights(InputOf(node, 2));
  found->bias = lowering.Weights(InputOf(node, 3));
  if (found->input.view == nullptr || found->recurrent.view == nullptr ||
      (InputOf(node, 3) != kNone && found->bias.view == nullptr)) {
    return "the weights are not known when the plan is made";
  }
  found->dtype = found->input.view->dtype;
  for (const TensorView* view : {found->input.view, found->recurrent.view, found->bias.view}) {
    if (view != nullptr && (view->dtype != found->dtype || !IsFloat(view->dtype))) {
      return "the weights' element types differ";
    }
  }
  found->input.PackWith(found->recurrent);
  found->input.PackWith(found->bias);
  return nullptr;
}

Status LowerRecurrent(Lowering& lowering, const Cluster& cluster, kernels::RecurrentParams* params,
                      const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  RecurrentWeights weights;
  *refusal = FindWeights(lowering, node, &weights);
  if (*refusal != nullptr) return Status::Ok();
  const Shape& x = lowering.shape(node.inputs[0]);
  params->isa = lowering.kernels().recurrent_isa;
  params->steps = x[0];
  params->batch = x[1];
  params->input_size = x[2];
  MACE_RETURN_IF_ERROR(kernels::PrepareRecurrent(params));
  FormatHash hash(params->lstm ? "lstm" : "gru");
  hash.Add(static_cast<int64_t>(params->isa)).Add(params->linear_before_reset).Add(params->directions);
  hash.Add(params->input_size).Add(params->hidden_size).Add(kernels::RecurrentPackedBytes(*params));
  hash.Add(weights.recurrent.constant).Add(weights.bias.constant);
  MACE_ASSIGN_OR_RETURN(
      const Operand packed,
      lowering.Packed(weights.input, hash.value(), kernels::RecurrentPackedBytes(*params), [&](uint8_t* to) {
        kernels::PackRecurrent(*params, weights.input.data(), weights.recurrent.data(), weights.bias.data(),
                               weights.dtype, to);
      }));
  const auto& table = *lowering.kernels().recurrent;
  StepSpec spec;
  MACE_RETURN_IF_ERROR(lowering.SetKernel(
      {params->lstm ? "lstm_f32" : "gru_f32", params->lstm ? table.lstm_f32 : table.gru_f32, params->isa},
      params, &spec));
  spec.multiply_adds = params->directions * params->steps * params->batch * params->gates *
                       params->hidden_size * (params->input_size + params->hidden_size);
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, node.inputs[0]));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(packed));
  for (size_t i : {5, 6}) MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, InputOf(node, i)));
  for (size_t i : {0, 1, 2}) MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, OutputOf(node, i)));
  return lowering.Emit(cluster, std::move(spec));
}

}  // namespace

Status LowerGru(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const auto& attributes = lowering.node(cluster.nodes[0]).attributes.as<ops::GruAttributes>();
  if (!attributes.activations.empty() || attributes.clip > 0) {
    *refusal = "no fast kernel for these activations, or a clip";
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::RecurrentParams>());
  params->direction = DirectionOf(attributes.direction);
  params->linear_before_reset = attributes.linear_before_reset;
  params->hidden_size = attributes.hidden_size;
  return LowerRecurrent(lowering, cluster, params, refusal);
}

Status LowerLstm(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const auto& attributes = lowering.node(cluster.nodes[0]).attributes.as<ops::LstmAttributes>();
  if (!attributes.activations.empty() || attributes.clip > 0 || attributes.input_forget) {
    *refusal = "no fast kernel for these activations, a clip, or coupled gates";
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::RecurrentParams>());
  params->lstm = true;
  params->direction = DirectionOf(attributes.direction);
  params->hidden_size = attributes.hidden_size;
  return LowerRecurrent(lowering, cluster, params, refusal);
}

namespace {

kernels::SequenceScale ScaleOf(const ops::FixedPointMultiplier& multiplier) {
  return {multiplier.multiplier, multiplier.exponent};
}

void SetIntegerScales(const ops::IntegerLstmScales& scales, kernels::SequenceLstmParams* params) {
  for (int g = 0; g < ops::kLstmGates; ++g) {
    params->gates[g] = {ScaleOf(scales.gates[g].input), ScaleOf(scales.gates[g].hidden),
                        ScaleOf(scales.gates[g].peephole), ScaleOf(scales.gates[g].norm),
                        scales.gates[g].variance_guard};
  }
  params->to_hidden = ScaleOf(scales.to_hidden);
  params->to_output = ScaleOf(scales.projection);
  params->input_zero_point = scales.input_zero_point;
  params->hidden_zero_point = scales.hidden_zero_point;
  params->state_zero_point = scales.state_zero_point;
  params->cell_exponent = scales.cell_exponent;
  params->integer_cell_clip = scales.cell_clip;
  params->integer_projection_clip = scales.projection_clip;
}

}  // namespace

Status LowerSequenceLstm(Lowering& lowering, const Cluster& cluster, const char**) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::SequenceLstmAttributes>();
  const auto operand = [&](int i) { return InputOf(node, static_cast<size_t>(i)); };
  const ops::SequenceLstmSizes sizes(
      attributes.time_major, [&](int i) { return operand(i) != kNone; },
      [&](int i) -> const Shape& { return lowering.shape(operand(i)); });
  const bool is_float = lowering.IsF32(node.inputs[0]);
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::SequenceLstmParams>());
  params->batch = sizes.batch;
  params->steps = sizes.steps;
  params->inputs = sizes.inputs;
  params->cells = sizes.cells;
  params->outputs = sizes.outputs;
  params->x_step = sizes.x_step;
  params->x_row = sizes.x_row;
  params->y_step = sizes.y_step;
  params->y_row = sizes.y_row;
  params->coupled = sizes.coupled;
  params->peephole = sizes.peephole;
  params->projection = sizes.projection;
  params->layer_norm = sizes.layer_norm;
  params->cell_clip = attributes.cell_clip;
  params->projection_clip = attributes.projection_clip;
  const Graph& graph = *lowering.plan().graph;
  if (!is_float) {
    SetIntegerScales(
        ops::MakeIntegerLstmScales(
            attributes, sizes.layer_norm, [&](int i) { return graph.QuantizationOf(operand(i)); },
            *graph.QuantizationOf(node.outputs[0])),
        params);
  }
  MACE_RETURN_IF_ERROR(kernels::PrepareSequenceLstm(params));
  const auto& table = *lowering.kernels().recurrent;
  StepSpec spec;
  MACE_RETURN_IF_ERROR(lowering.SetKernel(
      {is_float ? "sequence_lstm_f32" : "sequence_lstm_i8",
       is_float ? table.sequence_lstm_f32 : table.sequence_lstm_i8, lowering.kernels().recurrent_isa},
      params, &spec));
  const int64_t gates = sizes.coupled ? 3 : 4;
  spec.multiply_adds = sizes.batch * sizes.steps *
                       (gates * sizes.cells * (sizes.inputs + sizes.outputs) +
                        (sizes.projection ? sizes.cells * sizes.outputs : 0));
  for (int i = 0; i < ops::kLstmOperands; ++i) {
    MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, operand(i)));
  }
  for (size_t i : {0, 1, 2}) MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, OutputOf(node, i)));
  return lowering.Emit(cluster, std::move(spec));
}

Status LowerSvdf(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::SvdfAttributes>();
  if (OutputOf(node, 1) == kNone) {
    *refusal = "no fast kernel that forgets the state";
    return Status::Ok();
  }
  const bool is_float = lowering.IsF32(node.inputs[0]);
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::SvdfParams>());
  const Shape& feature = lowering.shape(node.inputs[1]);
  params->batch = lowering.shape(node.inputs[0])[0];
  params->inputs = feature[1];
  params->units = feature[0] / attributes.rank;
  params->rank = attributes.rank;
  params->memory = lowering.shape(node.inputs[2])[1];
  params->relu = attributes.relu;
  if (!is_float) {
    const Graph& graph = *lowering.plan().graph;
    const ops::IntegerSvdfScales scales = ops::MakeIntegerSvdfScales(
        [&](int i) { return graph.QuantizationOf(node.inputs[static_cast<size_t>(i)]); },
        *graph.QuantizationOf(node.outputs[0]));
    params->input_zero_point = scales.input_zero_point;
    params->output_zero_point = scales.output_zero_point;
    params->state_multiplier = scales.to_state.multiplier;
    params->state_exponent = scales.to_state.exponent;
    params->output_multiplier = scales.to_output.multiplier;
    params->output_exponent = scales.to_output.exponent;
  }
  MACE_RETURN_IF_ERROR(kernels::PrepareSvdf(params));
  const auto& table = *lowering.kernels().recurrent;
  StepSpec spec;
  MACE_RETURN_IF_ERROR(
      lowering.SetKernel({is_float ? "svdf_f32" : "svdf_i8", is_float ? table.svdf_f32 : table.svdf_i8,
                          lowering.kernels().recurrent_isa},
                         params, &spec));
  spec.multiply_adds = params->batch * feature[0] * (params->inputs + params->memory);
  for (size_t i : {0, 1, 2, 3, 4}) MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, InputOf(node, i)));
  for (size_t i : {0, 1}) MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, OutputOf(node, i)));
  return lowering.Emit(cluster, std::move(spec));
}

}  // namespace mace::cpu
