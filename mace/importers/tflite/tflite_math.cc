// Converters of arithmetic that models seldom use.
#include <algorithm>
#include <cmath>

#include "mace/importers/tflite/tflite_emit.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/binary/binary_bits.h"
#include "mace/ops/norm/l2_normalization.h"
#include "mace/ops/norm/local_response_normalization.h"
#include "mace/ops/reduce/cumulate.h"
#include "mace/ops/unary/unary.h"

namespace mace::importers::tflite {

void ConvertFloorMod(TfliteContext& context) {
  context.EmitOutput(OpId::kMod, {context.Input(0), context.Input(1)}, ops::ModAttributes{});
}

// Integers are divided towards zero; where the remainders of the two roundings differ, the quotient is one
// less.
void ConvertFloorDiv(TfliteContext& context) {
  const ValueId a = context.Input(0), b = context.Input(1);
  const ValueId quotient = Over(context, a, b);
  if (mace::IsFloat(context.DTypeOf(a))) {
    return context.EmitOutput(OpId::kFloor, {quotient}, ops::RoundingAttributes{});
  }
  ops::ModAttributes floored, truncated;
  truncated.truncated = true;
  const ValueId same = context.EmitInner(
      OpId::kEqual,
      {context.EmitInner(OpId::kMod, {a, b}, floored), context.EmitInner(OpId::kMod, {a, b}, truncated)},
      ops::RoundingAttributes{});
  const ValueId one_less = CastTo(context, context.EmitInner(OpId::kNot, {same}), context.DTypeOf(a));
  context.EmitOutput(OpId::kSub, {quotient, one_less}, ops::RoundingAttributes{});
}

void ConvertAtan2(TfliteContext& context) {
  context.EmitOutput(OpId::kAtan2, {context.Input(0), context.Input(1)}, NoAttributes{});
}

void ConvertBitwise(TfliteContext& context) {
  ops::BitwiseAttributes attributes;
  constexpr int32_t kRightShift = 161;
  attributes.kind = context.number() == kRightShift ? ops::BitwiseKind::kShiftRight : ops::BitwiseKind::kXor;
  const ValueId a = context.Input(0);
  ValueId b = context.Input(1);
  if (context.number() == kRightShift) {  // by 0 at least, and at most by all bits but one
    const DType dtype = context.DTypeOf(b);
    const ops::RoundingAttributes rounding;
    b = context.EmitInner(OpId::kMin, {b, Number(context, BitsOf(dtype) - 1, dtype)}, rounding);
    b = context.EmitInner(OpId::kMax, {b, Number(context, 0, dtype)}, rounding);
  }
  context.EmitOutput(OpId::kBitwise, {a, b}, attributes);
}

void ConvertCumulativeSum(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::CumulativeSumOptions>();
  ops::CumulateAttributes attributes;
  attributes.exclusive = options.exclusive();
  attributes.reverse = options.reverse();
  context.EmitOutput(OpId::kCumulate, {context.Input(0), context.Input(1)}, attributes);
}

void ConvertL2Normalization(TfliteContext& context) {
  context.EmitOutput(OpId::kL2Normalization, {context.Input(0)}, NoAttributes{});
}

void ConvertLocalResponse(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::LocalResponseOptions>();
  constexpr int32_t kWidest = 1 << 20;
  if (options.radius() < 0 || options.radius() > kWidest) {
    throw ImportError(StatusCode::kDataLoss, "a radius of " + std::to_string(options.radius()));
  }
  ops::LocalResponseNormalizationAttributes attributes;
  attributes.axis = RankOf(context, context.Input(0)) - 1;
  attributes.size = 2 * int64_t{options.radius()} + 1;
  attributes.alpha = options.alpha() * static_cast<float>(attributes.size);  // there it divides by the size
  attributes.beta = options.beta();
  attributes.bias = options.bias();
  context.EmitOutput(OpId::kLocalResponseNormalization, {context.Input(0)}, attributes);
}

// Rounds to the steps of an integer of so many bits whose range is moved a little so that it has a zero.
void ConvertFakeQuant(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::FakeQuantOptions>();
  if (options.bits() < 2 || options.bits() > 16 || !(options.low() < options.high())) {
    return context.Refuse(std::to_string(options.bits()) + " bits from " + std::to_string(options.low()) +
                          " to " + std::to_string(options.high()));
  }
  const float lowest = options.narrow_range() ? 1.0f : 0.0f;
  const auto highest = static_cast<float>((1 << options.bits()) - 1);
  const float step = (options.high() - options.low()) / (highest - lowest);
  const float zero = std::round(std::clamp(lowest - options.low() / step, lowest, highest));
  const float low = (lowest - zero) * step;
  ops::ClipAttributes clip;
  clip.min = low;
  clip.max = (highest - zero) * step;
  const DType dtype = context.DTypeOf(context.Input(0));
  const auto number = [&](float value) { return Number(context, value, dtype); };
  ValueId x = context.EmitInner(OpId::kClip, {context.Input(0)}, clip);
  x = Times(context, Minus(context, x, number(low)), number(1.0f / step));
  x = context.EmitInner(OpId::kFloor, {Plus(context, x, number(0.5f))}, ops::RoundingAttributes{});
  context.EmitOutput(OpId::kAdd, {Times(context, x, number(step)), number(low)}, ops::RoundingAttributes{});
}

}  // namespace mace::importers::tflite
