// Converters of operators that enlarge pictures.
#include "mace/importers/tflite/tflite_operators.h"
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

}  // namespace

void ConvertResizeBilinear(TfliteContext& context) {
  ConvertResize<file::ResizeBilinearOptions>(context, ops::ResizeMode::kLinear);
}
void ConvertResizeNearest(TfliteContext& context) {
  ConvertResize<file::ResizeNearestOptions>(context, ops::ResizeMode::kNearest);
}

}  // namespace mace::importers::tflite
