// The elementwise operators of one input: a function per operator, one table of definitions.
#include "mace/ops/unary/unary.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "mace/ops/common.h"

namespace mace::ops {

namespace {

// --- Shape rules ------------------------------------------------------------------------------------------

Status SameAsInput(InferContext& context) {
  context.SetOutput(0, context.input(0).dtype, context.input(0).shape);
  return Status::Ok();
}

Status InferFloat(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32}));
  return SameAsInput(context);
}

Status InferNumeric(InferContext& context) {
  MACE_RETURN_IF_ERROR(
      ExpectDType(context, 0, {DType::kF32, DType::kI8, DType::kI16, DType::kI32, DType::kI64}));
  if (context.input_quantization(0) != nullptr && context.input(0).dtype != DType::kF32) {
    return Unsupported("input 0 is quantized");
  }
  return SameAsInput(context);
}

// Relu and Clip: of quantized tensors only where both sides have one and the same quantization.
Status InferClamp(InferContext& context) {
  MACE_RETURN_IF_ERROR(
      ExpectDType(context, 0, {DType::kF32, DType::kI8, DType::kU8, DType::kI16, DType::kI32, DType::kI64}));
  const Quantization* input = context.input_quantization(0);
  const Quantization* output = context.output_quantization(0);
  if (input != nullptr || output != nullptr) {
    if (input == nullptr || output == nullptr || input->scales.size() != 1 || output->scales.size() != 1 ||
        input->scales[0] != output->scales[0] || input->zero_points[0] != output->zero_points[0]) {
      return Unsupported("a quantized clamp needs one and the same scale and zero point on both sides");
    }
  }
  return SameAsInput(context);
}

Status InferClip(InferContext& context) {
  const auto& attributes = context.attributes<ClipAttributes>();
  if (std::isnan(attributes.min) || std::isnan(attributes.max)) {
    return InvalidArgument("a bound is not a number");
  }
  return InferClamp(context);
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

template <double (*function)(double)>
Status ReferenceFloat(const ReferenceContext& context) {
  return Map<float>(context, [](float x) { return static_cast<float>(function(x)); });
}

template <typename Attributes, double (*function)(double, const Attributes&)>
Status ReferenceFloatWith(const ReferenceContext& context) {
  const auto& attributes = context.attributes<Attributes>();
  return Map<float>(context, [&](float x) { return static_cast<float>(function(x, attributes)); });
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
  return DispatchDType<float, int8_t, int16_t, int32_t, int64_t>(context.inputs[0].dtype, [&](auto zero) {
    return Map<decltype(zero)>(context, [](auto x) { return Negate(x); });
  });
}

Status ReferenceAbs(const ReferenceContext& context) {
  return DispatchDType<float, int8_t, int16_t, int32_t, int64_t>(context.inputs[0].dtype, [&](auto zero) {
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
  return DispatchDType<float, int8_t, int16_t, int32_t, int64_t>(context.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    return Map<T>(context, [](T x) { return x != x ? x : static_cast<T>((x > 0) - (x < 0)); });
  });
}

// `bound` in the units of T: of a quantized tensor its stored value, rounded and saturated.
template <typename T>
T StoredBound(double bound, const Quantization* quantization, Rounding rounding) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(bound);
  } else {
    if (quantization != nullptr) {
      const float units = static_cast<float>(bound) / quantization->scales[0];
      const float rounded = rounding == Rounding::kHalfEvenFloat ? std::nearbyint(units) : std::round(units);
      bound = static_cast<double>(rounded) + quantization->zero_points[0];
    }
    const auto low = static_cast<double>(std::numeric_limits<T>::min());
    const auto high = static_cast<double>(std::numeric_limits<T>::max());
    if (bound <= low) return std::numeric_limits<T>::min();
    if (bound >= high) return std::numeric_limits<T>::max();
    return static_cast<T>(bound);
  }
}

// NaN stays NaN. Where min > max every element becomes max, as in ONNX.
Status Clamp(const ReferenceContext& context, double min, double max, Rounding rounding) {
  const Quantization* quantization = context.input_quantization(0);
  return DispatchDType<float, int8_t, uint8_t, int16_t, int32_t, int64_t>(
      context.inputs[0].dtype, [&](auto zero) {
        using T = decltype(zero);
        const T low = StoredBound<T>(min, quantization, rounding);
        const T high = StoredBound<T>(max, quantization, rounding);
        return Map<T>(context, [=](T x) {
          const T at_least = x < low ? low : x;
          return at_least > high ? high : at_least;
        });
      });
}

Status ReferenceRelu(const ReferenceContext& context) {
  return Clamp(context, 0, HUGE_VAL, context.attributes<RoundingAttributes>().rounding);
}

Status ReferenceClip(const ReferenceContext& context) {
  const auto& attributes = context.attributes<ClipAttributes>();
  // Bounds between two integers act inwards: ceil(min), floor(max).
  const bool integer = context.inputs[0].dtype != DType::kF32 && context.input_quantization(0) == nullptr;
  const double min = attributes.min, max = attributes.max;
  return integer ? Clamp(context, std::ceil(min), std::floor(max), attributes.rounding)
                 : Clamp(context, min, max, attributes.rounding);
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

constinit const OpDefinition kReluDefinition = Define("Relu", InferClamp, ReferenceRelu);
constinit const OpDefinition kClipDefinition =
    Define("Clip", InferClip, ReferenceClip, AttributeInfoOf<ClipAttributes>());
constinit const OpDefinition kLeakyReluDefinition =
    Define("LeakyRelu", InferFloat, ReferenceFloatWith<LeakyReluAttributes, LeakyRelu>,
           AttributeInfoOf<LeakyReluAttributes>());
constinit const OpDefinition kSigmoidDefinition = Define("Sigmoid", InferFloat, ReferenceFloat<Sigmoid>);
constinit const OpDefinition kTanhDefinition = Define("Tanh", InferFloat, ReferenceFloat<Tanh>);
constinit const OpDefinition kHardSigmoidDefinition =
    Define("HardSigmoid", InferFloat, ReferenceFloatWith<HardSigmoidAttributes, HardSigmoid>,
           AttributeInfoOf<HardSigmoidAttributes>());
constinit const OpDefinition kHardSwishDefinition =
    Define("HardSwish", InferFloat, ReferenceFloat<HardSwish>);
constinit const OpDefinition kSiluDefinition = Define("Silu", InferFloat, ReferenceFloat<Silu>);
constinit const OpDefinition kGeluDefinition =
    Define("Gelu", InferFloat, ReferenceFloatWith<GeluAttributes, Gelu>, AttributeInfoOf<GeluAttributes>());
constinit const OpDefinition kErfDefinition = Define("Erf", InferFloat, ReferenceFloat<Erf>);
constinit const OpDefinition kExpDefinition = Define("Exp", InferFloat, ReferenceFloat<Exp>);
constinit const OpDefinition kLogDefinition = Define("Log", InferFloat, ReferenceFloat<Log>);
constinit const OpDefinition kSqrtDefinition = Define("Sqrt", InferFloat, ReferenceFloat<Sqrt>);
constinit const OpDefinition kReciprocalDefinition =
    Define("Reciprocal", InferFloat, ReferenceFloat<Reciprocal>);
constinit const OpDefinition kNegDefinition = Define("Neg", InferNumeric, ReferenceNeg);
constinit const OpDefinition kAbsDefinition = Define("Abs", InferNumeric, ReferenceAbs);
constinit const OpDefinition kFloorDefinition = Define("Floor", InferFloat, ReferenceFloat<Floor>);
constinit const OpDefinition kCeilDefinition = Define("Ceil", InferFloat, ReferenceFloat<Ceil>);
constinit const OpDefinition kRoundDefinition = Define("Round", InferFloat, ReferenceFloat<Round>);
constinit const OpDefinition kNotDefinition =
    Define("Not", InferNot, ReferenceNot, AttributeInfoOf<NoAttributes>());
constinit const OpDefinition kIdentityDefinition =
    Define("Identity", SameAsInput, ReferenceIdentity, AttributeInfoOf<NoAttributes>(),
           kOpElementwise | kOpView | kOpCheap);
constinit const OpDefinition kRsqrtDefinition = Define("Rsqrt", InferFloat, ReferenceFloat<Rsqrt>);
constinit const OpDefinition kSoftplusDefinition = Define("Softplus", InferFloat, ReferenceFloat<Softplus>);
constinit const OpDefinition kEluDefinition =
    Define("Elu", InferFloat, ReferenceFloatWith<EluAttributes, Elu>, AttributeInfoOf<EluAttributes>());
constinit const OpDefinition kSeluDefinition =
    Define("Selu", InferFloat, ReferenceFloatWith<SeluAttributes, Selu>, AttributeInfoOf<SeluAttributes>());
constinit const OpDefinition kMishDefinition = Define("Mish", InferFloat, ReferenceFloat<Mish>);
constinit const OpDefinition kSoftsignDefinition = Define("Softsign", InferFloat, ReferenceFloat<Softsign>);
constinit const OpDefinition kSignDefinition = Define("Sign", InferNumeric, ReferenceSign);
constinit const OpDefinition kSinDefinition = Define("Sin", InferFloat, ReferenceFloat<Sin>);
constinit const OpDefinition kCosDefinition = Define("Cos", InferFloat, ReferenceFloat<Cos>);

}  // namespace mace::ops
