// Which scale belongs to which element: per tensor, per channel or per block.
#ifndef MACE_OPS_QUANTIZE_SCALE_INDEX_H_
#define MACE_OPS_QUANTIZE_SCALE_INDEX_H_

#include <cstdint>

#include "mace/core/shape.h"
#include "mace/core/status.h"
#include "mace/graph/graph.h"

namespace mace::ops {

class ScaleIndex {
 public:
  // Fails where the number of scales does not fit the concrete `shape`.
  static Status Make(const Quantization& quantization, const Shape& shape, ScaleIndex* index) {
    const auto count = static_cast<int64_t>(quantization.scales.size());
    *index = ScaleIndex();
    if (count == 1 && quantization.block_size == 0) return Status::Ok();
    int axis = 0;
    if (!NormalizeAxis(quantization.axis, shape.rank, &axis)) {
      return InvalidArgument("the quantization's axis %d is outside of rank %d", quantization.axis,
                             shape.rank);
    }
    index->axis_size_ = shape[axis];
    index->inner_ = shape.Product(axis + 1, shape.rank);
    index->block_ = quantization.block_size > 0 ? quantization.block_size : 1;
    index->blocked_ = quantization.block_size > 0;
    index->blocks_ = (index->axis_size_ + index->block_ - 1) / index->block_;
    const int64_t expected =
        index->blocked_ ? shape.Product(0, axis) * index->blocks_ * index->inner_ : index->axis_size_;
    if (count != expected) {
      return InvalidArgument("%lld scales, expected %lld for shape %s", static_cast<long long>(count),
                             static_cast<long long>(expected), ShapeText(shape).text);
    }
    return Status::Ok();
  }

  size_t operator()(int64_t element) const {
    if (inner_ == 0) return 0;  // per tensor
    const int64_t along = element / inner_ % axis_size_;
    if (!blocked_) return static_cast<size_t>(along);
    const int64_t outer = element / inner_ / axis_size_;
    return static_cast<size_t>((outer * blocks_ + along / block_) * inner_ + element % inner_);
  }

 private:
  int64_t axis_size_ = 0;
  int64_t inner_ = 0;  // 0: one scale for all (or no elements)
  int64_t block_ = 1;
  int64_t blocks_ = 0;
  bool blocked_ = false;
};

}  // namespace mace::ops

#endif  // MACE_OPS_QUANTIZE_SCALE_INDEX_H_
