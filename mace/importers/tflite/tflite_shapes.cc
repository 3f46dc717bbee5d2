// Converters of operators that report shapes, or make tensors of them.
#include <algorithm>

#include "mace/importers/tflite/tflite_emit.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/movement/rearrange.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/range.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {

void ConvertShape(TfliteContext& context) {
  const ValueId dims = context.EmitInner(OpId::kShape, {context.Input(0)}, ops::ShapeAttributes{});
  ops::CastAttributes cast;
  cast.to = context.OutputType(0).dtype;
  if (cast.to == DType::kI64) return context.EmitOutput(OpId::kIdentity, {dims}, NoAttributes{});
  context.EmitOutput(OpId::kCast, {dims}, cast);
}

void ConvertRank(TfliteContext& context) {
  const ValueId rank = Number(context, RankOf(context, context.Input(0)), DType::kI32);
  context.EmitOutput(OpId::kIdentity, {rank}, NoAttributes{});
}

void ConvertZerosLike(TfliteContext& context) {
  const ValueId x = context.Input(0);
  ops::ConstantOfShapeAttributes attributes;
  attributes.dtype = context.DTypeOf(x);
  context.EmitOutput(OpId::kConstantOfShape, {DimsOf(context, x)}, attributes);
}

// Inputs: the shape, the value.
void ConvertFill(TfliteContext& context) {
  const ValueId value = context.Input(1);
  RequireEqualQuantization(context, context.TypeOf(value), context.OutputType(0));
  context.EmitOutput(OpId::kExpand, {value, AsInt64(context, context.Input(0))}, NoAttributes{});
}

void ConvertRange(TfliteContext& context) {
  context.EmitOutput(OpId::kRange, {context.Input(0), context.Input(1), context.Input(2)}, NoAttributes{});
}

// To the shape of the second operand, by NumPy's rules.
void ConvertBroadcastTo(TfliteContext& context) {
  const ValueId x = context.Input(0);
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.EmitOutput(OpId::kExpand, {x, AsInt64(context, context.Input(1))}, NoAttributes{});
}

// Inputs: x, how many times along each axis.
void ConvertTile(TfliteContext& context) {
  const ValueId x = context.Input(0);
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.EmitOutput(OpId::kTile, {x, context.Input(1)}, NoAttributes{});
}

// Two lists of dimensions -> those that both broadcast to.
void ConvertBroadcastArgs(TfliteContext& context) {
  ValueId lists[] = {context.Input(0), context.Input(1)};
  const int lengths[] = {LengthOf(context, lists[0], "a shape"), LengthOf(context, lists[1], "a shape")};
  const DType dtype = context.DTypeOf(lists[0]);
  for (int i = 0; i < 2; ++i) {
    const int missing = lengths[1 - i] - lengths[i];
    if (missing <= 0) continue;
    const ValueId parts[] = {CastTo(context, Repeated(context, 1, missing), dtype), lists[i]};
    lists[i] = Joined(context, parts);
  }
  const ValueId is_one =
      context.EmitInner(OpId::kEqual, {lists[0], Number(context, 1, dtype)}, ops::RoundingAttributes{});
  context.EmitOutput(OpId::kWhere, {is_one, lists[1], lists[0]}, NoAttributes{});
}

namespace {

// [rows, columns]: true on the main diagonal.
ValueId Diagonal(TfliteContext& context, ValueId rows, ValueId columns) {
  const auto count_to = [&](ValueId size) {
    return context.EmitInner(OpId::kRange, {Int(context, 0), Reshaped(context, size, {}), Int(context, 1)});
  };
  const ValueId down = AddedAxes(context, count_to(rows), {1});
  return context.EmitInner(OpId::kEqual, {down, count_to(columns)}, ops::RoundingAttributes{});
}

}  // namespace

// Each row of the last axis becomes the diagonal of a matrix of stored zeros.
void ConvertMatrixDiag(TfliteContext& context) {
  const ValueId x = context.Input(0);
  const int rank = RankOf(context, x);
  if (rank < 1 || rank == kMaxRank) {
    throw ImportError(StatusCode::kUnsupported, "a tensor of rank " + std::to_string(rank));
  }
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  const ValueId size = DimOf(context, x, rank - 1);
  const ValueId zero = Number(context, 0, context.DTypeOf(x));
  context.graph().values[zero].type.quantization = context.TypeOf(x).quantization;
  context.EmitOutput(OpId::kWhere, {Diagonal(context, size, size), AddedAxes(context, x, {rank - 1}), zero},
                     NoAttributes{});
}

// Inputs: matrices, their new diagonals.
void ConvertMatrixSetDiag(TfliteContext& context) {
  const ValueId x = context.Input(0), diagonal = context.Input(1);
  const Shape shape = context.ShapeOf(x);
  const int rank = RankOf(context, x);
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  RequireEqualQuantization(context, context.TypeOf(diagonal), context.OutputType(0));
  if (rank < 2 || RankOf(context, diagonal) != rank - 1) {
    throw ImportError(StatusCode::kDataLoss, std::string("diagonals for the shape ") + ShapeText(shape).text);
  }
  if (shape[rank - 1] < 0 || shape[rank - 2] < 0) {
    throw ImportError(StatusCode::kUnsupported, "matrices whose sizes are computed at run time");
  }
  // The diagonal has an element for each row, or for each column, whichever are fewer.
  const bool by_column = shape[rank - 1] <= shape[rank - 2];
  const ValueId spread = AddedAxes(context, diagonal, {by_column ? rank - 2 : rank - 1});
  const ValueId mask = Diagonal(context, DimOf(context, x, rank - 2), DimOf(context, x, rank - 1));
  context.EmitOutput(OpId::kWhere, {mask, spread, x}, NoAttributes{});
}

void ConvertBitcast(TfliteContext& context) {
  ops::BitCastAttributes attributes;
  attributes.to = context.OutputType(0).dtype;
  attributes.regroup = BytesOf(attributes.to) != BytesOf(context.DTypeOf(context.Input(0)));
  context.EmitOutput(OpId::kBitCast, {context.Input(0)}, attributes);
}

}  // namespace mace::importers::tflite
