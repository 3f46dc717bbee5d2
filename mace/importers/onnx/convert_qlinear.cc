// Operators whose operands are integers with a scale and a zero point each, as QOperator files have them.
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/quantized_operand.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/unary/unary.h"

namespace mace::importers::onnx {
namespace {

DType TypeOfInput(OnnxContext& context, const OnnxNode& node, int i) {
  return context.TypeOf(context.Input(node, i)).dtype;
}

}  // namespace

// a, scale, zero point; b likewise; y's scale and zero point. `a` may have a scale for each row, `b` for each
// column.
Outputs ConvertQLinearMatMul(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  if (!HasFixedQuantizations(context, node)) return {MultiplyQuantized(context, node)};
  const ValueId a = Dequantized(context, node, 0, -2), b = Dequantized(context, node, 3, -1);
  const ValueId product = context.Emit(OpId::kMatMul, {a, b}, ops::MatMulAttributes{});
  return {Quantized(context, node, product, 6, TypeOfInput(context, node, 0))};
}

Outputs ConvertQLinearBinary(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId a = Dequantized(context, node, 0), b = Dequantized(context, node, 3);
  return {Quantized(context, node, context.Emit(entry.op, {a, b}), 6, TypeOfInput(context, node, 0))};
}

Outputs ConvertQLinearUnary(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId y = context.Emit(entry.op, {Dequantized(context, node, 0)});
  return {Quantized(context, node, y, 3, TypeOfInput(context, node, 0))};
}

Outputs ConvertQLinearLeakyRelu(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::LeakyReluAttributes attributes;
  attributes.alpha = node.Float("alpha", 0.01f);
  const ValueId y = context.Emit(OpId::kLeakyRelu, {Dequantized(context, node, 0)}, attributes);
  return {Quantized(context, node, y, 3, TypeOfInput(context, node, 0))};
}

Outputs ConvertQLinearReduceMean(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = Dequantized(context, node, 0);
  ops::ReduceAttributes attributes;
  attributes.kind = ops::ReduceKind::kMean;
  attributes.keep_dims = node.Int("keepdims", 1) != 0;
  for (int64_t axis : node.Ints("axes").value_or(IntList{})) {
    attributes.axes.Push(AxisOf(context, axis, context.RankOf(x)));
  }
  const ValueId mean = context.Emit(OpId::kReduce, {x}, attributes);
  return {Quantized(context, node, mean, 3, TypeOfInput(context, node, 0))};
}

// y's scale and zero point, then each operand with its own.
Outputs ConvertQLinearConcat(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  std::vector<ValueId> inputs;
  for (int i = 2; i < node.input_count(); i += 3) inputs.push_back(Dequantized(context, node, i));
  if (inputs.empty()) throw ImportError(InvalidArgument("no inputs"));
  context.SpendNodes(node.input_count());
  ops::ConcatAttributes attributes;
  if (!node.Has("axis")) throw ImportError(InvalidArgument("axis is missing"));
  attributes.axis = AxisOf(context, node.Int("axis", 0), context.RankOf(inputs[0]));
  const ValueId joined = context.EmitMany(OpId::kConcat, inputs, attributes, 1)[0];
  return {Quantized(context, node, joined, 0, TypeOfInput(context, node, 2))};
}

Outputs ConvertQLinearWhere(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId a = Dequantized(context, node, 1), b = Dequantized(context, node, 4);
  const ValueId chosen = context.Emit(OpId::kWhere, {context.Input(node, 0), a, b});
  return {Quantized(context, node, chosen, 7, TypeOfInput(context, node, 1))};
}

}  // namespace mace::importers::onnx
