#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/movement/rearrange.h"

namespace mace::ops {

namespace {

Status InferSpaceToDepth(InferContext& context) {
  const int64_t block = context.attributes<DepthToSpaceAttributes>().block_size;
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 4));
  if (block < 1 || block > INT64_C(0x7fff)) {
    return InvalidArgument("block_size is %lld", static_cast<long long>(block));
  }
  const Shape& x = context.input(0).shape;
  Shape shape = x;
  for (int axis = 1; axis <= 2 && block > 1; ++axis) {
    if (x[axis] >= 0 && x[axis] % block != 0) {
      return InvalidArgument("blocks of %lld of an axis of %lld", static_cast<long long>(block),
                             static_cast<long long>(x[axis]));
    }
    shape[axis] = x[axis] >= 0 ? x[axis] / block : kUnknownDim;
  }
  if (block > 1) MACE_RETURN_IF_ERROR(MultiplyDims(x[3], block * block, &shape[3]));
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceSpaceToDepth(const ReferenceContext& context) {
  const auto& attributes = context.attributes<DepthToSpaceAttributes>();
  const TensorView& output = context.outputs[0];
  if (output.elements() == 0) return Status::Ok();
  const Shape& x = context.inputs[0].shape;
  const int64_t block = attributes.block_size, places = block * block;
  const auto size = static_cast<size_t>(BytesOf(output.dtype));
  auto* y = static_cast<uint8_t*>(output.data);
  for (int64_t batch = 0; batch < output.shape[0]; ++batch) {
    for (int64_t row = 0; row < output.shape[1]; ++row) {
      for (int64_t column = 0; column < output.shape[2]; ++column) {
        for (int64_t channel = 0; channel < output.shape[3]; ++channel, y += size) {
          const bool depth_first = attributes.mode == DepthToSpaceMode::kDepthColumnRow;
          const int64_t place = depth_first ? channel / x[3] : channel % places;
          const int64_t source = depth_first ? channel % x[3] : channel / places;
          const int64_t pixel =
              (batch * x[1] + row * block + place / block) * x[2] + column * block + place % block;
          std::memcpy(y, context.inputs[0].as<uint8_t>() + (pixel * x[3] + source) * size, size);
        }
      }
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kSpaceToDepthDefinition = {
    .name = "SpaceToDepth",
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<DepthToSpaceAttributes>(),
    .infer = InferSpaceToDepth,
    .reference = ReferenceSpaceToDepth,
};

}  // namespace mace::ops
