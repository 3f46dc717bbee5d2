// Converters of elementwise operators and type conversions.
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/unary/unary.h"

namespace mace::importers::tflite {
namespace {

template <typename Options>
void ConvertBinary(TfliteContext& context, OpId op) {
  const Options* options = context.OptionalOptions<Options>();
  const int8_t activation = options == nullptr ? 0 : options->activation();
  context.EmitOutput(op, {context.Input(0), context.Input(1)}, NoAttributes{}, activation);
}

void ConvertClip(TfliteContext& context, float low, float high) {
  ops::ClipAttributes attributes;
  attributes.min = low;
  attributes.max = high;
  context.EmitOutput(OpId::kClip, {context.Input(0)}, attributes);
}

}  // namespace

void ConvertQuantize(TfliteContext& context) {
  const ValueId x = context.Input(0);
  const DType to = context.OutputType(0).dtype;
  if (context.DTypeOf(x) == DType::kF32) {
    ops::QuantizeAttributes attributes;
    attributes.to = to;
    attributes.rounding = ops::Rounding::kTfliteDouble;
    context.EmitOutput(OpId::kQuantize, {x}, attributes);
    return;
  }
  ops::RequantizeAttributes attributes;
  attributes.to = to;
  attributes.rounding = ops::Rounding::kTfliteDouble;
  context.EmitOutput(OpId::kRequantize, {x}, attributes);
}

void ConvertDequantize(TfliteContext& context) {
  const ValueId x = context.Input(0);
  if (context.DTypeOf(x) == DType::kF16) {  // float16 weights that a float32 model unpacks
    ops::CastAttributes attributes;
    attributes.to = DType::kF32;
    context.EmitOutput(OpId::kCast, {x}, attributes);
    return;
  }
  context.EmitOutput(OpId::kDequantize, {x}, NoAttributes{});
}

void ConvertAdd(TfliteContext& context) { ConvertBinary<file::AddOptions>(context, OpId::kAdd); }
void ConvertSub(TfliteContext& context) { ConvertBinary<file::SubOptions>(context, OpId::kSub); }
void ConvertMul(TfliteContext& context) { ConvertBinary<file::MulOptions>(context, OpId::kMul); }
void ConvertDiv(TfliteContext& context) { ConvertBinary<file::DivOptions>(context, OpId::kDiv); }

void ConvertRelu(TfliteContext& context) {
  context.EmitOutput(OpId::kRelu, {context.Input(0)}, NoAttributes{});
}
void ConvertRelu6(TfliteContext& context) { ConvertClip(context, 0, 6); }
void ConvertReluMinus1To1(TfliteContext& context) { ConvertClip(context, -1, 1); }
void ConvertLogistic(TfliteContext& context) {
  context.EmitOutput(OpId::kSigmoid, {context.Input(0)}, NoAttributes{});
}
void ConvertTanh(TfliteContext& context) {
  context.EmitOutput(OpId::kTanh, {context.Input(0)}, NoAttributes{});
}

}  // namespace mace::importers::tflite
