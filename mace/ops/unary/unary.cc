// The elementwise operators of one input: a function per operator, one table of definitions.
#include "mace/ops/unary/unary.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "mace/ops/common.h"
#include "mace/ops/number_types.h"
#include "mace/ops/unary/unary_integer.h"

namespace mace::ops {

namespace {

// --- Shape rules ------------------------------------------------------------------------------------------

Status SameAsInput(InferContext& context) {
  context.SetOutput(0, context.input(0).dtype, context.input(0).shape);
  return Status::Ok();
}

Status InferFloat(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectComputedFloat(context, 0));
  return SameAsInput(context);
}

bool IsQuantized(const Quantization* quantization, DType dtype) {
  return quantization != nullptr && IsInteger(dtype);
}

// Operators that TensorFlow Lite does not have on quantized values.
constexpr TfliteUnary kTfliteNone;

// `rule` where the input is not quantized.
template <typename Attributes, const TfliteUnary& tflite, Status (*rule)(InferContext&)>
Status InferOrQuantized(InferContext& context) {
  if (!IsQuantized(context.input_quantization(0), context.input(0).dtype)) return rule(context);
  return InferQuantizedUnary(context, context.attributes<Attributes>().rounding, tflite);
}

template <const TfliteUnary& tflite>
Status InferRounded(InferContext& context) {
  return InferOrQuantized<RoundingAttributes, tflite, InferFloat>(context);
}

Status InferNumeric(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectNumber(context, 0));
  return SameAsInput(context);
}

Status InferClip(InferContext& context) {
  const auto& attributes = context.attributes<ClipAttributes>();
  if (std::isnan(attributes.min) || std::isnan(attributes.max)) {
    return InvalidArgument("a bound is not a number");
  }
  return InferOrQuantized<ClipAttributes, kTfliteClip, InferNumeric>(context);
}

Status InferNot(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kBool}));
  return SameAsInput(context);
}

// --- References -------------------------------------------------------------------------------------------

template <typename T, typename Function>
Status Map(const ReferenceContext& context, const Function& function) {
  const T* x = context.inputs[0].as<T>();
  T* y = context.outputs[0].as<T>();
  const int64_t count = context.inputs[0].elements();
  for (int64_t i = 0; i < count; ++i) y[i] = function(x[i]);
  return Status::Ok();
}

// `function` of doubles.
template <typename Function>
Status MapFloats(const ReferenceContext& context, const Function& function) {
  return DispatchFloat(context.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    return Map<T>(context, [&](T x) { return static_cast<T>(function(x)); });
  });
}

bool IsQuantized(const ReferenceContext& context) {
  return IsQuantized(context.input_quantization(0), context.inputs[0].dtype);
}

// Of quantized values: what TensorFlow Lite does, or `function` of their reals.
template <typename Function>
Status MapQuantized(const ReferenceContext& context, Rounding rounding, const TfliteUnary& tflite,
                    const Function& function) {
  if (rounding != Rounding::kHalfEvenFloat) return tflite.reference(context);
  return ReferenceHalfEvenUnary(context, function);
}

template <double (*function)(double), const TfliteUnary& tflite = kTfliteNone>
Status ReferenceFloat(const ReferenceContext& context) {
  const auto single = [](float x) { return static_cast<float>(function(x)); };
  if (!IsQuantized(context)) return MapFloats(context, function);
  return MapQuantized(context, context.attributes<RoundingAttributes>().rounding, tflite, single);
}

template <typename Attributes, double (*function)(double, const Attributes&),
          const TfliteUnary& tflite = kTfliteNone>
Status ReferenceFloatWith(const ReferenceContext& context) {
  const auto& attributes = context.attributes<Attributes>();
  const auto single = [&](float x) { return static_cast<float>(function(x, attributes)); };
  if (!IsQuantized(context)) {
    return MapFloats(context, [&](double x) { return function(x, attributes); });
  }
  return MapQuantized(context, attributes.rounding, tflite, single);
}

double LeakyRelu(double x, const LeakyReluAttributes& attributes) { return x < 0 ? attributes.alpha * x : x; }
double HardSigmoid(double x, const HardSigmoidAttributes& attributes) {
  const double y = attributes.alpha * x + attributes.beta;
  return y < 0 ? 0 : (y > 1 ? 1 : y);
}
double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double HardSwish(double x) {
  const double y = x / 6 + 0.5;
  return x * (y < 0 ? 0 : (y > 1 ? 1 : y));
}
// As files spell them, x times a gate: of -infinity, which times 0 is, NaN.
double Silu(double x) { return x * Sigmoid(x); }
double Gelu(double x, const GeluAttributes& attributes) {
  if (attributes.tanh_approximation) {
    const double inner = 0.79788456080286535588 * (x + 0.044715 * x * x * x);  // sqrt(2 / pi)
    return 0.5 * x * (1 + std::tanh(inner));
  }
  return 0.5 * x * (1 + std::erf(x * 0.70710678118654752440));  // 1 / sqrt(2)
}
double Tanh(double x) { return std::tanh(x); }
double Erf(double x) { return std::erf(x); }
double Exp(double x) { return std::exp(x); }
double Log(double x) { return std::log(x); }
double Sqrt(double x) { return std::sqrt(x); }
double Reciprocal(double x) { return 1 / x; }
double Rsqrt(double x) { return 1 / std::sqrt(x); }
// log(1 + exp(x)), where neither exp may overflow nor 1 + exp(x) lose what is left of it.
double Softplus(double x) { return std::log1p(std::exp(-std::fabs(x))) + (x < 0 ? 0 : x); }
double Mish(double x) { return x * std::tanh(Softplus(x)); }
double Softsign(double x) { return x / (1 + std::fabs(x)); }
double Elu(double x, const EluAttributes& attributes) { return x < 0 ? attributes.alpha * std::expm1(x) : x; }
double Selu(double x, const SeluAttributes& attributes) {
  return attributes.gamma * (x < 0 ? attributes.alpha * std::expm1(x) : x);
}
double Sin(double x) { return std::sin(x); }
double Cos(double x) { return std::cos(x); }
double Floor(double x) { return std::floor(x); }
double Ceil(double x) { return std::ceil(x); }
double Round(double x) { return std::nearbyint(x); }  // half to even

template <typename T>
T Negate(T x) {
  if constexpr (std::is_floating_point_v<T>) {
    return -x;
  } else {  // the lowest integer stays itself, as in two's complement
    return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(x));
  }
}

Status ReferenceNeg(const ReferenceContext& context) {
  if (IsQuantized(context)) {
    return MapQuantized(context, context.attributes<RoundingAttributes>().rounding, kTfliteNeg,
                        [](float x) { return -x; });
  }
  return DispatchNumber(context.inputs[0].dtype, [&](auto zero) {
    return Map<decltype(zero)>(context, [](auto x) { return Negate(x); });
  });
}

Status ReferenceAbs(const ReferenceContext& context) {
  if (IsQuantized(context)) {
    return MapQuantized(context, context.attributes<RoundingAttributes>().rounding, kTfliteAbs,
                        [](float x) { return std::fabs(x); });
  }
  return DispatchNumber(context.inputs[0].dtype, [&](auto zero) {
    return Map<decltype(zero)>(context, [](auto x) {
      if constexpr (std::is_floating_point_v<decltype(x)>) {
        return std::fabs(x);
      } else {
        return x < 0 ? Negate(x) : x;
      }
    });
  });
}

// 0 of both zeros; NaN of NaN.
Status ReferenceSign(const ReferenceContext& context) {
  if (IsQuantized(context)) {
    return MapQuantized(context, context.attributes<RoundingAttributes>().rounding, kTfliteNone,
                        [](float x) { return static_cast<float>((x > 0) - (x < 0)); });
  }
  return DispatchNumber(context.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    return Map<T>(context, [](T x) { return x != x ? x : static_cast<T>((x > 0) - (x < 0)); });
  });
}

// `bound` as a T, saturated.
template <typename T>
T BoundOf(double bound) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(bound);
  } else {
    const auto low = static_cast<double>(std::numeric_limits<T>::min());
    const auto high = static_cast<double>(std::numeric_limits<T>::max());
    if (bound <= low) return std::numeric_limits<T>::min();
    if (bound >= high) return std::numeric_limits<T>::max();
    return static_cast<T>(bound);
  }
}

// NaN stays NaN. Where min > max every element becomes max, as in ONNX.
template <typename T>
T ClampOne(T x, T low, T high) {
  const T at_least = x < low ? low : x;
  return at_least > high ? high : at_least;
}

Status Clamp(const ReferenceContext& context, double min, double max) {
  return DispatchNumber(context.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    const T low = BoundOf<T>(min), high = BoundOf<T>(max);
    return Map<T>(context, [=](T x) { return ClampOne(x, low, high); });
  });
}

Status ReferenceRelu(const ReferenceContext& context) {
  if (IsQuantized(context)) {
    return MapQuantized(context, context.attributes<RoundingAttributes>().rounding, kTfliteRelu,
                        [](float x) { return x < 0 ? 0 : x; });
  }
  return Clamp(context, 0, HUGE_VAL);
}

Status ReferenceClip(const ReferenceContext& context) {
  const auto& attributes = context.attributes<ClipAttributes>();
  if (IsQuantized(context)) {
    return MapQuantized(context, attributes.rounding, kTfliteClip,
                        [&](float x) { return ClampOne(x, attributes.min, attributes.max); });
  }
  // Bounds between two integers act inwards: ceil(min), floor(max).
  const double min = attributes.min, max = attributes.max;
  if (IsFloat(context.inputs[0].dtype)) return Clamp(context, min, max);
  return Clamp(context, std::ceil(min), std::floor(max));
}

Status ReferenceNot(const ReferenceContext& context) {
  return Map<uint8_t>(context, [](uint8_t x) { return static_cast<uint8_t>(x == 0); });
}

Status ReferenceIdentity(const ReferenceContext& context) {
  const int64_t bytes = context.inputs[0].bytes();
  if (bytes > 0) std::memcpy(context.outputs[0].data, context.inputs[0].data, static_cast<size_t>(bytes));
  return Status::Ok();
}

constexpr OpDefinition Define(const char* name, Status (*infer)(InferContext&),
                              Status (*reference)(const ReferenceContext&),
                              AttributeInfo attributes = AttributeInfoOf<RoundingAttributes>(),
                              uint32_t flags = kOpElementwise | kOpCheap) {
  return {.name = name, .flags = flags, .attributes = attributes, .infer = infer, .reference = reference};
}

}  // namespace

constinit const OpDefinition kReluDefinition =
    Define("Relu", InferOrQuantized<RoundingAttributes, kTfliteRelu, InferNumeric>, ReferenceRelu);
constinit const OpDefinition kClipDefinition =
    Define("Clip", InferClip, ReferenceClip, AttributeInfoOf<ClipAttributes>());
constinit const OpDefinition kLeakyReluDefinition =
    Define("LeakyRelu", InferOrQuantized<LeakyReluAttributes, kTfliteLeakyRelu, InferFloat>,
           ReferenceFloatWith<LeakyReluAttributes, LeakyRelu, kTfliteLeakyRelu>,
           AttributeInfoOf<LeakyReluAttributes>());
constinit const OpDefinition kSigmoidDefinition =
    Define("Sigmoid", InferRounded<kTfliteSigmoid>, ReferenceFloat<Sigmoid, kTfliteSigmoid>);
constinit const OpDefinition kTanhDefinition =
    Define("Tanh", InferRounded<kTfliteTanh>, ReferenceFloat<Tanh, kTfliteTanh>);
constinit const OpDefinition kHardSigmoidDefinition =
    Define("HardSigmoid", InferOrQuantized<HardSigmoidAttributes, kTfliteNone, InferFloat>,
           ReferenceFloatWith<HardSigmoidAttributes, HardSigmoid, kTfliteNone>,
           AttributeInfoOf<HardSigmoidAttributes>());
constinit const OpDefinition kHardSwishDefinition =
    Define("HardSwish", InferRounded<kTfliteHardSwish>, ReferenceFloat<HardSwish, kTfliteHardSwish>);
constinit const OpDefinition kSiluDefinition =
    Define("Silu", InferRounded<kTfliteNone>, ReferenceFloat<Silu, kTfliteNone>);
constinit const OpDefinition kGeluDefinition =
    Define("Gelu", InferOrQuantized<GeluAttributes, kTfliteGelu, InferFloat>,
           ReferenceFloatWith<GeluAttributes, Gelu, kTfliteGelu>, AttributeInfoOf<GeluAttributes>());
constinit const OpDefinition kErfDefinition =
    Define("Erf", InferRounded<kTfliteNone>, ReferenceFloat<Erf, kTfliteNone>);
constinit const OpDefinition kExpDefinition =
    Define("Exp", InferRounded<kTfliteExp>, ReferenceFloat<Exp, kTfliteExp>);
constinit const OpDefinition kLogDefinition =
    Define("Log", InferRounded<kTfliteLog>, ReferenceFloat<Log, kTfliteLog>);
constinit const OpDefinition kSqrtDefinition =
    Define("Sqrt", InferRounded<kTfliteSqrt>, ReferenceFloat<Sqrt, kTfliteSqrt>);
constinit const OpDefinition kReciprocalDefinition =
    Define("Reciprocal", InferRounded<kTfliteNone>, ReferenceFloat<Reciprocal, kTfliteNone>);
constinit const OpDefinition kNegDefinition =
    Define("Neg", InferOrQuantized<RoundingAttributes, kTfliteNeg, InferNumeric>, ReferenceNeg);
constinit const OpDefinition kAbsDefinition =
    Define("Abs", InferOrQuantized<RoundingAttributes, kTfliteAbs, InferNumeric>, ReferenceAbs);
constinit const OpDefinition kFloorDefinition =
    Define("Floor", InferRounded<kTfliteNone>, ReferenceFloat<Floor, kTfliteNone>);
constinit const OpDefinition kCeilDefinition =
    Define("Ceil", InferRounded<kTfliteNone>, ReferenceFloat<Ceil, kTfliteNone>);
constinit const OpDefinition kRoundDefinition =
    Define("Round", InferRounded<kTfliteNone>, ReferenceFloat<Round, kTfliteNone>);
constinit const OpDefinition kNotDefinition =
    Define("Not", InferNot, ReferenceNot, AttributeInfoOf<NoAttributes>());
constinit const OpDefinition kIdentityDefinition =
    Define("Identity", SameAsInput, ReferenceIdentity, AttributeInfoOf<NoAttributes>(),
           kOpElementwise | kOpView | kOpCheap | kOpNarrowFloats);
constinit const OpDefinition kRsqrtDefinition =
    Define("Rsqrt", InferRounded<kTfliteRsqrt>, ReferenceFloat<Rsqrt, kTfliteRsqrt>);
constinit const OpDefinition kSoftplusDefinition =
    Define("Softplus", InferRounded<kTfliteNone>, ReferenceFloat<Softplus, kTfliteNone>);
constinit const OpDefinition kEluDefinition =
    Define("Elu", InferOrQuantized<EluAttributes, kTfliteElu, InferFloat>,
           ReferenceFloatWith<EluAttributes, Elu, kTfliteElu>, AttributeInfoOf<EluAttributes>());
constinit const OpDefinition kSeluDefinition =
    Define("Selu", InferOrQuantized<SeluAttributes, kTfliteNone, InferFloat>,
           ReferenceFloatWith<SeluAttributes, Selu, kTfliteNone>, AttributeInfoOf<SeluAttributes>());
constinit const OpDefinition kMishDefinition =
    Define("Mish", InferRounded<kTfliteNone>, ReferenceFloat<Mish, kTfliteNone>);
constinit const OpDefinition kSoftsignDefinition =
    Define("Softsign", InferRounded<kTfliteNone>, ReferenceFloat<Softsign, kTfliteNone>);
constinit const OpDefinition kSignDefinition =
    Define("Sign", InferOrQuantized<RoundingAttributes, kTfliteNone, InferNumeric>, ReferenceSign);
constinit const OpDefinition kSinDefinition =
    Define("Sin", InferRounded<kTfliteNone>, ReferenceFloat<Sin, kTfliteNone>);
constinit const OpDefinition kCosDefinition =
    Define("Cos", InferRounded<kTfliteNone>, ReferenceFloat<Cos, kTfliteNone>);

}  // namespace mace::ops
