// Converters of operators that enlarge pictures.
#include <algorithm>
#include <array>

#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/convolution/conv_transpose2d.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"

namespace mace::importers::tflite {
namespace {

// `value` (i32 or i64) as i64.
ValueId AsInt64(TfliteContext& context, ValueId value) {
  if (context.graph().ConstantOf(value) != nullptr) {
    return context.AddInts(context.ConstantInts(value, "the size"));
  }
  if (context.DTypeOf(value) == DType::kI64) return value;
  ops::CastAttributes cast;
  cast.to = DType::kI64;
  TensorType type = context.TypeOf(value);
  type.dtype = DType::kI64;
  return context.Emit(OpId::kCast, {value}, cast, type);
}

// Inputs: x, the size [2].
template <typename Options>
void ConvertResize(TfliteContext& context, ops::ResizeMode mode) {
  const Options& options = context.RequiredOptions<Options>();
  if (options.align_corners() && options.half_pixel_centers()) {
    context.Refuse("align_corners with half_pixel_centers");
  }
  ops::ResizeAttributes attributes;
  attributes.mode = mode;
  attributes.coordinate_mode = options.align_corners()        ? ops::CoordinateMode::kAlignCorners
                               : options.half_pixel_centers() ? ops::CoordinateMode::kHalfPixel
                                                              : ops::CoordinateMode::kAsymmetric;
  attributes.rounding = ops::Rounding::kTfliteDouble;
  const ValueId x = context.Input(0);
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.EmitOutput(OpId::kResize, {x, kNone, AsInt64(context, context.Input(1))}, attributes);
}

// Where the given size of one axis of a transposed convolution puts its stamps: padding in front and behind,
// and what the size has beyond the last stamp.
struct StampedAxis {
  int64_t begin = 0, end = 0, extra = 0;

  StampedAxis(int64_t input, int64_t kernel, int64_t stride, int64_t output, bool same) {
    const int64_t stamped = stride * (input - 1) + kernel;
    if (same) {  // the padding of the convolution that makes `input` elements of `output`
      const int64_t windows = output / stride + (output % stride != 0);
      begin = std::max<int64_t>((windows - 1) * stride + kernel - output, 0) / 2;
    }
    end = std::max<int64_t>(stamped - begin - output, 0);
    extra = std::max<int64_t>(output - (stamped - begin), 0);
  }
};

// Height and width of the output: from its shape operand, or, where that is computed, as the file declares
// them.
std::array<int64_t, 2> TransposeConvSize(TfliteContext& context, const Shape& x) {
  const ValueId operand = context.Input(0);
  Shape shape = context.OutputType(0).shape;
  if (context.graph().ConstantOf(operand) != nullptr) {
    const std::vector<int64_t> sizes = context.ConstantInts(operand, "the output's shape");
    shape = Shape();
    for (size_t i = 0; i < sizes.size() && i < 5; ++i) shape.Push(sizes[i]);
    if (shape.rank == 4 && x[0] >= 0 && shape[0] != x[0]) {
      throw ImportError(StatusCode::kDataLoss, "an output of another batch size than the input's");
    }
  }
  if (shape.rank != 4) throw ImportError(StatusCode::kDataLoss, "an output that is no picture");
  for (int axis : {1, 2}) {
    if (shape[axis] < 0 || shape[axis] > INT32_MAX) {
      throw ImportError(StatusCode::kUnsupported, "an output whose size is computed at run time");
    }
  }
  return {shape[1], shape[2]};
}

}  // namespace

// Inputs: the output's shape, weights (OHWI), x, bias (may be absent).
void ConvertTransposeConv(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::TransposeConvOptions>();
  ValueId weights = context.Input(1);
  const ValueId x = context.Input(2);
  ValueId bias = context.OptionalInput(3);
  const Shape shape = context.ShapeOf(x), kernel = context.ShapeOf(weights);
  if (shape.rank != 4 || kernel.rank != 4) {
    throw ImportError(StatusCode::kDataLoss, std::string("an input ") + ShapeText(shape).text +
                                                 " with the weights " + ShapeText(kernel).text);
  }
  ops::ConvTranspose2dAttributes attributes;
  attributes.strides = {options.stride_h(), options.stride_w()};
  attributes.rounding = ops::Rounding::kTfliteDouble;
  if (options.padding() != 0 && options.padding() != 1) {
    context.Refuse("padding " + std::to_string(options.padding()));
  }
  const std::array<int64_t, 2> size = TransposeConvSize(context, shape);
  for (int axis = 0; axis < 2; ++axis) {
    const int64_t stride = attributes.strides[axis];
    if (stride < 1 || kernel[1 + axis] < 1 || shape[1 + axis] < 1 || shape[1 + axis] > INT32_MAX ||
        kernel[1 + axis] > INT32_MAX) {
      throw ImportError(shape[1 + axis] < 0 ? StatusCode::kUnsupported : StatusCode::kDataLoss,
                        std::string("an input ") + ShapeText(shape).text + ", the weights " +
                            ShapeText(kernel).text + ", the stride " + std::to_string(stride));
    }
    const StampedAxis stamped(shape[1 + axis], kernel[1 + axis], stride, size[static_cast<size_t>(axis)],
                              options.padding() == 0);
    attributes.pads[axis] = stamped.begin;
    attributes.pads[axis + 2] = stamped.end;
    attributes.output_padding[axis] = stamped.extra;
  }
  if (context.DTypeOf(x) == DType::kF32) {
    weights = context.AsFloat(weights);
    bias = context.AsFloat(bias);
  }
  context.EmitOutput(OpId::kConvTranspose2d, {x, weights, bias}, attributes, options.activation());
}

void ConvertResizeBilinear(TfliteContext& context) {
  ConvertResize<file::ResizeBilinearOptions>(context, ops::ResizeMode::kLinear);
}
void ConvertResizeNearest(TfliteContext& context) {
  ConvertResize<file::ResizeNearestOptions>(context, ops::ResizeMode::kNearest);
}

}  // namespace mace::importers::tflite
