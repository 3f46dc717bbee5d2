// Which input elements an output element of Resize is made of: what the reference and the tables of the fast
// kernels both use, so that they cannot disagree at a boundary. All in binary32, as runtimes compute it. With
// Rounding::kHalfEvenFloat the formulas are those that ONNX states, with the other two those of TensorFlow
// Lite, which multiplies by input / output where ONNX divides by output / input.
#ifndef MACE_OPS_MOVEMENT_RESIZE_H_
#define MACE_OPS_MOVEMENT_RESIZE_H_

#include "mace/ops/movement/movement.h"

namespace mace::ops {

// The size of an axis of `input` elements scaled by `scale`.
Status ResizedSize(int64_t input, float scale, int64_t* output);

// The two neighbours that kLinear mixes, and the weight of the second one: 0 where both are the same.
struct LinearTap {
  int64_t low;
  int64_t high;
  float weight;
};

// The same for integers in TensorFlow Lite's fixed point: the weight has 10 bits behind the point.
struct FixedTap {
  int64_t low;
  int64_t high;
  int64_t weight;
};
inline constexpr int64_t kFixedTapOne = 1 << 10;

// One axis. Its sizes are at least 1.
class ResizeAxis {
 public:
  // `scales`: height, width (`axis` 0, 1) where the operator has them, else null. `region`: begin and end of
  // kTfCropAndResize in units of the input's size; null: all of it.
  ResizeAxis(const ResizeAttributes& attributes, const float* scales, int axis, int64_t input, int64_t output,
             const float* region = nullptr);

  // The element that kNearest takes for output element `index`.
  int64_t Nearest(int64_t index) const;
  LinearTap Linear(int64_t index) const;
  // TensorFlow Lite only. Its kernel for u8 does not clamp: at an edge, where both neighbours are the same,
  // the weight may be anything between -0.5 and 1, which the roundings of the sum can tell.
  LinearTap UnclampedLinear(int64_t index) const;
  FixedTap Fixed(int64_t index) const;
  float Place(int64_t index) const;  // may lie outside of the input
  float scale() const { return scale_; }

 private:

  ResizeAttributes attributes_;
  bool is_tflite_;
  int64_t input_;
  int64_t output_;
  float scale_;
  float length_;  // of the output, before it was rounded to whole elements
  float region_begin_ = 0;
  float region_end_ = 1;
};

}  // namespace mace::ops

#endif  // MACE_OPS_MOVEMENT_RESIZE_H_
