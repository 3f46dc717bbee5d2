// Converters of complex numbers: pairs of floats on one more axis, the last one.
#include "mace/importers/tflite/tflite_emit.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/ops/signal/signal.h"

namespace mace::importers::tflite {
namespace {

enum Part : int64_t { kReal = 0, kImaginary = 1 };

void RequireComplex(const TfliteContext& context, int tensor) {
  if (context.file().IsComplex(tensor)) return;
  throw ImportError(StatusCode::kDataLoss, context.file().DescribeTensor(tensor) + " is " +
                                               context.file().TensorTypeName(tensor) +
                                               ", expected complex numbers");
}

// One part of each number, still with its axis.
ValueId PartOf(TfliteContext& context, ValueId x, Part part) {
  return context.EmitInner(OpId::kSlice,
                           {x, Ints(context, {part}), Ints(context, {part + 1}), Ints(context, {-1})});
}

// Of complex64 the result is float32, of complex128 float64.
void RequireParts(const TfliteContext& context) {
  const TfliteFile& file = context.file();
  const int input = context.InputTensor(0), output = context.OutputTensor(0);
  RequireComplex(context, input);
  if (!file.IsComplex(output) && file.TensorDType(output) == file.TensorDType(input)) return;
  throw ImportError(StatusCode::kDataLoss,
                    std::string("from ") + file.TensorTypeName(input) + " to " + file.TensorTypeName(output));
}

void EmitPart(TfliteContext& context, Part part) {
  RequireParts(context);
  ops::SqueezeAttributes attributes;
  attributes.axes = {-1};
  context.EmitOutput(OpId::kSqueeze, {PartOf(context, context.Input(0), part)}, attributes);
}

}  // namespace

// Along the rows one half of the frequencies, then along the columns all of them. (LiteRT has lengths that
// are powers of two only.)
void ConvertRfft2d(TfliteContext& context) {
  RequireComplex(context, context.OutputTensor(0));
  const ValueId image = context.Input(0);
  const int rank = RankOf(context, image);
  if (rank < 2) throw ImportError(StatusCode::kDataLoss, "an input of rank " + std::to_string(rank));
  const ValueId lengths = AsInt64(context, context.Input(1));
  if (LengthOf(context, lengths, "the list of lengths") != 2) {
    throw ImportError(StatusCode::kDataLoss, "the lengths are not two");
  }
  constexpr int64_t kColumn[] = {0}, kRow[] = {1};
  const ValueId height = Picked(context, lengths, kColumn), width = Picked(context, lengths, kRow);
  const ValueId x = AddedAxes(context, image, {-1});
  ops::DftAttributes along_rows, along_columns;
  along_rows.onesided = true;
  along_rows.axis = -2;
  along_columns.axis = -3;
  if (IsConstant(context, height) && context.ConstantInts(height, "the height")[0] == 1 &&
      context.ShapeOf(image)[rank - 2] == 1) {
    return context.EmitOutput(OpId::kDft, {x, width}, along_rows);
  }
  context.EmitOutput(OpId::kDft, {context.EmitInner(OpId::kDft, {x, width}, along_rows), height},
                     along_columns);
}

void ConvertReal(TfliteContext& context) { EmitPart(context, kReal); }
void ConvertImaginary(TfliteContext& context) { EmitPart(context, kImaginary); }

// In double, where squares of floats neither overflow nor vanish.
void ConvertComplexAbs(TfliteContext& context) {
  RequireParts(context);
  ops::ReduceAttributes attributes;
  attributes.kind = ops::ReduceKind::kL2;
  attributes.axes = {-1};
  attributes.keep_dims = false;
  const ValueId wide = CastTo(context, context.Input(0), DType::kF64);
  const DType dtype = context.OutputType(0).dtype;
  if (dtype == DType::kF64) return context.EmitOutput(OpId::kReduce, {wide}, attributes);
  ops::CastAttributes narrow;
  narrow.to = dtype;
  context.EmitOutput(OpId::kCast, {context.EmitInner(OpId::kReduce, {wide}, attributes)}, narrow);
}

void EmitComplexProduct(TfliteContext& context) {
  for (int i = 0; i < 2; ++i) RequireComplex(context, context.InputTensor(i));
  RequireComplex(context, context.OutputTensor(0));
  const auto* options = context.OptionalOptions<file::MulOptions>();
  if (options != nullptr && options->activation() != 0) context.Refuse("an activation of complex numbers");
  const ValueId a = context.Input(0), b = context.Input(1);
  const ValueId a_real = PartOf(context, a, kReal), a_imaginary = PartOf(context, a, kImaginary);
  const ValueId b_real = PartOf(context, b, kReal), b_imaginary = PartOf(context, b, kImaginary);
  const ValueId real =
      Minus(context, Times(context, a_real, b_real), Times(context, a_imaginary, b_imaginary));
  const ValueId imaginary =
      Plus(context, Times(context, a_real, b_imaginary), Times(context, a_imaginary, b_real));
  ops::ConcatAttributes attributes;
  attributes.axis = -1;
  context.EmitOutput(OpId::kConcat, {real, imaginary}, attributes);
}

// To a real type the real part; from one, with an imaginary part of 0.
void EmitComplexCast(TfliteContext& context) {
  const bool from = context.file().IsComplex(context.InputTensor(0));
  const bool to = context.file().IsComplex(context.OutputTensor(0));
  ValueId x = context.Input(0);
  ops::CastAttributes attributes;
  attributes.to = context.OutputType(0).dtype;
  if (from && !to) {
    ops::SqueezeAttributes squeeze;
    squeeze.axes = {-1};
    x = context.EmitInner(OpId::kSqueeze, {PartOf(context, x, kReal)}, squeeze);
  }
  if (from || !to) return context.EmitOutput(OpId::kCast, {x}, attributes);
  x = AddedAxes(context, CastTo(context, x, attributes.to), {-1});
  context.EmitOutput(OpId::kPad, {x, Ints(context, {0, 1}), kNone, Ints(context, {-1})},
                     ops::PadAttributes{});
}

}  // namespace mace::importers::tflite
