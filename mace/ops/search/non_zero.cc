#include "mace/ops/common.h"
#include "mace/ops/movement/element_size.h"
#include "mace/ops/search/selection.h"

namespace mace::ops {

namespace {

Status InferNonZero(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  context.SetOutput(0, DType::kI64, {context.input(0).shape.rank, kUnknownDim});
  return Status::Ok();
}

// What is left of an element's bits without the sign of a float: its zero has two.
uint64_t SignificantBits(DType dtype) {
  return IsFloat(dtype) ? (uint64_t{1} << (BitsOf(dtype) - 1)) - 1 : ~uint64_t{0};
}

Status EvaluateNonZero(const DynamicContext& context) {
  const TensorView& x = context.inputs[0];
  const uint64_t mask = SignificantBits(x.dtype);
  return DispatchElementSize(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* elements = x.as<T>();
    const int64_t total = x.elements();
    int64_t count = 0;
    for (int64_t i = 0; i < total; ++i) count += (elements[i] & mask) != 0;
    MACE_ASSIGN_OR_RETURN(const TensorView y,
                          context.outputs->Allocate(0, DType::kI64, {x.shape.rank, count}));
    auto* places = static_cast<int64_t*>(y.data);
    int64_t index[kMaxRank] = {};
    int64_t found = 0;
    for (int64_t i = 0; i < total; ++i) {
      if ((elements[i] & mask) != 0) {
        for (int axis = 0; axis < x.shape.rank; ++axis) places[axis * count + found] = index[axis];
        ++found;
      }
      for (int axis = x.shape.rank - 1; axis >= 0 && ++index[axis] == x.shape[axis]; --axis) index[axis] = 0;
    }
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kNonZeroDefinition = {
    .name = "NonZero",
    .flags = kOpNarrowFloats,
    .infer = InferNonZero,
    .evaluate = EvaluateNonZero,
};

}  // namespace mace::ops
