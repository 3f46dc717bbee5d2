// Converters of operators that find or look up elements, and of products of matrices.
#include "mace/importers/tflite/tflite_emit.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/hash/lsh_projection.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/reduce/arg_reduce.h"
#include "mace/ops/search/top_k.h"

namespace mace::importers::tflite {
namespace {

// x with the axis that an operand names as the last one.
ValueId MovedToEnd(TfliteContext& context, ValueId x, ValueId operand) {
  const int rank = RankOf(context, x);
  if (rank < 1) throw ImportError(StatusCode::kDataLoss, "a scalar has no axes");
  const ValueId axis = AxisFromFront(context, operand, rank);
  if (rank == 1) return x;
  std::vector<int64_t> places;
  for (int i = 0; i + 1 < rank; ++i) places.push_back(i);
  const ValueId others = context.AddInts(places);
  const ValueId behind = context.EmitInner(OpId::kGreaterOrEqual, {others, axis}, ops::RoundingAttributes{});
  const ValueId order[] = {Plus(context, others, CastTo(context, behind, DType::kI64)), axis};
  return context.EmitInner(OpId::kPermute, {x, Joined(context, order)}, NoAttributes{}, x);
}

// Inputs: x, the axis. The type of the positions is that of the output.
void ConvertArgReduce(TfliteContext& context, ops::ArgReduceKind kind) {
  ops::ArgReduceAttributes attributes;
  attributes.kind = kind;
  attributes.keep_dims = false;
  attributes.to = context.OutputType(0).dtype;
  ValueId x = context.Input(0);
  if (IsConstant(context, context.Input(1))) {
    attributes.axis = ConstantScalar(context, context.Input(1), "the axis");
  } else {
    x = MovedToEnd(context, x, context.Input(1));
    attributes.axis = -1;
  }
  if (context.DTypeOf(x) == DType::kBool) x = CastTo(context, x, DType::kU8);
  context.EmitOutput(OpId::kArgReduce, {x}, attributes);
}

}  // namespace

void ConvertArgMax(TfliteContext& context) { ConvertArgReduce(context, ops::ArgReduceKind::kMax); }
void ConvertArgMin(TfliteContext& context) { ConvertArgReduce(context, ops::ArgReduceKind::kMin); }

// Inputs: x, how many of its last axis.
void ConvertTopK(TfliteContext& context) {
  ops::TopKAttributes attributes;
  const DType places_type = context.OutputType(1).dtype;
  const bool is_short = places_type == DType::kI16;
  attributes.index_type = is_short ? DType::kI32 : places_type;
  ValueId k = context.Input(1);
  if (context.DTypeOf(k) == DType::kI16) k = CastTo(context, k, DType::kI32);
  const ValueId inputs[] = {context.Input(0), k};
  RequireEqualQuantization(context, context.TypeOf(inputs[0]), context.OutputType(0));
  TensorType types[] = {context.OutputType(0), context.OutputType(1)};
  types[1].dtype = attributes.index_type;
  const std::string_view places_name = context.file().TensorName(context.OutputTensor(1));
  const std::string_view names[] = {context.file().TensorName(context.OutputTensor(0)),
                                    is_short ? std::string_view() : places_name};
  const std::vector<ValueId> outputs =
      context.EmitNode(OpId::kTopK, inputs, &attributes, sizeof(attributes), types, names);
  context.BindOutput(0, outputs[0]);
  context.BindOutput(1, outputs[1]);
  if (!is_short) return;
  ops::CastAttributes cast;
  cast.to = places_type;
  context.BindOutput(1, context.Emit(OpId::kCast, {outputs[1]}, cast, context.OutputType(1), places_name));
}

namespace {

// Rows of a table that has a scale for each: the looked-up ones times their scales.
void EmitScaledRows(TfliteContext& context, ValueId indices, ValueId table) {
  const Quantization& quantization = *context.graph().QuantizationOf(table);
  const int rank = RankOf(context, table);
  bool symmetric = quantization.axis == 0;
  for (int32_t point : quantization.zero_points) symmetric = symmetric && point == 0;
  if (!symmetric) return context.Refuse("a table quantized per channel, but not one scale a row around 0");
  Shape shape;
  shape.Push(static_cast<int64_t>(quantization.scales.size()));
  for (int i = 1; i < rank; ++i) shape.Push(1);
  context.Spend(static_cast<int64_t>(4 * quantization.scales.size() + sizeof(Value) + sizeof(Constant)));
  TensorView view{const_cast<float*>(quantization.scales.data()), DType::kF32, shape};
  const ValueId scales = Unwrap(context.graph().AddConstant({}, view, /*copy=*/true));
  const ops::GatherAttributes rows;
  const ValueId found =
      CastTo(context, context.EmitInner(OpId::kGather, {table, indices}, rows), DType::kF32);
  context.EmitOutput(OpId::kMul, {found, context.EmitInner(OpId::kGather, {scales, indices}, rows)},
                     ops::RoundingAttributes{});
}

}  // namespace

// Inputs: indices, the table. A float result of an integer table is dequantized.
void ConvertEmbeddingLookup(TfliteContext& context) {
  const ValueId indices = context.Input(0);
  const ValueId table = context.Input(1);
  TensorType type = context.TypeOf(table);
  if (context.OutputType(0).dtype == type.dtype) {
    RequireEqualQuantization(context, type, context.OutputType(0));
    return context.EmitOutput(OpId::kGather, {table, indices}, ops::GatherAttributes{});
  }
  const Quantization* quantization = context.graph().QuantizationOf(table);
  if (quantization != nullptr && quantization->axis != kNone) return EmitScaledRows(context, indices, table);
  type.shape = Shape();
  const ValueId rows = context.Emit(OpId::kGather, {table, indices}, ops::GatherAttributes{}, type);
  context.EmitOutput(OpId::kDequantize, {rows}, NoAttributes{});
}

// Inputs: the seeds of the hash functions, what is hashed byte by byte, a weight of each item.
void ConvertProjection(TfliteContext& context) {
  enum : int8_t { kSparse = 1, kDense = 2 };
  const int8_t kind = context.RequiredOptions<file::ProjectionOptions>().kind();
  if (kind != kSparse && kind != kDense) context.Refuse("projection of kind " + std::to_string(kind));
  if (context.file().TensorDType(context.InputTensor(1)) == DType::kI4) {
    context.Refuse("an input of 4-bit elements");  // they have a byte each here
  }
  ops::LshProjectionAttributes attributes;
  attributes.is_sparse = kind == kSparse;
  context.EmitOutput(OpId::kLshProjection, {context.Input(0), context.Input(1), context.OptionalInput(2)},
                     attributes);
}

void ConvertBatchMatMul(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::BatchMatMulOptions>();
  ops::MatMulAttributes attributes;
  attributes.transpose_a = options.transpose_a();
  attributes.transpose_b = options.transpose_b();
  attributes.rounding = ops::Rounding::kTfliteDouble;
  const ValueId a = context.Input(0);
  ValueId b = context.Input(1);
  if (context.DTypeOf(a) == DType::kF32) b = context.AsFloat(b);
  context.EmitOutput(OpId::kMatMul, {a, b}, attributes);
}

}  // namespace mace::importers::tflite
