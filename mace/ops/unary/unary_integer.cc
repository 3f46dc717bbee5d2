#include "mace/ops/unary/unary_integer.h"

#include <cmath>

#include "mace/ops/quantize/fixed_point_functions.h"
#include "mace/ops/quantize/interpolation_table.h"
#include "mace/ops/unary/unary.h"

namespace mace::ops {
namespace {

constexpr uint32_t Bit(DType dtype) { return 1u << static_cast<int>(dtype); }
constexpr uint32_t kBytes = Bit(DType::kI8) | Bit(DType::kU8);
constexpr uint32_t kWords = kBytes | Bit(DType::kI16);
constexpr uint32_t kSigned = Bit(DType::kI8) | Bit(DType::kI16);

struct Scales {
  explicit Scales(const ReferenceContext& context)
      : x(context.input_quantization(0)->scales[0]),
        y(context.output_quantization(0)->scales[0]),
        x_zero(context.input_quantization(0)->zero_points[0]),
        y_zero(context.output_quantization(0)->zero_points[0]),
        range(RangeOf(context.outputs[0].dtype)) {}
  float x, y;
  int32_t x_zero, y_zero;
  IntegerRange range;
};

// ---- rescaled values

FixedPointMultiplier MultiplierOfRatio(float ratio) { return QuantizeMultiplier(static_cast<double>(ratio)); }

Status CheckSymmetricWords(const InferContext& context) {
  if (context.input(0).dtype != DType::kI16) return Status::Ok();
  if (context.input_quantization(0)->zero_points[0] == 0 &&
      context.output_quantization(0)->zero_points[0] == 0) {
    return Status::Ok();
  }
  return Unsupported("zero points of int16 other than 0");
}

Status ReferenceRelu(const ReferenceContext& context) { return ReferenceTfliteClamp(context, 0, HUGE_VALF); }

Status ReferenceClip(const ReferenceContext& context) {
  const auto& attributes = context.attributes<ClipAttributes>();
  return ReferenceTfliteClamp(context, attributes.min, attributes.max);
}

Status ReferenceLeakyRelu(const ReferenceContext& context) {
  const Scales scales(context);
  const float ratio = scales.x * context.attributes<LeakyReluAttributes>().alpha / scales.y;
  const FixedPointMultiplier identity = MultiplierOfRatio(scales.x / scales.y);
  const FixedPointMultiplier alpha = MultiplierOfRatio(std::fabs(ratio));
  MapStored(context, [&](int32_t stored) {
    const int32_t x = stored - scales.x_zero;
    int32_t y = MultiplyWithTwoRoundings(x, x >= 0 ? identity : alpha);
    if (x < 0 && ratio < 0) y = -y;
    return AddZeroPointAndClamp(y, scales.y_zero, scales.range);
  });
  return Status::Ok();
}

Status ReferenceAbs(const ReferenceContext& context) {
  const Scales scales(context);
  const FixedPointMultiplier multiplier = MultiplierOfRatio(scales.x / scales.y);
  MapStored(context, [&](int32_t stored) {
    const int32_t x = std::abs(stored - scales.x_zero);
    return AddZeroPointAndClamp(MultiplyWithTwoRoundings(x, multiplier), scales.y_zero, scales.range);
  });
  return Status::Ok();
}

// The stored integers change their sign, whatever they stand for.
Status ReferenceNeg(const ReferenceContext& context) {
  MapStored(context, [](int32_t x) { return -x; });
  return Status::Ok();
}

// ---- functions of reals: in float32, rounded half away from zero; of 16 bits interpolated

template <typename Function>
Status MapReals(const ReferenceContext& context, const Function& function) {
  const Scales scales(context);
  if (context.outputs[0].dtype == DType::kI16) {
    const InterpolationTable<float> table(scales.x, scales.x_zero, scales.y, scales.y_zero, function);
    MapStored(context, [&](int32_t x) { return table(x); });
    return Status::Ok();
  }
  const float inverse = 1 / scales.y;
  const auto low = static_cast<float>(scales.range.low), high = static_cast<float>(scales.range.high);
  MapStored(context, [&](int32_t stored) {
    const float real = function(scales.x * static_cast<float>(stored - scales.x_zero));
    const float y = std::round(real * inverse) + static_cast<float>(scales.y_zero);
    return static_cast<int32_t>(y >= low ? std::min(y, high) : low);  // NaN gives the lowest
  });
  return Status::Ok();
}

Status ReferenceElu(const ReferenceContext& context) {
  return MapReals(context, [](float x) { return x < 0 ? std::expm1(x) : x; });
}

Status ReferenceExp(const ReferenceContext& context) {
  return MapReals(context, [](float x) { return std::exp(x); });
}

Status ReferenceLog(const ReferenceContext& context) {
  const Scales scales(context);
  const float lowest = static_cast<float>(scales.range.low - scales.y_zero) * scales.y;
  return MapReals(context, [=](float x) { return x <= 0 ? lowest : std::log(x); });
}

Status ReferenceGelu(const ReferenceContext& context) {
  if (!context.attributes<GeluAttributes>().tanh_approximation) {
    return MapReals(context, [](float x) {
      return 0.5f * x * std::erfc(x * static_cast<float>(-0.70710678118654752440));
    });
  }
  constexpr auto kFactor = static_cast<float>(0.79788456080286535588);  // sqrt(2 / pi)
  return MapReals(context,
                  [](float x) { return 0.5f * x * (1 + std::tanh(kFactor * (x + 0.044715f * x * x * x))); });
}

// ELU is defined for alpha = 1 only.
Status CheckElu(const InferContext& context) {
  if (context.attributes<EluAttributes>().alpha == 1) return Status::Ok();
  return Unsupported("a quantized Elu with alpha %g",
                     static_cast<double>(context.attributes<EluAttributes>().alpha));
}

// The result is cut off, not rounded. Negative values have no square root: 0.
Status ReferenceSqrt(const ReferenceContext& context) {
  const Scales scales(context);
  MapStored(context, [&](int32_t stored) {
    const float root = std::sqrt(std::max(scales.x * static_cast<float>(stored - scales.x_zero), 0.0f));
    return AddZeroPointAndClamp(static_cast<int32_t>(std::min(root / scales.y, 1e9f)), scales.y_zero,
                                scales.range);
  });
  return Status::Ok();
}

// 0 and what is below give the highest value.
Status ReferenceRsqrt(const ReferenceContext& context) {
  const Scales scales(context);
  if (context.outputs[0].dtype == DType::kI16) {
    return MapReals(context, [&](float x) { return x <= 0 ? 32767 * scales.y : 1.0f / std::sqrt(x); });
  }
  constexpr int kMoreBits = 20;  // of the square root of an integer
  FixedPointMultiplier output = QuantizeMultiplier(1.0 / static_cast<double>(std::sqrt(scales.x) * scales.y));
  output.exponent -= kMoreBits;
  MapStored(context, [&](int32_t stored) {
    const int32_t x = stored - scales.x_zero;
    if (x <= 0) return scales.range.high;
    FixedPointMultiplier root = InverseSquareRootOf(x);
    root.exponent += kMoreBits;
    const int32_t scaled = MultiplyWithTwoRoundings(1, root);
    const int32_t y = output.exponent < -31 ? 0 : MultiplyWithTwoRoundings(scaled, output);
    return AddZeroPointAndClamp(y, scales.y_zero, scales.range);
  });
  return Status::Ok();
}

// ---- Sigmoid, Tanh

// Of 16 bits: sigmoid(i / 24) for i = 0 to 255 in units of 2^-16, interpolated. Half of the interpolation's
// error in the middle between two points is put on the points; the last one is the largest number of 16 bits.
class SigmoidTable {
 public:
  static constexpr int kLast = 255;

  SigmoidTable() {
    const auto exact = [](double i) { return 65536 / (1 + std::exp(-i / 24)); };
    for (int i = 0; i < kLast; ++i) {
      const double error = exact(i + 0.5) - (exact(i) + exact(i + 1)) / 2;
      points_[i] = static_cast<int32_t>(std::lround(exact(i) + error / 2));
    }
    points_[kLast] = 65535;
  }

  // At |x| in units of 2^-bits of a step, the result with `bits` more bits; behind the last point
  // `saturated`.
  int32_t operator()(uint32_t x, int bits, int32_t saturated) const {
    const uint32_t index = x >> bits;
    if (index >= kLast) return saturated;
    const auto rest = static_cast<int32_t>(x & ((1u << bits) - 1));
    return (points_[index] << bits) + rest * (points_[index + 1] - points_[index]);
  }

 private:
  int32_t points_[kLast + 1];
};

// Brings 16-bit values to units of 1 / (3 * 4096): those whose scale is 2^-12 (and, with `doubled`, 2^-11)
// exactly, others by a multiplier of 15 bits.
class SigmoidArgument {
 public:
  SigmoidArgument(float scale, bool doubled) {
    const float logarithm = std::log(scale) * (1.0f / std::log(2.0f));
    const float rounded = std::round(logarithm);
    if (std::fabs(logarithm - rounded) < 1e-3f && (rounded == -12 || (doubled && rounded == -11))) {
      multiplier_ = rounded == -12 ? 3 : 6;
      return;
    }
    double multiplier = static_cast<double>(scale) * 4096.0 * 3.0;
    while (multiplier <= 32767.0 / 2.0 && shift_ <= 30) {
      ++shift_;
      multiplier *= 2;
    }
    multiplier_ = static_cast<int32_t>(std::min(multiplier, 2147483647.0));
    half_ = shift_ > 0 ? static_cast<int32_t>(uint32_t{1} << (shift_ - 1)) : 0;
  }
  int32_t operator()(int32_t x) const {
    const uint32_t product = static_cast<uint32_t>(x) * static_cast<uint32_t>(multiplier_);
    return static_cast<int32_t>(product + static_cast<uint32_t>(half_)) >> shift_;
  }

 private:
  int32_t multiplier_ = 0;
  int32_t half_ = 0;
  int shift_ = 0;
};

uint32_t Magnitude(int32_t x) { return x < 0 ? 0u - static_cast<uint32_t>(x) : static_cast<uint32_t>(x); }

Status ReferenceSigmoid(const ReferenceContext& context) {
  if (context.outputs[0].dtype != DType::kI16) {
    return MapReals(context, [](float x) { return 1.0f / (1.0f + std::exp(-x)); });
  }
  const SigmoidTable table;
  const SigmoidArgument argument(Scales(context).x, false);
  MapStored(context, [&](int32_t stored) {
    const int32_t x = argument(stored);
    const int32_t above_half = table(Magnitude(x), 9, 0x7FFF << 10);  // 25 bits
    const int32_t y = x >= 0 ? above_half + (1 << 9) : (1 << 25) - above_half + (1 << 9) - 1;
    return y >> 10;
  });
  return Status::Ok();
}

// tanh(x) = 2 sigmoid(2 x) - 1
Status ReferenceTanh(const ReferenceContext& context) {
  if (context.outputs[0].dtype != DType::kI16) {
    return MapReals(context, [](float x) { return std::tanh(x); });
  }
  const SigmoidTable table;
  const SigmoidArgument argument(Scales(context).x, true);
  MapStored(context, [&](int32_t stored) {
    const int32_t x = argument(stored);
    const int32_t above_half = table(Magnitude(x), 8, 0xFFFF << 8) - (1 << 23);
    return (x >= 0 ? above_half + (1 << 7) : -above_half + (1 << 7) - 1) >> 8;
  });
  return Status::Ok();
}

// The arithmetic has the output's scale built in.
Status CheckSigmoid(const InferContext& context) {
  const bool words = context.input(0).dtype == DType::kI16;
  const float unit = words ? 1.0f / 32768 : 1.0f / 256;
  MACE_RETURN_IF_ERROR(CheckSymmetricWords(context));
  if (context.output_quantization(0)->scales[0] == unit) return Status::Ok();
  return Unsupported("a quantized Sigmoid with the output scale %g, expected %g",
                     static_cast<double>(context.output_quantization(0)->scales[0]),
                     static_cast<double>(unit));
}
Status CheckTanh(const InferContext& context) {
  if (context.input(0).dtype != DType::kI16) return Status::Ok();
  MACE_RETURN_IF_ERROR(CheckSymmetricWords(context));
  if (std::fabs(context.output_quantization(0)->scales[0] * 32768 - 1) < 1e-3f) return Status::Ok();
  return Unsupported("an int16 Tanh with the output scale %g, expected 2^-15",
                     static_cast<double>(context.output_quantization(0)->scales[0]));
}

// ---- HardSwish, in 16-bit fixed-point arithmetic

int16_t SaturatingLeftShift16(int16_t x, int exponent) {
  return static_cast<int16_t>(std::clamp<int64_t>(int64_t{x} * (int64_t{1} << exponent), -32768, 32767));
}
// As RoundingRightShift; from 16 bits on the mask has lost its higher bits, as in the original.
int16_t RoundingRightShift16(int16_t x, int exponent) {
  const auto mask = static_cast<int16_t>((int64_t{1} << exponent) - 1);
  const int threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return static_cast<int16_t>((x >> exponent) + ((x & mask) > threshold ? 1 : 0));
}
// a * b / 2^15, rounded to nearest, halves upwards; for factors that are not both -32768.
int16_t RoundingHighMultiply16(int16_t a, int16_t b) {
  return static_cast<int16_t>((a * b + (1 << 14)) >> 15);
}

struct Multiplier16 {
  int16_t multiplier;
  int exponent;
};
Multiplier16 MakeMultiplier16(float real) {
  const FixedPointMultiplier wide = MultiplierOfRatio(real);
  const bool largest = wide.multiplier >= kInt32Max - (1 << 15);
  return {static_cast<int16_t>(largest ? 32767 : (wide.multiplier + (1 << 15)) >> 16), wide.exponent};
}

Multiplier16 HardSwishOutputMultiplier(float x_scale, float y_scale) {
  return MakeMultiplier16((1.0f / 128.0f) * x_scale / y_scale);
}

Status CheckHardSwish(const InferContext& context) {
  const Multiplier16 output = HardSwishOutputMultiplier(context.input_quantization(0)->scales[0],
                                                        context.output_quantization(0)->scales[0]);
  if (output.exponent <= 0) return Status::Ok();
  return Unsupported("a quantized HardSwish whose output scale is less than 1/128 of the input's");
}

Status ReferenceHardSwish(const ReferenceContext& context) {
  const Scales scales(context);
  const Multiplier16 output = HardSwishOutputMultiplier(scales.x, scales.y);
  // From the input's scale with 7 more bits to one in which 3 is 32768.
  const Multiplier16 gate = MakeMultiplier16((1.0f / 128.0f) * scales.x / (3.0f / 32768.0f));
  MapStored(context, [&](int32_t stored) {
    const auto x = static_cast<int16_t>((stored - scales.x_zero) * (1 << 7));
    int16_t g = x;
    if (gate.exponent > 0) g = SaturatingLeftShift16(g, gate.exponent - 1);
    g = RoundingHighMultiply16(g, gate.multiplier);
    if (gate.exponent > 0) g = SaturatingLeftShift16(g, 1);
    if (gate.exponent < 0) g = RoundingRightShift16(g, -gate.exponent);
    g = static_cast<int16_t>((g + (1 << 15)) >> 1);  // from [-1, 1] to [0, 1]
    const int16_t scaled = RoundingHighMultiply16(x, output.multiplier);
    const auto product = static_cast<int16_t>(g * scaled / (1 << 15));  // towards zero
    // The zero point is added in 16 bits, where it may wrap.
    const auto y = static_cast<int16_t>(RoundingRightShift16(product, -output.exponent) + scales.y_zero);
    return std::clamp<int32_t>(y, scales.range.low, scales.range.high);
  });
  return Status::Ok();
}

}  // namespace

Status InferQuantizedUnary(InferContext& context, Rounding rounding, const TfliteUnary& tflite) {
  constexpr uint32_t kQuantized = kWords | Bit(DType::kU16);
  const DType x = context.input(0).dtype;
  DType y = x;
  if (rounding == Rounding::kHalfEvenFloat) {
    if ((kQuantized & Bit(x)) == 0) return Unsupported("a quantized operand of %s", NameOf(x));
    if (context.declared_output_dtype(0) != DType::kInvalid) y = context.declared_output_dtype(0);
    if ((kQuantized & Bit(y)) == 0) return Unsupported("an output of %s from quantized operands", NameOf(y));
  } else if ((tflite.dtypes & Bit(x)) == 0) {
    return Unsupported("this rounding on a quantized operand of %s", NameOf(x));
  }
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), x, 1, "input 0"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), y, 1, "output"));
  if (rounding != Rounding::kHalfEvenFloat && tflite.check != nullptr) {
    MACE_RETURN_IF_ERROR(tflite.check(context));
  }
  context.SetOutput(0, y, context.input(0).shape);
  return Status::Ok();
}

Status ReferenceTfliteClamp(const ReferenceContext& context, float low, float high) {
  const Scales scales(context);
  const auto stored = [&](float bound) {
    return AddZeroPointAndClamp(RoundToInt32(bound / scales.y, false), scales.y_zero, scales.range);
  };
  const int32_t lowest = stored(low), highest = stored(high);
  const FixedPointMultiplier multiplier = MultiplierOfRatio(scales.x / scales.y);
  MapStored(context, [&](int32_t x) {
    const int32_t y = AddZeroPointAndClamp(MultiplyWithTwoRoundings(x - scales.x_zero, multiplier),
                                           scales.y_zero, scales.range);
    return std::min(std::max(y, lowest), highest);
  });
  return Status::Ok();
}

constinit const TfliteUnary kTfliteRelu = {kWords, nullptr, &ReferenceRelu};
constinit const TfliteUnary kTfliteClip = {kWords, nullptr, &ReferenceClip};
constinit const TfliteUnary kTfliteLeakyRelu = {kWords, &CheckSymmetricWords, &ReferenceLeakyRelu};
constinit const TfliteUnary kTfliteSigmoid = {kWords, &CheckSigmoid, &ReferenceSigmoid};
constinit const TfliteUnary kTfliteTanh = {kWords, &CheckTanh, &ReferenceTanh};
constinit const TfliteUnary kTfliteHardSwish = {kBytes, &CheckHardSwish, &ReferenceHardSwish};
constinit const TfliteUnary kTfliteElu = {Bit(DType::kI8), &CheckElu, &ReferenceElu};
constinit const TfliteUnary kTfliteGelu = {kWords, nullptr, &ReferenceGelu};
constinit const TfliteUnary kTfliteAbs = {kSigned, &CheckSymmetricWords, &ReferenceAbs};
constinit const TfliteUnary kTfliteNeg = {kSigned, nullptr, &ReferenceNeg};
constinit const TfliteUnary kTfliteExp = {kSigned, &CheckSymmetricWords, &ReferenceExp};
constinit const TfliteUnary kTfliteLog = {kSigned, &CheckSymmetricWords, &ReferenceLog};
constinit const TfliteUnary kTfliteSqrt = {kSigned, &CheckSymmetricWords, &ReferenceSqrt};
constinit const TfliteUnary kTfliteRsqrt = {kSigned, &CheckSymmetricWords, &ReferenceRsqrt};

}  // namespace mace::ops
