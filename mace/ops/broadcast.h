// NumPy broadcasting: the shape rule, and iteration for reference kernels.
#ifndef MACE_OPS_BROADCAST_H_
#define MACE_OPS_BROADCAST_H_

#include "mace/core/shape.h"
#include "mace/core/status.h"

namespace mace::ops {

// BroadcastTogether (mace/core/broadcast.h), or an error that names both shapes.
Status BroadcastShapes(const Shape& a, const Shape& b, Shape* result);

// For concrete shapes: strides[i] is how far input moves (in elements) when output axis i grows by one; 0
// along broadcast axes. `input` must be broadcastable to `output`.
void BroadcastStrides(const Shape& input, const Shape& output, int64_t strides[kMaxRank]);

// Row-major strides in elements.
void ContiguousStrides(const Shape& shape, int64_t strides[kMaxRank]);

// Walks the elements of `shape` in row-major order and keeps `kInputs` offsets that move by the given
// strides:
//   for (StridedWalk<2> walk(shape, {a_strides, b_strides}); !walk.done(); walk.Next()) ... walk.offset(0)
template <int kInputs>
class StridedWalk {
 public:
  StridedWalk(const Shape& shape, const int64_t* const (&strides)[kInputs])
      : shape_(shape), remaining_(shape.ElementCount()) {
    for (int i = 0; i < kInputs; ++i) strides_[i] = strides[i];
  }
  bool done() const { return remaining_ <= 0; }
  int64_t offset(int input) const { return offsets_[input]; }
  int64_t index(int axis) const { return index_[axis]; }
  void Next() {
    --remaining_;
    for (int axis = shape_.rank - 1; axis >= 0; --axis) {
      for (int i = 0; i < kInputs; ++i) offsets_[i] += strides_[i][axis];
      if (++index_[axis] < shape_[axis]) return;
      for (int i = 0; i < kInputs; ++i) offsets_[i] -= strides_[i][axis] * shape_[axis];
      index_[axis] = 0;
    }
  }

 private:
  const Shape shape_;
  int64_t remaining_;
  int64_t index_[kMaxRank] = {};
  int64_t offsets_[kInputs] = {};
  const int64_t* strides_[kInputs];
};

}  // namespace mace::ops

#endif  // MACE_OPS_BROADCAST_H_
