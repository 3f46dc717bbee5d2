// Converters of recurrent layers. Their states are variables that the operator writes.
#include <cmath>

#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/recurrent/recurrent.h"
#include "mace/ops/recurrent/sequence_lstm.h"

namespace mace::importers::tflite {
namespace {

// Scale and zero point of one of the tensors inside of the operator, which hold nothing else.
struct InnerScale {
  float scale = 1;
  int64_t zero_point = 0;
};

InnerScale InnerScaleOf(const TfliteContext& context, size_t i) {
  const auto inner = SpanOf(context.file().operation(context.operator_index()).intermediates());
  if (i >= inner.size() || inner[i] == kAbsentTensor) {
    throw ImportError(StatusCode::kDataLoss, "inner tensor " + std::to_string(i) + " is missing");
  }
  const file::QuantizationRecord* record = context.file().tensor(inner[i]).quantization();
  const auto scales = record == nullptr ? std::span<const float>() : SpanOf(record->scales());
  if (scales.size() != 1 || !std::isfinite(scales[0]) || !(scales[0] > 0)) {
    throw ImportError(StatusCode::kDataLoss, "inner tensor " + std::to_string(i) + " has no scale");
  }
  const std::vector<int64_t> zero_points = CopyOf(record->zero_points());
  return {scales[0], zero_points.empty() ? 0 : zero_points[0]};
}

}  // namespace

ValueId StateOf(TfliteContext& context, int tensor) {
  if (!context.file().tensor(tensor).is_variable()) {
    throw ImportError(StatusCode::kDataLoss,
                      "its state " + context.file().DescribeTensor(tensor) + " is not a variable");
  }
  return context.ValueOf(tensor);
}

// Inputs: x, weights_feature, weights_time, bias, state; the state is a variable that the operator writes.
void ConvertSvdf(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::SvdfOptions>();
  if (options.activation() != static_cast<int8_t>(Activation::kNone) &&
      options.activation() != static_cast<int8_t>(Activation::kRelu)) {
    context.Refuse("fused activation " + std::to_string(options.activation()));
  }
  ops::SvdfAttributes attributes;
  attributes.rank = options.filter_rank();
  attributes.relu = options.activation() == static_cast<int8_t>(Activation::kRelu);
  const ValueId x = context.Input(0);
  ValueId feature = context.Input(1);
  ValueId time = context.Input(2);
  ValueId bias = context.OptionalInput(3);
  const int state_tensor = context.InputTensor(4);
  const ValueId state = StateOf(context, state_tensor);
  if (context.DTypeOf(x) == DType::kF32) {
    feature = context.AsFloat(feature);
    time = context.AsFloat(time);
    bias = context.AsFloat(bias);
  }
  const ValueId inputs[] = {x, feature, time, bias, state};
  const TensorType types[] = {context.OutputType(0), context.TypeOf(state)};
  const std::string_view names[] = {context.file().TensorName(context.OutputTensor(0)), {}};
  const std::vector<ValueId> outputs =
      context.EmitNode(OpId::kSvdf, inputs, &attributes, sizeof(attributes), types, names);
  context.BindOutput(0, outputs[0]);
  context.WriteVariable(state_tensor, outputs[1]);
}

// The operands are those of SequenceLstm in the same order; old files have the first 20.
void ConvertSequenceLstm(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::SequenceLstmOptions>();
  if (options.activation() != static_cast<int8_t>(Activation::kTanh)) {
    context.Refuse("fused activation " + std::to_string(options.activation()));
  }
  if (options.diagonal_recurrent_tensors()) context.Refuse("recurrent weights that are vectors");
  ops::SequenceLstmAttributes attributes;
  attributes.time_major = options.time_major();
  attributes.cell_clip = options.cell_clip();
  attributes.projection_clip = options.projection_clip();
  const int hidden_tensor = context.InputTensor(ops::kLstmHidden);
  const int cell_tensor = context.InputTensor(ops::kLstmCell);
  const ValueId hidden = StateOf(context, hidden_tensor);
  const ValueId cell = StateOf(context, cell_tensor);
  const bool is_float = context.DTypeOf(context.Input(0)) == DType::kF32;
  std::vector<ValueId> inputs;
  for (int i = 0; i < context.input_count(); ++i) {
    const bool is_weight = i > 0 && i != ops::kLstmHidden && i != ops::kLstmCell;
    const ValueId value = context.OptionalInput(i);
    inputs.push_back(is_float && is_weight ? context.AsFloat(value) : value);
  }
  if (!is_float) {
    const InnerScale inner = InnerScaleOf(context, ops::kLstmGates);
    attributes.hidden_scale = inner.scale;
    attributes.hidden_zero_point = inner.zero_point;
    const bool coupled = !context.HasInput(ops::kLstmInputWeights);
    const bool layer_norm = context.HasInput(ops::kLstmNorm + ops::kForgetGate);
    for (int gate = 0; layer_norm && gate < ops::kLstmGates; ++gate) {
      const bool is_absent = coupled && gate == ops::kInputGate;
      attributes.gate_scales.Push(is_absent ? 1 : InnerScaleOf(context, static_cast<size_t>(gate)).scale);
    }
    const bool peephole = context.HasInput(ops::PeepholeOf(ops::kForgetGate));
    if (peephole && context.HasInput(ops::kLstmProjection)) {
      context.Refuse("integer peephole weights with a projection");
    }
  }
  const TensorType types[] = {context.OutputType(0), context.TypeOf(hidden), context.TypeOf(cell)};
  const std::string_view names[] = {context.file().TensorName(context.OutputTensor(0)), {}, {}};
  const std::vector<ValueId> outputs =
      context.EmitNode(OpId::kSequenceLstm, inputs, &attributes, sizeof(attributes), types, names);
  context.BindOutput(0, outputs[0]);
  context.WriteVariable(hidden_tensor, outputs[1]);
  context.WriteVariable(cell_tensor, outputs[2]);
}

}  // namespace mace::importers::tflite
