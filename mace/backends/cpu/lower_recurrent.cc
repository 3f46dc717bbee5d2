// Gru and Lstm.
#include "mace/backends/cpu/lowering_table.h"
#include "mace/kernels/recurrent/recurrent.h"
#include "mace/ops/recurrent/recurrent.h"

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
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::RecurrentParams>());
  params->direction = DirectionOf(attributes.direction);
  params->linear_before_reset = attributes.linear_before_reset;
  params->hidden_size = attributes.hidden_size;
  return LowerRecurrent(lowering, cluster, params, refusal);
}

Status LowerLstm(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const auto& attributes = lowering.node(cluster.nodes[0]).attributes.as<ops::LstmAttributes>();
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::RecurrentParams>());
  params->lstm = true;
  params->direction = DirectionOf(attributes.direction);
  params->hidden_size = attributes.hidden_size;
  return LowerRecurrent(lowering, cluster, params, refusal);
}

}  // namespace mace::cpu
