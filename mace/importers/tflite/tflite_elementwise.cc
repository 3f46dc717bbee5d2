// Converters of elementwise operators and type conversions.
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/binary/binary_integer.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/shape_ops.h"
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
  attributes.rounding = ops::Rounding::kTfliteDouble;
  context.EmitOutput(OpId::kClip, {context.Input(0)}, attributes);
}

// To integers of 4 bits, a byte each.
void QuantizeToNibbles(TfliteContext& context, ValueId x) {
  const TensorType type = context.OutputType(0);
  if (context.DTypeOf(x) != DType::kF32 || type.quantization == kNone) {
    return context.Refuse(std::string("4 bits from ") + NameOf(context.DTypeOf(x)));
  }
  const Quantization& quantization = context.graph().quantizations[type.quantization];
  if (quantization.axis != kNone) return context.Refuse("4 bits with several scales");
  const auto real = [&](int stored) {
    return static_cast<float>(stored - quantization.zero_points[0]) * quantization.scales[0];
  };
  ops::ClipAttributes clip;
  clip.min = real(-8);
  clip.max = real(7);
  clip.rounding = ops::Rounding::kTfliteDouble;
  ops::QuantizeAttributes attributes;
  attributes.to = DType::kI8;
  attributes.rounding = ops::Rounding::kTfliteDouble;
  TensorType bytes = type;
  bytes.shape = Shape::OfUnknownRank();
  const ValueId stored = context.Emit(OpId::kQuantize, {x}, attributes, bytes);
  context.EmitOutput(OpId::kClip, {stored}, clip);
}

}  // namespace

void ConvertQuantize(TfliteContext& context) {
  const ValueId x = context.Input(0);
  const DType to = context.OutputType(0).dtype;
  if (context.file().TensorDType(context.OutputTensor(0)) == DType::kI4) return QuantizeToNibbles(context, x);
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
void ConvertMul(TfliteContext& context) {
  for (int tensor : {context.InputTensor(0), context.InputTensor(1), context.OutputTensor(0)}) {
    if (context.file().IsComplex(tensor)) return EmitComplexProduct(context);
  }
  ConvertBinary<file::MulOptions>(context, OpId::kMul);
}
void ConvertDiv(TfliteContext& context) { ConvertBinary<file::DivOptions>(context, OpId::kDiv); }

void ConvertRelu6(TfliteContext& context) { ConvertClip(context, 0, 6); }
void ConvertRelu0To1(TfliteContext& context) { ConvertClip(context, 0, 1); }
void ConvertReluMinus1To1(TfliteContext& context) { ConvertClip(context, -1, 1); }

// Operators of one input without options.
void ConvertUnary(TfliteContext& context) {
  static constexpr struct {
    int32_t number;
    OpId op;
  } kTable[] = {{8, OpId::kFloor}, {14, OpId::kSigmoid}, {19, OpId::kRelu},  {28, OpId::kTanh},
                {47, OpId::kExp},  {59, OpId::kNeg},     {66, OpId::kSin},   {73, OpId::kLog},
                {75, OpId::kSqrt}, {76, OpId::kRsqrt},   {101, OpId::kAbs},  {104, OpId::kCeil},
                {108, OpId::kCos}, {116, OpId::kRound},  {158, OpId::kSign}, {117, OpId::kHardSwish}};
  for (const auto& row : kTable) {
    if (row.number == context.number()) return context.EmitOutput(row.op, {context.Input(0)}, kTwoRoundings);
  }
  context.Refuse("no operator of one input");
}

void ConvertLogicalNot(TfliteContext& context) {
  context.EmitOutput(OpId::kNot, {context.Input(0)}, NoAttributes{});
}

void ConvertSquare(TfliteContext& context) {
  const ValueId x = context.Input(0);
  context.EmitOutput(OpId::kMul, {x, x}, kTwoRoundings);
}

void ConvertLeakyRelu(TfliteContext& context) {
  ops::LeakyReluAttributes attributes;
  attributes.alpha = context.RequiredOptions<file::LeakyReluOptions>().alpha();
  attributes.rounding = ops::Rounding::kTfliteDouble;
  context.EmitOutput(OpId::kLeakyRelu, {context.Input(0)}, attributes);
}

void ConvertElu(TfliteContext& context) {
  ops::EluAttributes attributes;
  attributes.rounding = ops::Rounding::kTfliteDouble;
  context.EmitOutput(OpId::kElu, {context.Input(0)}, attributes);
}

void ConvertGelu(TfliteContext& context) {
  const auto* options = context.OptionalOptions<file::GeluOptions>();
  ops::GeluAttributes attributes;
  attributes.tanh_approximation = options != nullptr && options->approximate();
  attributes.rounding = ops::Rounding::kTfliteDouble;
  context.EmitOutput(OpId::kGelu, {context.Input(0)}, attributes);
}

// Operators of two inputs without a fused activation.
void ConvertPair(TfliteContext& context) {
  static constexpr struct {
    int32_t number;
    OpId op;
  } kTable[] = {{54, OpId::kPRelu}, {55, OpId::kMax}, {57, OpId::kMin}};
  for (const auto& row : kTable) {
    if (row.number != context.number()) continue;
    return context.EmitOutput(row.op, {context.Input(0), context.Input(1)}, kTwoRoundings);
  }
  context.Refuse("no operator of two inputs");
}

void ConvertPow(TfliteContext& context) {
  context.EmitOutput(OpId::kPow, {context.Input(0), context.Input(1)}, NoAttributes{});
}

// Comparisons, and the logical operators of two inputs.
void ConvertComparison(TfliteContext& context) {
  static constexpr struct {
    int32_t number;
    OpId op;
  } kTable[] = {{58, OpId::kLess},        {61, OpId::kGreater}, {62, OpId::kGreaterOrEqual},
                {63, OpId::kLessOrEqual}, {71, OpId::kEqual},   {84, OpId::kOr},
                {86, OpId::kAnd}};
  for (const auto& row : kTable) {
    if (row.number != context.number()) continue;
    if (context.DTypeOf(context.Input(0)) == DType::kBool && row.op != OpId::kEqual) {
      return context.EmitOutput(row.op, {context.Input(0), context.Input(1)}, NoAttributes{});
    }
    ops::RoundingAttributes attributes = kTwoRoundings;
    if (row.op != OpId::kEqual && context.DTypeOf(context.Input(0)) == DType::kI16) {
      attributes.rounding = ops::Rounding::kTfliteSingle;  // the stored integers are compared
    }
    return context.EmitOutput(row.op, {context.Input(0), context.Input(1)}, attributes);
  }
  context.Refuse("no comparison");
}

void ConvertNotEqual(TfliteContext& context) {
  TensorType type = context.OutputType(0);
  type.quantization = kNone;
  const ValueId equal = context.Emit(OpId::kEqual, {context.Input(0), context.Input(1)}, kTwoRoundings, type);
  context.EmitOutput(OpId::kNot, {equal}, NoAttributes{});
}

// The condition of SELECT may be a vector for the outermost axis.
void ConvertSelect(TfliteContext& context) {
  ValueId condition = context.Input(0);
  const ValueId a = context.Input(1), b = context.Input(2);
  RequireEqualQuantization(context, context.TypeOf(a), context.OutputType(0));
  RequireEqualQuantization(context, context.TypeOf(b), context.OutputType(0));
  const int rank = context.ShapeOf(a).rank;
  if (context.number() == 64 && context.ShapeOf(condition).rank == 1 && rank > 1) {
    context.Repaired("SELECT by a condition for each row", "a Reshape, so that the condition broadcasts");
    TensorType type = context.TypeOf(condition);
    ops::ReshapeAttributes reshape;
    reshape.shape = {-1};
    for (int axis = 1; axis < rank; ++axis) {
      reshape.shape.Push(1);
      type.shape.Push(1);
    }
    condition = context.Emit(OpId::kReshape, {condition}, reshape, type);
  }
  context.EmitOutput(OpId::kWhere, {condition, a, b}, NoAttributes{});
}

void ConvertAddN(TfliteContext& context) {
  ValueId sum = context.Input(0);
  for (int i = 1; i + 1 < context.input_count(); ++i) {
    sum = context.Emit(OpId::kAdd, {sum, context.Input(i)}, kTwoRoundings, context.OutputType(0));
  }
  const int last = context.input_count() - 1;
  if (last == 0) return context.EmitOutput(OpId::kIdentity, {sum}, NoAttributes{});
  context.EmitOutput(OpId::kAdd, {sum, context.Input(last)}, kTwoRoundings);
}

// Of floats by two operators that have fast kernels.
void ConvertSquaredDifference(TfliteContext& context) {
  const ValueId a = context.Input(0), b = context.Input(1);
  if (context.DTypeOf(a) == DType::kI8) {
    return context.EmitOutput(OpId::kSquaredDifference, {a, b}, kTwoRoundings);
  }
  const ValueId difference = context.Emit(OpId::kSub, {a, b}, kTwoRoundings, context.OutputType(0));
  context.EmitOutput(OpId::kMul, {difference, difference}, kTwoRoundings);
}

}  // namespace mace::importers::tflite
