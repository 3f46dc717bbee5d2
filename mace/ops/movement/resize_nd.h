// ResizeNd: x of any rank; optional f32 region [2 * axes] (begins, then ends, in units of the input's size),
// optional f32 scales [axes], optional int64 sizes [axes]; exactly one of scales and sizes. (Resize is the
// form with fast kernels: importers make it where they can.) As ONNX defines it, axis by axis:
//   kNearest: one element, by nearest_mode.
//   kLinear, kCubic: weighted means of 2 or 4 neighbours, in double; of integers cut off towards zero and
//     saturated. Neighbours outside repeat the edge, or, with exclude_outside, do not count. `antialias`
//     widens the filter where an axis shrinks.
// Output size: floor(in * scale), or the size; with kNotLarger (kNotSmaller) one scale for all axes that
// makes none larger (smaller) than its size, and round(in * scale). With kTfCropAndResize, what lies outside
// of the input is `extrapolation_value`.
#ifndef MACE_OPS_MOVEMENT_RESIZE_ND_H_
#define MACE_OPS_MOVEMENT_RESIZE_ND_H_

#include "mace/ops/movement/movement.h"

namespace mace::ops {

enum class ResizeNdMode : int32_t { kNearest = 0, kLinear = 1, kCubic = 2, kCount = 3 };
enum class AspectRatio : int32_t { kStretch = 0, kNotLarger = 1, kNotSmaller = 2, kCount = 3 };

struct ResizeNdAttributes {
  ResizeNdMode mode = ResizeNdMode::kNearest;
  CoordinateMode coordinate_mode = CoordinateMode::kHalfPixel;
  NearestMode nearest_mode = NearestMode::kRoundPreferFloor;
  AspectRatio aspect_ratio = AspectRatio::kStretch;
  bool antialias = false;
  bool exclude_outside = false;
  float cubic_coefficient = -0.75f;
  float extrapolation_value = 0;
  IntList axes;  // which the operands speak of, different; from the end where negative; empty: all

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ResizeNdAttributes, mode),
                      MACE_FIELD(2, ResizeNdAttributes, coordinate_mode),
                      MACE_FIELD(3, ResizeNdAttributes, nearest_mode),
                      MACE_FIELD(4, ResizeNdAttributes, aspect_ratio),
                      MACE_FIELD(5, ResizeNdAttributes, antialias),
                      MACE_FIELD(6, ResizeNdAttributes, exclude_outside),
                      MACE_FIELD(7, ResizeNdAttributes, cubic_coefficient),
                      MACE_FIELD(8, ResizeNdAttributes, extrapolation_value),
                      MACE_FIELD(9, ResizeNdAttributes, axes)};
  }
};
extern const OpDefinition kResizeNdDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_MOVEMENT_RESIZE_ND_H_
