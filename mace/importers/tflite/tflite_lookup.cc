// Converters of operators that find or look up elements, and of products of matrices.
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/reduce/arg_reduce.h"
#include "mace/ops/search/top_k.h"

namespace mace::importers::tflite {
namespace {

// Inputs: x, the axis. The type of the positions is that of the output.
void ConvertArgReduce(TfliteContext& context, ops::ArgReduceKind kind) {
  ops::ArgReduceAttributes attributes;
  attributes.kind = kind;
  attributes.axis = ConstantScalar(context, context.Input(1), "the axis");
  attributes.keep_dims = false;
  attributes.to = context.OutputType(0).dtype;
  context.EmitOutput(OpId::kArgReduce, {context.Input(0)}, attributes);
}

}  // namespace

void ConvertArgMax(TfliteContext& context) { ConvertArgReduce(context, ops::ArgReduceKind::kMax); }
void ConvertArgMin(TfliteContext& context) { ConvertArgReduce(context, ops::ArgReduceKind::kMin); }

// Inputs: x, how many of its last axis.
void ConvertTopK(TfliteContext& context) {
  ops::TopKAttributes attributes;
  attributes.index_type = context.OutputType(1).dtype;
  const ValueId inputs[] = {context.Input(0), context.Input(1)};
  RequireEqualQuantization(context, context.TypeOf(inputs[0]), context.OutputType(0));
  const TensorType types[] = {context.OutputType(0), context.OutputType(1)};
  const std::string_view names[] = {context.file().TensorName(context.OutputTensor(0)),
                                    context.file().TensorName(context.OutputTensor(1))};
  const std::vector<ValueId> outputs =
      context.EmitNode(OpId::kTopK, inputs, &attributes, sizeof(attributes), types, names);
  context.BindOutput(0, outputs[0]);
  context.BindOutput(1, outputs[1]);
}

// Inputs: x, indices.
void ConvertGather(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::GatherOptions>();
  if (options.batch_dims() != 0) context.Refuse("batch_dims " + std::to_string(options.batch_dims()));
  ops::GatherAttributes attributes;
  attributes.axis = options.axis();
  const ValueId x = context.Input(0);
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.EmitOutput(OpId::kGather, {x, context.Input(1)}, attributes);
}

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
  if (quantization != nullptr && quantization->axis != kNone) context.Refuse("a table quantized per channel");
  type.shape = Shape();
  const ValueId rows = context.Emit(OpId::kGather, {table, indices}, ops::GatherAttributes{}, type);
  context.EmitOutput(OpId::kDequantize, {rows}, NoAttributes{});
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
