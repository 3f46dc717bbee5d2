// GridSample: x [N, spatial..., C] (1 to 3 spatial axes), grid f32 or f64 [N, out..., axes] -> [N, out..., C]:
// x at the places that the grid names, the last spatial axis first, -1 to 1 across x: between the middles of
// the outermost elements with align_corners, else between their outer sides. kLinear and kCubic are means in
// double (of integers cut off towards zero and saturated); what lies outside of x is 0, the nearest edge, or
// mirrored, as ONNX defines it. A coordinate that is no number, or beyond 2^30 elements, lies outside with
// kZeros and at element 0 with the others.
//
// AffineGrid: theta f32 or f64 [N, axes, axes + 1], int64 size [N, C, spatial...] (2 or 3 axes) -> the grid [N,
// spatial..., axes] that the affine map theta makes of GridSample's identity.
#ifndef MACE_OPS_VISION_GRID_SAMPLE_H_
#define MACE_OPS_VISION_GRID_SAMPLE_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/nd_window.h"

namespace mace::ops {

enum class SampleMode : int32_t { kNearest = 0, kLinear = 1, kCubic = 2, kCount = 3 };
enum class SamplePadding : int32_t { kZeros = 0, kBorder = 1, kReflection = 2, kCount = 3 };

struct GridSampleAttributes {
  SampleMode mode = SampleMode::kLinear;
  SamplePadding padding = SamplePadding::kZeros;
  bool align_corners = false;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, GridSampleAttributes, mode), MACE_FIELD(2, GridSampleAttributes, padding),
                      MACE_FIELD(3, GridSampleAttributes, align_corners)};
  }
};
extern const OpDefinition kGridSampleDefinition;

struct AffineGridAttributes {
  bool align_corners = false;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, AffineGridAttributes, align_corners)}; }
};
extern const OpDefinition kAffineGridDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_VISION_GRID_SAMPLE_H_
