// Converters of operators that find or look up elements.
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/reduce/arg_reduce.h"

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

}  // namespace mace::importers::tflite
