// Reduce of quantized values (u8, i8, i16), with the rounding kHalfEvenFloat.
#ifndef MACE_OPS_REDUCE_REDUCE_INTEGER_H_
#define MACE_OPS_REDUCE_REDUCE_INTEGER_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/reduce/reduce.h"

namespace mace::ops {

// Sum, mean, maximum and minimum of quantized values.
Status CheckQuantizedReduce(const InferContext& context, const ReduceAttributes& attributes);

// One result: the exact sum of distances to the zero point, or the outermost of them, times a factor in
// float32: x_scale / y_scale, of a mean x_scale / (y_scale * count).
class QuantizedAccumulator {
 public:
  QuantizedAccumulator(ReduceKind kind, const Quantization& x, const Quantization& y, DType to)
      : kind_(kind), x_(x), y_(y), to_(to) {}

  void Add(int32_t stored) {
    const int64_t distance = static_cast<int64_t>(stored) - x_.zero_points[0];
    ++count_;
    if (kind_ == ReduceKind::kMax || kind_ == ReduceKind::kMin) {
      const bool better = kind_ == ReduceKind::kMax ? distance > sum_ : distance < sum_;
      if (count_ == 1 || better) sum_ = distance;
    } else {
      sum_ += distance;
    }
  }
  // Of no elements the zero point.
  int32_t Result() const;

 private:
  ReduceKind kind_;
  const Quantization& x_;
  const Quantization& y_;
  DType to_;
  int64_t sum_ = 0;
  int64_t count_ = 0;
};

}  // namespace mace::ops

#endif  // MACE_OPS_REDUCE_REDUCE_INTEGER_H_
