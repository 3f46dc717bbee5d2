#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"

namespace mace::ops {

namespace {

Status InferDepthToSpace(InferContext& context) {
  const int64_t block = context.attributes<DepthToSpaceAttributes>().block_size;
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 4));
  if (block < 1 || block > INT64_C(0x7fff)) {
    return InvalidArgument("block_size is %lld", static_cast<long long>(block));
  }
  const Shape& x = context.input(0).shape;
  Shape shape = x;
  for (int axis = 1; axis <= 2; ++axis) {
    if (block > 1) MACE_RETURN_IF_ERROR(MultiplyDims(x[axis], block, &shape[axis]));
  }
  if (x[3] >= 0) {
    if (x[3] % (block * block) != 0) {
      return InvalidArgument("%lld channels in blocks of %lld x %lld", static_cast<long long>(x[3]),
                             static_cast<long long>(block), static_cast<long long>(block));
    }
    shape[3] = x[3] / (block * block);
  } else if (block > 1) {
    shape[3] = kUnknownDim;
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceDepthToSpace(const ReferenceContext& context) {
  const auto& attributes = context.attributes<DepthToSpaceAttributes>();
  const TensorView& output = context.outputs[0];
  if (output.elements() == 0) return Status::Ok();
  const Shape& x = context.inputs[0].shape;
  const int64_t block = attributes.block_size;
  const int64_t channels = output.shape[3];
  const size_t size = BytesOf(output.dtype);
  auto* y = static_cast<uint8_t*>(output.data);
  for (int64_t batch = 0; batch < output.shape[0]; ++batch) {
    for (int64_t row = 0; row < output.shape[1]; ++row) {
      for (int64_t column = 0; column < output.shape[2]; ++column) {
        const int64_t place = (row % block) * block + column % block;
        const int64_t pixel = (batch * x[1] + row / block) * x[2] + column / block;
        for (int64_t c = 0; c < channels; ++c, y += size) {
          const int64_t source = attributes.mode == DepthToSpaceMode::kDepthColumnRow
                                     ? place * channels + c
                                     : c * block * block + place;
          std::memcpy(y, context.inputs[0].as<uint8_t>() + (pixel * x[3] + source) * size, size);
        }
      }
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kDepthToSpaceDefinition = {
    .name = "DepthToSpace",
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<DepthToSpaceAttributes>(),
    .infer = InferDepthToSpace,
    .reference = ReferenceDepthToSpace,
};

}  // namespace mace::ops
