#include <algorithm>
#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/movement/rearrange.h"

namespace mace::ops {

namespace {

Status InferTrilu(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  const Shape& x = context.input(0).shape;
  if (x.rank < 2) return InvalidArgument("%s is no matrix", ShapeText(x).text);
  if (context.has_input(1)) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
    const Shape& k = context.input(1).shape;
    if (k.rank > 1 || (k.rank == 1 && k[0] >= 0 && k[0] != 1)) {
      return InvalidArgument("k has the shape %s, expected a scalar", ShapeText(k).text);
    }
  }
  context.SetOutput(0, context.input(0).dtype, x);
  return Status::Ok();
}

Status ReferenceTrilu(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  if (x.elements() == 0) return Status::Ok();
  const int rank = x.shape.rank;
  const int64_t rows = x.shape[rank - 2], columns = x.shape[rank - 1];
  // A diagonal outside of the matrix is as good as the one next to it.
  const int64_t k =
      context.has_input(1) ? std::clamp<int64_t>(ReadInt(context.inputs[1], 0), -rows, columns) : 0;
  const bool upper = context.attributes<TriluAttributes>().upper;
  const int64_t size = BytesOf(x.dtype);
  const auto* source = x.as<uint8_t>();
  auto* y = static_cast<uint8_t*>(context.outputs[0].data);
  for (int64_t matrix = x.shape.Product(0, rank - 2); matrix > 0; --matrix) {
    for (int64_t row = 0; row < rows; ++row, source += columns * size, y += columns * size) {
      const int64_t begin = upper ? std::clamp<int64_t>(row + k, 0, columns) : 0;
      const int64_t end = upper ? columns : std::clamp<int64_t>(row + k + 1, 0, columns);
      std::memset(y, 0, static_cast<size_t>(begin * size));
      std::memcpy(y + begin * size, source + begin * size, static_cast<size_t>((end - begin) * size));
      std::memset(y + end * size, 0, static_cast<size_t>((columns - end) * size));
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kTriluDefinition = {
    .name = "Trilu",
    .max_inputs = 2,
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<TriluAttributes>(),
    .infer = InferTrilu,
    .reference = ReferenceTrilu,
};

}  // namespace mace::ops
