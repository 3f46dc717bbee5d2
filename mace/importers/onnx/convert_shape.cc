// Constants and operators on shapes.
#include <cmath>

#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {

Outputs ConvertConstant(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  if (const Tensor* tensor = node.TensorOf("value"); tensor != nullptr) {
    return {context.AddTensor(*tensor, node.HasOutput(0) ? node.OutputName(0) : "")};
  }
  Graph& graph = context.graph();
  if (node.Has("value_float")) return {context.Float(node.Float("value_float", 0))};
  if (node.Has("value_int")) {
    int64_t element = node.Int("value_int", 0);
    return {Unwrap(graph.AddConstant("", TensorView{&element, DType::kI64, Shape{}}, true))};
  }
  if (node.Has("value_floats")) {
    const std::vector<float> elements = node.Floats("value_floats");
    return {
        Unwrap(passes::AddFloatConstant(&graph, "", elements, Shape{static_cast<int64_t>(elements.size())}))};
  }
  if (node.Has("value_ints")) return {context.Int64s(*node.LongInts("value_ints"))};
  if (const SparseTensor* sparse = node.SparseOf("sparse_value"); sparse != nullptr) {
    return {context.AddSparse(*sparse, node.HasOutput(0) ? node.OutputName(0) : "")};
  }
  throw ImportError(Unsupported("a constant without value, or one of strings"));
}

Outputs ConvertConstantOfShape(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::ConstantOfShapeAttributes attributes;
  const ValueId shape = context.Input(node, 0);
  if (const Tensor* tensor = node.TensorOf("value"); tensor != nullptr) {
    const ValueId value = context.AddTensor(*tensor, "");
    const TensorView view = *context.graph().ConstantOf(value);
    if (view.elements() != 1) throw ImportError(InvalidArgument("the value must be one element"));
    attributes.dtype = view.dtype;
    switch (view.dtype) {
      case DType::kF32:
        attributes.float_value = *view.as<float>();
        break;
      case DType::kI64:
        attributes.int_value = *view.as<int64_t>();
        break;
      case DType::kI32:
        attributes.int_value = *view.as<int32_t>();
        break;
      case DType::kBool:
        attributes.int_value = *view.as<uint8_t>();
        break;
      default:
        // The attributes hold a float and an int64; of any other type the element itself is repeated.
        return {context.Emit(OpId::kExpand, {context.Reshape(value, IntList{}), shape})};
    }
  }
  return {context.Emit(OpId::kConstantOfShape, {shape}, attributes)};
}

Outputs ConvertReshape(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::ReshapeAttributes attributes;
  if (context.opset() < 5) {
    attributes.shape = node.Ints("shape").value_or(IntList{});
    return {context.EmitMoved(OpId::kReshape, {x}, attributes)};
  }
  const ValueId shape = context.Input(node, 1);
  attributes.allow_zero = node.Int("allowzero", 0) != 0;
  if (context.IsConstant(shape) && passes::IntListConstant(context.graph(), shape, &attributes.shape)) {
    return {context.EmitMoved(OpId::kReshape, {x}, attributes)};
  }
  return {context.EmitMoved(OpId::kReshape, {x, shape}, attributes)};
}

Outputs ConvertFlatten(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  ops::FlattenAttributes attributes;
  attributes.axis = node.Int("axis", 1);
  if (attributes.axis < 0 && context.RankOf(x) >= 0) attributes.axis += context.RankOf(x);
  return {context.EmitMoved(OpId::kFlatten, {x}, attributes)};
}

// Squeeze and Unsqueeze: the axes are an attribute before opset 13, an input after it.
Outputs ConvertSqueeze(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const Shape shape = context.TypeOf(x).shape;
  const bool is_squeeze = entry.op == OpId::kSqueeze;
  IntList axes;
  if (context.opset() < 13) {
    axes = node.Ints("axes").value_or(IntList{});
  } else if (const ValueId list = context.OptionalInput(node, 1); list != kNone) {
    if (!passes::IntListConstant(context.graph(), list, &axes)) {
      if (is_squeeze) return {context.EmitMoved(entry.op, {x, list}, ops::SqueezeAttributes{})};
      return {context.EmitMoved(entry.op, {x, list}, ops::UnsqueezeAttributes{})};
    }
  }
  if (is_squeeze && axes.empty() && shape.IsConcrete()) {
    for (int i = 0; i < shape.rank; ++i) {
      if (shape[i] == 1) axes.Push(i);
    }
    if (axes.empty()) return {context.EmitMoved(OpId::kIdentity, {x}, NoAttributes{})};
  }
  const int rank = shape.HasRank() && !is_squeeze ? shape.rank + axes.size() : shape.rank;
  for (int i = 0; i < axes.size(); ++i) axes[i] = AxisOf(context, axes[i], rank);
  return {is_squeeze ? context.Squeeze(x, axes) : context.Unsqueeze(x, axes)};
}

Outputs ConvertShape(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  ops::ShapeAttributes attributes;
  attributes.start = node.Int("start", 0);
  attributes.end = node.Int("end", INT64_MAX);
  return {context.Emit(OpId::kShape, {context.Input(node, 0)}, attributes)};
}

Outputs ConvertExpand(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return {context.EmitMoved(OpId::kExpand, {context.Input(node, 0), context.Input(node, 1)}, NoAttributes{})};
}

}  // namespace mace::importers::onnx
