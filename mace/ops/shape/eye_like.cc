#include <algorithm>
#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/movement/element_size.h"
#include "mace/ops/shape/range.h"

namespace mace::ops {

namespace {

Status InferEyeLike(InferContext& context) {
  const auto& attributes = context.attributes<EyeLikeAttributes>();
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 2));
  if (BytesOf(attributes.dtype) == 0) return Unsupported("a matrix of %s", NameOf(attributes.dtype));
  context.SetOutput(0, attributes.dtype, context.input(0).shape);
  return Status::Ok();
}

// The bits of a one.
uint64_t OneOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 0x3f800000;
    case DType::kF64:
      return 0x3ff0000000000000;
    case DType::kF16:
      return 0x3c00;
    case DType::kBF16:
      return 0x3f80;
    default:
      return 1;
  }
}

Status ReferenceEyeLike(const ReferenceContext& context) {
  const TensorView& output = context.outputs[0];
  if (output.elements() == 0) return Status::Ok();
  const int64_t rows = output.shape[0], columns = output.shape[1];
  const int64_t k = std::clamp<int64_t>(context.attributes<EyeLikeAttributes>().k, -rows, columns);
  std::memset(output.data, 0, static_cast<size_t>(output.bytes()));
  return DispatchElementSize(output.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* y = static_cast<T*>(output.data);
    for (int64_t row = std::max<int64_t>(0, -k); row < rows && row + k < columns; ++row) {
      y[row * columns + row + k] = static_cast<T>(OneOf(output.dtype));
    }
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kEyeLikeDefinition = {
    .name = "EyeLike",
    .flags = kOpShapeOnly | kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<EyeLikeAttributes>(),
    .infer = InferEyeLike,
    .reference = ReferenceEyeLike,
};

}  // namespace mace::ops
