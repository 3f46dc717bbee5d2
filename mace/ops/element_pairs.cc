#include "mace/ops/element_pairs.h"

#include "mace/ops/broadcast.h"

namespace mace::ops {

void WalkPairs(const ReferenceContext& context, PairFunction function) {
  const TensorView &a = context.inputs[0], &b = context.inputs[1], &y = context.outputs[0];
  int64_t a_strides[kMaxRank], b_strides[kMaxRank];
  BroadcastStrides(a.shape, y.shape, a_strides);
  BroadcastStrides(b.shape, y.shape, b_strides);
  const int a_bytes = BytesOf(a.dtype), b_bytes = BytesOf(b.dtype), y_bytes = BytesOf(y.dtype);
  auto* result = static_cast<uint8_t*>(y.data);
  for (StridedWalk<2> walk(y.shape, {a_strides, b_strides}); !walk.done(); walk.Next(), result += y_bytes) {
    function(a.as<uint8_t>() + walk.offset(0) * a_bytes, b.as<uint8_t>() + walk.offset(1) * b_bytes, result);
  }
}

}  // namespace mace::ops
