// Converters of elementwise operators and type conversions.
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/binary/binary_integer.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/unary/unary.h"

namespace mace::importers::tflite {
namespace {

constexpr ops::RoundingAttributes kTwoRoundings = {ops::Rounding::kTfliteDouble};

template <typename Options>
void ConvertBinary(TfliteContext& context, OpId op) {
  const Options* options = context.OptionalOptions<Options>();
  const int8_t activation = options == nullptr ? 0 : options->activation();
  context.EmitOutput(op, {context.Input(0), context.Input(1)}, kTwoRoundings, activation);
}

// Whether 16-bit operands are added as TensorFlow Lite adds those whose scales are powers of two.
bool AreShifted(TfliteContext& context, bool allowed) {
  if (!allowed) return false;
  float scales[3];
  const TensorType types[] = {context.TypeOf(context.Input(0)), context.TypeOf(context.Input(1)),
                              context.OutputType(0)};
  for (int i = 0; i < 3; ++i) {
    if (types[i].dtype != DType::kI16 || types[i].quantization == kNone) return false;
    const Quantization& quantization = context.graph().quantizations[types[i].quantization];
    if (quantization.scales.size() != 1 || quantization.zero_points[0] != 0) return false;
    scales[i] = quantization.scales[0];
  }
  int a_shift = 0, b_shift = 0;
  return ops::MakeShiftedSum(scales[0], scales[1], scales[2], &a_shift, &b_shift);
}

template <typename Options>
void ConvertSum(TfliteContext& context, OpId op) {
  const Options* options = context.OptionalOptions<Options>();
  ops::RoundingAttributes attributes = kTwoRoundings;
  if (AreShifted(context, options != nullptr && options->power_of_two_scales())) {
    attributes.rounding = ops::Rounding::kTfliteSingle;
  }
  context.EmitOutput(op, {context.Input(0), context.Input(1)}, attributes,
                     options == nullptr ? 0 : options->activation());
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

void ConvertAdd(TfliteContext& context) { ConvertSum<file::AddOptions>(context, OpId::kAdd); }
void ConvertSub(TfliteContext& context) { ConvertSum<file::SubOptions>(context, OpId::kSub); }
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
