// com.microsoft: what onnxruntime's optimizer makes of a transformer's normalisations and activations.
#include "mace/importers/onnx/emit_norm.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/ops/unary/unary.h"

namespace mace::importers::onnx {
namespace {

constexpr float kEpsilon = 1e-12f;

ValueId Sum(OnnxContext& context, ValueId a, ValueId b) {
  return b == kNone ? a : context.Emit(OpId::kAdd, {a, b});
}

// Widened operand i, kNone where it is absent.
ValueId Operand(OnnxContext& context, const OnnxNode& node, int i) {
  return context.Widened(context.OptionalInput(node, i));
}

}  // namespace

// input + skip + bias, normalised; outputs: y, mean, 1 / deviation, the sum. Simplified (entry.argument 1):
// by the root mean square, without a beta.
Outputs ConvertSkipLayerNormalization(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const bool simplified = entry.argument == 1;
  const DType dtype = context.TypeOf(context.Input(node, 0)).dtype;
  const ValueId skip = context.Widened(context.Input(node, 1));
  const ValueId gamma = context.Widened(context.Input(node, 2));
  const ValueId beta = simplified ? kNone : Operand(context, node, 3);
  ValueId sum = Sum(context, context.Widened(context.Input(node, 0)), skip);
  sum = Sum(context, sum, Operand(context, node, simplified ? 3 : 4));
  LayerNormalizationForm form;
  form.epsilon = node.Float("epsilon", kEpsilon);
  form.root_mean_square = simplified;
  const int wanted = ReadOutputs(context, node);
  const bool wants_statistics = (node.HasOutput(1) && context.IsRead(node.OutputName(1))) ||
                                (node.HasOutput(2) && context.IsRead(node.OutputName(2)));
  Outputs outputs = EmitLayerNormalization(context, sum, gamma, beta, form, wants_statistics ? 3 : 1);
  outputs[0] = context.Cast(outputs[0], dtype);
  if (wanted < 4) return outputs;
  outputs.resize(3, kNone);
  outputs.push_back(context.Cast(sum, dtype));
  return outputs;
}

// The sum of a word's, its place's and its segment's embedding, normalised; outputs: y, the number of words
// that the mask leaves of each sentence (0 without a mask), the sum.
Outputs ConvertEmbedLayerNormalization(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId words = context.WithRank(context.Input(node, 0), 2);
  const ValueId table = context.Input(node, 2);
  const DType dtype = context.TypeOf(table).dtype;
  const Shape shape = context.TypeOf(words).shape;
  if (shape.rank != 2) throw ImportError(InvalidArgument("input_ids must have rank 2"));
  ValueId sum = context.Widened(context.Emit(OpId::kGather, {table, words}));
  ValueId places = context.Widened(context.Input(node, 3));
  if (node.HasInput(8)) {
    places = context.Emit(OpId::kGather, {places, context.Input(node, 8)});
  } else {
    // The first of them, as many as a sentence has words.
    ops::ShapeAttributes length;
    length.start = 1;
    const ValueId end = context.Emit(OpId::kShape, {words}, length);
    const ValueId zero = context.Int64s(IntList{0});
    places = context.Emit(OpId::kSlice, {places, zero, end, zero});
  }
  sum = Sum(context, sum, places);
  if (node.HasInput(1) && node.HasInput(4)) {
    const ValueId segments = context.Emit(OpId::kGather, {context.Input(node, 4), context.Input(node, 1)});
    sum = Sum(context, sum, context.Widened(segments));
  }
  LayerNormalizationForm form;
  form.epsilon = node.Float("epsilon", kEpsilon);
  const ValueId y = EmitLayerNormalization(context, sum, context.Widened(context.Input(node, 5)),
                                           Operand(context, node, 6), form, 1)[0];
  Outputs outputs = {context.Cast(y, dtype)};
  const int64_t mask_index_type = node.Int("mask_index_type", 1);
  const int wanted = ReadOutputs(context, node);
  if (wanted < 2) return outputs;
  if (mask_index_type == 0 || !node.HasInput(7)) {
    ops::ShapeAttributes batch;
    batch.end = 1;
    ops::ConstantOfShapeAttributes zeros;
    zeros.dtype = DType::kI32;
    outputs.push_back(
        context.Emit(OpId::kConstantOfShape, {context.Emit(OpId::kShape, {words}, batch)}, zeros));
  } else {
    outputs.push_back(EmitReduce(context, ops::ReduceKind::kSum,
                                 context.Cast(context.Input(node, 7), DType::kI32), {1}, false));
  }
  if (wanted > 2) outputs.push_back(context.Cast(sum, dtype));
  return outputs;
}

// x or x + bias through a Gelu: BiasGelu and Gelu the exact one (entry.argument 0), FastGelu the one by tanh.
Outputs ConvertBiasGelu(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const DType dtype = context.TypeOf(context.Input(node, 0)).dtype;
  const ValueId x = Sum(context, context.Widened(context.Input(node, 0)), Operand(context, node, 1));
  ops::GeluAttributes attributes;
  attributes.tanh_approximation = entry.argument == 1;
  return {context.Cast(context.Emit(OpId::kGelu, {x}, attributes), dtype)};
}

// x * sigmoid(alpha * x)
Outputs ConvertQuickGelu(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const DType dtype = context.TypeOf(context.Input(node, 0)).dtype;
  const ValueId x = context.Widened(context.Input(node, 0));
  const ValueId alpha = context.Float(node.Float("alpha", 1.702f), context.TypeOf(x).dtype);
  const ValueId gate = context.Emit(OpId::kSigmoid, {context.Emit(OpId::kMul, {x, alpha})});
  return {context.Cast(context.Emit(OpId::kMul, {x, gate}), dtype)};
}

}  // namespace mace::importers::onnx
