#include "mace/ops/binary/binary_integer.h"

#include <algorithm>
#include <cmath>

#include "mace/ops/broadcast.h"
#include "mace/ops/quantize/fixed_point_functions.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {
namespace {

constexpr uint32_t Bit(DType dtype) { return 1u << static_cast<int>(dtype); }
constexpr uint32_t kWords = Bit(DType::kI8) | Bit(DType::kU8) | Bit(DType::kI16);
constexpr uint32_t kQuantized = kWords | Bit(DType::kU16);

// Calls visit(index, stored a, stored b) for each element of the output.
template <typename Visit>
void ForEachPair(const ReferenceContext& context, const Visit& visit) {
  const TensorView& a = context.inputs[0];
  const TensorView& b = context.inputs[1];
  const TensorView& y = context.outputs[0];
  int64_t a_strides[kMaxRank], b_strides[kMaxRank];
  BroadcastStrides(a.shape, y.shape, a_strides);
  BroadcastStrides(b.shape, y.shape, b_strides);
  int64_t i = 0;
  for (StridedWalk<2> walk(y.shape, {a_strides, b_strides}); !walk.done(); walk.Next()) {
    visit(i++, LoadInteger(a.data, a.dtype, walk.offset(0)), LoadInteger(b.data, b.dtype, walk.offset(1)));
  }
}

// Stores function(stored a, stored b).
template <typename Function>
void MapStored(const ReferenceContext& context, const Function& function) {
  const TensorView& y = context.outputs[0];
  ForEachPair(context,
              [&](int64_t i, int32_t a, int32_t b) { StoreInteger(y.data, y.dtype, i, function(a, b)); });
}

// The quantization of the three operands; both shape rule and references have it.
struct Scales {
  explicit Scales(const ReferenceContext& context)
      : a(*context.input_quantization(0)),
        b(*context.input_quantization(1)),
        y(*context.output_quantization(0)) {}
  const Quantization& a;
  const Quantization& b;
  const Quantization& y;
};

int32_t WrappingAdd(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}
int32_t WrappingMultiply(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b));
}

// RoundingRightShift, but also by more than 31 bits, and by less than 0: TensorFlow Lite's kernel meets such
// shifts where a dividend is small (its sign bits have been shifted out before). What its processors make of
// them, which is not the quotient, is part of its results: the count's low 5 bits count, and the mask of the
// remainder is full.
int32_t UnboundedRightShift(int32_t x, int exponent) {
  if (exponent >= 0 && exponent <= 31) return RoundingRightShift(x, exponent);
  return WrappingAdd(x >> (exponent & 31), x >= 0 ? 1 : 0);
}

// How far x can be shifted to the left: the copies of its sign bit, less one.
int SpareBits(int32_t x) {
  const auto bits = static_cast<uint32_t>(x < 0 ? ~x : x);
  return bits == 0 ? 31 : __builtin_clz(bits) - 1;
}

// ---- Add, Sub

// The exponent of a power of two; false where `scale` is none. TensorFlow Lite takes what is within 0.07 %
// for one, in single precision.
bool PowerOfTwo(float scale, int* exponent) {
  const float logarithm = std::log(scale) * (1.0f / std::log(2.0f));
  const float rounded = std::round(logarithm);
  *exponent = static_cast<int>(rounded);
  return std::fabs(logarithm - rounded) < 1e-3f;
}

Status CheckSum(const InferContext& context, DType dtype) {
  if (context.attributes<RoundingAttributes>().rounding != Rounding::kTfliteSingle) return Status::Ok();
  const Quantization& a = *context.input_quantization(0);
  const Quantization& b = *context.input_quantization(1);
  const Quantization& y = *context.output_quantization(0);
  int a_shift = 0, b_shift = 0;
  if (dtype == DType::kI16 && a.zero_points[0] == 0 && b.zero_points[0] == 0 && y.zero_points[0] == 0 &&
      MakeShiftedSum(a.scales[0], b.scales[0], y.scales[0], &a_shift, &b_shift)) {
    return Status::Ok();
  }
  return Unsupported("scales that are not int16 powers of two, the output's the larger one");
}

template <int kSign>
Status ReferenceSum(const ReferenceContext& context) {
  const Scales scales(context);
  const IntegerRange range = RangeOf(context.outputs[0].dtype);
  if (context.attributes<RoundingAttributes>().rounding == Rounding::kTfliteSingle) {
    int a_shift = 0, b_shift = 0;
    if (!MakeShiftedSum(scales.a.scales[0], scales.b.scales[0], scales.y.scales[0], &a_shift, &b_shift)) {
      return Unsupported("scales that are not powers of two");
    }
    MapStored(context, [&](int32_t a, int32_t b) {
      const int32_t sum = RoundingRightShift(a, a_shift) + kSign * RoundingRightShift(b, b_shift);
      return std::clamp(sum, range.low, range.high);
    });
    return Status::Ok();
  }
  const QuantizedSum sum =
      MakeQuantizedSum(context.outputs[0].dtype, scales.a.scales[0], scales.b.scales[0], scales.y.scales[0]);
  MapStored(context, [&](int32_t a, int32_t b) {
    const int32_t scaled_a =
        MultiplyWithTwoRoundings(WrappingLeftShift(a - scales.a.zero_points[0], sum.left_shift), sum.a);
    const int32_t scaled_b =
        MultiplyWithTwoRoundings(WrappingLeftShift(b - scales.b.zero_points[0], sum.left_shift), sum.b);
    return AddZeroPointAndClamp(
        MultiplyWithTwoRoundings(WrappingAdd(scaled_a, WrappingMultiply(kSign, scaled_b)), sum.y),
        scales.y.zero_points[0], range);
  });
  return Status::Ok();
}

// ---- Mul

Status ReferenceProduct(const ReferenceContext& context) {
  const Scales scales(context);
  const IntegerRange range = RangeOf(context.outputs[0].dtype);
  const FixedPointMultiplier multiplier =
      MultiplierOfProduct(scales.a.scales[0], scales.b.scales[0], scales.y.scales[0]);
  MapStored(context, [&](int32_t a, int32_t b) {
    const int32_t product = WrappingMultiply(a - scales.a.zero_points[0], b - scales.b.zero_points[0]);
    return AddZeroPointAndClamp(MultiplyWithTwoRoundings(product, multiplier), scales.y.zero_points[0],
                                range);
  });
  return Status::Ok();
}

// ---- Div: by the reciprocal of the divisor, an integer; a division by zero gives zero.

Status ReferenceQuotient(const ReferenceContext& context) {
  const Scales scales(context);
  const IntegerRange range = RangeOf(context.outputs[0].dtype);
  const FixedPointMultiplier multiplier =
      QuantizeMultiplier(static_cast<double>(scales.a.scales[0] / (scales.b.scales[0] * scales.y.scales[0])));
  MapStored(context, [&](int32_t a, int32_t b) {
    int32_t dividend = a - scales.a.zero_points[0];
    int32_t divisor = b - scales.b.zero_points[0];
    if (divisor < 0) dividend = -dividend, divisor = -divisor;
    if (divisor == 0) return scales.y.zero_points[0];
    const FixedPointMultiplier reciprocal = ReciprocalOf(divisor);
    const int headroom = SpareBits(dividend);
    const int32_t quotient =
        RoundingDoublingHighMultiply(WrappingLeftShift(dividend, headroom), reciprocal.multiplier);
    const int32_t y = UnboundedRightShift(RoundingDoublingHighMultiply(quotient, multiplier.multiplier),
                                          headroom - reciprocal.exponent - multiplier.exponent);
    return AddZeroPointAndClamp(y, scales.y.zero_points[0], range);
  });
  return Status::Ok();
}

// ---- Max, Min: of the stored integers, whatever they stand for

Status ReferenceStoredMax(const ReferenceContext& context) {
  MapStored(context, [](int32_t a, int32_t b) { return std::max(a, b); });
  return Status::Ok();
}
Status ReferenceStoredMin(const ReferenceContext& context) {
  MapStored(context, [](int32_t a, int32_t b) { return std::min(a, b); });
  return Status::Ok();
}

// ---- PRelu, SquaredDifference

Status ReferenceTflitePRelu(const ReferenceContext& context) {
  const Scales scales(context);
  const IntegerRange range = RangeOf(context.outputs[0].dtype);
  const FixedPointMultiplier identity =
      QuantizeMultiplier(static_cast<double>(scales.a.scales[0] / scales.y.scales[0]));
  const FixedPointMultiplier product =
      MultiplierOfProduct(scales.a.scales[0], scales.b.scales[0], scales.y.scales[0]);
  MapStored(context, [&](int32_t stored, int32_t slope) {
    const int32_t x = stored - scales.a.zero_points[0];
    const int32_t y = x >= 0 ? MultiplyWithTwoRoundings(x, identity)
                             : MultiplyWithTwoRoundings(x * (slope - scales.b.zero_points[0]), product);
    return AddZeroPointAndClamp(y, scales.y.zero_points[0], range);
  });
  return Status::Ok();
}

Status ReferenceSquaredDifference(const ReferenceContext& context) {
  const Scales scales(context);
  const IntegerRange range = RangeOf(context.outputs[0].dtype);
  constexpr int kLeftShift = 7;  // 255^2 << 14 fits into 32 bits
  const double unit = 2.0 * static_cast<double>(std::max(scales.a.scales[0], scales.b.scales[0]));
  const FixedPointMultiplier a_scale = QuantizeMultiplier(static_cast<double>(scales.a.scales[0]) / unit);
  const FixedPointMultiplier b_scale = QuantizeMultiplier(static_cast<double>(scales.b.scales[0]) / unit);
  const FixedPointMultiplier y_scale =
      QuantizeMultiplier(unit * unit / std::ldexp(static_cast<double>(scales.y.scales[0]), 2 * kLeftShift));
  MapStored(context, [&](int32_t a, int32_t b) {
    const int32_t difference =
        MultiplyWithTwoRoundings(WrappingLeftShift(a - scales.a.zero_points[0], kLeftShift), a_scale) -
        MultiplyWithTwoRoundings(WrappingLeftShift(b - scales.b.zero_points[0], kLeftShift), b_scale);
    return AddZeroPointAndClamp(MultiplyWithTwoRoundings(difference * difference, y_scale),
                                scales.y.zero_points[0], range);
  });
  return Status::Ok();
}

}  // namespace

bool HasQuantizedInput(const InferContext& context) {
  for (int i = 0; i < context.input_count(); ++i) {
    if (context.input_quantization(i) != nullptr) return true;
  }
  return false;
}
bool HasQuantizedInput(const ReferenceContext& context) {
  for (int i = 0; i < context.input_count; ++i) {
    if (context.input_quantization(i) != nullptr) return true;
  }
  return false;
}

Status InferQuantizedPair(InferContext& context, Rounding rounding, const TflitePair& tflite) {
  const DType a = context.input(0).dtype, b = context.input(1).dtype;
  const bool half_even = rounding == Rounding::kHalfEvenFloat;
  if (((half_even ? kQuantized : tflite.dtypes) & Bit(a)) == 0 || (kQuantized & Bit(b)) == 0) {
    return Unsupported("this rounding on quantized operands of %s and %s", NameOf(a), NameOf(b));
  }
  DType y = a;
  if (half_even) {
    if (context.declared_output_dtype(0) != DType::kInvalid) y = context.declared_output_dtype(0);
    if ((kQuantized & Bit(y)) == 0) return Unsupported("an output of %s from quantized operands", NameOf(y));
  } else if (!(&tflite == &kTflitePRelu && a == DType::kI16 && b == DType::kI8)) {
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, 1, 0));
  }
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), a, 1, "input 0"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(1), b, 1, "input 1"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), y, 1, "output"));
  if (!half_even && tflite.check != nullptr) MACE_RETURN_IF_ERROR(tflite.check(context, a));
  Shape shape;
  MACE_RETURN_IF_ERROR(BroadcastShapes(context.input(0).shape, context.input(1).shape, &shape));
  context.SetOutput(0, y, shape);
  return Status::Ok();
}

Status ReferenceHalfEvenPair(const ReferenceContext& context, float (*function)(float, float)) {
  const Scales scales(context);
  const IntegerRange range = RangeOf(context.outputs[0].dtype);
  MapStored(context, [&](int32_t a, int32_t b) {
    const float real = function(static_cast<float>(a - scales.a.zero_points[0]) * scales.a.scales[0],
                                static_cast<float>(b - scales.b.zero_points[0]) * scales.b.scales[0]);
    return AddZeroPointAndClamp(RoundToInt32(real / scales.y.scales[0], true), scales.y.zero_points[0],
                                range);
  });
  return Status::Ok();
}

Status InferQuantizedComparison(InferContext& context) {
  const DType a = context.input(0).dtype, b = context.input(1).dtype;
  const bool half_even = context.attributes<RoundingAttributes>().rounding == Rounding::kHalfEvenFloat;
  const uint32_t types = half_even ? kQuantized : kWords;
  if ((types & Bit(a)) == 0 || (types & Bit(b)) == 0) {
    return Unsupported("a comparison of quantized %s and %s", NameOf(a), NameOf(b));
  }
  if (!half_even) MACE_RETURN_IF_ERROR(ExpectSameDType(context, 1, 0));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), a, 1, "input 0"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(1), b, 1, "input 1"));
  Shape shape;
  MACE_RETURN_IF_ERROR(BroadcastShapes(context.input(0).shape, context.input(1).shape, &shape));
  context.SetOutput(0, DType::kBool, shape);
  return Status::Ok();
}

Status ReferenceQuantizedComparison(const ReferenceContext& context, uint8_t (*integers)(int32_t, int32_t),
                                    uint8_t (*reals)(float, float)) {
  const Quantization& a_scale = *context.input_quantization(0);
  const Quantization& b_scale = *context.input_quantization(1);
  auto* y = static_cast<uint8_t*>(context.outputs[0].data);
  if (context.attributes<RoundingAttributes>().rounding == Rounding::kHalfEvenFloat) {
    ForEachPair(context, [&](int64_t i, int32_t a, int32_t b) {
      y[i] = reals(static_cast<float>(a - a_scale.zero_points[0]) * a_scale.scales[0],
                   static_cast<float>(b - b_scale.zero_points[0]) * b_scale.scales[0]);
    });
    return Status::Ok();
  }
  if (context.attributes<RoundingAttributes>().rounding == Rounding::kTfliteSingle) {
    ForEachPair(context, [&](int64_t i, int32_t a, int32_t b) { y[i] = integers(a, b); });
    return Status::Ok();
  }
  constexpr int kLeftShift = 8;
  const auto scaled = [](int32_t distance, const FixedPointMultiplier& multiplier) {
    const int32_t product =
        RoundingDoublingHighMultiply(WrappingLeftShift(distance, kLeftShift), multiplier.multiplier);
    return UnboundedRightShift(product, -multiplier.exponent);
  };
  const FixedPointMultiplier a_multiplier = QuantizeMultiplier(static_cast<double>(a_scale.scales[0]));
  const FixedPointMultiplier b_multiplier = QuantizeMultiplier(static_cast<double>(b_scale.scales[0]));
  ForEachPair(context, [&](int64_t i, int32_t a, int32_t b) {
    y[i] = integers(scaled(a - a_scale.zero_points[0], a_multiplier),
                    scaled(b - b_scale.zero_points[0], b_multiplier));
  });
  return Status::Ok();
}

QuantizedSum MakeQuantizedSum(DType dtype, float a_scale, float b_scale, float y_scale) {
  QuantizedSum sum;
  // 255 << 20 and 65535 << 15 fit into 32 bits.
  sum.left_shift = dtype == DType::kI16 ? 15 : 20;
  const double unit = 2.0 * static_cast<double>(std::max(a_scale, b_scale));
  sum.a = QuantizeMultiplier(static_cast<double>(a_scale) / unit);
  sum.b = QuantizeMultiplier(static_cast<double>(b_scale) / unit);
  sum.y = QuantizeMultiplier(unit / std::ldexp(static_cast<double>(y_scale), sum.left_shift));
  return sum;
}

bool MakeShiftedSum(float a_scale, float b_scale, float y_scale, int* a_shift, int* b_shift) {
  int a = 0, b = 0, y = 0;
  if (!PowerOfTwo(a_scale, &a) || !PowerOfTwo(b_scale, &b) || !PowerOfTwo(y_scale, &y)) return false;
  *a_shift = y - a, *b_shift = y - b;
  return std::min(*a_shift, *b_shift) == 0 && std::max(*a_shift, *b_shift) <= 15;
}

FixedPointMultiplier MultiplierOfProduct(float a_scale, float b_scale, float y_scale) {
  return QuantizeMultiplierForWrappingShift(static_cast<double>(a_scale * b_scale / y_scale));
}

constinit const TflitePair kTfliteAdd = {kWords, &CheckSum, &ReferenceSum<1>};
constinit const TflitePair kTfliteSub = {kWords, &CheckSum, &ReferenceSum<-1>};
constinit const TflitePair kTfliteMul = {kWords, nullptr, &ReferenceProduct};
constinit const TflitePair kTfliteDiv = {kWords, nullptr, &ReferenceQuotient};
constinit const TflitePair kTfliteMax = {kWords, nullptr, &ReferenceStoredMax};
constinit const TflitePair kTfliteMin = {kWords, nullptr, &ReferenceStoredMin};
constinit const TflitePair kTflitePRelu = {kWords, nullptr, &ReferenceTflitePRelu};
constinit const TflitePair kTfliteSquaredDifference = {Bit(DType::kI8), nullptr, &ReferenceSquaredDifference};

}  // namespace mace::ops
