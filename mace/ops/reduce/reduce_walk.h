// What the reductions of numbers and of quantized values share.
#ifndef MACE_OPS_REDUCE_REDUCE_WALK_H_
#define MACE_OPS_REDUCE_REDUCE_WALK_H_

#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"
#include "mace/ops/reduce/reduce.h"

namespace mace::ops {

// The input offsets of the elements that one result is made of.
class ReducedElements {
 public:
  ReducedElements(const Shape& shape, const int64_t* strides, int64_t first)
      : shape_(shape), strides_(strides), first_(first) {}
  template <typename Visit>
  void ForEach(const Visit& visit) const {
    for (StridedWalk<1> walk(shape_, {strides_}); !walk.done(); walk.Next()) visit(first_ + walk.offset(0));
  }

 private:
  const Shape& shape_;
  const int64_t* strides_;
  int64_t first_;
};

// Calls reduce(index of the result, ReducedElements) for each result in order.
template <typename Reduce>
Status ForEachReduction(const ReferenceContext& context, const Reduce& reduce) {
  const Shape& x = context.inputs[0].shape;
  if (context.outputs[0].elements() == 0) return Status::Ok();
  bool reduced[kMaxRank];
  MACE_RETURN_IF_ERROR(ReducedAxes(context.attributes<ReduceAttributes>(),
                                   context.has_input(1) ? &context.inputs[1] : nullptr, x.rank, reduced));
  // Two walks over x: the outer one over the kept axes, the inner one over the reduced ones.
  int64_t x_strides[kMaxRank], kept_strides[kMaxRank], reduced_strides[kMaxRank];
  ContiguousStrides(x, x_strides);
  Shape kept, inner;
  for (int axis = 0; axis < x.rank; ++axis) {
    (reduced[axis] ? reduced_strides[inner.rank] : kept_strides[kept.rank]) = x_strides[axis];
    (reduced[axis] ? inner : kept).Push(x[axis]);
  }
  int64_t result = 0;
  for (StridedWalk<1> outer(kept, {kept_strides}); !outer.done(); outer.Next()) {
    reduce(result++, ReducedElements(inner, reduced_strides, outer.offset(0)));
  }
  return Status::Ok();
}

}  // namespace mace::ops

#endif  // MACE_OPS_REDUCE_REDUCE_WALK_H_
