// Converters of the recurrent layers that are made of other operators: Rnn and SequenceLstm, one step of
// them, or two of them in opposite directions. Their states are variables that the operator writes.
#include <algorithm>

#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/binary/binary.h"
#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/recurrent/recurrent.h"
#include "mace/ops/recurrent/sequence_lstm.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {
namespace {

ValueId Unsqueezed(TfliteContext& context, ValueId value, int64_t axis) {
  ops::UnsqueezeAttributes attributes;
  attributes.axes = {axis};
  return context.Emit(OpId::kUnsqueeze, {value}, attributes, TensorType{});
}

// Like `value` in its quantization.
ValueId Squeezed(TfliteContext& context, ValueId value, int64_t axis) {
  ops::SqueezeAttributes attributes;
  attributes.axes = {axis};
  TensorType type;
  type.quantization = context.TypeOf(value).quantization;
  return context.Emit(OpId::kSqueeze, {value}, attributes, type);
}

ValueId Concatenated(TfliteContext& context, ValueId a, ValueId b, int64_t axis) {
  ops::ConcatAttributes attributes;
  attributes.axis = axis;
  return context.Emit(OpId::kConcat, {a, b}, attributes, TensorType{});
}

ValueId Reversed(TfliteContext& context, ValueId value, int64_t axis) {
  const int64_t begin[] = {-1}, end[] = {INT32_MIN}, axes[] = {axis}, steps[] = {-1};
  const ValueId starts = context.AddInts(begin), ends = context.AddInts(end), along = context.AddInts(axes);
  return context.Emit(OpId::kSlice, {value, starts, ends, along, context.AddInts(steps)}, NoAttributes{},
                      TensorType{});
}

// [B, T, I] for [T, B, I] and the other way round.
ValueId TimeSwapped(TfliteContext& context, ValueId value) { return context.Transposed(value, {1, 0, 2}); }

// The function of Rnn for a fused activation; refuses those that it does not have.
ops::RnnAttributes RnnAttributesOf(TfliteContext& context, int8_t activation, int64_t hidden_size) {
  ops::RnnAttributes attributes;
  attributes.hidden_size = hidden_size;
  auto function = ops::GateActivation::kTanh;
  switch (static_cast<Activation>(activation)) {
    case Activation::kNone:
      function = ops::GateActivation::kAffine;
      break;
    case Activation::kRelu:
      function = ops::GateActivation::kRelu;
      break;
    case Activation::kTanh:
      break;
    default:
      context.Refuse("fused activation " + std::to_string(activation));
  }
  attributes.activations = {static_cast<int64_t>(function)};
  attributes.alphas = {1.0f};
  attributes.betas = {0.0f};
  return attributes;
}

// Operands of one direction; a state is the number of its variable.
struct RnnOperands {
  ValueId x = kNone;  // [T, B, I]
  ValueId input_weights = kNone, recurrent_weights = kNone, bias = kNone;
  int state = kAbsentTensor;
};

// y [T, B, H]; writes the state.
ValueId EmitRnn(TfliteContext& context, const RnnOperands& operands, int8_t activation, bool reverse) {
  if (context.ShapeOf(operands.recurrent_weights).rank != 2) {
    throw ImportError(StatusCode::kDataLoss, "the recurrent weights are no matrix");
  }
  const int64_t hidden_size = context.ShapeOf(operands.recurrent_weights)[0];
  ops::RnnAttributes attributes = RnnAttributesOf(context, activation, hidden_size);
  attributes.direction = reverse ? ops::Direction::kReverse : ops::Direction::kForward;
  if (operands.bias != kNone && context.ShapeOf(operands.bias).rank != 1) {
    throw ImportError(StatusCode::kDataLoss, "the bias is no vector");
  }
  ValueId bias = kNone;
  if (operands.bias != kNone) {  // Rnn has a second one, of the recurrence
    const int64_t no_size[] = {hidden_size};
    const ValueId zeros = context.Emit(OpId::kConstantOfShape, {context.AddInts(no_size)},
                                       ops::ConstantOfShapeAttributes{}, TensorType{});
    bias = Unsqueezed(context, Concatenated(context, operands.bias, zeros, 0), 0);
  }
  const ValueId state = StateOf(context, operands.state);
  const ValueId inputs[] = {operands.x,
                            Unsqueezed(context, operands.input_weights, 0),
                            Unsqueezed(context, operands.recurrent_weights, 0),
                            bias,
                            kNone,
                            Unsqueezed(context, state, 0)};
  const TensorType types[2] = {};
  const std::string_view names[2] = {};
  const std::vector<ValueId> outputs =
      context.EmitNode(OpId::kRnn, inputs, &attributes, sizeof(attributes), types, names);
  context.WriteVariable(operands.state, Squeezed(context, outputs[1], 0));
  return Squeezed(context, outputs[0], 1);
}

// Operands x, weights of x, weights of h, bias and state from number `first` on; x is given.
RnnOperands RnnOperandsAt(TfliteContext& context, ValueId x, int first) {
  RnnOperands operands{.x = x};
  operands.input_weights = context.AsFloat(context.Input(first));
  operands.recurrent_weights = context.AsFloat(context.Input(first + 1));
  operands.bias = context.AsFloat(context.OptionalInput(first + 2));
  operands.state = context.InputTensor(first + 3);
  return operands;
}

// A direction that reads a second input with weights of its own: as one input with more features.
void AddSecondInput(TfliteContext& context, ValueId second, ValueId weights, RnnOperands* operands) {
  operands->x = Concatenated(context, operands->x, second, 2);
  operands->input_weights = Concatenated(context, operands->input_weights, weights, 1);
}

// The outputs of the two directions, both in the file's layout.
void BindDirections(TfliteContext& context, ValueId forward, ValueId backward, bool merge) {
  if (merge) {
    ops::ConcatAttributes attributes;
    attributes.axis = 2;
    return context.EmitOutput(OpId::kConcat, {forward, backward}, attributes);
  }
  context.BindOutput(0, forward);
  context.BindOutput(1, backward);
}

// An LSTM's operands by their place in SequenceLstm; the states are the numbers of their variables.
struct LstmOperands {
  ValueId values[ops::kLstmOperands];
  int hidden = kAbsentTensor, cell = kAbsentTensor;
  LstmOperands() { std::fill(std::begin(values), std::end(values), kNone); }
};

// y in the layout of x; writes the states.
ValueId EmitLstm(TfliteContext& context, LstmOperands operands,
                 const ops::SequenceLstmAttributes& attributes) {
  operands.values[ops::kLstmHidden] = StateOf(context, operands.hidden);
  operands.values[ops::kLstmCell] = StateOf(context, operands.cell);
  const TensorType types[3] = {};
  const std::string_view names[3] = {};
  const std::vector<ValueId> outputs =
      context.EmitNode(OpId::kSequenceLstm, operands.values, &attributes, sizeof(attributes), types, names);
  context.WriteVariable(operands.hidden, outputs[1]);
  context.WriteVariable(operands.cell, outputs[2]);
  return outputs[0];
}

// Sixteen weights and biases and the projection, as they stand from number `first` on.
void ReadLstmWeights(TfliteContext& context, int first, LstmOperands* operands) {
  for (int i = ops::kLstmInputWeights; i <= ops::kLstmProjectionBias; ++i) {
    operands->values[i] = context.AsFloat(context.OptionalInput(first + i - ops::kLstmInputWeights));
  }
}

void RequireTanh(TfliteContext& context, int8_t activation) {
  if (activation != static_cast<int8_t>(Activation::kTanh)) {
    context.Refuse("fused activation " + std::to_string(activation));
  }
}

// The first form of LSTM: x, h, weights [4 C, I + C], bias, c -> h, c, the concatenated input, the gates'
// sums. The gates stand in the order input, candidate, forget, output.
void ConvertBasicLstm(TfliteContext& context) {
  if (context.input_count() != 5) {
    throw ImportError(StatusCode::kDataLoss, "it has " + std::to_string(context.input_count()) + " inputs");
  }
  const auto named = [&](int i) { return context.file().TensorName(context.OutputTensor(i)); };
  ops::ConcatAttributes concat;
  concat.axis = 1;
  const ValueId both = context.Emit(OpId::kConcat, {context.Input(0), context.Input(1)}, concat,
                                    context.OutputType(2), named(2));
  const ValueId weights = context.AsFloat(context.Input(2));
  const ValueId bias = context.AsFloat(context.OptionalInput(3));
  const ValueId sums = context.Emit(OpId::kFullyConnected, {both, weights, bias},
                                    ops::FullyConnectedAttributes{}, context.OutputType(3), named(3));
  ops::SplitAttributes split;
  split.axis = 1;
  const TensorType types[4] = {};
  const std::string_view names[4] = {};
  const std::vector<ValueId> gates =
      context.EmitNode(OpId::kSplit, {&sums, 1}, &split, sizeof(split), types, names);
  const auto emit = [&](OpId op, std::initializer_list<ValueId> inputs) {
    return context.Emit(op, inputs, NoAttributes{}, TensorType{});
  };
  const auto sigmoid = [&](ValueId x) { return emit(OpId::kSigmoid, {x}); };
  const auto product = [&](ValueId a, ValueId b) {
    return context.Emit(OpId::kMul, {a, b}, NoAttributes{}, TensorType{});
  };
  const ValueId added = product(sigmoid(gates[0]), emit(OpId::kTanh, {gates[1]}));
  const ValueId kept = product(sigmoid(gates[2]), context.Input(4));
  const ValueId cell =
      context.Emit(OpId::kAdd, {added, kept}, NoAttributes{}, context.OutputType(1), named(1));
  const ValueId hidden = context.Emit(OpId::kMul, {sigmoid(gates[3]), emit(OpId::kTanh, {cell})},
                                      NoAttributes{}, context.OutputType(0), named(0));
  context.BindOutput(0, hidden);
  context.BindOutput(1, cell);
  context.BindOutput(2, both);
  context.BindOutput(3, sums);
}

}  // namespace

// Inputs: x [B, I], weights of x, weights of h, bias, state.
void ConvertRnn(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::RnnOptions>();
  const ValueId x = Unsqueezed(context, context.Input(0), 0);
  const ValueId y = EmitRnn(context, RnnOperandsAt(context, x, 1), options.activation(), /*reverse=*/false);
  context.BindOutput(0, Squeezed(context, y, 0));
}

// The same with x [B, T, I], time_major: [T, B, I].
void ConvertSequenceRnn(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::SequenceRnnOptions>();
  ValueId x = context.Input(0);
  if (!options.time_major()) x = TimeSwapped(context, x);
  ValueId y = EmitRnn(context, RnnOperandsAt(context, x, 1), options.activation(), /*reverse=*/false);
  if (!options.time_major()) y = TimeSwapped(context, y);
  context.BindOutput(0, y);
}

// Inputs: x, weights of x and h, bias and state of each direction, a second input x2, its weights in each
// direction. Without these weights the backward direction reads x2 in place of x where time comes first.
void ConvertBidirectionalRnn(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::BidirectionalRnnOptions>();
  const auto in_time_order = [&](ValueId value) {
    return value == kNone || options.time_major() ? value : TimeSwapped(context, value);
  };
  const ValueId x = in_time_order(context.Input(0));
  const ValueId second = in_time_order(context.OptionalInput(9));
  const ValueId second_weights[] = {context.AsFloat(context.OptionalInput(10)),
                                    context.AsFloat(context.OptionalInput(11))};
  ValueId outputs[2] = {};
  for (int direction = 0; direction < 2; ++direction) {
    RnnOperands operands = RnnOperandsAt(context, x, direction == 0 ? 1 : 5);
    if (second != kNone && second_weights[direction] != kNone) {
      AddSecondInput(context, second, second_weights[direction], &operands);
    } else if (second != kNone && direction == 1 && options.time_major()) {
      operands.x = second;  // in the other order LiteRT 2.3 reads x, and so must who runs its models
    }
    outputs[direction] = in_time_order(EmitRnn(context, operands, options.activation(), direction == 1));
  }
  BindDirections(context, outputs[0], outputs[1], options.merge_outputs());
}

// The operands of SequenceLstm, x and y without an axis of time; or the five of the basic form.
void ConvertLstm(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::LstmOptions>();
  RequireTanh(context, options.activation());
  if (options.kernel_kind() == 1) return ConvertBasicLstm(context);
  if (context.input_count() < ops::kLstmNorm) {
    throw ImportError(StatusCode::kDataLoss, "it has " + std::to_string(context.input_count()) + " inputs");
  }
  ops::SequenceLstmAttributes attributes;
  attributes.time_major = true;
  attributes.cell_clip = options.cell_clip();
  attributes.projection_clip = options.projection_clip();
  LstmOperands operands;
  operands.values[ops::kLstmInput] = Unsqueezed(context, context.Input(0), 0);
  ReadLstmWeights(context, ops::kLstmInputWeights, &operands);
  for (int i = ops::kLstmNorm; i < context.input_count(); ++i) {
    operands.values[i] = context.AsFloat(context.OptionalInput(i));
  }
  operands.hidden = context.InputTensor(ops::kLstmHidden);
  operands.cell = context.InputTensor(ops::kLstmCell);
  context.BindOutput(0, Squeezed(context, EmitLstm(context, operands, attributes), 0));
}

// Inputs: x; 17 weights, biases and projections of each direction; h and c of each; a second input x2 and its
// four weights in each direction. Without these the backward direction reads x2 in place of x.
void ConvertBidirectionalLstm(TfliteContext& context) {
  constexpr int kWeights[] = {1, 18}, kStates[] = {35, 37}, kSecond = 39, kSecondWeights[] = {40, 44};
  const auto& options = context.RequiredOptions<file::BidirectionalLstmOptions>();
  RequireTanh(context, options.activation());
  ops::SequenceLstmAttributes attributes;
  attributes.time_major = options.time_major();
  attributes.cell_clip = options.cell_clip();
  attributes.projection_clip = options.projection_clip();
  const int64_t time_axis = options.time_major() ? 0 : 1;
  const ValueId second = context.OptionalInput(kSecond);
  ValueId outputs[2] = {};
  for (int direction = 0; direction < 2; ++direction) {
    LstmOperands operands;
    ReadLstmWeights(context, kWeights[direction], &operands);
    ValueId x = context.Input(0);
    const bool joined = second != kNone && context.HasInput(kSecondWeights[direction] + ops::kForgetGate);
    if (joined) x = Concatenated(context, x, second, 2);
    if (second != kNone && !joined && direction == 1) x = second;
    for (int gate = 0; joined && gate < ops::kLstmGates; ++gate) {
      ValueId& weights = operands.values[ops::kLstmInputWeights + gate];
      const ValueId more = context.AsFloat(context.OptionalInput(kSecondWeights[direction] + gate));
      if ((weights == kNone) != (more == kNone)) {
        throw ImportError(StatusCode::kDataLoss, "a gate has weights of one input only");
      }
      if (weights != kNone) weights = Concatenated(context, weights, more, 1);
    }
    operands.values[ops::kLstmInput] = direction == 1 ? Reversed(context, x, time_axis) : x;
    operands.hidden = context.InputTensor(kStates[direction]);
    operands.cell = context.InputTensor(kStates[direction] + 1);
    const ValueId y = EmitLstm(context, operands, attributes);
    outputs[direction] = direction == 1 ? Reversed(context, y, time_axis) : y;
  }
  BindDirections(context, outputs[0], outputs[1], options.merge_outputs());
}

}  // namespace mace::importers::tflite
