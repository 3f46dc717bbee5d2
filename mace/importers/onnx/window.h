// Windows of ONNX's operators: the attributes that Conv, pools and others have in common, and the layout that
// the IR wants them in: channels last, one spatial axis as two.
#ifndef MACE_IMPORTERS_ONNX_WINDOW_H_
#define MACE_IMPORTERS_ONNX_WINDOW_H_

#include <initializer_list>

#include "mace/importers/onnx/onnx_context.h"
#include "mace/ops/common.h"

namespace mace::importers::onnx {

inline constexpr int64_t kMaxWindow = 1 << 20;  // of every window attribute, so that sums cannot overflow

// Lists have an entry per spatial axis; pads: all begins, then all ends.
struct WindowAttributes {
  int axes = 0;
  IntList strides, dilations, pads;
  ops::Padding padding = ops::Padding::kExplicit;

  // A window over one axis as one over two, the first of a single row. Others are left alone.
  void Widen();
};

// The attribute `name` with `axes` entries of `minimum` to kMaxWindow, each `missing` where it is absent.
IntList AxisInts(OnnxNode& node, std::string_view name, int axes, int64_t missing, int64_t minimum);
WindowAttributes ReadWindow(OnnxNode& node, int axes);

// How many spatial axes: by x, or where its rank is not known by the weights, or by attributes that have a
// number for each. 1 to 4, else kUnsupported. Both operands have that rank from here on.
int SpatialAxes(OnnxContext& context, OnnxNode& node, ValueId* x, ValueId* weights);

// [N, C, spatial...] as [N, spatial..., C], and back.
ValueId ToChannelsLast(OnnxContext& context, ValueId value, int axes);
ValueId ToChannelsFirst(OnnxContext& context, ValueId value, int axes);
// The same as an image, for the operators over two axes: one spatial axis becomes one row. The row comes
// behind the Transpose, so that the Transposes of a chain meet.
ValueId ToImage(OnnxContext& context, ValueId value, int axes);
ValueId FromImage(OnnxContext& context, ValueId value, int axes);
// [N, D, H, W, C] as the images [N * D, H, W, C], and back: with the N and D of `volumes`.
ValueId JoinDepth(OnnxContext& context, ValueId volumes);
ValueId SplitDepth(OnnxContext& context, ValueId images, ValueId volumes);
// `value` in the shape that these lists of sizes say together.
ValueId ReshapeTo(OnnxContext& context, ValueId value, std::initializer_list<ValueId> sizes);

// Weights [.., .., W] as [.., .., 1, W]. Constants change their shape in place of a node, also those behind a
// Dequantize: layers on integers are made of constants that are dequantized.
ValueId WithKernelRow(OnnxContext& context, ValueId weights);
// Weights [O, I, kernel...] as those of a layer over images: [O, 1 or kh, kw, I].
ValueId KernelToImage(OnnxContext& context, ValueId weights, int axes);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_WINDOW_H_
