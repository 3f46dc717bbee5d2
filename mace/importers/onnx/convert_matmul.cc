// MatMul and Gemm.
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/quantized_operand.h"
#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {

Outputs ConvertMatMul(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {
      context.Emit(OpId::kMatMul, {context.Input(node, 0), context.Input(node, 1)}, ops::MatMulAttributes{})};
}

namespace {

struct GemmFlags {
  float alpha = 1;
  float beta = 1;
  bool transpose_a = false;
  bool transpose_b = false;
};

// alpha * A' * B' + beta * C. With constant B the IR's FullyConnected, whose weights are [N, K].
ValueId EmitGemm(OnnxContext& context, ValueId a, ValueId b, ValueId c, const GemmFlags& flags) {
  if (context.RankOf(a) != 2 || context.RankOf(b) != 2) {
    throw ImportError(InvalidArgument("expected matrices, got %s and %s",
                                      ShapeText(context.TypeOf(a).shape).text,
                                      ShapeText(context.TypeOf(b).shape).text));
  }
  bool added = c == kNone;
  ValueId result;
  if (passes::IsWeightChain(context.graph(), b)) {
    if (flags.transpose_a) a = context.Transpose(a, {1, 0});
    if (!flags.transpose_b) b = context.Transpose(b, {1, 0});
    ValueId bias = kNone;
    const int64_t columns = context.TypeOf(b).shape[0];
    if (!added && flags.alpha == 1 && flags.beta == 1 && context.TypeOf(c).shape == Shape{columns} &&
        passes::IsWeightChain(context.graph(), c)) {
      bias = c;
      added = true;
    }
    result = context.Emit(OpId::kFullyConnected, {a, b, bias}, ops::FullyConnectedAttributes{});
  } else {
    ops::MatMulAttributes attributes;
    attributes.transpose_a = flags.transpose_a;
    attributes.transpose_b = flags.transpose_b;
    result = context.Emit(OpId::kMatMul, {a, b}, attributes);
  }
  if (flags.alpha != 1) {
    result = context.Emit(OpId::kMul, {result, context.Float(flags.alpha, context.TypeOf(result).dtype)});
  }
  if (!added) {
    ValueId scaled = c;
    if (flags.beta != 1) {
      scaled = context.Emit(OpId::kMul, {c, context.Float(flags.beta, context.TypeOf(c).dtype)});
    }
    result = context.Emit(OpId::kAdd, {result, scaled});
  }
  return result;
}

}  // namespace

Outputs ConvertGemm(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  GemmFlags flags;
  flags.alpha = node.Float("alpha", 1.0f);
  flags.beta = node.Float("beta", 1.0f);
  flags.transpose_a = node.Int("transA", 0) != 0;
  flags.transpose_b = node.Int("transB", 0) != 0;
  return {EmitGemm(context, context.Input(node, 0), context.Input(node, 1), context.OptionalInput(node, 2),
                   flags)};
}

// com.microsoft: a, b (with a scale for each column, perhaps), c (int32, its scale is alpha times those of
// both), the output's scale and zero point; without these a float.
Outputs ConvertQGemm(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  GemmFlags flags;
  flags.transpose_a = node.Int("transA", 0) != 0;
  flags.transpose_b = node.Int("transB", 0) != 0;
  const float alpha = node.Float("alpha", 1.0f);
  const ValueId a = Dequantized(context, node, 0);
  const ValueId b = Dequantized(context, node, 3, flags.transpose_b ? 0 : 1);
  ValueId c = context.OptionalInput(node, 6);
  const bool is_fixed =
      IsFixedQuantization(context, context.Input(node, 1), context.OptionalInput(node, 2)) &&
      IsFixedQuantization(context, context.Input(node, 4), context.OptionalInput(node, 5));
  if (c != kNone && !is_fixed) {
    const ValueId scale = context.Emit(
        OpId::kMul, {context.Widened(context.Input(node, 1)), context.Widened(context.Input(node, 4))});
    c = context.Emit(OpId::kMul, {context.Cast(c, DType::kF32), scale});
  } else if (c != kNone) {
    const Graph& graph = context.graph();
    const auto scales_of = [&](ValueId real) -> const Quantization& {
      return *graph.QuantizationOf(graph.nodes[graph.values[real].producer].inputs[0]);
    };
    const Shape shape = context.TypeOf(c).shape;
    if (shape.rank == 2 && shape[0] == 1 && context.IsConstant(c)) {
      c = Unwrap(passes::ReshapedConstant(&context.graph(), c, Shape{shape[1]}));
    }
    c = context.EmitQuantized(OpId::kDequantize, {WithBiasScale(context, c, scales_of(a), scales_of(b))},
                              NoAttributes{}, kNone);
  }
  ValueId result = EmitGemm(context, a, b, c, flags);
  if (alpha != 1) result = context.Emit(OpId::kMul, {result, context.Float(alpha)});
  if (!node.HasInput(7)) return {result};
  return {Quantized(context, node, result, 7, context.TypeOf(context.Input(node, 0)).dtype)};
}

}  // namespace mace::importers::onnx
