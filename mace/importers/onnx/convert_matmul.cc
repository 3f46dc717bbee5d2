// MatMul and Gemm.
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {

Outputs ConvertMatMul(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {
      context.Emit(OpId::kMatMul, {context.Input(node, 0), context.Input(node, 1)}, ops::MatMulAttributes{})};
}

// alpha * A' * B' + beta * C. With constant B the IR's FullyConnected, whose weights are [N, K].
Outputs ConvertGemm(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ValueId a = context.Input(node, 0);
  ValueId b = context.Input(node, 1);
  const ValueId c = context.OptionalInput(node, 2);
  const float alpha = node.Float("alpha", 1.0f);
  const float beta = node.Float("beta", 1.0f);
  const bool transpose_a = node.Int("transA", 0) != 0;
  const bool transpose_b = node.Int("transB", 0) != 0;
  if (context.RankOf(a) != 2 || context.RankOf(b) != 2) {
    throw ImportError(InvalidArgument("expected matrices, got %s and %s",
                                      ShapeText(context.TypeOf(a).shape).text,
                                      ShapeText(context.TypeOf(b).shape).text));
  }
  bool added = c == kNone;
  ValueId result;
  if (passes::IsWeightChain(context.graph(), b)) {
    if (transpose_a) a = context.Transpose(a, {1, 0});
    if (!transpose_b) b = context.Transpose(b, {1, 0});
    ValueId bias = kNone;
    const int64_t columns = context.TypeOf(b).shape[0];
    if (!added && alpha == 1 && beta == 1 && context.TypeOf(c).shape == Shape{columns} &&
        passes::IsWeightChain(context.graph(), c)) {
      bias = c;
      added = true;
    }
    result = context.Emit(OpId::kFullyConnected, {a, b, bias}, ops::FullyConnectedAttributes{});
  } else {
    ops::MatMulAttributes attributes;
    attributes.transpose_a = transpose_a;
    attributes.transpose_b = transpose_b;
    result = context.Emit(OpId::kMatMul, {a, b}, attributes);
  }
  if (alpha != 1)
    result = context.Emit(OpId::kMul, {result, context.Float(alpha, context.TypeOf(result).dtype)});
  if (!added) {
    ValueId scaled = c;
    if (beta != 1) scaled = context.Emit(OpId::kMul, {c, context.Float(beta, context.TypeOf(c).dtype)});
    result = context.Emit(OpId::kAdd, {result, scaled});
  }
  return {result};
}

}  // namespace mace::importers::onnx
