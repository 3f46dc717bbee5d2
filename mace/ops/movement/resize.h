// The coordinate formulas of Resize, as ONNX states them, in binary32 as runtimes compute them: what the
// reference and the tables of the fast kernel both use, so that they cannot disagree at a boundary.
#ifndef MACE_OPS_MOVEMENT_RESIZE_H_
#define MACE_OPS_MOVEMENT_RESIZE_H_

#include "mace/ops/movement/movement.h"

namespace mace::ops {

// The size of an axis of `input` elements scaled by `scale`.
Status ResizedSize(int64_t input, float scale, int64_t* output);

// The scale that the coordinates of one axis use: `scales` where the operator has them, else output / input.
inline float ResizeScale(const float* scales, int axis, int64_t input, int64_t output) {
  return scales != nullptr ? scales[axis] : static_cast<float>(output) / static_cast<float>(input);
}

// The place in the input (may lie outside) that output element `index` looks at.
float ResizeCoordinate(CoordinateMode mode, int64_t index, float scale, int64_t input, int64_t output);

// The element that kNearest takes, inside the input.
int64_t ResizeNearest(NearestMode mode, float coordinate, int64_t input);

// The two neighbours that kLinear mixes, and the weight of the second one.
struct LinearTap {
  int64_t low;
  int64_t high;
  float weight;
};
LinearTap ResizeLinear(float coordinate, int64_t input);

}  // namespace mace::ops

#endif  // MACE_OPS_MOVEMENT_RESIZE_H_
