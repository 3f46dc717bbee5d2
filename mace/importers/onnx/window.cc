#include "mace/importers/onnx/window.h"

#include <algorithm>

#include "mace/importers/onnx/slices.h"
#include "mace/ops/nd_window.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {

IntList AxisInts(OnnxNode& node, std::string_view name, int axes, int64_t missing, int64_t minimum) {
  std::optional<IntList> list = node.Ints(name);
  if (!list.has_value() || list->empty()) {
    list.emplace();
    for (int i = 0; i < axes; ++i) list->Push(missing);
  }
  if (list->size() != axes) {
    throw ImportError(
        InvalidArgument("%s has %d numbers, expected %d", Text(name).c_str(), list->size(), axes));
  }
  for (int64_t value : *list) {
    if (value < minimum || value > kMaxWindow) {
      throw ImportError(
          InvalidArgument("%s=%lld is out of range", Text(name).c_str(), static_cast<long long>(value)));
    }
  }
  return *list;
}

WindowAttributes ReadWindow(OnnxNode& node, int axes) {
  WindowAttributes window;
  window.axes = axes;
  window.strides = AxisInts(node, "strides", axes, 1, 1);
  window.dilations = AxisInts(node, "dilations", axes, 1, 1);
  const std::string text = node.String("auto_pad", "NOTSET");
  if (text == "NOTSET" || text.empty()) {
    window.pads = AxisInts(node, "pads", 2 * axes, 0, 0);
    return window;
  }
  node.Ignore("pads");
  for (int i = 0; i < 2 * axes; ++i) window.pads.Push(0);
  if (text == "SAME_UPPER") {
    window.padding = ops::Padding::kSameUpper;
  } else if (text == "SAME_LOWER") {
    window.padding = ops::Padding::kSameLower;
  } else if (text != "VALID") {
    throw ImportError(InvalidArgument("auto_pad='%s' is not known", text.c_str()));
  }
  return window;
}

void WindowAttributes::Widen() {
  if (axes != 1) return;
  axes = 2;
  strides = {1, strides[0]};
  dilations = {1, dilations[0]};
  pads = {0, pads[0], 0, pads[1]};
}

namespace {

// By the attributes; 0 where they do not tell.
int ListedAxes(OnnxNode& node) {
  for (const char* name : {"kernel_shape", "strides", "dilations"}) {
    if (const auto list = node.Ints(name); list.has_value() && !list->empty()) return list->size();
  }
  const auto pads = node.Ints("pads");
  return pads.has_value() ? pads->size() / 2 : 0;
}

}  // namespace

int SpatialAxes(OnnxContext& context, OnnxNode& node, ValueId* x, ValueId* weights) {
  int rank = context.RankOf(*x);
  if (rank < 0) rank = context.RankOf(*weights);
  if (rank < 0) {
    const int listed = ListedAxes(node);
    if (listed == 0) {
      throw ImportError(
          Unsupported("neither an operand nor an attribute tells the rank before data are there"));
    }
    rank = listed + 2;
  }
  if (rank < 3 || rank > ops::kMaxSpatialAxes + 2) {
    throw ImportError(
        Unsupported("input of rank %d: expected [N, C, 1 to %d spatial axes]", rank, ops::kMaxSpatialAxes));
  }
  *x = context.WithRank(*x, rank);
  *weights = context.WithRank(*weights, rank);
  return rank - 2;
}

ValueId ToChannelsLast(OnnxContext& context, ValueId value, int axes) {
  IntList perm = {0};
  for (int i = 0; i < axes; ++i) perm.Push(2 + i);
  perm.Push(1);
  return context.Transpose(value, perm);
}

ValueId ToChannelsFirst(OnnxContext& context, ValueId value, int axes) {
  IntList perm = {0, axes + 1};
  for (int i = 0; i < axes; ++i) perm.Push(1 + i);
  return context.Transpose(value, perm);
}

ValueId ToImage(OnnxContext& context, ValueId value, int axes) {
  const ValueId last = ToChannelsLast(context, value, axes);
  return axes == 1 ? context.Unsqueeze(last, {1}) : last;
}

ValueId FromImage(OnnxContext& context, ValueId value, int axes) {
  return ToChannelsFirst(context, axes == 1 ? context.Squeeze(value, {1}) : value, axes);
}

namespace {

bool IsKnown(const Shape& shape, int begin, int end) {
  return std::all_of(shape.dims + begin, shape.dims + end, [](int64_t dim) { return dim >= 0; });
}

}  // namespace

ValueId ReshapeTo(OnnxContext& context, ValueId value, std::initializer_list<ValueId> sizes) {
  return context.Emit(OpId::kReshape, {value, ConcatOf(context, sizes, 0)}, ops::ReshapeAttributes{});
}

ValueId JoinDepth(OnnxContext& context, ValueId volumes) {
  const Shape shape = context.TypeOf(volumes).shape;
  if (IsKnown(shape, 2, 5)) return context.Reshape(volumes, {-1, shape[2], shape[3], shape[4]});
  return ReshapeTo(context, volumes, {context.Int64s(IntList{-1}), SizesOf(context, volumes, 2, 5)});
}

ValueId SplitDepth(OnnxContext& context, ValueId images, ValueId volumes) {
  const Shape in = context.TypeOf(volumes).shape, out = context.TypeOf(images).shape;
  if (in[1] >= 0 && IsKnown(out, 1, 4)) {
    return context.Reshape(images, {-1, in[1], out[1], out[2], out[3]});
  }
  return ReshapeTo(context, images, {SizesOf(context, volumes, 0, 2), SizesOf(context, images, 1, 4)});
}

ValueId WithKernelRow(OnnxContext& context, ValueId weights) {
  const Shape shape = context.TypeOf(weights).shape;
  if (!context.IsConstant(weights)) {
    const NodeId producer = context.graph().values[weights].producer;
    const Node* node = producer == kNone ? nullptr : &context.graph().nodes[producer];
    if (node == nullptr || node->op != OpId::kDequantize || !context.IsConstant(node->inputs[0])) {
      return context.Unsqueeze(weights, {2});
    }
    return context.EmitQuantized(OpId::kDequantize, {WithKernelRow(context, node->inputs[0])}, NoAttributes{},
                                 kNone);
  }
  context.SpendCopy(context.graph().ConstantOf(weights)->bytes());
  return Unwrap(passes::ReshapedConstant(&context.graph(), weights, Shape{shape[0], shape[1], 1, shape[2]}));
}

ValueId KernelToImage(OnnxContext& context, ValueId weights, int axes) {
  return ToChannelsLast(context, axes == 1 ? WithKernelRow(context, weights) : weights, std::max(axes, 2));
}

}  // namespace mace::importers::onnx
