// Mod: remainders of integers and floats.
#include <cmath>
#include <type_traits>

#include "mace/ops/binary/binary_bits.h"
#include "mace/ops/broadcast.h"
#include "mace/ops/element_pairs.h"
#include "mace/ops/number_types.h"

namespace mace::ops {
namespace {

struct TruncatedFunction {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fmod(a, b);
    } else {
      if (b == 0) return 0;
      if constexpr (std::is_signed_v<T>) {
        if (b == -1) return 0;  // the lowest integer % -1 is undefined
      }
      return static_cast<T>(a % b);
    }
  }
};
struct FlooredFunction {
  template <typename T>
  T operator()(T a, T b) const {
    const T remainder = TruncatedFunction()(a, b);
    if constexpr (std::is_floating_point_v<T>) {
      if (remainder == 0) return std::copysign(remainder, b);
    }
    return remainder != 0 && (remainder < 0) != (b < 0) ? static_cast<T>(remainder + b) : remainder;
  }
};

Status InferMod(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectNumber(context, 0));
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, 1, 0));
  Shape shape;
  MACE_RETURN_IF_ERROR(BroadcastShapes(context.input(0).shape, context.input(1).shape, &shape));
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceMod(const ReferenceContext& context) {
  const bool truncated = context.attributes<ModAttributes>().truncated;
  return DispatchNumber(context.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    truncated ? MapPairs<TruncatedFunction, T, T, T>(context) : MapPairs<FlooredFunction, T, T, T>(context);
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kModDefinition = {
    .name = "Mod",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = kOpElementwise | kOpCheap,
    .attributes = AttributeInfoOf<ModAttributes>(),
    .infer = InferMod,
    .reference = ReferenceMod,
};

}  // namespace mace::ops
