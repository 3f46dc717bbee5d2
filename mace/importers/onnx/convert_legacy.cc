// Operators of ONNX's first years that it dropped again, and the forms that others had before operator set 6.
// The dropped ones were "experimental"; converters from Core ML and Caffe2 wrote them.
#include <array>
#include <utility>

#include "mace/importers/onnx/emit_norm.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {
namespace {

ValueId EmitTimes(OnnxContext& context, ValueId x, float factor) {
  return context.Emit(OpId::kMul, {x, context.Float(factor, context.TypeOf(x).dtype)});
}
ValueId EmitPlus(OnnxContext& context, ValueId x, float term) {
  return context.Emit(OpId::kAdd, {x, context.Float(term, context.TypeOf(x).dtype)});
}

void TellDropped(OnnxContext& context, const OnnxNode& node, const char* instead) {
  context.Repaired("ONNX dropped the operator " + Text(node.op_type()),
                   std::string("expressed by ") + instead);
}

}  // namespace

// alpha * x + beta. Scale, which has one attribute, too.
Outputs ConvertAffine(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const bool is_scale = entry.op_type == "Scale";
  const ValueId x = context.Input(node, 0), wide = context.Widened(x);
  const float alpha = node.Float(is_scale ? "scale" : "alpha", 1);
  const float beta = is_scale ? 0 : node.Float("beta", 0);
  TellDropped(context, node, "Mul and Add");
  const ValueId product = EmitTimes(context, wide, alpha);
  return {context.Cast(is_scale ? product : EmitPlus(context, product, beta), context.TypeOf(x).dtype)};
}

// alpha * softplus(beta * x), alpha * tanh(beta * x).
Outputs ConvertScaledActivation(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0), wide = context.Widened(x);
  if (!node.Has("alpha") || !node.Has("beta")) throw ImportError(InvalidArgument("alpha or beta is missing"));
  const float alpha = node.Float("alpha", 1), beta = node.Float("beta", 1);
  TellDropped(context, node, "Mul and its activation");
  const ValueId inner = context.Emit(entry.op, {EmitTimes(context, wide, beta)});
  return {context.Cast(EmitTimes(context, inner, alpha), context.TypeOf(x).dtype)};
}

// x [N, C, H, W] * scale + bias of each channel.
Outputs ConvertImageScaler(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.WithRank(context.Input(node, 0), 4), wide = context.Widened(x);
  const std::vector<float> bias = node.Floats("bias");
  const float scale = node.Float("scale", 1);
  const Shape& shape = context.TypeOf(x).shape;
  const auto count = static_cast<int64_t>(bias.size());
  if (shape.rank != 4 || count < 1 || (shape[1] >= 0 && shape[1] != count)) {
    throw ImportError(
        InvalidArgument("%zu numbers of bias for an image %s", bias.size(), ShapeText(shape).text));
  }
  TellDropped(context, node, "Mul and Add");
  const ValueId list = Unwrap(passes::AddFloatConstant(&context.graph(), "", bias, Shape{count, 1, 1}));
  const ValueId product = EmitTimes(context, wide, scale);
  const ValueId sum = context.Emit(OpId::kAdd, {product, context.Cast(list, context.TypeOf(wide).dtype)});
  return {context.Cast(sum, context.TypeOf(x).dtype)};
}

// border: left, top, right, bottom; with scale [height, width] what lies behind left and top is that large.
Outputs ConvertCrop(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.WithRank(context.Input(node, 0), 4);
  const IntList border = node.Ints("border").value_or(IntList{}),
                scale = node.Ints("scale").value_or(IntList{});
  bool is_sound = border.size() == 4 && (scale.empty() || scale.size() == 2);
  constexpr int64_t kMaxBorder = 1 << 30;
  for (const IntList* list : {&border, &scale}) {
    for (int64_t number : *list) is_sound = is_sound && number >= 0 && number <= kMaxBorder;
  }
  if (!is_sound) throw ImportError(InvalidArgument("border or scale does not fit an image"));
  TellDropped(context, node, "Slice");
  const auto end = [&](int axis) {
    if (!scale.empty()) return border[1 - axis] + scale[axis];
    const int64_t cut = border[3 - axis];
    return cut == 0 ? INT64_MAX : -cut;
  };
  return {context.EmitMoved(OpId::kSlice,
                            {x, context.Int64s(IntList{border[1], border[0]}),
                             context.Int64s(IntList{end(0), end(1)}), context.Int64s(IntList{2, 3})},
                            NoAttributes{})};
}

// Slice as it is since operator set 10, but without steps.
Outputs ConvertDynamicSlice(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  TellDropped(context, node, "Slice");
  std::vector<ValueId> inputs = {context.Input(node, 0), context.Input(node, 1), context.Input(node, 2)};
  if (const ValueId axes = context.OptionalInput(node, 3); axes != kNone) inputs.push_back(axes);
  return context.EmitMoved(OpId::kSlice, inputs, 1, NoAttributes{}, 1);
}

DType NamedElementType(const std::string& name) {
  // TensorProto.DataType's names.
  constexpr std::array<std::pair<std::string_view, DType>, 13> kNames = {{{"BOOL", DType::kBool},
                                                                          {"BFLOAT16", DType::kBF16},
                                                                          {"DOUBLE", DType::kF64},
                                                                          {"FLOAT", DType::kF32},
                                                                          {"FLOAT16", DType::kF16},
                                                                          {"INT16", DType::kI16},
                                                                          {"INT32", DType::kI32},
                                                                          {"INT64", DType::kI64},
                                                                          {"INT8", DType::kI8},
                                                                          {"UINT16", DType::kU16},
                                                                          {"UINT32", DType::kU32},
                                                                          {"UINT64", DType::kU64},
                                                                          {"UINT8", DType::kU8}}};
  for (const auto& [text, dtype] : kNames) {
    if (text == name) return dtype;
  }
  throw ImportError(Unsupported("a cast to the element type '%s', which MACE lacks", name.c_str()));
}

// Before operator set 6 Tile took one axis and how often it is repeated.
ValueId EmitTileOfAxis(OnnxContext& context, ValueId x, ValueId tiles, ValueId axis) {
  double number = 0;
  const int rank = context.RankOf(x);
  if (rank < 0) throw ImportError(Unsupported("a tensor whose rank is not known"));
  if (!passes::ScalarConstant(context.graph(), axis, &number)) {
    throw ImportError(Unsupported("an axis computed at run time")).WithAction(ActionForComputedOperand());
  }
  const int place = context.NormalizedAxis(static_cast<int64_t>(number), rank);
  context.Repaired("Tile of one axis, as before operator set 6", "expressed by a Tile of all axes");
  const ValueId one = context.Int64s(IntList{1});
  std::vector<ValueId> repeats(static_cast<size_t>(rank), one);
  repeats[static_cast<size_t>(place)] = context.Reshape(AsInt64(context, tiles), IntList{1});
  const ValueId list = context.EmitMany(OpId::kConcat, repeats, ops::ConcatAttributes{}, 1)[0];
  return context.EmitMoved(OpId::kTile, {x, list}, NoAttributes{});
}

int64_t ReadExponent(OnnxContext& context, OnnxNode& node) {
  if (context.opset() >= 2) return node.Int("p", 2);
  const float p = node.Float("p", 2);
  if (!(p >= 1 && p <= 1e6f) || p != static_cast<float>(static_cast<int64_t>(p))) {
    throw ImportError(Unsupported("p=%g is no whole number", static_cast<double>(p)));
  }
  return static_cast<int64_t>(p);
}

}  // namespace mace::importers::onnx
