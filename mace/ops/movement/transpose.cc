#include <cstring>

#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/element_size.h"
#include "mace/ops/movement/movement.h"

namespace mace::ops {

namespace {

Status ResolvePermutation(const IntList& listed, int rank, int perm[kMaxRank]) {
  if (listed.empty()) {
    for (int i = 0; i < rank; ++i) perm[i] = rank - 1 - i;
    return Status::Ok();
  }
  if (listed.size() != rank) {
    return InvalidArgument("perm has %d entries for a tensor of rank %d", listed.size(), rank);
  }
  bool seen[kMaxRank] = {};
  for (int i = 0; i < rank; ++i) {
    // No negative axes, as in ONNX and TensorFlow Lite: everybody may use the list as it stands.
    if (listed[i] < 0 || listed[i] >= rank) {
      return InvalidArgument("perm names axis %lld of %d", static_cast<long long>(listed[i]), rank);
    }
    perm[i] = static_cast<int>(listed[i]);
    if (seen[perm[i]]) return InvalidArgument("perm names axis %d twice", perm[i]);
    seen[perm[i]] = true;
  }
  return Status::Ok();
}

Status InferTranspose(InferContext& context) {
  const Shape& x = context.input(0).shape;
  int perm[kMaxRank] = {};
  MACE_RETURN_IF_ERROR(ResolvePermutation(context.attributes<TransposeAttributes>().perm, x.rank, perm));
  Shape shape;
  for (int i = 0; i < x.rank; ++i) shape.Push(x[perm[i]]);
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceTranspose(const ReferenceContext& context) {
  const Shape& x = context.inputs[0].shape;
  int perm[kMaxRank] = {};
  MACE_RETURN_IF_ERROR(ResolvePermutation(context.attributes<TransposeAttributes>().perm, x.rank, perm));
  int64_t x_strides[kMaxRank], strides[kMaxRank] = {};
  ContiguousStrides(x, x_strides);
  for (int i = 0; i < x.rank; ++i) strides[i] = x_strides[perm[i]];
  const TensorView& output = context.outputs[0];
  StridedWalk<1> walk(output.shape, {strides});
  if (IsSubByte(output.dtype)) {
    const int bits = BitsOf(output.dtype);
    auto* y = static_cast<uint8_t*>(output.data);
    if (output.elements() > 0) std::memset(y, 0, static_cast<size_t>(output.bytes()));
    for (int64_t i = 0; !walk.done(); walk.Next(), ++i) {
      StorePacked(y, bits, i, LoadPacked(context.inputs[0].as<uint8_t>(), bits, walk.offset(0)));
    }
    return Status::Ok();
  }
  return DispatchElementSize(output.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x_elements = context.inputs[0].as<T>();
    T* y = static_cast<T*>(output.data);
    for (; !walk.done(); walk.Next()) *y++ = x_elements[walk.offset(0)];
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kTransposeDefinition = {
    .name = "Transpose",
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<TransposeAttributes>(),
    .infer = InferTranspose,
    .reference = ReferenceTranspose,
};

}  // namespace mace::ops
