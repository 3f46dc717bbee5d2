// Converters of operators that read, write or find elements by index.
#include "mace/importers/tflite/tflite_emit.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/detection/suppress_boxes.h"
#include "mace/ops/index/index_ops.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/movement/rearrange.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/search/selection.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {
namespace {

// Indices of 16 bits are widened.
ValueId Indices(TfliteContext& context, ValueId value) {
  return context.DTypeOf(value) == DType::kI16 ? CastTo(context, value, DType::kI32) : value;
}

// Binds the outputs of one node, of which those may be cast whose type is not the file's.
void BindCast(TfliteContext& context, int output, ValueId value) {
  ops::CastAttributes cast;
  cast.to = context.OutputType(output).dtype;
  const std::string_view name = context.file().TensorName(context.OutputTensor(output));
  TensorType type = context.OutputType(output);
  context.BindOutput(output, context.DTypeOf(value) == cast.to
                                 ? context.Emit(OpId::kIdentity, {value}, NoAttributes{}, type, name)
                                 : context.Emit(OpId::kCast, {value}, cast, type, name));
}

// x [B .., A .., n, rest ..] with indices [B .., I ..] into its axis n: that axis is moved in front of A,
// where GatherNd looks, and what comes in its place is moved back.
void GatherInBatches(TfliteContext& context, ValueId x, ValueId indices, int axis, int batch_dims) {
  const int rank = RankOf(context, x), index_axes = RankOf(context, indices) - batch_dims;
  IntList forth, back;
  for (int i = 0; i < rank; ++i) {
    if (i == batch_dims) forth.Push(axis);
    if (i != axis) forth.Push(i);
  }
  if (batch_dims == rank - 1 && axis == rank - 1) forth = {};
  const ValueId moved = axis == batch_dims ? x : Permuted(context, x, forth);
  const IntList last = {index_axes + batch_dims};
  ops::GatherNdAttributes attributes;
  attributes.batch_dims = batch_dims;
  const ValueId rows = AddedAxes(context, indices, last);
  if (axis == batch_dims) return context.EmitOutput(OpId::kGatherNd, {moved, rows}, attributes);
  const ValueId found = context.EmitInner(OpId::kGatherNd, {moved, rows}, attributes, x);
  // [B .., I .., A .., rest ..]
  const int between = axis - batch_dims;
  for (int i = 0; i < batch_dims; ++i) back.Push(i);
  for (int i = 0; i < between; ++i) back.Push(batch_dims + index_axes + i);
  for (int i = 0; i < index_axes; ++i) back.Push(batch_dims + i);
  for (int i = axis + index_axes; i < rank + index_axes - 1; ++i) back.Push(i);
  ops::TransposeAttributes transpose;
  transpose.perm = back;
  context.EmitOutput(OpId::kTranspose, {found}, transpose);
}

}  // namespace

// Inputs: x, indices.
void ConvertGather(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::GatherOptions>();
  const ValueId x = context.Input(0), indices = Indices(context, context.Input(1));
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  if (options.batch_dims() == 0) {
    ops::GatherAttributes attributes;
    attributes.axis = options.axis();
    return context.EmitOutput(OpId::kGather, {x, indices}, attributes);
  }
  const int rank = RankOf(context, x), index_rank = RankOf(context, indices);
  const int batch_dims = options.batch_dims() + (options.batch_dims() < 0 ? index_rank : 0);
  const int axis = options.axis() + (options.axis() < 0 ? rank : 0);
  if (batch_dims < 0 || batch_dims > index_rank || axis < batch_dims || axis >= rank ||
      rank + index_rank - batch_dims > kMaxRank) {
    throw ImportError(StatusCode::kDataLoss, "axis " + std::to_string(axis) + " behind " +
                                                 std::to_string(batch_dims) + " batch axes");
  }
  GatherInBatches(context, x, indices, axis, batch_dims);
}

void ConvertGatherNd(TfliteContext& context) {
  const ValueId x = context.Input(0);
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.EmitOutput(OpId::kGatherNd, {x, Indices(context, context.Input(1))}, ops::GatherNdAttributes{});
}

// Inputs: indices, updates, the shape. Updates of one place are added.
void ConvertScatterNd(TfliteContext& context) {
  const ValueId updates = context.Input(1);
  ops::ConstantOfShapeAttributes zeros;
  zeros.dtype = context.DTypeOf(updates);
  const ValueId data =
      context.EmitInner(OpId::kConstantOfShape, {AsInt64(context, context.Input(2))}, zeros, updates);
  ops::ScatterNdAttributes attributes;
  attributes.reduction = ops::ScatterReduction::kAdd;
  context.EmitOutput(OpId::kScatterNd, {data, Indices(context, context.Input(0)), updates}, attributes);
}

// Inputs: indices (one, a list of them, or a row of coordinates each), the shape, values (or one for all),
// what stands elsewhere.
void ConvertSparseToDense(TfliteContext& context) {
  ValueId indices = context.Input(0), values = context.Input(2);
  const ValueId shape = AsInt64(context, context.Input(1));
  const int rank = RankOf(context, indices);
  if (rank > 2) throw ImportError(StatusCode::kDataLoss, "indices of rank " + std::to_string(rank));
  if (rank == 1) indices = AddedAxes(context, indices, {1});
  if (rank == 0) indices = Reshaped(context, indices, {1, 1});
  if (RankOf(context, values) == 0) {
    values = context.EmitInner(OpId::kExpand, {values, DimOf(context, indices, 0)}, NoAttributes{}, values);
  }
  const ValueId fill = context.Input(3);
  const ValueId data = context.EmitInner(OpId::kExpand, {fill, shape}, NoAttributes{}, fill);
  context.EmitOutput(OpId::kScatterNd, {data, indices, values}, ops::ScatterNdAttributes{});
}

// Inputs: indices, the depth, on, off. Here an index below 0 is nowhere on, as one of depth and more is.
void ConvertOneHot(TfliteContext& context) {
  const ValueId listed = AsInt64(context, context.Input(0));
  const ValueId depth = Reshaped(context, AsInt64(context, context.Input(1)), {1});
  const ValueId negative =
      context.EmitInner(OpId::kLess, {listed, Int(context, 0)}, ops::RoundingAttributes{});
  const ValueId indices = Chosen(context, negative, Reshaped(context, depth, {}), listed);
  const ValueId values[] = {Reshaped(context, context.Input(3), {1}),
                            Reshaped(context, context.Input(2), {1})};
  ops::OneHotAttributes attributes;
  attributes.axis = context.RequiredOptions<file::OneHotOptions>().axis();
  context.EmitOutput(OpId::kOneHot, {indices, depth, Joined(context, values)}, attributes);
}

// The coordinates of what is not zero, a row each.
void ConvertWhere(TfliteContext& context) {
  const ValueId places = context.EmitInner(OpId::kNonZero, {context.Input(0)});
  ops::TransposeAttributes transpose;
  transpose.perm = {1, 0};
  context.EmitOutput(OpId::kTranspose, {places}, transpose);
}

// In the order of first occurrence; which of them each element is.
void ConvertUnique(TfliteContext& context) {
  ops::UniqueAttributes attributes;
  attributes.sorted = false;
  const ValueId inputs[] = {context.Input(0)};
  TensorType types[3];
  for (TensorType& type : types) type.shape = Shape::OfUnknownRank();
  types[0].quantization = context.TypeOf(inputs[0]).quantization;
  const std::string_view names[] = {context.file().TensorName(context.OutputTensor(0)), "", ""};
  const std::vector<ValueId> outputs =
      context.EmitNode(OpId::kUnique, inputs, &attributes, sizeof(attributes), types, names);
  context.BindOutput(0, outputs[0]);
  BindCast(context, 1, outputs[2]);
}

// Inputs: boxes, scores, how many, overlap, lowest score, and of V5 sigma. V5 also gives the scores.
void ConvertSuppression(TfliteContext& context) {
  std::vector<ValueId> inputs;
  for (int i = 0; i < context.input_count(); ++i) inputs.push_back(context.Input(i));
  constexpr int32_t kWithScores = 121;
  const bool with_scores = context.number() == kWithScores;
  TensorType types[3];
  for (TensorType& type : types) type.shape = Shape::OfUnknownRank();
  std::string_view names[3];
  const int places[] = {0, with_scores ? 1 : -1, with_scores ? 2 : 1};
  for (int i = 0; i < 3; ++i) {
    if (places[i] >= 0) names[i] = context.file().TensorName(context.OutputTensor(places[i]));
  }
  const std::vector<ValueId> outputs =
      context.EmitNode(OpId::kSuppressBoxes, inputs, nullptr, 0, types, names);
  for (size_t i = 0; i < 3; ++i) {
    if (places[i] >= 0) context.BindOutput(places[i], outputs[i]);
  }
}

// Inputs: x, lengths.
void ConvertReverseSequence(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::ReverseSequenceOptions>();
  const ValueId x = context.Input(0);
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  ops::ReverseSequenceAttributes attributes;
  attributes.batch_axis = options.batch_axis();
  attributes.time_axis = options.sequence_axis();
  context.EmitOutput(OpId::kReverseSequence, {x, context.Input(1)}, attributes);
}

}  // namespace mace::importers::tflite
