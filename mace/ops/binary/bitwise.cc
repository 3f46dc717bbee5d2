// Bitwise: and, or, exclusive or, shifts of integers.
#include <type_traits>

#include "mace/ops/binary/binary_bits.h"
#include "mace/ops/broadcast.h"
#include "mace/ops/element_pairs.h"
#include "mace/ops/number_types.h"

namespace mace::ops {
namespace {

// By the values of BitwiseKind.
template <BitwiseKind kind>
struct BitwiseFunction {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (kind == BitwiseKind::kAnd) return static_cast<T>(a & b);
    if constexpr (kind == BitwiseKind::kOr) return static_cast<T>(a | b);
    if constexpr (kind == BitwiseKind::kXor) return static_cast<T>(a ^ b);
    constexpr T kBits = sizeof(T) * 8;
    const bool moves_all = b < 0 || b >= kBits;
    if constexpr (kind == BitwiseKind::kShiftLeft) {
      return static_cast<T>(moves_all ? 0 : static_cast<uint64_t>(a) << b);
    }
    return static_cast<T>(a >> (moves_all ? kBits - 1 : b) >> (moves_all ? 1 : 0));
  }
};

Status InferBitwise(InferContext& context) {
  if (!IsNumber(context.input(0).dtype) || IsFloat(context.input(0).dtype)) {
    return Unsupported("input 0 is %s, expected integers", NameOf(context.input(0).dtype));
  }
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, 1, 0));
  Shape shape;
  MACE_RETURN_IF_ERROR(BroadcastShapes(context.input(0).shape, context.input(1).shape, &shape));
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

template <BitwiseKind kind>
Status ReferenceKind(const ReferenceContext& context) {
  return DispatchInteger(context.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    MapPairs<BitwiseFunction<kind>, T, T, T>(context);
    return Status::Ok();
  });
}

Status ReferenceBitwise(const ReferenceContext& context) {
  switch (context.attributes<BitwiseAttributes>().kind) {
    case BitwiseKind::kAnd:
      return ReferenceKind<BitwiseKind::kAnd>(context);
    case BitwiseKind::kOr:
      return ReferenceKind<BitwiseKind::kOr>(context);
    case BitwiseKind::kXor:
      return ReferenceKind<BitwiseKind::kXor>(context);
    case BitwiseKind::kShiftLeft:
      return ReferenceKind<BitwiseKind::kShiftLeft>(context);
    default:
      return ReferenceKind<BitwiseKind::kShiftRight>(context);
  }
}

}  // namespace

constinit const OpDefinition kBitwiseDefinition = {
    .name = "Bitwise",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = kOpElementwise | kOpCheap,
    .attributes = AttributeInfoOf<BitwiseAttributes>(),
    .infer = InferBitwise,
    .reference = ReferenceBitwise,
};

}  // namespace mace::ops
