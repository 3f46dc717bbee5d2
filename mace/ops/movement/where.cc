#include <cstring>

#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"

namespace mace::ops {

namespace {

Status InferWhere(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kBool}));
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 1));
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, 2, 1));
  Shape shape;
  MACE_RETURN_IF_ERROR(BroadcastShapes(context.input(1).shape, context.input(2).shape, &shape));
  MACE_RETURN_IF_ERROR(BroadcastShapes(context.input(0).shape, shape, &shape));
  context.SetOutput(0, context.input(1).dtype, shape);
  return Status::Ok();
}

Status ReferenceWhere(const ReferenceContext& context) {
  const TensorView& output = context.outputs[0];
  int64_t strides[3][kMaxRank];
  for (int i = 0; i < 3; ++i) BroadcastStrides(context.inputs[i].shape, output.shape, strides[i]);
  const auto* condition = context.inputs[0].as<uint8_t>();
  const size_t size = BytesOf(output.dtype);
  auto* y = static_cast<uint8_t*>(output.data);
  StridedWalk<3> walk(output.shape, {strides[0], strides[1], strides[2]});
  for (; !walk.done(); walk.Next(), y += size) {
    const int chosen = condition[walk.offset(0)] != 0 ? 1 : 2;
    std::memcpy(y, context.inputs[chosen].as<uint8_t>() + walk.offset(chosen) * size, size);
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kWhereDefinition = {
    .name = "Where",
    .min_inputs = 3,
    .max_inputs = 3,
    .flags = kOpCheap | kOpNarrowFloats,
    .infer = InferWhere,
    .reference = ReferenceWhere,
};

}  // namespace mace::ops
