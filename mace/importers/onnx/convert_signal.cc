// Fourier transforms, windows and mel weights.
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/open_rank.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/signal/signal.h"

namespace mace::importers::onnx {

Outputs ConvertDft(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0), length = context.OptionalInput(node, 1);
  ops::DftAttributes attributes;
  attributes.inverse = node.Int("inverse", 0) != 0;
  attributes.onesided = node.Int("onesided", 0) != 0;
  ValueId axis = kNone;
  if (context.opset() < 20) {
    attributes.axis = node.Int("axis", 1);
  } else {
    attributes.axis = -2;
    axis = context.OptionalInput(node, 2);
  }
  return {context.Emit(OpId::kDft, {x, length, axis}, attributes)};
}

Outputs ConvertStft(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ValueId signal = context.Input(node, 0);
  const int rank = context.RankOf(signal);
  if (rank == 2) signal = context.Unsqueeze(signal, {2});
  if (rank < 0) {  // [batch, length], and perhaps 1 or 2
    const ValueId one = context.Int64s(IntList{1}), zero = context.Int64s(IntList{0});
    const ValueId parts = Joined(context, {SizesFrom(context, signal, 2), one});
    const ValueId part = context.Emit(OpId::kSlice, {parts, zero, one});
    const ValueId sizes = Joined(context, {SizesFrom(context, signal, 0, 2), part});
    signal = context.WithRank(Reshaped(context, signal, sizes), 3);
  }
  ops::StftAttributes attributes;
  attributes.onesided = node.Int("onesided", 1) != 0;
  return {context.Emit(
      OpId::kStft,
      {signal, context.Input(node, 1), context.OptionalInput(node, 2), context.OptionalInput(node, 3)},
      attributes)};
}

namespace {

// Emits an operator that computes in float32 or float64, for the element type that the node asks for.
template <typename Attributes>
ValueId EmitAs(OnnxContext& context, OnnxNode& node, OpId op, std::initializer_list<ValueId> inputs,
               Attributes attributes) {
  const int64_t number = node.Int("output_datatype", 1);
  const DType dtype = DTypeOfOnnx(number >= 0 && number < 1000 ? static_cast<int32_t>(number) : -1);
  if (dtype == DType::kInvalid) {
    throw ImportError(
        Unsupported("the ONNX element type %lld, which MACE lacks", static_cast<long long>(number)));
  }
  attributes.dtype = dtype == DType::kF32 ? DType::kF32 : DType::kF64;
  const ValueId y = context.Emit(op, inputs, attributes);
  if (attributes.dtype == dtype) return y;
  return context.Emit(OpId::kCast, {y}, ops::CastAttributes{.to = dtype});
}

}  // namespace

Outputs ConvertCosineWindow(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::CosineWindowAttributes attributes;
  attributes.kind = static_cast<ops::WindowKind>(entry.argument);
  attributes.periodic = node.Int("periodic", 1) != 0;
  return {EmitAs(context, node, OpId::kCosineWindow, {context.Input(node, 0)}, attributes)};
}

Outputs ConvertMelWeightMatrix(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {EmitAs(context, node, OpId::kMelWeightMatrix,
                 {context.Input(node, 0), context.Input(node, 1), context.Input(node, 2),
                  context.Input(node, 3), context.Input(node, 4)},
                 ops::MelWeightMatrixAttributes{})};
}

}  // namespace mace::importers::onnx
