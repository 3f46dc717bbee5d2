// com.microsoft: products by weights of few bits, and recurrent layers with integer weights.
#include <cmath>

#include "mace/importers/onnx/emit_norm.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/matmul/block_matmul.h"
#include "mace/ops/recurrent/recurrent.h"

namespace mace::importers::onnx {

namespace {

// g_idx names the block of each row; only files with reordered rows have others than these.
void RequireBlocksInOrder(OnnxContext& context, ValueId index, int64_t block_size) {
  const TensorView* view = context.graph().ConstantOf(index);
  bool in_order = view != nullptr && view->dtype == DType::kI32;
  for (int64_t k = 0; in_order && k < view->elements(); ++k) {
    in_order = view->as<int32_t>()[k] == k / block_size;
  }
  if (!in_order)
    throw ImportError(Unsupported("weights whose rows stand in blocks of another order (g_idx)"));
}

}  // namespace

Outputs ConvertMatMulNBits(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const DType dtype = context.TypeOf(context.Input(node, 0)).dtype;
  ops::BlockMatMulAttributes attributes;
  attributes.depth = node.Int("K", 0);
  attributes.columns = node.Int("N", 0);
  attributes.bits = node.Int("bits", 4);
  attributes.block_size = node.Int("block_size", 0);
  node.Ignore("accuracy_level");
  if (const ValueId index = context.OptionalInput(node, 4); index != kNone && attributes.block_size > 0) {
    RequireBlocksInOrder(context, index, attributes.block_size);
  }
  std::vector<ValueId> inputs = {context.Widened(context.Input(node, 0)), context.Input(node, 1),
                                 context.Widened(context.Input(node, 2)),
                                 context.Widened(context.OptionalInput(node, 3)),
                                 context.Widened(context.OptionalInput(node, 5))};
  while (inputs.back() == kNone) inputs.pop_back();
  return {context.Cast(context.EmitMany(OpId::kBlockMatMul, inputs, attributes, 1)[0], dtype)};
}

namespace {

const TensorView& RequireConstant(OnnxContext& context, ValueId value, const char* what) {
  const TensorView* view = context.graph().ConstantOf(value);
  if (view == nullptr) {
    throw ImportError(Unsupported("%s computed at run time", what)).WithAction(ActionForComputedOperand());
  }
  return *view;
}

// Integer weights [D, rows, columns] with a scale and a zero point for each of D, or for each of its columns,
// as floats [D, columns, rows].
ValueId DequantizedWeights(OnnxContext& context, OnnxNode& node, int weights, int scales) {
  const TensorView& stored = RequireConstant(context, context.Input(node, weights), "weights");
  const TensorView& scale = RequireConstant(context, context.Input(node, scales), "scales");
  const TensorView& zero = RequireConstant(context, context.Input(node, scales + 1), "zero points");
  const bool is_byte = stored.dtype == DType::kI8 || stored.dtype == DType::kU8;
  if (!is_byte || stored.shape.rank != 3 || zero.dtype != stored.dtype || scale.dtype != DType::kF32) {
    throw ImportError(
        InvalidArgument("weights of %s %s", NameOf(stored.dtype), ShapeText(stored.shape).text));
  }
  const int64_t directions = stored.shape[0], rows = stored.shape[1], columns = stored.shape[2];
  const int64_t count = scale.elements();
  if ((count != directions && count != directions * columns) || zero.elements() != count) {
    throw ImportError(InvalidArgument("%lld scales for weights of %s", static_cast<long long>(count),
                                      ShapeText(stored.shape).text));
  }
  const int64_t per_direction = directions == 0 ? 0 : count / directions;
  const auto integer = [](const TensorView& view, int64_t i) {
    return view.dtype == DType::kI8 ? static_cast<int>(view.as<int8_t>()[i]) : view.as<uint8_t>()[i];
  };
  context.SpendCopy(4 * stored.elements());
  std::vector<float> reals(static_cast<size_t>(stored.elements()));
  for (int64_t d = 0; d < directions; ++d) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = 0; column < columns; ++column) {
        const int64_t entry = d * per_direction + (per_direction == 1 ? 0 : column);
        const int distance = integer(stored, (d * rows + row) * columns + column) - integer(zero, entry);
        reals[static_cast<size_t>((d * columns + column) * rows + row)] =
            static_cast<float>(distance) * scale.as<float>()[entry];
      }
    }
  }
  return Unwrap(context.graph().AddConstant(
      "", TensorView{reals.data(), DType::kF32, Shape{directions, columns, rows}}, /*copy=*/true));
}

}  // namespace

// onnxruntime quantizes what the weights are multiplied by, too; here it stays as exact as it is.
Outputs ConvertDynamicQuantizeLstm(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId w = DequantizedWeights(context, node, 1, 8);
  const ValueId r = DequantizedWeights(context, node, 2, 10);
  return ConvertLstm(context, node, w, r);
}

}  // namespace mace::importers::onnx
