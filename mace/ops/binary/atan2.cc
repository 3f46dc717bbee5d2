// Atan2: the angle of a point.
#include <cmath>

#include "mace/ops/binary/binary_bits.h"
#include "mace/ops/broadcast.h"
#include "mace/ops/element_pairs.h"
#include "mace/ops/number_types.h"

namespace mace::ops {
namespace {

struct AngleFunction {
  template <typename T>
  T operator()(T y, T x) const {
    return static_cast<T>(std::atan2(static_cast<double>(y), static_cast<double>(x)));
  }
};

Status InferAtan2(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectComputedFloat(context, 0));
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, 1, 0));
  Shape shape;
  MACE_RETURN_IF_ERROR(BroadcastShapes(context.input(0).shape, context.input(1).shape, &shape));
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceAtan2(const ReferenceContext& context) {
  return DispatchFloat(context.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    MapPairs<AngleFunction, T, T, T>(context);
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kAtan2Definition = {
    .name = "Atan2",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = kOpElementwise | kOpCheap,
    .infer = InferAtan2,
    .reference = ReferenceAtan2,
};

}  // namespace mace::ops
