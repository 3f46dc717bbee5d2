#include <cmath>
#include <type_traits>

#include "mace/ops/common.h"
#include "mace/ops/quantize/narrow_float.h"
#include "mace/ops/quantize/packed_integers.h"
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

// Elements of a tensor, read widened and written from their widened form.
template <typename T>
struct Elements {
  T* data;
  explicit Elements(const TensorView& view) : data(static_cast<T*>(view.data)) {}
  auto Load(int64_t i) const { return Widen(data[i]); }
  template <typename Wide>
  void Store(int64_t i, Wide x) const {
    data[i] = Narrow<T>::From(x);
  }
};
// Integers of 4 and 2 bits keep the low bits of what is stored, as those of whole bytes do. Of a float too:
// toward zero first, which is what ONNX's reference does.
struct Packed {};
template <>
struct Elements<Packed> {
  const TensorView& view;
  explicit Elements(const TensorView& tensor) : view(tensor) {}
  int64_t Load(int64_t i) const { return LoadPacked(view.data, view.dtype, i); }
  template <typename Wide>
  void Store(int64_t i, Wide x) const {
    StorePacked(view.data, view.dtype, i, static_cast<int64_t>(Narrow<int64_t>::From(x)));
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
    case DType::kI4:
    case DType::kU4:
    case DType::kI2:
    case DType::kU2:
      return function(Packed{});
    default:
      return DispatchDType<float, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                           uint64_t>(dtype, function);
  }
}

Status InferCast(InferContext& context) {
  const DType to = context.attributes<CastAttributes>().to;
  if (!IsValid(to)) return Unsupported("a cast to %s", NameOf(to));
  context.SetOutput(0, to, context.input(0).shape);
  return Status::Ok();
}

Status ReferenceCast(const ReferenceContext& context) {
  const TensorView& input = context.inputs[0];
  const int64_t count = input.elements();
  return DispatchAll(input.dtype, [&](auto source) {
    return DispatchAll(context.outputs[0].dtype, [&](auto target) {
      const Elements<decltype(source)> x(input);
      const Elements<decltype(target)> y(context.outputs[0]);
      for (int64_t i = 0; i < count; ++i) y.Store(i, x.Load(i));
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
