#include "mace/importers/onnx/window.h"

#include "mace/ops/nd_window.h"
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

ValueId WithRow(OnnxContext& context, ValueId value) {
  const TensorType& type = context.TypeOf(value);
  const bool is_bare = type.quantization == kNone || context.graph().QuantizationOf(value)->axis == kNone;
  if (!context.IsConstant(value) || !is_bare || BytesOf(type.dtype) == 0) {
    return context.Unsqueeze(value, {1});
  }
  const Shape shape = {type.shape[0], 1, type.shape[1], type.shape[2]};
  context.SpendCopy(context.graph().ConstantOf(value)->bytes());
  return Unwrap(passes::ReshapedConstant(&context.graph(), value, shape));
}

ValueId ToImage(OnnxContext& context, ValueId value, int axes) {
  const ValueId last = ToChannelsLast(context, value, axes);
  return axes == 1 ? WithRow(context, last) : last;
}

ValueId FromImage(OnnxContext& context, ValueId value, int axes) {
  return ToChannelsFirst(context, axes == 1 ? context.Squeeze(value, {1}) : value, axes);
}

}  // namespace mace::importers::onnx
