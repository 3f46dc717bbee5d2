// MatMul and Gemm.
#include <utility>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/quantized_operand.h"
#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/unary/unary.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {

Outputs ConvertMatMul(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {
      context.Emit(OpId::kMatMul, {context.Input(node, 0), context.Input(node, 1)}, ops::MatMulAttributes{})};
}

// com.microsoft: alpha * A' * B'. transBatch moves the first axis behind the other batch axes.
Outputs ConvertFusedMatMul(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::MatMulAttributes attributes;
  const auto operand = [&](int i, const char* transpose, const char* transpose_batch, bool* swaps) {
    const ValueId value = context.Input(node, i);
    const bool moves_batch = node.Int(transpose_batch, 0) != 0;
    if (moves_batch && !context.TypeOf(value).shape.HasRank()) {
      throw ImportError(
          Unsupported("%s of an operand whose rank is not known before data are there", transpose_batch));
    }
    const int rank = context.RankOf(value);
    *swaps = node.Int(transpose, 0) != 0 && (rank < 0 || rank > 1);
    if (!moves_batch || rank < 3) return value;
    IntList perm;
    for (int axis = 1; axis < rank - 1; ++axis) perm.Push(axis);
    perm.Push(0);
    perm.Push(rank - 1);
    return context.Transpose(value, perm);
  };
  const ValueId a = operand(0, "transA", "transBatchA", &attributes.transpose_a);
  const ValueId b = operand(1, "transB", "transBatchB", &attributes.transpose_b);
  const float alpha = node.Float("alpha", 1.0f);
  const DType dtype = context.TypeOf(a).dtype;
  const ValueId product = context.Emit(OpId::kMatMul, {context.Widened(a), context.Widened(b)}, attributes);
  if (alpha == 1) return {context.Cast(product, dtype)};
  const ValueId factor = context.Float(alpha, context.TypeOf(product).dtype);
  return {context.Cast(context.Emit(OpId::kMul, {product, factor}), dtype)};
}

namespace {

struct GemmFlags {
  float alpha = 1;
  float beta = 1;
  bool transpose_a = false;
  bool transpose_b = false;
};

// value * factor; of integers as of the real numbers that they are.
ValueId EmitScaled(OnnxContext& context, ValueId value, float factor) {
  if (factor == 1) return value;
  const DType dtype = context.TypeOf(value).dtype;
  const ValueId real = IsInteger(dtype) ? context.Cast(value, DType::kF64) : value;
  return context.Emit(OpId::kMul, {real, context.Float(factor, context.TypeOf(real).dtype)});
}

// alpha * A' * B' + beta * C. With constant B the IR's FullyConnected, whose weights are [N, K].
ValueId EmitGemm(OnnxContext& context, ValueId a, ValueId b, ValueId c, const GemmFlags& flags) {
  a = context.WithRank(a, 2);
  b = context.WithRank(b, 2);
  if (context.RankOf(a) != 2 || context.RankOf(b) != 2) {
    throw ImportError(InvalidArgument("expected matrices, got %s and %s",
                                      ShapeText(context.TypeOf(a).shape).text,
                                      ShapeText(context.TypeOf(b).shape).text));
  }
  const DType dtype = context.TypeOf(a).dtype;
  bool added = c == kNone;
  ValueId result;
  if (dtype == DType::kF32 && passes::IsWeightChain(context.graph(), b)) {
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
  result = EmitScaled(context, result, flags.alpha);
  if (!added) {
    ValueId term = EmitScaled(context, c, flags.beta);
    // Where one of them is a real number by now, the other is too.
    const bool is_real = IsFloat(context.TypeOf(result).dtype) || IsFloat(context.TypeOf(term).dtype);
    if (IsInteger(dtype) && is_real) {
      result = context.Cast(result, DType::kF64);
      term = context.Cast(term, DType::kF64);
    }
    result = context.Emit(OpId::kAdd, {result, term});
  }
  return context.Cast(result, dtype);
}

GemmFlags ReadGemmFlags(OnnxNode& node) {
  node.Ignore("broadcast");  // before operator set 7; C broadcasts without it
  GemmFlags flags;
  node.Ignore("broadcast");  // before opset 7: C is, always
  flags.alpha = node.Float("alpha", 1.0f);
  flags.beta = node.Float("beta", 1.0f);
  flags.transpose_a = node.Int("transA", 0) != 0;
  flags.transpose_b = node.Int("transB", 0) != 0;
  return flags;
}

}  // namespace

Outputs ConvertGemm(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const DType dtype = context.TypeOf(context.Input(node, 0)).dtype;
  const ValueId result =
      EmitGemm(context, context.Widened(context.Input(node, 0)), context.Widened(context.Input(node, 1)),
               context.Widened(context.OptionalInput(node, 2)), ReadGemmFlags(node));
  return {context.Cast(result, dtype)};
}

// com.microsoft
Outputs ConvertFusedGemm(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId result = ConvertGemm(context, node, entry)[0];
  const std::string activation = node.String("activation", "");
  const float alpha = node.Float("activation_alpha", 0.01f), beta = node.Float("activation_beta", 0);
  node.Ignore("activation_gamma");
  if (activation.empty()) return {result};
  if (activation == "LeakyRelu")
    return {context.Emit(OpId::kLeakyRelu, {result}, ops::LeakyReluAttributes{alpha})};
  if (activation == "HardSigmoid") {
    return {context.Emit(OpId::kHardSigmoid, {result}, ops::HardSigmoidAttributes{alpha, beta})};
  }
  if (activation == "Elu") return {context.Emit(OpId::kElu, {result}, ops::EluAttributes{alpha})};
  constexpr std::pair<std::string_view, OpId> kPlain[] = {{"Relu", OpId::kRelu},
                                                          {"Sigmoid", OpId::kSigmoid},
                                                          {"Tanh", OpId::kTanh},
                                                          {"Softplus", OpId::kSoftplus},
                                                          {"Softsign", OpId::kSoftsign}};
  for (const auto& [name, op] : kPlain) {
    if (activation == name) return {context.Emit(op, {result})};
  }
  throw ImportError(Unsupported("activation '%s'", activation.c_str()));
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
