// LSTM and RNN, whose sequences are laid end to end: where `cont` is 0 a new one begins. What a run leaves is
// what the next begins with, as in Caffe.
#include "mace/importers/caffe/caffe_layer.h"
#include "mace/importers/states.h"
#include "mace/ops/recurrent/continued_recurrence.h"

namespace mace::importers::caffe {
namespace {

struct Sequence {
  int64_t hidden = 0;
  bool has_static = false, exposes_hidden = false;
  size_t next_blob = 0;
  ValueId gates = kNone;         // the part of x, [T, N, gates * hidden]
  ValueId continues = kNone;     // [T, N]
  std::vector<ValueId> initial;  // [N, hidden] each
};

// An input that follows in front of those of the states: [T, N, ...] by the weights.
ValueId Projected(LayerContext& layer, Sequence* sequence, ValueId x, int axis, int64_t rows, bool has_bias) {
  x = layer.FlattenedFrom(x, axis);
  const ValueId weights = layer.Weights(sequence->next_blob++, {rows, layer.Dim(x, axis)}, "weights");
  const ValueId bias = has_bias ? layer.Weights(sequence->next_blob++, {rows}, "bias") : kNone;
  return EmitDense(layer, x, weights, bias);
}

// What the layer begins with where no bottom says it: what the last run left, zeros at first.
ValueId StateOf(LayerContext& layer, const Shape& shape, const char* suffix) {
  Graph& graph = layer.builder().graph();
  return Unwrap(graph.AddValue(layer.layer().name + suffix, TensorType{DType::kF32, shape, kNone}));
}

Sequence ReadSequence(LayerContext& layer, int gates, int states) {
  const TextMessage& parameters = layer.Parameters("recurrent_param");
  Sequence sequence;
  sequence.hidden = LayerContext::Extent(parameters.Int("num_output", 0), "num_output");
  sequence.exposes_hidden = parameters.Bool("expose_hidden", false);
  const size_t others = 2 + (sequence.exposes_hidden ? static_cast<size_t>(states) : 0);
  if (layer.bottom_count() < others || layer.bottom_count() > others + 1) {
    throw ImportError(
        InvalidArgument("it has %zu bottoms, expected %zu, or one more", layer.bottom_count(), others));
  }
  sequence.has_static = layer.bottom_count() > others;
  const ValueId x = layer.Bottom(0);
  if (layer.RankOf(x) < 3 || layer.RankOf(layer.Bottom(1)) != 2) {
    throw ImportError(InvalidArgument("expected bottoms [T, N, ...] and [T, N], got %s and %s",
                                      ShapeText(layer.ShapeOf(x)).text,
                                      ShapeText(layer.ShapeOf(layer.Bottom(1))).text));
  }
  const int64_t rows = gates * sequence.hidden, batch = layer.Dim(x, 1);
  sequence.continues = layer.Bottom(1);
  sequence.gates = Projected(layer, &sequence, x, 2, rows, true);
  if (sequence.has_static) {  // added at every step
    const ValueId fixed = Projected(layer, &sequence, layer.Bottom(2), 1, rows, false);
    sequence.gates = layer.Binary(OpId::kAdd, sequence.gates, fixed);
  }
  for (int i = 0; i < states; ++i) {
    const Shape shape = {batch, sequence.hidden};
    if (sequence.exposes_hidden) {
      const ValueId given = layer.Bottom(layer.bottom_count() - static_cast<size_t>(states - i));
      sequence.initial.push_back(layer.builder().Reshaped(given, {batch, sequence.hidden}));
    } else {
      sequence.initial.push_back(StateOf(layer, shape, i == 0 ? ".h" : ".c"));
    }
  }
  return sequence;
}

// All hidden states, and the last of each kind in the shape that Caffe gives it.
Values Recur(LayerContext& layer, Sequence* sequence, ops::ContinuedRecurrenceKind kind, int gates) {
  GraphBuilder& builder = layer.builder();
  const int states = static_cast<int>(sequence->initial.size());
  const ValueId weights =
      layer.Weights(sequence->next_blob++, {gates * sequence->hidden, sequence->hidden}, "recurrent weights");
  ops::ContinuedRecurrenceAttributes attributes;
  attributes.kind = kind;
  Values operands = {sequence->gates, sequence->continues, weights};
  operands.insert(operands.end(), sequence->initial.begin(), sequence->initial.end());
  const int64_t batch = layer.Dim(layer.Bottom(0), 1);
  Values results = builder.EmitMany(OpId::kContinuedRecurrence, operands, attributes, 1 + states);
  for (int i = 0; i < states; ++i) {
    const auto index = static_cast<size_t>(i);
    if (!sequence->exposes_hidden)
      Check(AddState(&builder.graph(), sequence->initial[index], results[1 + index]));
    results[1 + index] = builder.Reshaped(results[1 + index], {1, batch, sequence->hidden});
  }
  return results;
}

}  // namespace

Values ConvertLstm(LayerContext& layer) {
  Sequence sequence = ReadSequence(layer, 4, 2);
  return Recur(layer, &sequence, ops::ContinuedRecurrenceKind::kLstm, 4);
}

Values ConvertRnn(LayerContext& layer) {
  Sequence sequence = ReadSequence(layer, 1, 1);
  Values results = Recur(layer, &sequence, ops::ContinuedRecurrenceKind::kTanh, 1);
  results[0] = layer.Unary(OpId::kTanh, Projected(layer, &sequence, results[0], 2, sequence.hidden, true));
  return results;
}

}  // namespace mace::importers::caffe
