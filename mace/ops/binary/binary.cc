// The elementwise operators of two inputs: a function per operator, one table of definitions.
#include "mace/ops/binary/binary.h"

#include <cmath>
#include <type_traits>

#include "mace/ops/binary/binary_integer.h"
#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"
#include "mace/ops/element_pairs.h"
#include "mace/ops/number_types.h"
#include "mace/ops/quantize/saturating_cast.h"

namespace mace::ops {

namespace {

// --- Shape rules ------------------------------------------------------------------------------------------

// Broadcasts two operands of any dtypes.
Status InferPair(InferContext& context, DType dtype) {
  for (int i = 0; i < 2; ++i) {
    if (context.input_quantization(i) != nullptr) return Unsupported("input %d is quantized", i);
  }
  Shape shape;
  MACE_RETURN_IF_ERROR(BroadcastShapes(context.input(0).shape, context.input(1).shape, &shape));
  context.SetOutput(0, dtype, shape);
  return Status::Ok();
}

Status InferOutput(InferContext& context, DType dtype) {
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, 1, 0));
  return InferPair(context, dtype);
}

template <const TflitePair& tflite>
Status InferArithmetic(InferContext& context) {
  if (HasQuantizedInput(context)) {
    return InferQuantizedPair(context, context.attributes<RoundingAttributes>().rounding, tflite);
  }
  MACE_RETURN_IF_ERROR(ExpectNumber(context, 0));
  return InferOutput(context, context.input(0).dtype);
}

Status InferPow(InferContext& context) {
  const DType base = context.input(0).dtype, exponent = context.input(1).dtype;
  if ((base == DType::kI32 || base == DType::kI64) && (exponent == DType::kF32 || exponent == DType::kF64)) {
    return InferPair(context, base);
  }
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64, DType::kI32, DType::kI64}));
  return InferOutput(context, base);
}

Status InferLogic(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kBool}));
  return InferOutput(context, DType::kBool);
}

Status InferCompare(InferContext& context) {
  if (HasQuantizedInput(context)) return InferQuantizedComparison(context);
  MACE_RETURN_IF_ERROR(ExpectNumber(context, 0));
  return InferOutput(context, DType::kBool);
}

Status InferEqual(InferContext& context) {
  if (HasQuantizedInput(context)) return InferQuantizedComparison(context);
  if (context.input(0).dtype != DType::kBool) MACE_RETURN_IF_ERROR(ExpectNumber(context, 0));
  return InferOutput(context, DType::kBool);
}

Status InferPRelu(InferContext& context) {
  DType dtype = context.input(0).dtype;
  if (HasQuantizedInput(context)) {
    MACE_RETURN_IF_ERROR(
        InferQuantizedPair(context, context.attributes<RoundingAttributes>().rounding, kTflitePRelu));
    dtype = context.output(0).dtype;
  } else {
    MACE_RETURN_IF_ERROR(ExpectNumber(context, 0));
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, 1, 0));
  }
  const Shape& x = context.input(0).shape;
  Shape shape;
  MACE_RETURN_IF_ERROR(BroadcastShapes(x, context.input(1).shape, &shape));
  // One direction only: the slope must not enlarge x.
  bool enlarged = shape.rank != x.rank;
  for (int i = 0; !enlarged && i < x.rank; ++i) enlarged = x[i] >= 0 && shape[i] >= 0 && shape[i] != x[i];
  if (enlarged) {
    return InvalidArgument("the slope %s is not broadcastable to %s", ShapeText(context.input(1).shape).text,
                           ShapeText(x).text);
  }
  context.SetOutput(0, dtype, x);
  return Status::Ok();
}

// --- References -------------------------------------------------------------------------------------------

// Integers wrap, as two's complement does: signed overflow would be undefined, of 16 bits too, which C++
// multiplies as int.
template <typename T>
using Wrapping = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

struct AddFunction {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return a + b;
    } else {
      return static_cast<T>(Wrapping<T>(a) + Wrapping<T>(b));
    }
  }
};
struct SubFunction {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return a - b;
    } else {
      return static_cast<T>(Wrapping<T>(a) - Wrapping<T>(b));
    }
  }
};
struct MulFunction {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return a * b;
    } else {
      return static_cast<T>(Wrapping<T>(a) * Wrapping<T>(b));
    }
  }
};
struct DivFunction {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return a / b;
    } else {
      if (b == 0) return 0;
      if constexpr (std::is_signed_v<T>) {
        if (b == -1) return SubFunction()(T{0}, a);  // the lowest integer / -1 does not fit
      }
      return static_cast<T>(a / b);
    }
  }
};
// A NaN on either side gives NaN.
struct MaxFunction {
  template <typename T>
  T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};
struct MinFunction {
  template <typename T>
  T operator()(T a, T b) const {
    return a < b || a != a ? a : b;
  }
};
struct PowFunction {
  template <typename T>
  T operator()(T base, T exponent) const {
    if constexpr (std::is_floating_point_v<T>) {
      return static_cast<T>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    } else {
      if (exponent < 0) {  // 1 / base^n, truncated
        if (base == 1) return 1;
        if (base == -1) return exponent % 2 == 0 ? 1 : -1;
        return 0;
      }
      T result = 1;
      for (T square = base; exponent > 0; exponent /= 2, square = MulFunction()(square, square)) {
        if (exponent % 2 == 1) result = MulFunction()(result, square);
      }
      return result;
    }
  }
};
template <typename Base, typename Exponent>
struct MixedPowFunction {
  Base operator()(Base base, Exponent exponent) const {
    return SaturatingCast<Base>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
};
struct PReluFunction {
  template <typename T>
  T operator()(T x, T slope) const {
    return x < 0 ? MulFunction()(x, slope) : x;
  }
};
struct SquaredDifferenceFunction {
  template <typename T>
  T operator()(T a, T b) const {
    const T difference = SubFunction()(a, b);
    return MulFunction()(difference, difference);
  }
};
struct EqualFunction {
  template <typename T>
  uint8_t operator()(T a, T b) const {
    return a == b;
  }
};
struct LessFunction {
  template <typename T>
  uint8_t operator()(T a, T b) const {
    return a < b;
  }
};
struct GreaterFunction {
  template <typename T>
  uint8_t operator()(T a, T b) const {
    return a > b;
  }
};
struct LessOrEqualFunction {
  template <typename T>
  uint8_t operator()(T a, T b) const {
    return a <= b;
  }
};
struct GreaterOrEqualFunction {
  template <typename T>
  uint8_t operator()(T a, T b) const {
    return a >= b;
  }
};
// Any byte but 0 is true.
struct AndFunction {
  uint8_t operator()(uint8_t a, uint8_t b) const { return a != 0 && b != 0; }
};
struct OrFunction {
  uint8_t operator()(uint8_t a, uint8_t b) const { return a != 0 || b != 0; }
};
struct XorFunction {
  uint8_t operator()(uint8_t a, uint8_t b) const { return (a != 0) != (b != 0); }
};

template <typename Function>
Status ReferenceNumbers(const ReferenceContext& context) {
  return DispatchNumber(context.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    MapPairs<Function, T, T, T>(context);
    return Status::Ok();
  });
}

template <typename Function, const TflitePair& tflite>
Status ReferenceQuantized(const ReferenceContext& context) {
  if (context.attributes<RoundingAttributes>().rounding != Rounding::kHalfEvenFloat) {
    return tflite.reference(context);
  }
  return ReferenceHalfEvenPair(context, [](float a, float b) { return Function()(a, b); });
}

template <typename Function, const TflitePair& tflite>
Status ReferenceArithmetic(const ReferenceContext& context) {
  return HasQuantizedInput(context) ? ReferenceQuantized<Function, tflite>(context)
                                    : ReferenceNumbers<Function>(context);
}

template <typename Function>
Status ReferenceCompare(const ReferenceContext& context) {
  if (HasQuantizedInput(context)) {
    return ReferenceQuantizedComparison(
        context, [](int32_t a, int32_t b) { return Function()(a, b); },
        [](float a, float b) { return Function()(a, b); });
  }
  if (context.inputs[0].dtype == DType::kBool) {
    MapPairs<Function, uint8_t, uint8_t, uint8_t>(context);
    return Status::Ok();
  }
  return DispatchNumber(context.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    MapPairs<Function, T, T, uint8_t>(context);
    return Status::Ok();
  });
}

template <typename Function>
Status ReferenceLogic(const ReferenceContext& context) {
  MapPairs<Function, uint8_t, uint8_t, uint8_t>(context);
  return Status::Ok();
}

Status ReferencePow(const ReferenceContext& context) {
  const DType base_type = context.inputs[0].dtype, exponent_type = context.inputs[1].dtype;
  if (base_type == exponent_type) {
    return DispatchDType<float, double, int32_t, int64_t>(base_type, [&](auto zero) {
      using T = decltype(zero);
      MapPairs<PowFunction, T, T, T>(context);
      return Status::Ok();
    });
  }
  return DispatchDType<int32_t, int64_t>(base_type, [&](auto base_zero) {
    return DispatchFloat(exponent_type, [&](auto exponent_zero) {
      using Base = decltype(base_zero);
      using Exponent = decltype(exponent_zero);
      MapPairs<MixedPowFunction<Base, Exponent>, Base, Exponent, Base>(context);
      return Status::Ok();
    });
  });
}

Status ReferencePRelu(const ReferenceContext& context) {
  if (HasQuantizedInput(context)) return ReferenceQuantized<PReluFunction, kTflitePRelu>(context);
  return ReferenceNumbers<PReluFunction>(context);
}

constexpr OpDefinition Define(const char* name, Status (*infer)(InferContext&),
                              Status (*reference)(const ReferenceContext&),
                              AttributeInfo attributes = AttributeInfoOf<RoundingAttributes>(),
                              uint32_t flags = kOpElementwise | kOpCheap) {
  return {.name = name,
          .min_inputs = 2,
          .max_inputs = 2,
          .flags = flags,
          .attributes = attributes,
          .infer = infer,
          .reference = reference};
}

}  // namespace

constinit const OpDefinition kAddDefinition =
    Define("Add", InferArithmetic<kTfliteAdd>, ReferenceArithmetic<AddFunction, kTfliteAdd>);
constinit const OpDefinition kSubDefinition =
    Define("Sub", InferArithmetic<kTfliteSub>, ReferenceArithmetic<SubFunction, kTfliteSub>);
constinit const OpDefinition kMulDefinition =
    Define("Mul", InferArithmetic<kTfliteMul>, ReferenceArithmetic<MulFunction, kTfliteMul>);
constinit const OpDefinition kDivDefinition =
    Define("Div", InferArithmetic<kTfliteDiv>, ReferenceArithmetic<DivFunction, kTfliteDiv>);
constinit const OpDefinition kMaxDefinition =
    Define("Max", InferArithmetic<kTfliteMax>, ReferenceArithmetic<MaxFunction, kTfliteMax>);
constinit const OpDefinition kMinDefinition =
    Define("Min", InferArithmetic<kTfliteMin>, ReferenceArithmetic<MinFunction, kTfliteMin>);
constinit const OpDefinition kPowDefinition =
    Define("Pow", InferPow, ReferencePow, AttributeInfoOf<NoAttributes>());
constinit const OpDefinition kPReluDefinition = Define("PRelu", InferPRelu, ReferencePRelu);
constinit const OpDefinition kSquaredDifferenceDefinition =
    Define("SquaredDifference", InferArithmetic<kTfliteSquaredDifference>,
           ReferenceArithmetic<SquaredDifferenceFunction, kTfliteSquaredDifference>);
constinit const OpDefinition kEqualDefinition = Define("Equal", InferEqual, ReferenceCompare<EqualFunction>,
                                                       AttributeInfoOf<RoundingAttributes>(), kOpElementwise);
constinit const OpDefinition kLessDefinition = Define("Less", InferCompare, ReferenceCompare<LessFunction>,
                                                      AttributeInfoOf<RoundingAttributes>(), kOpElementwise);
constinit const OpDefinition kGreaterDefinition =
    Define("Greater", InferCompare, ReferenceCompare<GreaterFunction>, AttributeInfoOf<RoundingAttributes>(),
           kOpElementwise);
constinit const OpDefinition kLessOrEqualDefinition =
    Define("LessOrEqual", InferCompare, ReferenceCompare<LessOrEqualFunction>,
           AttributeInfoOf<RoundingAttributes>(), kOpElementwise);
constinit const OpDefinition kGreaterOrEqualDefinition =
    Define("GreaterOrEqual", InferCompare, ReferenceCompare<GreaterOrEqualFunction>,
           AttributeInfoOf<RoundingAttributes>(), kOpElementwise);
constinit const OpDefinition kAndDefinition =
    Define("And", InferLogic, ReferenceLogic<AndFunction>, AttributeInfoOf<NoAttributes>());
constinit const OpDefinition kOrDefinition =
    Define("Or", InferLogic, ReferenceLogic<OrFunction>, AttributeInfoOf<NoAttributes>());
constinit const OpDefinition kXorDefinition =
    Define("Xor", InferLogic, ReferenceLogic<XorFunction>, AttributeInfoOf<NoAttributes>());

}  // namespace mace::ops
