#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "mace/ops/common.h"
#include "mace/ops/quantize/narrow_float.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/quantize/saturating_cast.h"

namespace mace::ops {

namespace {

// float16 and bfloat16 have no C++ type: a wrapper each makes them distinct for the templates below.
template <int kExponentBits, int kMantissaBits>
struct NarrowFloat {
  uint16_t bits;
};
using Half = NarrowFloat<5, 10>;
using BrainFloat = NarrowFloat<8, 7>;
struct Boolean {
  uint8_t value;
};

// What a source element is read as: floats as double, integers as the widest of their signedness.
template <int kExponentBits, int kMantissaBits>
double Widen(NarrowFloat<kExponentBits, kMantissaBits> x) {
  return WidenFloat(x.bits, kExponentBits, kMantissaBits);
}
inline uint64_t Widen(Boolean x) { return x.value != 0; }
template <typename T>
auto Widen(T x) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<double>(x);
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<int64_t>(x);
  } else {
    return static_cast<uint64_t>(x);
  }
}

// Writes a widened element as `To`. Between integers the low bits are kept, as NumPy does.
template <typename To>
struct Narrow {
  template <typename Wide>
  static To From(Wide x) {
    if constexpr (std::is_same_v<Wide, double> && !std::is_floating_point_v<To>) {
      return SaturatingCast<To>(x);
    } else {
      return static_cast<To>(x);
    }
  }
};
template <int kExponentBits, int kMantissaBits>
struct Narrow<NarrowFloat<kExponentBits, kMantissaBits>> {
  template <typename Wide>
  static NarrowFloat<kExponentBits, kMantissaBits> From(Wide x) {
    return {RoundToNarrowFloat(static_cast<double>(x), kExponentBits, kMantissaBits)};
  }
};
template <>
struct Narrow<Boolean> {
  template <typename Wide>
  static Boolean From(Wide x) {
    return {static_cast<uint8_t>(x != 0)};
  }
};

// Calls function(T{}) with the element type of `dtype`.
template <typename Function>
Status DispatchAll(DType dtype, const Function& function) {
  switch (dtype) {
    case DType::kF16:
      return function(Half{});
    case DType::kBF16:
      return function(BrainFloat{});
    case DType::kBool:
      return function(Boolean{});
    default:
      return DispatchDType<float, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                           uint64_t>(dtype, function);
  }
}

Status CheckCastable(DType dtype) {
  if (BytesOf(dtype) > 0) return Status::Ok();
  return Unsupported("a cast of %s", NameOf(dtype));
}

Status InferCast(InferContext& context) {
  const DType to = context.attributes<CastAttributes>().to;
  MACE_RETURN_IF_ERROR(CheckCastable(context.input(0).dtype));
  MACE_RETURN_IF_ERROR(CheckCastable(to));
  context.SetOutput(0, to, context.input(0).shape);
  return Status::Ok();
}

Status ReferenceCast(const ReferenceContext& context) {
  const TensorView& input = context.inputs[0];
  const int64_t count = input.elements();
  return DispatchAll(input.dtype, [&](auto source) {
    using From = decltype(source);
    return DispatchAll(context.outputs[0].dtype, [&](auto target) {
      using To = decltype(target);
      const From* x = input.as<From>();
      To* y = context.outputs[0].as<To>();
      for (int64_t i = 0; i < count; ++i) y[i] = Narrow<To>::From(Widen(x[i]));
      return Status::Ok();
    });
  });
}

}  // namespace

constinit const OpDefinition kCastDefinition = {
    .name = "Cast",
    .flags = kOpElementwise | kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<CastAttributes>(),
    .infer = InferCast,
    .reference = ReferenceCast,
};

}  // namespace mace::ops
